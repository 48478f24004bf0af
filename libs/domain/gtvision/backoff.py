"""A wait between tries that grows while they fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

_FACTOR = 2


@dataclass
class Backoff:
    """Doubles from `first` to `longest`; a try that lasted for `well` or longer, or `reset()`, starts it over.

    `wait_s(lasted_s)` returns the seconds to wait before the next try, `lasted_s` being how long the last one went on before it failed.
    """

    first: timedelta
    longest: timedelta
    well: timedelta | None = None
    _next_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Starts over: the next wait is the shortest."""
        self._next_s = self.first.total_seconds()

    def wait_s(self, lasted_s: float = 0.0) -> float:
        """Returns the next wait in seconds, and doubles the one after it."""
        if self.well is not None and lasted_s >= self.well.total_seconds():
            self.reset()
        wait_s = self._next_s
        self._next_s = min(wait_s * _FACTOR, self.longest.total_seconds())
        return wait_s
