"""City halls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Tenant:
    """A city hall."""

    id: UUID
    name: str
    revision: int
    created_at: datetime
