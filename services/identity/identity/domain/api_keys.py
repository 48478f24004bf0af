"""Programs' way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gtvision.tenancy import Role


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's way in. Only the hash of the key is kept."""

    id: UUID
    tenant_id: UUID
    name: str
    role: Role
    key_hash: str
    created_at: datetime
    camera_groups: frozenset[UUID] | None = None
    revoked_at: datetime | None = None
