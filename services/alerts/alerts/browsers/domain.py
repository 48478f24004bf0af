"""Browsers that are told of alerts. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser of a user, as the Push API describes it. `groups` are those whose cameras it is told of; None: every camera."""

    tenant_id: UUID
    user_id: UUID
    endpoint: str
    p256dh: str
    auth: str
    created_at: datetime
    groups: frozenset[UUID] | None = None

    def may_see(self, camera_groups: frozenset[UUID] | None) -> bool:
        """Whether its user may see a camera of these groups; None: what is no camera's is everybody's."""
        return self.groups is None or camera_groups is None or not self.groups.isdisjoint(camera_groups)
