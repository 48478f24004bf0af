"""Ports in memory, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from gtvision.ids import new_id
from streaming.live.domain import View


@dataclass
class FakeViews:
    """Viewers' sessions that a test opens."""

    open: dict[UUID, View] = field(default_factory=dict)

    def watch(self, path: str, ticket: str, protocol: str = "webrtc") -> UUID:
        """Opens a session, as the media server does for a ticket that the hook admitted."""
        view = View(protocol, new_id(), path, ticket)
        self.open[view.session] = view
        return view.session

    async def views(self) -> list[View]:
        return list(self.open.values())

    async def end(self, view: View) -> None:
        self.open.pop(view.session, None)
