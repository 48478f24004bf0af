"""What every event is made of."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gtvision.ids import new_id
from gtvision.time import Instant


class EventData(BaseModel):
    """The facts of one event. Unknown fields are ignored, so that an older listener survives a newer emitter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: ClassVar[str]
    """The routing key: `<noun>.<past participle>.v<version>`."""
    emitter: ClassVar[str]


class Envelope(BaseModel):
    """What every event carries. `data` stays raw until a listener asks for its type."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: UUID = Field(default_factory=new_id)
    type: str
    version: int = 1
    occurred_at: Instant
    tenant_id: UUID
    camera_id: UUID | None = None
    correlation_id: UUID = Field(default_factory=new_id)
    causation_id: UUID | None = None


DataT = TypeVar("DataT", bound=EventData)


class Event(Envelope, Generic[DataT]):
    """An envelope with typed data."""

    data: DataT
