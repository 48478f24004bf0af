"""Events in: users who may not act any more, and cities that leave."""

from __future__ import annotations

from alerts.browsers.usecases import Browsers
from chassis.bus import Bus
from gtvision.events import Event, TenantRemoved, UserDisabled, UserRightsChanged


class BrowserEvents:
    """What `identity` says of people and cities."""

    def __init__(self, browsers: Browsers) -> None:
        self._browsers = browsers

    def subscribe(self, bus: Bus) -> None:
        """Binds the handlers to their queues."""
        bus.subscribe(UserDisabled, self.on_user_disabled)
        bus.subscribe(UserRightsChanged, self.on_user_rights_changed)
        bus.subscribe(TenantRemoved, self.on_tenant_removed, name="browsers_tenant_removed")

    async def on_user_disabled(self, event: Event[UserDisabled]) -> None:
        """Their browsers are told of nothing any more."""
        await self._browsers.forget_user("user_disabled", event)

    async def on_user_rights_changed(self, event: Event[UserRightsChanged]) -> None:
        """Their browsers are told of nothing until they sign in again, with the rights of then."""
        await self._browsers.forget_user("user_rights_changed", event)

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """The city's browsers are told of nothing any more."""
        await self._browsers.forget_city("browsers_tenant_removed", event)
