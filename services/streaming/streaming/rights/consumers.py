"""Events in: whose rights have ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from chassis.bus import Bus
from gtvision.events import Event, SessionRevoked, UserDisabled, UserRightsChanged
from streaming.rights.usecases import Rights


class RightsEvents:
    """Revoked logins come by `chassis.auth` too, for as long as their tokens last; what they opened lasts longer."""

    def __init__(self, rights: Rights, end_views: Callable[[UUID, datetime], Awaitable[None]]) -> None:
        """`end_views` ends the live views that a user opened before an instant."""
        self._rights, self._end_views = rights, end_views

    def subscribe(self, bus: Bus) -> None:
        """Binds the handlers to their queues."""
        bus.subscribe(SessionRevoked, self.on_session_revoked)
        bus.subscribe(UserDisabled, self.on_user_changed)
        bus.subscribe(UserRightsChanged, self.on_user_changed)

    async def on_session_revoked(self, event: Event[SessionRevoked]) -> None:
        await self._rights.end(event.tenant_id, event.data.session_id, event.occurred_at)

    async def on_user_changed(self, event: Event[UserDisabled] | Event[UserRightsChanged]) -> None:
        await self._rights.end(event.tenant_id, event.data.user_id, event.occurred_at)
        await self._end_views(event.data.user_id, event.occurred_at)
