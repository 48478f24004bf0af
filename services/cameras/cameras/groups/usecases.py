"""What is done with groups of cameras: named, listed with how many cameras each has, and dissolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from cameras.groups.domain import Group, check_may_change
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from cameras.cameras.usecases.cameras import Cameras
    from cameras.groups.repository import PostgresGroups


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of the caller's tenant, each with its number of cameras. A caller who is limited to groups sees these only."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresGroups]
    cameras: Cameras
    clock: Clock

    async def create_group(self, caller: Caller, name: str, once: Once | None = None) -> tuple[Group, int]:
        """Raises: GroupNameTaken, Forbidden, IdempotencyKeyReused, Gone."""
        check_may_change(caller)
        group = Group(new_id(), caller.tenant_id, name, self.clock.now())
        async with self.uow(caller.tenant_id) as uow:
            groups = self.repository(uow)
            earlier = await claim(uow, caller, once, group.id, group.created_at)
            if earlier is None:
                await groups.add(group)
                record(uow, Action.GROUP_CREATED, caller, _audit(group))
                return group, 0
            made = await groups.get(earlier)
            if made is None:
                raise Gone
            return made, (await self.cameras.count_by_group(uow)).get(made.id, 0)

    async def list_groups(self, caller: Caller, after: str | None, limit: int) -> list[tuple[Group, int]]:
        """Returns groups in order of name. `after` is the `name_key` of the last one before."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).page(caller.camera_groups, after, limit)
            counts = await self.cameras.count_by_group(uow)
        return [(group, counts.get(group.id, 0)) for group in found]

    async def rename_group(self, caller: Caller, group_id: UUID, name: str) -> tuple[Group, int]:
        """Raises: NotFound, GroupNameTaken, Forbidden."""
        check_may_change(caller, group_id)
        async with self.uow(caller.tenant_id) as uow:
            groups = self.repository(uow)
            group = await _existing(groups, group_id)
            renamed = replace(group, name=name)
            if renamed != group:
                await groups.save(renamed)
                record(uow, Action.GROUP_CHANGED, caller, _audit(renamed, before=group.name))
            return renamed, (await self.cameras.count_by_group(uow)).get(group_id, 0)

    async def remove_group(self, caller: Caller, group_id: UUID) -> None:
        """Removes the group and takes its cameras out of it. Raises: NotFound, Forbidden."""
        check_may_change(caller, group_id)
        async with self.uow(caller.tenant_id) as uow:
            groups = self.repository(uow)
            group = await _existing(groups, group_id)
            await groups.delete(group_id)
            left = await self.cameras.leave_group(uow, caller, group_id)
            record(uow, Action.GROUP_REMOVED, caller, _audit(group, cameras=left))

    async def remove_groups_of_city(self, tenant_id: UUID) -> None:
        """Removes every group of a city that left, whose cameras are removed already."""
        async with self.uow(tenant_id) as uow:
            for group in await self.repository(uow).delete_all():
                record(uow, Action.GROUP_REMOVED, None, _audit(group))


async def _existing(groups: PostgresGroups, group_id: UUID) -> Group:
    group = await groups.get(group_id, lock=True)
    if group is None:
        raise NotFound
    return group


def _audit(group: Group, **details: object) -> AuditEntry:
    return AuditEntry("group", group.id, details={"name": group.name, **details})
