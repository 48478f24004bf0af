"""Keep ingest's copy of the streams, and grab frames: a thread per camera, and each grabber's share of the cameras."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.backoff import Backoff
from gtvision.errors import Unavailable
from gtvision.events import Envelope
from gtvision.ids import new_id
from gtvision.time import Clock
from ingest import metrics
from ingest.grabbing.domain import (
    CameraBook,
    GrabbedFrame,
    KnownCamera,
    KnownStream,
    Look,
    Pacer,
    Picture,
    StreamBroken,
    StreamClock,
    share_of,
)

if TYPE_CHECKING:
    from ingest.gateways.broker_sink import BrokerFrameSink
    from ingest.gateways.jpeg import TurboJpegEncoder
    from ingest.gateways.opencv_motion import OpenCvMotionGate
    from ingest.gateways.pyav_reader import PyAvStreamReader
    from ingest.gateways.redis_grabbers import RedisGrabbers
    from ingest.grabbing.repository import PostgresCameras

log = get_logger(__name__)

_MOST_PATIENCE = 4
"""A stream that is slower than the settings expect is waited for up to so many times longer."""
_BLIND_AFTER_S = 60.0
"""A camera that gave no key frame for so long is counted as blind."""
_THREADS_END_S = 3.0


@dataclass(frozen=True, slots=True)
class Cameras:
    """Ingest's own copy of the streams, and the book that is read from it and from the copy of the cameras (`city.cameras`)."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresCameras]
    book: CameraBook
    clock: Clock

    async def learn_stream(self, event: Envelope, stream: KnownStream) -> None:
        """A stream came, went or became worse. Events may come twice and in any order."""
        async with self.uow(event.tenant_id) as uow:
            if not await uow.seen(f"ingest.{event.type}", event.event_id):
                await self.repository(uow).put_stream(stream)

    async def refresh(self) -> None:
        """Reads the book anew. Raises: Unavailable, and then the book stays as it is."""
        asked_at = self.clock.monotonic()
        async with self.uow(None) as uow:
            living = await self.repository(uow).living()
        self.book.replace(living, asked_at)


@dataclass(frozen=True, slots=True)
class GrabTools:
    """What every camera's thread is given. `gate_for` makes a fresh gate: a background belongs to one camera."""

    reader: PyAvStreamReader
    gate_for: Callable[[KnownCamera], OpenCvMotionGate]
    encoder: TurboJpegEncoder
    sink: BrokerFrameSink
    clock: Clock
    keep_alive_s: float = 30.0
    """A frame is sent at least so often, motion or not."""
    retry: tuple[timedelta, timedelta] = (timedelta(seconds=0.5), timedelta(seconds=5))
    """Shortest and longest wait before a stream that broke is opened again. Short: only streams that are online are tried."""


class CameraGrab:
    """One camera: paces its key frames, places them in time, gates, encodes and offers them. Used by one thread."""

    def __init__(self, camera: KnownCamera, tools: GrabTools) -> None:
        self._camera = camera
        self._tools = tools
        self._gate = tools.gate_for(camera)
        self._pacer = Pacer(camera.ai.fps)
        self._stream_clock = StreamClock()
        self._sequence = 0
        self._looked_at: float | None = None
        self._sent_at: float | None = None
        self.key_frame_at = tools.clock.monotonic()
        """When the last key frame came, by the monotonic clock; before the first one, when the reading began."""

    def wants(self, stream_s: float) -> bool:
        """Whether the key frame at this stream time is worth decoding."""
        self.key_frame_at = self._tools.clock.monotonic()
        return self._pacer.wants(stream_s, self.key_frame_at)

    def stream_began(self) -> None:
        """The stream was opened anew: its clock starts somewhere else. The background stays."""
        self._stream_clock = StreamClock()
        self._pacer = Pacer(self._camera.ai.fps)

    def take(self, picture: Picture) -> None:
        """Decides on one picture; encodes and offers it where it shows something new."""
        metrics.PICTURES.inc()
        now = self._tools.clock.monotonic()
        placed = self._stream_clock.place(picture.stream_s, now)
        look = self._gate.look(picture.y, now - self._looked_at if self._looked_at is not None else 0.0)
        self._looked_at = now
        reason = self._reason(look, now)
        if reason is None:
            metrics.FRAMES_SKIPPED.labels("still" if look.moved is None else "same").inc()
            return
        if placed.skew_s is not None:
            metrics.CLOCK_SKEWED.inc()
        self._sequence += 1
        self._sent_at = now
        self._gate.sent()
        arrived_at = self._tools.clock.now()
        frame = GrabbedFrame(
            camera=self._camera,
            jpeg=self._tools.encoder.encode(picture),
            captured_at=arrived_at - timedelta(seconds=placed.age_s),
            arrived_at=arrived_at,
            width_px=picture.width_px,
            height_px=picture.height_px,
            motion_box=look.moved,
            sequence=self._sequence,
            clock_skew_ms=None if placed.skew_s is None else round(placed.skew_s * 1000),
        )
        metrics.FRAMES_SENT.labels(reason).inc()
        self._tools.sink.offer(frame)

    def _reason(self, look: Look, now: float) -> str | None:
        """Returns why the picture goes out; None where it does not."""
        if self._sent_at is None or now - self._sent_at >= self._tools.keep_alive_s:
            return "keep_alive"
        return "motion" if look.moved is not None and look.news else None


class CameraThread:
    """Reads one camera until it is told to stop.

    A stream that breaks is opened again, later and later; one that was too slow (a frame in twelve seconds, a key frame in ninety) is
    waited for longer the next time. A break is a warning when it is the first of its cause since there was a picture.
    """

    def __init__(self, camera: KnownCamera, tools: GrabTools) -> None:
        self.camera = camera
        self._tools = tools
        self._grab = CameraGrab(camera, tools)
        self._stopping = threading.Event()
        self._alive_at = tools.clock.monotonic()
        self._patience = 1
        self._warned_of: str | None = None
        # A daemon: one that hangs in a decoder must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"grab-{camera.camera_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; it does within its timeouts."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Waits for the end; returns whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def silent_s(self) -> float:
        """Seconds since the thread last asked whether it should go on."""
        return self._tools.clock.monotonic() - self._alive_at

    def blind_s(self) -> float:
        """Seconds since the last key frame."""
        return self._tools.clock.monotonic() - self._grab.key_frame_at

    def _stopped(self) -> bool:
        self._alive_at = self._tools.clock.monotonic()
        return self._stopping.is_set()

    def _run(self) -> None:
        backoff = Backoff(*self._tools.retry, well=timedelta(seconds=30))
        while not self._stopped():
            began = self._tools.clock.monotonic()
            broken = self._read()
            if self._stopped():
                return
            metrics.STREAM_BREAKS.labels(broken.cause).inc()
            self._patience = min(2 * self._patience, _MOST_PATIENCE) if broken.slow else 1
            wait_s = backoff.wait_s(self._tools.clock.monotonic() - began)
            say = log.info if broken.cause == self._warned_of else log.warning
            say("stream_broke", camera_id=str(self.camera.camera_id), cause=broken.cause, retry_in_s=wait_s, blind_s=round(self.blind_s()))
            self._warned_of = broken.cause
            self._stopping.wait(wait_s)

    def _read(self) -> StreamBroken:
        """Reads the stream until it breaks, and returns why it did."""
        assert self.camera.read_url is not None
        self._grab.stream_began()
        try:
            for picture in self._tools.reader.pictures(self.camera.read_url, self._grab.wants, self._stopped, patience=self._patience):
                self._warned_of = None
                self._grab.take(picture)
        except StreamBroken as broken:
            return broken
        except Exception:
            # One camera's surprise must not end its thread for good, nor touch another's.
            log.exception("grab_failed", camera_id=str(self.camera.camera_id))
            return StreamBroken("failure")
        return StreamBroken("stopped")


class GrabberPool:
    """The cameras of this process, a thread each. Called from one place; never blocks on a thread."""

    def __init__(
        self, tools: GrabTools, *, hung_after_s: float = 60.0, thread_for: Callable[[KnownCamera, GrabTools], CameraThread] = CameraThread
    ) -> None:
        self._tools = tools
        self._hung_after_s = hung_after_s
        self._thread_for = thread_for
        self._threads: dict[UUID, CameraThread] = {}

    @property
    def cameras(self) -> frozenset[UUID]:
        """The cameras that are being read."""
        return frozenset(self._threads)

    def assign(self, cameras: Iterable[KnownCamera]) -> None:
        """Reads exactly these from now on. A camera whose settings changed is opened anew."""
        wanted = {camera.camera_id: camera for camera in cameras}
        for camera_id, thread in list(self._threads.items()):
            hung = thread.silent_s() > self._hung_after_s
            if hung:
                metrics.READERS_REPLACED.inc()
                log.warning("reader_hung", camera_id=str(camera_id), silent_s=round(thread.silent_s()))
            if hung or _changed(wanted.get(camera_id), thread.camera):
                thread.stop()
                del self._threads[camera_id]
        for camera_id, camera in wanted.items():
            if camera_id not in self._threads:
                self._threads[camera_id] = self._thread_for(camera, self._tools)
                self._threads[camera_id].start()
        metrics.CAMERAS_GRABBED.set(len(self._threads))
        metrics.CAMERAS_WITHOUT_KEY_FRAMES.set(sum(thread.blind_s() > _BLIND_AFTER_S for thread in self._threads.values()))

    def close(self, grace_s: float) -> None:
        """Stops all threads. Blocks for at most `grace_s`."""
        threads = list(self._threads.values())
        for thread in threads:
            thread.stop()
        deadline = self._tools.clock.monotonic() + grace_s
        for thread in threads:
            thread.join(max(0.0, deadline - self._tools.clock.monotonic()))
        self._threads.clear()


def _changed(wanted: KnownCamera | None, current: KnownCamera) -> bool:
    """Whether the camera's thread must go. A stream that only got better or worse goes on being read."""
    return wanted is None or (wanted.read_url, wanted.ai) != (current.read_url, current.ai)


class Grabber:
    """One of the processes that share the cameras: it reads what falls to it. Without Redis or PostgreSQL it goes on with what it knew.

    As a context it ends its threads and leaves the list, so that the others take over its cameras at once.
    """

    def __init__(self, grabbers: RedisGrabbers, book: CameraBook, pool: GrabberPool) -> None:
        self._id = str(new_id())
        self._grabbers = grabbers
        self._book = book
        self._pool = pool
        self._living: frozenset[str] = frozenset()

    async def share_cameras(self) -> None:
        """Reports that this grabber lives, and reads its share."""
        try:
            self._living = await self._grabbers.report(self._id)
        except Unavailable as error:
            log.warning("grabbers_unknown", reason=error.message)
        metrics.GRABBERS.set(len(self._living | {self._id}))
        cameras = {camera.camera_id: camera for camera in self._book.grabbable()}
        self._pool.assign(cameras[camera_id] for camera_id in share_of(self._id, self._living, cameras))

    async def __aenter__(self) -> Grabber:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._pool.close, _THREADS_END_S)  # waiting for cameras must not hold up the loop
        with suppress(Unavailable):
            await self._grabbers.leave(self._id)
