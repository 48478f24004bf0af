"""ai-detect's worker with a model that takes no time: it reads a plate off those pictures that begin with one, and nothing off the others.

`python noop_worker.py`, with RABBITMQ_URL and OBJECTS_URL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import uvloop

from ai_detect.domain import Finding, Picture
from ai_detect.fakes import FakeDetector
from ai_detect.usecases import Batcher, Frames
from chassis.bus import EventPublisher, FrameConsumer, Publisher
from chassis.health import Heartbeats
from chassis.settings import ObjectsSettings, RabbitSettings, load
from chassis.storage import ObjectStore
from gtvision.camera import ObjectClass
from gtvision.detection import PlateCandidate
from gtvision.geometry import Box
from gtvision.time import SystemClock

MARK = b"plate "


class Plates(FakeDetector):
    """Finds the plate that a picture's bytes name."""

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        return [[_read(picture.data)] if picture.data.startswith(MARK) else [] for picture in batch]


def _read(data: bytes) -> Finding:
    text = data[len(MARK) : len(MARK) + 7].decode()
    box = Box(x1=0.4, y1=0.4, x2=0.6, y2=0.6)
    return Finding(ObjectClass.PLATE, 0.95, box, "bench", (PlateCandidate(text=text, confidence=0.95),), (0.95,) * 7)


async def main() -> None:
    rabbit, clock, beats = load(RabbitSettings), SystemClock(), Heartbeats()
    batcher = Batcher(Plates(), size=16, window_s=0.02, timeout_s=30)
    async with Publisher(rabbit, "bench publisher") as publisher:
        objects = ObjectStore(load(ObjectsSettings))
        frames = Frames(batcher, objects, EventPublisher(publisher, clock), clock, "bench", "none")
        consumer = FrameConsumer(rabbit, 50, frames.analyse)
        await asyncio.gather(consumer.run(beats.register("frames")), batcher.run(beats.register("batcher")))


if __name__ == "__main__":
    uvloop.run(main())
