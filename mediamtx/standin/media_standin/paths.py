"""Paths: a name, its configuration, its source, its stream and who reads it. One manager serves one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gtvision.time import Clock
from media_standin.auth import AccessRefused, AccessRequest, Authorizer, delay_refusal
from media_standin.configuration import Configuration
from media_standin.options import Options, duration, name_pattern
from media_standin.recorder import Disk, Recorder
from media_standin.source import pull
from media_standin.stream import Stream

log = logging.getLogger("media_standin.paths")

EFFECT_DELAY_S = 0.005
"""Between the control API's answer and its effect; clients must not count on either order."""
_HOT = {"forward", "name"}


class NoStream(LookupError):
    """no stream is available on the path"""


class TooManyReaders(PermissionError):
    """maximum reader count reached"""


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """One reader of a path, as the control API lists it."""

    kind: str
    id: UUID
    close: Callable[[], None]
    """Called when the path goes away under the reader."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What every path shares."""

    disk: Disk
    clock: Clock
    read_timeout_s: float
    """A camera that is silent for this long is given up and tried again."""


class Path:
    """One configured path at run time."""

    def __init__(self, name: str, options: Options, shared: Shared) -> None:
        self.name = name
        self.options = options
        self.read_timeout_s = shared.read_timeout_s
        self.stream: Stream | None = None
        self.available_since: datetime | None = None
        self.readers: list[Reader] = []
        self.became_available = asyncio.Event()
        self._disk = shared.disk
        self._clock = shared.clock
        self._recorder: Recorder | None = None
        self._source: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pulled(self) -> bool:
        return self.options["source"] not in {"publisher", "redirect"}

    @property
    def on_demand(self) -> bool:
        return self.pulled and bool(self.options["sourceOnDemand"])

    def start(self) -> None:
        """Begins to pull, for ever, unless that waits for a reader."""
        if self.pulled and not self.on_demand:
            self.start_source()

    def start_source(self) -> None:
        """Begins to pull if it does not already."""
        if self._source is None:
            self._source = asyncio.create_task(pull(self, self._clock), name=f"source {self.name}")

    async def stop(self) -> None:
        """Ends the source, closes the recording and drops every reader."""
        source, self._source = self._source, None
        if source:
            source.cancel()
            await asyncio.gather(source, return_exceptions=True)
        self.set_unavailable()

    def update(self, options: Options) -> None:
        """New recording options; nothing that would disturb readers."""
        self.options = options
        self._stop_recording()
        self._start_recording()

    def set_available(self, stream: Stream) -> None:
        """The source plays."""
        self.stream = stream
        self.available_since = self._clock.now()
        self.became_available.set()
        self._start_recording()
        log.info("[path %s] stream is available", self.name)

    def set_unavailable(self) -> None:
        """The source is gone: readers are dropped and the segment is closed."""
        stream, self.stream = self.stream, None
        self.available_since = None
        self.became_available.clear()
        self._stop_recording()
        if stream:
            stream.close()
            log.info("[path %s] stream is not available anymore", self.name)
        readers, self.readers = self.readers, []
        for reader in readers:
            reader.close()

    def _start_recording(self) -> None:
        if self.stream and self.options["record"]:
            self._recorder = Recorder(self.name, self.options, self.stream, self._disk)

    def _stop_recording(self) -> None:
        if self._recorder:
            self._recorder.close()
            self._recorder = None

    def admit(self, reader: Reader) -> Stream:
        """Registers a reader. Raises NoStream, TooManyReaders."""
        if self.stream is None:
            raise NoStream(f"no stream is available on path '{self.name}'")
        limit = self.options["maxReaders"]
        if limit > 0 and len(self.readers) >= limit:
            raise TooManyReaders("maximum reader count reached")
        self.readers.append(reader)
        if self._idle:
            self._idle.cancel()
        return self.stream

    def dismiss(self, reader: Reader) -> None:
        """The reader left. Does nothing for one that is not registered."""
        if reader in self.readers:
            self.readers.remove(reader)
        if self.on_demand and not self.readers:
            wait_s = duration(self.options, "sourceOnDemandCloseAfter").total_seconds()
            self._idle = asyncio.get_running_loop().call_later(wait_s, self._stop_if_idle)

    def _stop_if_idle(self) -> None:
        if not self.readers and self._source:
            self._source.cancel()
            self._source = None


class PathManager:
    """Serves what concerns several paths, one request at a time.

    The lock is MediaMTX's single path-manager goroutine: while the hook is asked about one reader, every other request
    that concerns paths waits, the control API's path list included.
    """

    def __init__(self, configuration: Configuration, authorizer: Authorizer, shared: Shared) -> None:
        self._configuration = configuration
        self._authorizer = authorizer
        self._shared = shared
        self._lock = asyncio.Lock()
        self._paths: dict[str, Path] = {}
        self._reloads: set[asyncio.Task[None]] = set()
        configuration.changed = self._schedule_reload

    async def start(self) -> None:
        await self._reload()

    async def stop(self) -> None:
        self._configuration.changed = lambda: None
        for task in self._reloads:
            task.cancel()
        async with self._lock:
            await asyncio.gather(*(path.stop() for path in self._paths.values()))

    def _schedule_reload(self) -> None:
        async def later() -> None:
            await asyncio.sleep(EFFECT_DELAY_S)
            await self._reload()

        task = asyncio.create_task(later())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        async with self._lock:
            wanted = {name: options for name, options in self._configuration.paths.items() if name_pattern(name) is None}
            for name in [name for name, path in self._paths.items() if _must_end(path.options, wanted.get(name))]:
                await self._paths.pop(name).stop()
            for name, options in wanted.items():
                path = self._paths.get(name)
                if path is None:
                    self._paths[name] = Path(name, options, self._shared)
                    self._paths[name].start()
                elif path.options != options:
                    path.update(options)

    async def all(self) -> list[Path]:
        """Every path by name."""
        async with self._lock:
            return [self._paths[name] for name in sorted(self._paths)]

    async def get(self, name: str) -> Path | None:
        async with self._lock:
            return self._paths.get(name)

    async def authorize(self, request: AccessRequest) -> tuple[str, Path | None]:
        """Checks the configuration and asks the hook with the lock held; a refusal is delayed without it.

        Returns the user and the path. Raises InvalidOption, AccessRefused.
        """
        try:
            async with self._lock:
                self._configuration.find(request.path)
                return await self._authorizer.authorize(request), self._paths.get(request.path)
        except AccessRefused as refusal:
            await delay_refusal(refusal, f"[{request.protocol} {request.ip} path {request.path}]")
            raise

    async def describe(self, request: AccessRequest) -> Stream:
        """The stream, without becoming its reader. Raises InvalidOption, AccessRefused, NoStream."""
        _, path = await self.authorize(request)
        return await _stream_of(path, request.path)

    async def add_reader(self, request: AccessRequest, reader: Reader) -> tuple[Path, Stream, str]:
        """The path, its stream and the user. Raises InvalidOption, AccessRefused, NoStream, TooManyReaders."""
        user, path = await self.authorize(request)
        await _stream_of(path, request.path)
        assert path is not None
        return path, path.admit(reader), user


async def _stream_of(path: Path | None, name: str) -> Stream:
    if path and path.on_demand and path.stream is None:
        path.start_source()
        wait_s = duration(path.options, "sourceOnDemandStartTimeout").total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(path.became_available.wait(), wait_s)
    if path is None or path.stream is None:
        raise NoStream(f"no stream is available on path '{name}'")
    return path.stream


def _must_end(current: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """True unless only recording options differ; those are changed under way."""
    if wanted is None:
        return True
    return any(current[key] != value for key, value in wanted.items() if not key.startswith("record") and key not in _HOT)
