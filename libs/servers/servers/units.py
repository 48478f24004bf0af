"""Units, which a supervisor keeps running, and the records of their state.

waiting -> starting -> ready <-> failing        (failing: runs, but its last probe did not succeed)
              ^           |
              +- backoff <+--> stopping -> stopped            `once` units end as done
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from servers.process import ProcessSpec

Probe = Callable[[int], Awaitable[None]]
"""Gets the process id; raises anything while the process does not work."""


class Phase(StrEnum):
    """Where a unit is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations of supervision, all in seconds."""

    start_s: float = 120.0
    """Longest time from start to the first successful probe."""
    probe_s: float = 5.0
    """Between probes, and the longest that one may take."""
    stall_s: float = 15.0
    """Without a successful probe for so long, a process is killed and replaced."""
    grace_s: float = 15.0
    """From the stop signal to SIGKILL."""
    retry_s: float = 0.5
    """First pause before a restart; doubled each time."""
    retry_max_s: float = 30.0
    """Longest pause before a restart; a process that was ready for longer than this starts again with the first."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One process to keep running, or (`once`) to run to its end."""

    name: str
    spec: Callable[[], ProcessSpec]
    """Called in a thread before each start; may prepare files."""
    ready: Probe | None = None
    alive: Probe | None = None
    """Probe once it is ready; by default the same."""
    needs: tuple[str, ...] = ()
    after_start: Callable[[], Awaitable[None]] | None = None
    """Awaited after the first successful probe of each start (`once`: after it ended well), before a unit that needs it goes on."""
    after_stop: Callable[[], None] | None = None
    """Called in a thread after each end."""
    once: bool = False
    stdin: Callable[[], bytes] | None = None
    pace: Pace = Pace()


@dataclass(slots=True)
class Record:
    """The state of a unit."""

    phase: Phase = Phase.WAITING
    pid: int | None = None
    created: float = 0.0
    restarts: int = 0
    reason: str | None = None
    """Why the last restart, or why it is not ready."""
    since: float = 0.0
    """Monotonic time of the last change of phase."""
