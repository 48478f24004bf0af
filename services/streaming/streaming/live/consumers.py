"""Events in: who may not watch any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from chassis.bus import Bus
from gtvision.events import Event, UserDisabled
from streaming.live.usecases import Viewers


class ViewerEvents:
    """Revoked sessions come by `chassis.auth`; a disabled user's views may have outlived the session that opened them."""

    def __init__(self, viewers: Viewers, end_playback: Callable[[UUID, UUID], Awaitable[None]]) -> None:
        """`end_playback` ends what a tenant's user sees of recordings."""
        self._viewers, self._end_playback = viewers, end_playback

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(UserDisabled, self.on_user_disabled)

    async def on_user_disabled(self, event: Event[UserDisabled]) -> None:
        await self._end_playback(event.tenant_id, event.data.user_id)
        await self._viewers.end_user(event.data.user_id)
