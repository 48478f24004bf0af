"""From the outbox to the broker: at least once, confirmed before a row is deleted, whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Counter, Gauge
from sqlalchemy import ARRAY, DateTime, Row, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.bus.publisher import Outgoing, Sender, Unroutable
from chassis.db import Database
from chassis.loops import every
from chassis.topology import EVENTS
from gtvision.backoff import Backoff
from gtvision.events import AuditRecorded
from gtvision.time import Clock

AGE_SECONDS = Gauge("gtvision_outbox_age_seconds", "Age of the oldest event that waits for the broker")
SIZE = Gauge("gtvision_outbox_size_events", "Events in the outbox, those without a listener included")
UNHEARD = Counter("gtvision_outbox_unheard_total", "Events dropped because no queue has ever listened to them", ["key"])

BATCH = 100
_POLL = timedelta(seconds=0.5)
_LONGEST_BACKOFF = timedelta(seconds=5)
MEASURE_EVERY_S = 5.0
"""Counting a long outbox after each batch would slow the catching up."""
UNROUTABLE_RETRY = timedelta(seconds=30)
UNROUTABLE_KEEP = timedelta(hours=1)
"""A listener that has never started has no queue yet. After this long the event is dropped; state is announced again anyway."""
KEPT = AuditRecorded.key
"""Events that are not announced again: a record waits for the ledger for as long as it takes, and shows in the age of the outbox."""


class OutboxRelay:
    """Publishes what units of work have committed. Several may run on one database: rows are locked, taken ones skipped.

    `run` is a loop: a commit in this process wakes it, otherwise it looks every half second; a broker or database that is down is
    waited for.
    """

    def __init__(self, db: Database, publisher: Sender, clock: Clock) -> None:
        self._db = db
        self._publisher = publisher
        self._clock = clock
        self._measure_at = clock.monotonic()
        self.run = every(_POLL, self._relay_and_measure, retry=Backoff(_POLL, _LONGEST_BACKOFF), wake=db.outbox_filled)

    async def _relay_and_measure(self) -> None:
        try:
            if await self.relay_once() == BATCH:
                self._db.outbox_filled.set()  # there may be more: run again at once
        finally:  # the age must be seen to grow while the broker is away
            if self._clock.monotonic() >= self._measure_at:
                await self.measure()

    async def relay_once(self) -> int:
        """Publishes one batch, and returns how many rows it held. Raises: Unavailable if the broker did not take all (the rest is kept)."""
        now = self._clock.now()
        async with self._db.uow(None) as uow:
            rows = (await uow.session.execute(_TAKE, {"now": now, "batch": BATCH})).all()
            outcomes = await asyncio.gather(*(self._publish(row) for row in rows), return_exceptions=True)
            settled = self._settled(rows, outcomes, now)
            unheard = [
                row.id for row, outcome in zip(rows, outcomes, strict=True) if isinstance(outcome, Unroutable) and row.id not in settled
            ]
            if settled:
                await uow.session.execute(_DELETE, {"ids": list(settled)})
            if unheard:
                await uow.session.execute(_POSTPONE, {"ids": unheard, "retry_at": now + UNROUTABLE_RETRY})
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Unroutable):
                raise outcome
        return len(rows)

    async def measure(self) -> None:
        """Sets the gauges of age and size."""
        self._measure_at = self._clock.monotonic() + MEASURE_EVERY_S
        async with self._db.uow(None) as uow:
            size, oldest = (await uow.session.execute(_MEASURE, {"kept": KEPT})).one()
        SIZE.set(size)
        AGE_SECONDS.set(max(0.0, (self._clock.now() - oldest).total_seconds()) if oldest else 0.0)

    async def _publish(self, row: Row[Any]) -> None:
        await self._publisher.send(
            Outgoing(
                exchange=EVENTS,
                routing_key=row.key,
                body=row.body.encode(),
                message_id=str(row.event_id),
                headers=row.headers,
                type=row.key,
            )
        )

    def _settled(self, rows: Sequence[Row[Any]], outcomes: Sequence[object], now: datetime) -> set[UUID]:
        done: set[UUID] = set()
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome is None:
                done.add(row.id)
            elif isinstance(outcome, Unroutable) and row.key != KEPT and now - row.created_at > UNROUTABLE_KEEP:
                UNHEARD.labels(row.key).inc()
                done.add(row.id)
        return done


_TAKE = text(
    "SELECT id, key, event_id, body, headers, created_at FROM outbox WHERE retry_at IS NULL OR retry_at <= :now "
    "ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED"
).columns(id=Uuid, key=Text, event_id=Uuid, body=Text, headers=JSONB, created_at=DateTime(timezone=True))
_DELETE = text("DELETE FROM outbox WHERE id = ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_POSTPONE = text("UPDATE outbox SET retry_at = :retry_at WHERE id = ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_MEASURE = text("SELECT count(*), min(created_at) FILTER (WHERE retry_at IS NULL OR key = :kept) FROM outbox")
