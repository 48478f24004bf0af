"""Questions of the media server's auth hook. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID


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


LIVE_PROTOCOLS = frozenset({"hls", "webrtc"})
"""Protocols that a person's browser speaks; everything else is a machine with a credential of its own."""
