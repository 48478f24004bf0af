"""What alerts needs from the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from alerts.domain import Alert, AlertState, Entry, Watchlist


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """What alerts keeps of a camera: its name for titles, its groups for rights. Also of a removed one: its alerts mention it."""

    name: str
    groups: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts, newest first. `groups` None: of every camera; `before` is where the last page ended."""

    state: AlertState | None
    groups: frozenset[UUID] | None
    before: tuple[datetime, UUID] | None
    limit: int


class WatchlistRepository(Protocol):
    """Watchlists of one tenant, inside a unit of work."""

    async def add(self, watchlist: Watchlist) -> None:
        """Raises Conflict where the name is taken."""
        ...

    async def get(self, watchlist_id: UUID) -> Watchlist | None: ...

    async def list_after(self, after: UUID | None, limit: int) -> list[tuple[Watchlist, int]]:
        """Watchlists with how many entries they have."""
        ...

    async def count_entries(self, watchlist_id: UUID) -> int: ...

    async def delete(self, watchlist_id: UUID) -> bool: ...

    async def add_entry(self, entry: Entry) -> Entry:
        """The stored entry: the one that was there before if the list has the plate already."""
        ...

    async def get_entry(self, watchlist_id: UUID, entry_id: UUID) -> Entry | None: ...

    async def entries_after(self, watchlist_id: UUID, after: UUID | None, limit: int) -> list[Entry]: ...

    async def delete_entry(self, watchlist_id: UUID, entry_id: UUID) -> Entry | None:
        """What was there."""
        ...

    async def matching(self, plates: Sequence[str]) -> list[tuple[Watchlist, Entry]]:
        """Entries that one of the plates fits, by era-neutral key; the caller decides with `Entry.fits`."""
        ...


class AlertRepository(Protocol):
    """Alerts of one tenant, inside a unit of work."""

    async def latest(self, entry_id: UUID, camera_id: UUID) -> Alert | None:
        """The newest alert of the pair; the pair is locked until the end of the transaction."""
        ...

    async def add(self, alert: Alert) -> bool:
        """False if the alert exists."""
        ...

    async def count_sighting(self, alert_id: UUID, seen_at: datetime) -> None: ...

    async def get(self, alert_id: UUID) -> Alert | None:
        """Locked until the end of the transaction."""
        ...

    async def acknowledge(self, alert_id: UUID, user_id: UUID, at: datetime) -> None: ...

    async def list_newest(self, query: AlertQuery) -> list[Alert]: ...


class CameraRepository(Protocol):
    """Our copy of the tenant's cameras, inside a unit of work."""

    async def get(self, camera_id: UUID) -> KnownCamera | None: ...
