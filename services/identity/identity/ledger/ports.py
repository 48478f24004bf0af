"""What the ledger needs from the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from identity.ledger.domain.anchors import Anchor, AnchorKind, Signer
from identity.ledger.domain.ledger import Chained, Entry, Head, Sealer
from identity.ledger.domain.searches import Sought


class LedgerRows(Protocol):
    """One tenant's ledger in one transaction."""

    async def lock_head(self, now: datetime) -> Head:
        """The head, made where there is none; nobody else chains for this tenant until the transaction ends."""
        ...

    async def unseen(self, event_ids: Sequence[UUID], now: datetime) -> set[UUID]:
        """Those that no transaction has chained; they are remembered with this one."""
        ...

    async def names(self, actor_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Of people and API keys, as they are called now."""
        ...

    async def as_stored(self, entries: Sequence[Entry]) -> list[Entry]:
        """As the database will give them back: what is hashed is what a reader finds."""
        ...

    async def append(self, entries: Sequence[Chained], head: Head) -> None: ...

    async def head(self) -> Head | None: ...

    async def ends(self) -> tuple[Head | None, int]:
        """The head, and the highest number that any row has, as of one moment."""
        ...

    async def page(self, after: tuple[int, datetime] | None, through: int, limit: int, sought: Sought | None = None) -> list[Chained]:
        """In order of number, `through` included; a second row of one number follows the first in time."""
        ...

    async def last(self, through: int, sought: Sought) -> int:
        """Number of the last row up to this one that is looked for; 0 where there is none."""
        ...

    async def newest(self, sought: Sought, before: tuple[datetime, int] | None, limit: int) -> list[Chained]:
        """In order of occurrence, latest first."""
        ...

    async def at(self, seq: int) -> list[Chained]:
        """The row of this number: one, none, or a sign of tampering."""
        ...

    async def retention_days(self, otherwise: int) -> int:
        """How long this tenant keeps its ledger."""
        ...

    async def first_since(self, since: datetime) -> int | None:
        """Number of the first row recorded then or later."""
        ...


class AnchorRows(Protocol):
    """One tenant's anchors in one transaction."""

    async def add(self, anchor: Anchor) -> None:
        """And note that object storage owes a copy."""
        ...

    async def last(self, through: int) -> int:
        """Number of the last anchored row up to this one; 0 where there is none."""
        ...

    async def highest(self, limit: int, before: Anchor | None = None) -> list[Anchor]:
        """Those of the last rows, latest first."""
        ...

    async def strange(self, limit: int) -> list[int]:
        """Numbers of rows that hold what no anchor can, such as a time that no calendar has. Nothing else returns them."""
        ...

    async def cut_at(self, seq: int) -> list[Anchor]:
        """Those that say that this row was the last one dropped."""
        ...

    async def between(self, first: int, last: int, limit: int) -> list[Anchor]:
        """Of these rows, both included, in order of number."""
        ...

    async def newest(self, before: tuple[datetime, int] | None, limit: int) -> list[Anchor]: ...

    async def of_day(self, day: date, after: tuple[int, str], limit: int) -> list[tuple[Anchor, bool]]:
        """Made on this UTC day, in order of (number, kind), behind `after`; with whether their copy is still owed."""
        ...

    async def days(self) -> list[date]:
        """The UTC days on which anchors were made."""
        ...

    async def owed(self, limit: int) -> list[Anchor]:
        """Those without a copy in object storage."""
        ...

    async def copied(self, seq: int, kind: AnchorKind, anchored_at: datetime) -> None: ...


class Upkeep(Protocol):
    """Across tenants: ids and numbers, never what is on record. Each call is a transaction of its own."""

    async def make_months(self, first: date, months: int) -> None: ...

    async def drop_before(self, month: date) -> int:
        """Whole months that ended before; how many partitions."""
        ...

    async def tails(self, before: datetime) -> list[tuple[UUID, int, str]]:
        """(tenant, number, hash) of each tenant's last row before."""
        ...

    async def unsealed(self) -> list[UUID]:
        """Tenants with rows behind their last anchor, or with anchors that have no copy."""
        ...

    async def tenants(self) -> list[tuple[UUID, str | None]]:
        """Every tenant that has, or could have, a ledger; with its name."""
        ...

    async def longest_retention_days(self, otherwise: int) -> int:
        """No tenant keeps its ledger for longer; `otherwise` is of one that has not said."""
        ...


class AuditKeys(Sealer, Signer, Protocol):
    """The keys that are not in the database."""

    def mac_is_right(self, kid: str, chain_hash: str, mac: str) -> bool | None:
        """None where the key is not known."""
        ...

    def public_keys(self) -> Mapping[str, str]:
        """Id of the key -> Ed25519 public key in hex."""
        ...


class AnchorCopies(Protocol):
    """Copies of anchors, out of the reach of whoever has the database."""

    async def put(self, anchor: Anchor, content: bytes) -> bool:
        """False where another copy lies there already: it is evidence, and stays as it is. Raises: Unavailable."""
        ...

    async def get(self, key: str) -> bytes | None:
        """None where there is none. Raises: Unavailable."""
        ...

    async def tenants(self) -> list[UUID]:
        """Whose anchors have copies. Raises: Unavailable."""
        ...

    def keys(self, folder: str) -> AsyncIterator[str]:
        """Every copy below. Raises: Unavailable."""
        ...


LedgerOf = Callable[[Any], LedgerRows]
AnchorsOf = Callable[[Any], AnchorRows]
