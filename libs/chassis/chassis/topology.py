"""Exchanges, queue names and policies on RabbitMQ: what `contracts.md` calls the topology, in one place.

Queue arguments are only the type (and single active consumer): an argument that changes later is refused by the broker and blocks
an upgrade. Limits are policies, set by the stack when the broker starts. Only delay queues carry their time, and it is in their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gtvision.events import EventData

EVENTS = "gtvision.events"
"""Topic, durable: domain events by routing key."""
FRAMES = "gtvision.frames"
"""Direct, durable exchange of transient JPEG frames."""
DEAD = "gtvision.dead"
"""Topic exchange, and the queue behind it, of what failed for good."""

FRAMES_QUEUE = "ai-detect.frames"
FRAMES_KEY = "frame"

QUORUM: dict[str, str] = {"x-queue-type": "quorum"}

EXCHANGES: Mapping[str, str] = {EVENTS: "topic", FRAMES: "direct", DEAD: "topic"}


def queue_name(service: str, key: str, name: str | None = None) -> str:
    """`ingest` and `stream.went_online.v1` give `ingest.stream_went_online`; `name` replaces the event's part."""
    return f"{service}.{name or key.rpartition('.v')[0].replace('.', '_')}"


def event_queue(service: str, event: type[EventData], name: str | None = None) -> str:
    """The queue in which a service hears an event."""
    return queue_name(service, event.key, name)


def delay_queue(queue: str, delay_s: float) -> str:
    """Where a failed message of `queue` waits before it is tried again."""
    return f"retry.{queue}.{round(delay_s * 1000)}ms"


def delay_arguments(queue: str, delay_s: float) -> dict[str, str | int]:
    """One queue a delay: a message's own time to live would block behind the head of a shared queue.

    At-least-once dead-lettering (which needs reject-publish) keeps the message if its queue is briefly gone.
    """
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": round(delay_s * 1000),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


@dataclass(frozen=True, slots=True)
class Policy:
    """What `rabbitmqctl set_policy` is given. Of several that match a queue, the highest priority counts alone."""

    name: str
    pattern: str
    definition: Mapping[str, str | int]
    apply_to: str = "queues"
    priority: int = 0


POLICIES: tuple[Policy, ...] = (
    # Bounded in length, bytes and age; the oldest go first. 2,500 frames are 250 a second for 10 s.
    Policy(
        "gtvision-frames",
        r"^ai-detect\.frames$",
        {"max-length": 2_500, "max-length-bytes": 192 * 1024 * 1024, "message-ttl": 10_000, "overflow": "drop-head"},
        priority=10,
    ),
    # Guards against crash loops only: a handler's failures go through delay queues and are counted in a header.
    Policy(
        "gtvision-events",
        r"^(identity|cameras|streaming|ingest|ai-detect|alerts)\.(?!frames$)",
        {"delivery-limit": 20, "dead-letter-exchange": DEAD, "dead-letter-strategy": "at-least-once", "overflow": "reject-publish"},
    ),
)
