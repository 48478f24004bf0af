"""The envelope around event data, and its bytes.

The correlation id comes from the request or event being handled, the causation id from the event being handled; both travel in
context variables, so that no verb has to pass them on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from chassis import logs
from gtvision.events import DataT, Event
from gtvision.ids import new_id

_cause: ContextVar[UUID | None] = ContextVar("gtvision_cause", default=None)


@dataclass(frozen=True, slots=True)
class Links:
    """The ids that tie an event to others. None means: taken from the context, or a new one."""

    event_id: UUID | None = None
    correlation_id: UUID | None = None


@lru_cache(maxsize=256)
def event_model(data_type: type[DataT]) -> type[Event[DataT]]:
    """Returns the envelope model for one type of event data (built once: pydantic generics are slow to make)."""
    return cast("type[Event[DataT]]", cast("Any", Event)[data_type])


def wrap(data: DataT, *, tenant_id: UUID, occurred_at: datetime, camera_id: UUID | None = None, links: Links | None = None) -> Event[DataT]:
    """Returns event data in its envelope. `camera_id` defaults to that of the data."""
    links = links or Links()
    return event_model(type(data))(
        event_id=links.event_id or new_id(),
        type=data.key,
        version=int(data.key.rpartition(".v")[2]),
        occurred_at=occurred_at,
        tenant_id=tenant_id,
        camera_id=camera_id or getattr(data, "camera_id", None),
        correlation_id=links.correlation_id or logs.correlation_id(),
        causation_id=_cause.get(),
        data=data,
    )


def parse(data_type: type[DataT], body: bytes) -> Event[DataT]:
    """Raises: pydantic.ValidationError."""
    return event_model(data_type).model_validate_json(body)


def to_bytes(event: Event[Any]) -> bytes:
    """Returns the envelope as it is sent: compact JSON."""
    return event.model_dump_json().encode()


@contextmanager
def handling(event: Event[Any]) -> Iterator[None]:
    """Inside the block logs carry the event's ids and new events name it as their cause."""
    mark = _cause.set(event.event_id)
    try:
        with logs.correlated(event.correlation_id):
            yield
    finally:
        _cause.reset(mark)
