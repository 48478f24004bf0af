"""The frames lane: JPEG bodies with typed headers, transient, bounded, oldest dropped. The one traffic on the broker that may be lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeAlias
from uuid import UUID

from aiormq.abc import DeliveredMessage
from pydantic import BaseModel, ConfigDict, Field

from chassis import logs, tracing
from chassis.bus.lane import Acknowledger, Lane, OnDelivery, Session, Source, headers_of, tag_of
from chassis.bus.metrics import FRAMES as FRAMES_CONSUMED
from chassis.bus.publisher import Outgoing, Publisher
from chassis.bus.retry import Hold, Parked, describe
from chassis.health import Heartbeat
from chassis.settings import RabbitSettings
from chassis.topology import FRAMES, FRAMES_KEY, FRAMES_QUEUE
from gtvision.camera import AiSettings
from gtvision.geometry import Box
from gtvision.ids import derived_id
from gtvision.time import Instant

log = logs.get_logger(__name__)

FRAME_HEADER = "frame"
"""The AMQP header that holds FrameHeaders as JSON."""
MAX_AGE_S = 10.0
"""An older frame is of no use; also the queue's message TTL."""


class FrameHeaders(BaseModel):
    """What travels with a frame. `ai` is the camera's own: ai-detect keeps no camera state."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tenant_id: UUID
    camera_id: UUID
    captured_at: Instant
    """By the stream's clock, or the arrival time where that clock is off by more than 5 s."""
    arrived_at: Instant
    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    motion_box: Box | None = None
    """Where something moved; None: no motion was looked for, the whole frame counts."""
    sequence: Annotated[int, Field(ge=0)]
    """Counts this grabber's frames of the camera."""
    ai: AiSettings = AiSettings()
    ai_revision: Annotated[int, Field(ge=0)] = 0
    clock_skew_ms: int = 0
    """Stream clock minus arrival time."""
    correlation_id: UUID
    traceparent: str | None = None

    @property
    def frame_id(self) -> UUID:
        """The same for every redelivery of the frame."""
        return derived_id("frame", self.camera_id, self.captured_at.isoformat())


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it arrived."""

    jpeg: bytes
    headers: FrameHeaders
    redelivered: bool = False


FrameHandler: TypeAlias = Callable[[Frame], Awaitable[None]]


class FramePublisher(Publisher):
    """Publishes frames; each call returns with the broker's confirm. Await up to 32 at once."""

    async def publish(self, frame_jpeg: bytes, headers: FrameHeaders) -> None:
        """Raises: Unroutable, Unavailable; the caller counts the frame as dropped."""
        await self.send(
            Outgoing(
                exchange=FRAMES,
                routing_key=FRAMES_KEY,
                body=frame_jpeg,
                message_id=str(headers.frame_id),
                headers={FRAME_HEADER: headers.model_dump_json(exclude_defaults=True)},
                type="frame",
                correlation_id=str(headers.correlation_id),
                content_type="image/jpeg",
                persistent=False,
            )
        )


class FrameConsumer(Lane):
    """Calls the handler for up to `prefetch` frames at once and acknowledges each when its handler returns.

    A handler that raises Unavailable is tried again until the frame is too old; any other failure drops the frame. Both are counted.
    """

    def __init__(self, settings: RabbitSettings, prefetch: int, handler: FrameHandler) -> None:
        super().__init__(settings, Source(FRAMES_QUEUE, FRAMES, FRAMES_KEY, kind="classic"), prefetch)
        self._handler = handler
        self._hold = Hold(FRAMES_QUEUE, longest_s=2.0, at_most_s=MAX_AGE_S)

    async def _consume(self, session: Session, heartbeat: Heartbeat) -> None:
        while not await heartbeat.wait(session.broken, 5):
            pass

    def _receiver(self, session: Session) -> OnDelivery:
        acknowledger = Acknowledger(session)

        async def receive(message: DeliveredMessage) -> None:
            tag = tag_of(message)
            acknowledger.delivered(tag)
            await self._handle(message)
            acknowledger.done(tag)

        return receive

    async def _handle(self, message: DeliveredMessage) -> None:
        outcome = "handled"
        try:
            frame = _frame(message)
            with logs.correlated(frame.headers.correlation_id), tracing.consumer_span("frame", {"traceparent": frame.headers.traceparent}):
                await self._hold.run(partial(self._handler, frame))
        except Parked:
            outcome = "expired"
        except Exception as error:
            outcome = "failed"
            log.warning("frame_dropped", error=describe(error))
        FRAMES_CONSUMED.labels(outcome).inc()


def _frame(message: DeliveredMessage) -> Frame:
    value = headers_of(message).get(FRAME_HEADER)
    if not isinstance(value, str | bytes):
        raise ValueError("the message has no frame header")
    return Frame(message.body, FrameHeaders.model_validate_json(value), bool(message.redelivered))
