"""A group of cameras, which has a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, NotFound
from gtvision.tenancy import Caller


class GroupNameTaken(Conflict):
    """There is a group of that name."""

    code = "name_taken"


@dataclass(frozen=True, slots=True)
class Group:
    """A named group of one tenant. A camera may also carry the id of a group that has no name."""

    id: UUID
    tenant_id: UUID
    name: str
    created_at: datetime

    @property
    def name_key(self) -> str:
        """The name as it is compared and sorted: without case."""
        return self.name.casefold()


def check_may_change(caller: Caller, group_id: UUID | None = None) -> None:
    """A caller who is limited to groups changes none of them, and the others do not exist. Raises: NotFound, Forbidden."""
    if caller.camera_groups is None:
        return
    if group_id is not None and group_id not in caller.camera_groups:
        raise NotFound
    raise Forbidden("An account that is limited to groups of cameras changes none.")
