"""Clock in: upkeep of partitions, the copy of cameras, the live feed, and each grabber's share of the cameras."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from chassis.health import Heartbeat
from chassis.loops import beating
from gtvision.errors import Unavailable
from ingest import metrics
from ingest.ports import GrabberRoll, LiveIn
from ingest.usecases.cameras import CameraBook
from ingest.usecases.detections import Upkeep
from ingest.usecases.grabbing import GrabberPool, my_share
from ingest.usecases.live import LiveFeed

log = structlog.get_logger(__name__)

UPKEEP_S = 600.0
BOOK_S = 2.0
SHARE_S = 2.0
DEAD_AFTER_S = 7
"""A grabber silent for so long is dead: with the next report of another its cameras have moved, in 9 s at worst."""
_RETRY_S = 2.0
_THREADS_END_S = 3.0


class KeepPartitions:
    """Days are made ahead, and dropped once they are too old; so is the memory of events that can no longer be repeated."""

    def __init__(self, upkeep: Upkeep, prune_inbox: Callable[[], Awaitable[object]]) -> None:
        self._upkeep = upkeep
        self._prune_inbox = prune_inbox

    async def run(self, heartbeat: Heartbeat) -> None:
        while True:
            heartbeat.beat()
            try:
                await self._upkeep.keep_partitions()
                await self._prune_inbox()
            except Unavailable as error:
                log.warning("upkeep_waits", reason=error.message)
                await heartbeat.sleep(_RETRY_S)
                continue
            await heartbeat.sleep(UPKEEP_S)


class KeepBook:
    """The copy of all cameras in memory follows the tables."""

    def __init__(self, book: CameraBook) -> None:
        self._book = book

    async def run(self, heartbeat: Heartbeat) -> None:
        while True:
            heartbeat.beat()
            try:
                await self._book.refresh()
            except Unavailable as error:
                log.warning("camera_copy_waits", reason=error.message)
            await heartbeat.sleep(BOOK_S)


class FeedLive:
    """From the one subscription to every reader."""

    def __init__(self, feed: LiveFeed, live: LiveIn) -> None:
        self._feed = feed
        self._live = live

    async def forward(self, heartbeat: Heartbeat) -> None:
        async with beating(heartbeat):  # silence on the channel is no hang
            async for message in self._live.subscribe(["*"]):
                self._feed.forward(message)

    async def tend(self, heartbeat: Heartbeat) -> None:
        while True:
            self._feed.tend()
            await heartbeat.sleep(1.0)


class ShareCameras:
    """This grabber lives, and reads what falls to it. Without Redis or PostgreSQL it goes on with what it knew."""

    def __init__(self, grabber_id: str, roll: GrabberRoll, book: CameraBook, pool: GrabberPool) -> None:
        self._id = grabber_id
        self._roll = roll
        self._book = book
        self._pool = pool
        self._living: frozenset[str] = frozenset({grabber_id})

    async def run(self, heartbeat: Heartbeat) -> None:
        try:
            while True:
                heartbeat.beat()
                await self.share()
                await heartbeat.sleep(SHARE_S)
        finally:
            # In a thread: waiting for cameras must not hold up the loop.
            await asyncio.to_thread(self._pool.close, _THREADS_END_S)
            with suppress(Unavailable):
                await self._roll.leave(self._id)

    async def share(self) -> None:
        try:
            self._living = await self._roll.report(self._id)
        except Unavailable as error:
            log.warning("roll_waits", reason=error.message)
        metrics.GRABBERS.set(len(self._living))
        self._pool.assign(my_share(self._id, self._living, self._book.grabbable()))
