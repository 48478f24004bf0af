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
from chassis.bus.retry import describe
from chassis.db import Database
from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.topology import EVENTS
from gtvision.errors import Unavailable
from gtvision.events import AuditRecorded
from gtvision.time import Clock

log = get_logger(__name__)

AGE_SECONDS = Gauge("gtvision_outbox_age_seconds", "Age of the oldest event that waits for the broker")
SIZE = Gauge("gtvision_outbox_size_events", "Events in the outbox, those without a listener included")
UNHEARD = Counter("gtvision_outbox_unheard_total", "Events dropped because no queue has ever listened to them", ["key"])

BATCH = 100
POLL_S = 0.5
LONGEST_BACKOFF_S = 5.0
MEASURE_EVERY_S = 5.0
"""Counting a long outbox after each batch would slow the catching up."""
UNROUTABLE_RETRY = timedelta(seconds=30)
UNROUTABLE_KEEP = timedelta(hours=1)
"""A listener that has never started has no queue yet. After this long nobody is coming; state is re-announced anyway."""
KEPT = AuditRecorded.key
"""What nobody says again: a record waits for the ledger for as long as it takes, and shows in the age of the outbox."""


class OutboxRelay:
    """Publishes what units of work have committed. Several may run on one database: rows are locked, taken ones skipped."""

    def __init__(self, db: Database, publisher: Sender, clock: Clock) -> None:
        self._db = db
        self._publisher = publisher
        self._clock = clock
        self._measure_at = clock.monotonic()

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever: woken by a commit in this process, else every half second. A broker or database that is down is waited for."""
        delay_s = POLL_S
        while True:
            heartbeat.beat()
            self._db.outbox_filled.clear()
            try:
                taken = await self.relay_once()
                if self._clock.monotonic() >= self._measure_at:
                    await self.measure()
            except Unavailable as error:
                log.warning("outbox waits", reason=error.message, error=describe(error.__cause__ or error))
                await heartbeat.sleep(delay_s)
                delay_s = min(delay_s * 2, LONGEST_BACKOFF_S)
                continue
            delay_s = POLL_S
            if taken < BATCH:
                await heartbeat.wait(self._db.outbox_filled, POLL_S)

    async def relay_once(self) -> int:
        """Publish one batch; how many rows were looked at. Raises: Unavailable if the broker did not take all (the rest is kept)."""
        now = self._clock.now()
        async with self._db.uow(None) as work:
            rows = (await work.session.execute(_TAKE, {"now": now, "batch": BATCH})).all()
            outcomes = await asyncio.gather(*(self._publish(row) for row in rows), return_exceptions=True)
            settled = self._settled(rows, outcomes, now)
            unheard = [
                row.id for row, outcome in zip(rows, outcomes, strict=True) if isinstance(outcome, Unroutable) and row.id not in settled
            ]
            if settled:
                await work.session.execute(_DELETE, {"ids": list(settled)})
            if unheard:
                await work.session.execute(_POSTPONE, {"ids": unheard, "retry_at": now + UNROUTABLE_RETRY})
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Unroutable):
                raise outcome
        return len(rows)

    async def measure(self) -> None:
        """Set the gauges of age and size."""
        self._measure_at = self._clock.monotonic() + MEASURE_EVERY_S
        async with self._db.uow(None) as work:
            size, oldest = (await work.session.execute(_MEASURE, {"kept": KEPT})).one()
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
