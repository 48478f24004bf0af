"""The CPU provider: text reader and (with a model configured) vehicle detector in one process of their own.

A process, because decoding and reading hold the interpreter's lock, and because native code that crashes or hangs must not take the
consumer with it: the reading process is replaced, the frame is tried again.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ai_detect import metrics
from ai_detect.domain import Finding, Picture, ProviderHealth, ProviderState, read_plates
from ai_detect.gateways.text_reader import TextReader, cut, decode
from ai_detect.gateways.yolo_openvino import YoloOpenVino
from chassis.logs import get_logger
from gtvision.errors import InvalidImage, Unavailable
from gtvision.geometry import Box

log = get_logger(__name__)

_START_TIMEOUT_S = 120.0
_PR_SET_PDEATHSIG = 1


class CpuDetector:
    """Reads plates with RapidOCR and the grammar inside the motion box; finds vehicles where `model_path` names a YOLO model."""

    def __init__(self, *, model_path: Path | None, threads: int, picture_timeout_s: float) -> None:
        self._model_path = model_path
        self._threads = threads
        self._picture_timeout_s = picture_timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self._state = ProviderState.IDLE
        self._error: str | None = None
        self._pictures = 0
        self._starting = asyncio.Lock()

    async def initialize(self) -> None:
        if self._model_path is not None and not self._model_path.exists():
            self._state, self._error = ProviderState.FAILING, f"no model at {self._model_path}"
            raise Unavailable(
                f"YOLO_MODEL_PATH names {self._model_path}, which does not exist; "
                "export one with: yolo export model=<weights>.pt format=openvino"
            )
        await self._running()

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        pool = await self._running()
        jobs = [(picture.data, picture.region) for picture in batch]
        try:
            async with asyncio.timeout(self._picture_timeout_s * len(batch)):
                answers = await asyncio.get_running_loop().run_in_executor(pool, _find_all, jobs)
        except (BrokenProcessPool, TimeoutError) as error:
            self._replace("crashed" if isinstance(error, BrokenProcessPool) else "hung")
            raise Unavailable("The reading process had to be replaced.") from None
        self._pictures += len(batch)
        if any(answer is None for answer in answers):
            raise InvalidImage
        return [answer for answer in answers if answer is not None]

    def health(self) -> ProviderHealth:
        return ProviderHealth(name="cpu", model=self.model, state=self._state, pictures=self._pictures, error=self._error)

    @property
    def model(self) -> str:
        """What reads: `rapidocr`, with the vehicle model's name where there is one."""
        return "rapidocr" if self._model_path is None else f"{self._model_path.stem}+rapidocr"

    async def close(self) -> None:
        if self._pool is not None:
            _kill(self._pool)
            self._pool = None

    async def _running(self) -> ProcessPoolExecutor:
        async with self._starting:
            if self._pool is None:
                self._state = ProviderState.STARTING
                pool = ProcessPoolExecutor(
                    max_workers=1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_load,
                    initargs=(self._model_path, self._threads, os.getpid()),
                )
                try:
                    async with asyncio.timeout(_START_TIMEOUT_S):
                        await asyncio.get_running_loop().run_in_executor(pool, _warm_up)
                except (BrokenProcessPool, TimeoutError) as error:
                    _kill(pool)
                    self._state, self._error = ProviderState.FAILING, "the reading process does not start"
                    raise Unavailable(f"The reading process does not start ({type(error).__name__}).") from None
                self._pool, self._state, self._error = pool, ProviderState.READY, None
            return self._pool

    def _replace(self, reason: str) -> None:
        metrics.RESTARTS.labels(reason).inc()
        log.error("reader_replaced", reason=reason)
        if self._pool is not None:
            _kill(self._pool)
        self._pool, self._state, self._error = None, ProviderState.STARTING, f"the reading process {reason}"


def _kill(pool: ProcessPoolExecutor) -> None:
    """`shutdown` waits for a hung worker for ever; the worker holds nothing worth waiting for."""
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)


# --- inside the reading process ------------------------------------------------------------------------------------------

_tools: tuple[TextReader, YoloOpenVino | None] | None = None


def _load(model_path: Path | None, threads: int, parent: int) -> None:
    global _tools  # noqa: PLW0603 - one reading process, one set of models
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # never outlive the worker, however it ends
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent:
        raise SystemExit
    _tools = TextReader(threads), YoloOpenVino(model_path, threads) if model_path else None


def _warm_up() -> None:
    import numpy as np

    assert _tools is not None
    reader, _ = _tools
    pixels = np.full((240, 320, 3), 127, np.uint8)
    reader.read(*cut(pixels, None))


def _find_all(jobs: Sequence[tuple[bytes, Box | None]]) -> list[list[Finding] | None]:
    return [_find(data, region) for data, region in jobs]


def _find(data: bytes, region: Box | None) -> list[Finding] | None:
    assert _tools is not None
    reader, vehicles = _tools
    pixels = decode(data)
    if pixels is None:
        return None
    findings = vehicles.find(pixels) if vehicles else []
    crop, place = cut(pixels, region)
    return findings + read_plates(reader.read(crop, place))
