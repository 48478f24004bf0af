"""Which frame of the loop is on air. Every camera's loop begins on the full minute, so the position follows from the time alone."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Playhead:
    """The wall clock as it was when the server started, carried on by the monotonic clock: a clock step moves no picture."""

    fps: int
    frames: int
    started_wall_s: float
    started_monotonic_s: float

    @classmethod
    def now(cls, fps: int, frames: int) -> Playhead:
        """A playhead that starts at this moment."""
        return cls(fps, frames, time.time(), time.monotonic())

    def wall_s(self, monotonic_s: float | None = None) -> float:
        """Unix time at a monotonic time (now when left out)."""
        at = time.monotonic() if monotonic_s is None else monotonic_s
        return self.started_wall_s + at - self.started_monotonic_s

    def tick(self) -> int:
        """The number of the newest frame due, counted from 1970; frame `tick % frames` of the loop."""
        return int(self.wall_s() * self.fps)

    def due_monotonic_s(self, tick: int) -> float:
        """When a tick is due."""
        return tick / self.fps - self.started_wall_s + self.started_monotonic_s

    def loops_between(self, since_s: float, until_s: float) -> range:
        """Numbers of the loops that touch an interval of Unix time."""
        loop_s = self.frames / self.fps
        return range(int(since_s // loop_s), int(until_s // loop_s) + 1)

    def loop_start_s(self, loop: int) -> float:
        """Unix time at which a loop begins."""
        return loop * self.frames / self.fps
