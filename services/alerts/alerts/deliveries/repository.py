"""Rows of messages to nouns and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, case, delete, func, not_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from alerts.deliveries.domain import DIGEST, LEASE, PENDING, Delivery, DeliveryQuery, DeliveryState, Pace, Recipient, Try
from alerts.deliveries.tables import channel_paces, deliveries, delivery_tries
from chassis.db import UnitOfWork
from gtvision.events import Severity
from gtvision.ids import new_id

_row, _pace, _try = deliveries.c, channel_paces.c, delivery_tries.c
_PENDING = _row.state.in_(sorted(PENDING))
_LOUDEST_FIRST = case({Severity.CRITICAL: 0, Severity.WARNING: 1}, value=_row.severity, else_=2)


class PostgresDeliveries:
    """Messages of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id
        self._mine = _row.tenant_id == self._tenant_id

    async def tenants_with_work(self, now: datetime) -> list[UUID]:
        """Returns the tenants that have a message to send, or a channel whose trouble is not told or not over."""
        return list(await self._session.scalars(text("SELECT tenants_with_due_deliveries(:now)").bindparams(now=now)))

    async def oldest_due(self, now: datetime) -> float:
        """Returns the age in seconds of the oldest message that is due, of any tenant."""
        since: datetime | None = await self._session.scalar(text("SELECT oldest_due_delivery(:now)").bindparams(now=now))
        return max(0.0, (now - since).total_seconds()) if since else 0.0

    async def add(self, rows: Sequence[Delivery]) -> int:
        """Returns how many of them are new."""
        if not rows:
            return 0
        added = insert(deliveries).values([asdict(row) for row in rows]).on_conflict_do_nothing().returning(_row.delivery_id)
        return len((await self._session.execute(added)).all())

    async def of_alert(self, alert_id: UUID) -> list[Delivery]:
        """Returns the alert's messages in order, locked."""
        found = select(deliveries).where(self._mine, _row.alert_id == alert_id)
        return await self._read(found.order_by(_row.created_at, _row.delivery_id).with_for_update())

    async def told(self, alert_id: UUID) -> list[Recipient]:
        """Returns who was told of an alert, or has a message about it waiting."""
        found = select(_row.channel_id, _row.to).where(self._mine, _row.alert_id == alert_id, _row.state != DeliveryState.FAILED)
        return [Recipient(*row) for row in await self._session.execute(found.distinct().order_by(_row.channel_id, _row.to))]

    async def replace_held(self, alert_id: UUID, by: Mapping[Recipient, UUID]) -> None:
        """Marks what is held of an alert as told by the newer message to the same recipient."""
        for recipient, delivery_id in by.items():
            mine = update(deliveries).where(self._mine, _row.alert_id == alert_id, _row.state == DeliveryState.HELD)
            theirs = mine.where(_row.channel_id == recipient.channel_id, _row.to == recipient.to, _row.delivery_id != delivery_id)
            await self._session.execute(theirs.values(state=DeliveryState.DIGESTED, digest_id=delivery_id))

    async def change_notice(self, delivery_ids: Collection[UUID], notice: str, title: str) -> None:
        mine = update(deliveries).where(self._mine, _row.delivery_id.in_(delivery_ids))
        await self._session.execute(mine.values(notice=notice, title=title))

    async def replace(self, by: Mapping[UUID, UUID]) -> None:
        """Marks messages as told by another one each. Who is sending one of them records no more than its try."""
        for delivery_id, digest_id in by.items():
            mine = update(deliveries).where(self._mine, _row.delivery_id == delivery_id)
            await self._session.execute(mine.values(state=DeliveryState.DIGESTED, digest_id=digest_id, fence=_row.fence + 1))

    # --- sending ---

    async def due_channels(self, now: datetime) -> dict[UUID, tuple[int, bool]]:
        """Returns the channels that have messages to send, how many (a digest counts as none), and whether some have expired."""
        counted, expired = func.count().filter(_row.notice != DIGEST), func.bool_or(_row.expires_at <= now)
        found = select(_row.channel_id, counted, expired).where(self._mine, _PENDING, _row.next_try_at <= now).group_by(_row.channel_id)
        return {row[0]: (row[1], row[2]) for row in await self._session.execute(found)}

    async def pace(self, channel_id: UUID) -> Pace | None:
        """Returns the channel's pace as it is, without waiting for it."""
        found = select(channel_paces).where(_pace.tenant_id == self._tenant_id, _pace.channel_id == channel_id)
        row = (await self._session.execute(found)).first()
        return _read_pace(row) if row else None

    async def lock_pace(self, channel_id: UUID, fresh: Pace, *, wait: bool = True) -> Pace | None:
        """Returns the channel's pace, locked, made where there is none; None where another holds it and it is not waited for."""
        made = {**asdict(fresh), "tenant_id": self._tenant_id}
        await self._session.execute(insert(channel_paces).values(made).on_conflict_do_nothing())
        found = select(channel_paces).where(_pace.tenant_id == self._tenant_id, _pace.channel_id == channel_id)
        row = (await self._session.execute(found.with_for_update(skip_locked=not wait))).first()
        return _read_pace(row) if row else None

    async def save_pace(self, pace: Pace) -> None:
        mine = update(channel_paces).where(_pace.tenant_id == self._tenant_id, _pace.channel_id == pace.channel_id)
        await self._session.execute(mine.values(asdict(pace)))

    async def paces(self) -> list[Pace]:
        found = select(channel_paces).where(_pace.tenant_id == self._tenant_id)
        return [_read_pace(row) for row in await self._session.execute(found.order_by(_pace.channel_id))]

    async def claim(self, channel_id: UUID, limit: int, now: datetime) -> list[Delivery]:
        """Takes due messages to send them; who does not record one within the lease has lost it. Of an alert one recipient gets one at a
        time, in order. The caller holds the channel's pace."""
        earlier = deliveries.alias("earlier")
        behind = (
            select(1)
            .where(earlier.c.tenant_id == _row.tenant_id, earlier.c.alert_id == _row.alert_id, earlier.c.channel_id == _row.channel_id)
            .where(earlier.c.to == _row.to, earlier.c.state == DeliveryState.WAITING, earlier.c.created_at < _row.created_at)
        )
        due = select(_row.delivery_id).where(self._mine, _row.channel_id == channel_id, _PENDING, _row.next_try_at <= now)
        due = due.where(not_(behind.exists())).order_by(_LOUDEST_FIRST, _row.next_try_at, _row.delivery_id).limit(limit)
        taken = {"state": DeliveryState.WAITING, "attempts": _row.attempts + 1, "fence": _row.fence + 1, "next_try_at": now + LEASE}
        claimed = update(deliveries).where(self._mine, _row.delivery_id.in_(await self._locked(due))).values(taken)
        return await self._read(claimed.returning(deliveries))

    async def hold(self, channel_id: UUID, until: datetime, spared: Collection[Severity], now: datetime) -> None:
        """Holds what is due on a channel until its quiet hours end, but not what is as severe as those spared."""
        quiet = and_(self._mine, _row.channel_id == channel_id, _PENDING, _row.next_try_at <= now, _row.severity.not_in(sorted(spared)))
        later = {"state": DeliveryState.HELD, "next_try_at": until, "expires_at": _row.expires_at + (until - now)}
        await self._session.execute(update(deliveries).where(quiet).values(later))

    async def flood(self, channel_id: UUID, now: datetime) -> dict[str, list[Delivery]]:
        """Returns what waits for a channel and could be one message, by the person it goes to, in order, locked."""
        found = select(deliveries).where(self._mine, _row.channel_id == channel_id, _PENDING, _row.next_try_at <= now)
        found = found.where(_row.notice != DIGEST).order_by(_row.created_at, _row.delivery_id).limit(5_000)
        by_person: dict[str, list[Delivery]] = {}
        for row in await self._read(found.with_for_update(skip_locked=True)):
            by_person.setdefault(row.to, []).append(row)
        return by_person

    async def digest(self, delivery_ids: Collection[UUID], digest_id: UUID) -> None:
        mine = update(deliveries).where(self._mine, _row.delivery_id.in_(delivery_ids))
        await self._session.execute(mine.values(state=DeliveryState.DIGESTED, digest_id=digest_id))

    async def digested(self, digest_id: UUID) -> list[Delivery]:
        found = select(deliveries).where(self._mine, _row.digest_id == digest_id)
        return await self._read(found.order_by(_row.created_at, _row.delivery_id))

    async def write_try(self, delivery_id: UUID, tried: Try) -> None:
        values = {"tenant_id": self._tenant_id, "delivery_id": delivery_id, "try_id": new_id(), **asdict(tried)}
        await self._session.execute(insert(delivery_tries).values(values))

    async def record(self, row: Delivery, **values: object) -> bool:
        """Writes what became of a message, unless another has taken it since. Returns whether it was written."""
        mine = update(deliveries).where(self._mine, _row.delivery_id == row.delivery_id, _row.fence == row.fence, _PENDING)
        return (await self._session.execute(mine.values(values).returning(_row.delivery_id))).first() is not None

    async def bring_forward(self, channel_id: UUID, now: datetime) -> None:
        """Lets what waits for its next try be tried now: the channel is back."""
        mine = update(deliveries).where(self._mine, _row.channel_id == channel_id, _row.state == DeliveryState.WAITING)
        await self._session.execute(mine.where(_row.next_try_at > now + LEASE).values(next_try_at=now))

    async def fail(self, channel_id: UUID, answer: str, now: datetime, *, expired: bool, limit: int = 200) -> list[Delivery]:
        """Gives up what waits for a channel: all, or what has expired. Returns what it gave up."""
        due = select(_row.delivery_id).where(self._mine, _row.channel_id == channel_id, _PENDING, _row.next_try_at <= now)
        due = due.where(_row.expires_at <= now) if expired else due
        mine = update(deliveries).where(self._mine, _row.delivery_id.in_(await self._locked(due.limit(limit))))
        return await self._read(mine.values(state=DeliveryState.FAILED, last_answer=answer).returning(deliveries))

    # --- people ---

    async def get(self, delivery_id: UUID, *, lock: bool = False) -> Delivery | None:
        found = select(deliveries).where(self._mine, _row.delivery_id == delivery_id)
        return next(iter(await self._read(found.with_for_update() if lock else found)), None)

    async def tries(self, delivery_id: UUID) -> list[Try]:
        found = select(_try.at, _try.outcome, _try.detail, _try.took_ms).where(
            _try.tenant_id == self._tenant_id, _try.delivery_id == delivery_id
        )
        return [Try(*row) for row in await self._session.execute(found.order_by(_try.try_id))]

    async def list_newest(self, query: DeliveryQuery) -> list[Delivery]:
        conditions = [
            self._mine,
            _row.channel_id == query.channel_id if query.channel_id is not None else None,
            _row.alert_id == query.alert_id if query.alert_id is not None else None,
            _row.state.in_(sorted(query.states)) if query.states else None,
            tuple_(_row.created_at, _row.delivery_id) < query.before if query.before is not None else None,
        ]
        found = select(deliveries).where(*(each for each in conditions if each is not None))
        return await self._read(found.order_by(_row.created_at.desc(), _row.delivery_id.desc()).limit(query.limit))

    async def replay(self, delivery_id: UUID, now: datetime, expires_at: datetime) -> None:
        again = {"state": DeliveryState.WAITING, "next_try_at": now, "expires_at": expires_at, "digest_id": None, "fence": _row.fence + 1}
        await self._session.execute(update(deliveries).where(self._mine, _row.delivery_id == delivery_id).values(again))

    async def forget_city(self) -> None:
        for table in (deliveries, delivery_tries, channel_paces):
            await self._session.execute(delete(table).where(table.c.tenant_id == self._tenant_id))

    async def _locked(self, found: Select[tuple[UUID]]) -> list[UUID]:
        """Returns the ids, locked, by a statement of its own: inside of another one PostgreSQL may run it several times, and lock more."""
        return list(await self._session.scalars(found.with_for_update(skip_locked=True)))

    async def _read(self, statement: Select[Any] | Any) -> list[Delivery]:
        return [_read(row) for row in await self._session.execute(statement)]


def _read(row: Row[Any]) -> Delivery:
    return Delivery(**{**row._mapping, "severity": Severity(row.severity), "state": DeliveryState(row.state)})


def _read_pace(row: Row[Any]) -> Pace:
    return Pace(**{name: value for name, value in row._mapping.items() if name != "tenant_id"})
