"""Clock in: the copy of cameras, and each grabber's share of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from chassis.health import Heartbeat
from gtvision.errors import Unavailable
from ingest import metrics
from ingest.grabbing.ports import GrabberRoll
from ingest.grabbing.usecases import CameraBook, GrabberPool, my_share

log = structlog.get_logger(__name__)

BOOK_S = 2.0

SHARE_S = 2.0

DEAD_AFTER_S = 7
"""A grabber silent for so long is dead: with the next report of another its cameras have moved, in 9 s at worst."""

_THREADS_END_S = 3.0


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
