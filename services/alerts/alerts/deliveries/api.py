"""HTTP in: the log of messages, and sending one again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.deliveries.domain import Delivery, DeliveryQuery, DeliveryState, Try
from alerts.deliveries.usecases import Deliveries
from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/deliveries", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.CHANNELS_READ)]
Writer = Annotated[Caller, requires(Scope.CHANNELS_WRITE)]
DeliveriesDep = Annotated[Deliveries, Provided(Deliveries)]


class DeliveryOut(BaseModel):
    """A message to one recipient. `notice` is why it was sent, `digest` for one that stands for many, which has no alert."""

    delivery_id: UUID
    alert_id: UUID | None
    alert_title: str
    channel_id: UUID
    channel_name: str
    to: str | None
    notice: str
    state: DeliveryState
    attempts: int
    next_try_at: datetime | None
    last_answer: str
    created_at: datetime
    delivered_at: datetime | None
    digest_id: UUID | None

    @classmethod
    def of(cls, row: Delivery, names: dict[UUID, str]) -> DeliveryOut:
        waits = row.state in {DeliveryState.WAITING, DeliveryState.HELD}
        return cls(
            delivery_id=row.delivery_id,
            alert_id=row.alert_id,
            alert_title=row.title,
            channel_id=row.channel_id,
            channel_name=names.get(row.channel_id, ""),
            to=row.to or None,
            notice=row.notice,
            state=row.state,
            attempts=row.attempts,
            next_try_at=row.next_try_at if waits else None,
            last_answer=row.last_answer,
            created_at=row.created_at,
            delivered_at=row.delivered_at,
            digest_id=row.digest_id,
        )


class TryOut(BaseModel):
    """One attempt to send it."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    outcome: str
    detail: str
    took_ms: int


class DeliveryWithTries(DeliveryOut):
    """A message with every attempt, oldest first."""

    tries: list[TryOut]


class DeliveriesIn(BaseModel):
    """Which messages: all that are named must hold."""

    channel_id: UUID | None = None
    alert_id: UUID | None = None
    state: Annotated[list[DeliveryState] | None, Field(max_length=5, description="One or more")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Items a page")] = 100
    cursor: Annotated[str | None, Field(max_length=512, description="`next` of the page before")] = None

    def query(self) -> DeliveryQuery:
        """Raises: InvalidCursor."""
        at = decode_cursor(self.cursor, at=datetime, id=UUID) if self.cursor else None
        states = frozenset(self.state) if self.state else None
        return DeliveryQuery(self.limit, self.channel_id, self.alert_id, states, (at["at"], at["id"]) if at else None)


@router.get("", summary="Messages, newest first")
async def get_deliveries(caller: Reader, deliveries: DeliveriesDep, wanted: Annotated[DeliveriesIn, Query()]) -> Page[DeliveryOut]:
    rows = await deliveries.list_deliveries(caller, wanted.query())
    names = await deliveries.channel_names(caller)
    last = rows[-1] if len(rows) == wanted.limit else None
    following = encode_cursor(at=last.created_at, id=last.delivery_id) if last else None
    return Page(items=[DeliveryOut.of(row, names) for row in rows], next=following)


@router.get("/{delivery_id}", summary="A message, with every attempt to send it")
async def get_delivery(delivery_id: UUID, caller: Reader, deliveries: DeliveriesDep) -> DeliveryWithTries:
    row, tries = await deliveries.show_delivery(caller, delivery_id)
    return _with_tries(row, await deliveries.channel_names(caller), tries)


@router.post("/{delivery_id}/replay", summary="Send a message again, under the same id")
async def replay(delivery_id: UUID, caller: Writer, deliveries: DeliveriesDep) -> DeliveryOut:
    row = await deliveries.replay_delivery(caller, delivery_id)
    return DeliveryOut.of(row, await deliveries.channel_names(caller))


def _with_tries(row: Delivery, names: dict[UUID, str], tries: list[Try]) -> DeliveryWithTries:
    shown = [TryOut.model_validate(each) for each in tries]
    return DeliveryWithTries(**DeliveryOut.of(row, names).model_dump(), tries=shown)
