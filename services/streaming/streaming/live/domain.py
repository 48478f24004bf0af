"""Questions of the media server's auth hook, and viewers' sessions. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from gtvision.errors import NotFound


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One question of the media server's auth hook. `session` is None where it asks outside a session (a page, an OPTIONS)."""

    action: str
    path: str
    protocol: str
    user: str
    password: str = field(repr=False)
    ticket: str = field(repr=False)
    session: UUID | None
    address: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A viewer's session on the media server. The ticket that opened it says whose it is."""

    protocol: str
    session: UUID
    path: str
    ticket: str = field(repr=False)


LIVE_PROTOCOLS = frozenset({"hls", "webrtc"})
"""Protocols that a person's browser speaks; everything else is a machine with a credential of its own."""


class CameraOff(NotFound):
    """The camera is switched off or was removed."""
