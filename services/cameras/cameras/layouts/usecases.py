"""What a user does with layouts. It is a preference of theirs, so it is not on the audit record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from cameras.layouts.domain import MOST_LAYOUTS, Arrangement, Layout, TooManyLayouts
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from gtvision.errors import NotFound
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from cameras.layouts.repository import PostgresLayouts


@dataclass(frozen=True, slots=True)
class Layouts:
    """The caller's own layouts. Those of other users do not exist."""

    uow: UowFactory
    repository: Callable[[UnitOfWork, UUID | None], PostgresLayouts]
    clock: Clock

    async def list_layouts(self, caller: Caller) -> list[Layout]:
        """Returns all, in order of name."""
        async with self.uow(caller.tenant_id) as uow:
            return await self.repository(uow, caller.user_id).by_name()

    async def create_layout(self, caller: Caller, arrangement: Arrangement, once: Once | None = None) -> Layout:
        """Raises: TooManyLayouts, IdempotencyKeyReused, Gone."""
        now = self.clock.now()
        layout = Layout(new_id(), caller.tenant_id, caller.user_id, arrangement, now, now)
        async with self.uow(caller.tenant_id) as uow:
            layouts = self.repository(uow, caller.user_id)
            earlier = await claim(uow, caller, once, layout.id, now)
            if earlier is not None:
                made = await layouts.get(earlier)
                if made is None:
                    raise Gone
                return made
            if await layouts.count() >= MOST_LAYOUTS:
                raise TooManyLayouts
            await layouts.add(layout)
        return layout

    async def replace_layout(self, caller: Caller, layout_id: UUID, arrangement: Arrangement) -> Layout:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            layouts = self.repository(uow, caller.user_id)
            layout = await layouts.get(layout_id, lock=True)
            if layout is None:
                raise NotFound
            changed = replace(layout, arrangement=arrangement, updated_at=self.clock.now())
            await layouts.save(changed)
        return changed

    async def remove_layout(self, caller: Caller, layout_id: UUID) -> None:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            if not await self.repository(uow, caller.user_id).delete(layout_id):
                raise NotFound

    async def remove_layouts_of_city(self, tenant_id: UUID) -> None:
        """Removes the layouts of everybody of a city that left."""
        async with self.uow(tenant_id) as uow:
            await self.repository(uow, None).delete_all()
