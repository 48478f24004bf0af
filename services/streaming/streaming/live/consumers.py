"""Events in: who may not watch any more."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import Event, UserDisabled
from streaming.live.usecases import Viewers


class ViewerEvents:
    """Revoked sessions come by `chassis.auth`; a disabled user's views may have outlived the session that opened them."""

    def __init__(self, viewers: Viewers) -> None:
        self._viewers = viewers

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(UserDisabled, self.on_user_disabled)

    async def on_user_disabled(self, event: Event[UserDisabled]) -> None:
        await self._viewers.end_user(event.data.user_id)
