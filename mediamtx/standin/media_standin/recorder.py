"""Recording: a stream's pictures into fMP4 segments, written part by part so that a crash loses one part at most."""

from __future__ import annotations

import logging
import queue
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from media_standin import fmp4, recordpath
from media_standin.h264 import CLOCK_RATE, MAX_STEP_TICKS, AccessUnit
from media_standin.options import Options, duration
from media_standin.stream import Stream

log = logging.getLogger("media_standin.recorder")

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Waiting for a slow disk, all paths together; what comes beyond is lost, and the log says so."""
RETRY_TICKS = 2 * CLOCK_RATE  # until a new file is begun where the disk refused the last, as MediaMTX does


class Disk:
    """Writes files in a thread of its own, in order, so that a slow disk never holds the streams up."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], int] | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], int], size: int) -> bool:
        """Queues work that will write `size` bytes and returns them. False if too much is waiting."""
        with self._lock:
            if size and self._waiting_bytes + size > MAX_WAITING_BYTES:
                return False
            self._waiting_bytes += size
        self._work.put(work)
        return True

    def close(self) -> None:
        """Returns when everything queued is on disk."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            written = work()
            with self._lock:
                self._waiting_bytes -= written


class _File:
    """One segment on disk; every method runs on the disk's thread."""

    def __init__(self, path: Path, init: bytes) -> None:
        self._path = path
        self._init = init
        self._file: BinaryIO | None = None
        self.has_failed = False

    def write(self, data: bytes) -> int:
        """Appends and hands the bytes to the kernel at once."""
        if self.has_failed:
            return len(data)
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("wb", buffering=0)
                self._file.write(self._init)
            self._file.write(data)
        except OSError as error:
            self.has_failed = True
            log.error("recording %s stopped: %s", self._path, error)
        return len(data)

    def close(self, milliseconds: int) -> int:
        """Writes the whole duration into the header, as MediaMTX does, and closes."""
        if self._file is not None:
            try:
                self._file.seek(fmp4.duration_offset(self._init))
                self._file.write(struct.pack(">I", milliseconds & 0xFFFFFFFF))
                self._file.close()
            except OSError as error:
                log.error("segment %s was not closed cleanly: %s", self._path, error)
        return 0


class Recorder:
    """Records one stream until closed. Segments start at key pictures and are as long as configured, or a little longer."""

    def __init__(self, name: str, options: Options, stream: Stream, disk: Disk) -> None:
        self._name = name
        self._options = options
        self._stream = stream
        self._disk = disk
        self._segment_ticks = int(duration(options, "recordSegmentDuration").total_seconds() * CLOCK_RATE)
        self._part_ticks = int(duration(options, "recordPartDuration").total_seconds() * CLOCK_RATE)
        self._file: _File | None = None
        self._parameters = (b"", b"")
        self._segment_start = 0
        self._part_start = 0
        self._sequence = 0
        self._samples: list[fmp4.Sample] = []
        self._pending: AccessUnit | None = None
        if options["recordFormat"] != "fmp4":
            log.error("[path %s] the stand-in records fmp4 only", name)
            return
        stream.read_units(self, self._on_unit, lambda: None)

    def _on_unit(self, unit: AccessUnit) -> None:
        """A picture's duration is known when the next one comes, so one is always held back."""
        previous, self._pending = self._pending, unit
        if previous is not None:
            step = unit.ticks - previous.ticks
            if not 0 <= step <= MAX_STEP_TICKS:
                log.warning("[path %s] the camera's clock jumped by %.3f s, starting a new segment", self._name, step / CLOCK_RATE)
                self._append(previous, CLOCK_RATE // 25)
                self._finish_segment()
            else:
                self._append(previous, step)
        if unit.key and self._wants_new_segment(unit):
            self._finish_segment()
            self._begin_segment(unit)

    def _wants_new_segment(self, unit: AccessUnit) -> bool:
        if self._file is None or self._parameters != (self._stream.sps, self._stream.pps):
            return True
        return unit.ticks - self._segment_start >= (RETRY_TICKS if self._file.has_failed else self._segment_ticks)

    def _begin_segment(self, unit: AccessUnit) -> None:
        self._parameters = (self._stream.sps, self._stream.pps)
        try:
            init = fmp4.initialisation(*self._parameters)
        except ValueError as error:
            log.warning("[path %s] not recording yet: %s", self._name, error)
            return
        self._file = _File(recordpath.encode(self._options, self._name, datetime.fromtimestamp(unit.arrived_at, UTC)), init)
        self._segment_start = self._part_start = unit.ticks
        self._sequence = 0

    def _append(self, unit: AccessUnit, ticks: int) -> None:
        if self._file is None:
            return
        self._samples.append(fmp4.Sample(unit.avcc(), ticks, unit.key))
        if unit.ticks + ticks - self._part_start >= self._part_ticks:
            self._finish_part(unit.ticks + ticks)

    def _finish_part(self, end_ticks: int) -> None:
        if self._file is None or not self._samples:
            return
        data = fmp4.fragment(self._sequence, self._part_start - self._segment_start, self._samples)
        file = self._file
        if not self._disk.put(lambda: file.write(data), len(data)):
            log.error("[path %s] the disk is too slow, %d bytes of recording are lost", self._name, len(data))
        self._sequence += 1
        self._part_start = end_ticks
        self._samples = []

    def _finish_segment(self) -> None:
        if self._file is None:
            return
        end = self._part_start + sum(sample.duration for sample in self._samples)
        self._finish_part(end)
        file, milliseconds = self._file, (end - self._segment_start) * 1000 // CLOCK_RATE
        self._disk.put(lambda: file.close(milliseconds), 0)
        self._file = None

    def close(self) -> None:
        """Writes what is there and closes the segment."""
        self._stream.forget(self)
        if self._pending is not None:
            self._append(self._pending, CLOCK_RATE // 25)
            self._pending = None
        self._finish_segment()
