"""Entries of the ledger and the chain that binds them. `docs/audit.md` lays the bytes down for those who check them without us.

Per tenant:  hash(n) = SHA-256(hash(n - 1) || canonical(n)),  mac(n) = HMAC-SHA-256(key, hash(n)),  hash(0) = 32 zero bytes.
Anybody can recompute the hashes; the key of the MAC is not in the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gtvision.events import AuditRecorded, Event

VERSION = 1
"""Of the canonical form. A field that is added is a new version; the old one stays readable."""
GENESIS = "0" * 64

Mac = Callable[[str], tuple[str, str]]
"""Hash of an entry -> (id of the key, MAC in hex)."""

MacCheck = Callable[[str, str, str], bool | None]
"""(key id, hash, MAC) -> whether it is right; None where the key is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record, in its place in the tenant's chain."""

    version: int = VERSION
    tenant_id: UUID
    seq: int
    """From 1, without a gap."""
    recorded_at: datetime
    """When it entered the ledger. Never before the entry that precedes it, whatever the clock does."""
    event_id: UUID
    occurred_at: datetime
    action: str
    outcome: str
    actor_id: UUID | None = None
    actor_name: str | None = None
    """As the ledger knew the actor when the entry was made."""
    actor_role: str | None = None
    session_id: UUID | None = None
    object_kind: str | None = None
    object_id: str | None = None
    camera_id: UUID | None = None
    purpose: str | None = None
    range_from: datetime | None = None
    range_to: datetime | None = None
    address: str | None = None
    user_agent: str | None = None
    service: str | None = None
    correlation_id: UUID
    details: Mapping[str, str]

    def plain(self) -> dict[str, object]:
        """Every field as JSON knows it: ids and times as text."""
        return {name: _plain(getattr(self, name)) for name in FIELDS}

    def canonical(self) -> bytes:
        """The bytes that are hashed: JSON with sorted keys, without spaces, UTF-8 (which is RFC 8785 for what occurs here)."""
        return canonical(self.plain())


FIELDS = tuple(each.name for each in fields(Entry))
BINDING = ("prev_hash", "hash", "mac", "mac_kid")


@dataclass(frozen=True, slots=True)
class Chained:
    """An entry with what binds it to its neighbours."""

    entry: Entry
    prev_hash: str
    hash: str
    mac: str
    mac_kid: str

    def recomputed(self) -> str | None:
        """The hash that the contents give; None where `prev_hash` is no hash."""
        try:
            return chain_hash(self.prev_hash, self.entry.canonical())
        except ValueError:
            return None

    def is_right(self, mac_check: MacCheck) -> bool:
        """By itself: its contents give its hash, and the hash its MAC."""
        return self.recomputed() == self.hash and mac_check(self.mac_kid, self.hash, self.mac) is True

    def plain(self) -> dict[str, object]:
        """As an export shows it."""
        return self.entry.plain() | {name: getattr(self, name) for name in BINDING}


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a tenant; `seq` 0 before the first."""

    seq: int
    hash: str
    recorded_at: datetime

    @classmethod
    def of(cls, last: Chained) -> Head:
        return cls(last.entry.seq, last.hash, last.entry.recorded_at)


def canonical(value: Mapping[str, object]) -> bytes:
    """Raises: nothing, for what `plain` gives."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain_hash(prev_hash: str, entry: bytes) -> str:
    """Of an entry's canonical bytes, behind the hash before it."""
    return hashlib.sha256(bytes.fromhex(prev_hash) + entry).hexdigest()


def chain(head: Head, entries: Sequence[Entry], mac: Mac) -> list[Chained]:
    """The entries bound to the head and to one another."""
    made: list[Chained] = []
    prev_hash = head.hash
    for entry in entries:
        own = chain_hash(prev_hash, entry.canonical())
        kid, code = mac(own)
        made.append(Chained(entry, prev_hash, own, code, kid))
        prev_hash = own
    return made


def entries_of(head: Head, events: Sequence[Event[AuditRecorded]], names: Mapping[UUID, str], now: datetime) -> list[Entry]:
    """The events as the next entries behind the head, in the order in which they occurred."""
    recorded_at = max(now, head.recorded_at)
    ordered = sorted(events, key=lambda each: (each.occurred_at, each.event_id))
    return [_entry(event, seq, recorded_at, names) for seq, event in enumerate(ordered, head.seq + 1)]


TEXTS = ("actor_role", "object_kind", "object_id", "purpose", "address", "user_agent", "service")


def _entry(event: Event[AuditRecorded], seq: int, recorded_at: datetime, names: Mapping[UUID, str]) -> Entry:
    told = event.data
    texts: dict[str, Any] = {name: _storable(getattr(told, name)) for name in TEXTS}
    return Entry(
        tenant_id=event.tenant_id,
        seq=seq,
        recorded_at=recorded_at,
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        action=told.action,
        outcome=str(told.outcome),
        actor_id=told.actor_id,
        actor_name=_storable(names.get(told.actor_id)) if told.actor_id else None,
        session_id=told.session_id,
        camera_id=event.camera_id,
        range_from=told.range_from,
        range_to=told.range_to,
        correlation_id=event.correlation_id,
        details={_storable(name) or "": _storable(value) or "" for name, value in told.details.items()},
        **texts,
    )


def _storable(text: str | None) -> str | None:
    """PostgreSQL's text knows no NUL; what was there is still seen to have been there."""
    return None if text is None else text.replace("\x00", "\ufffd")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, UUID):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def instant(value: datetime) -> str:
    """RFC 3339 in UTC with six digits of a second: one text for one instant."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
