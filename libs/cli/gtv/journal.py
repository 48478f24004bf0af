"""What a running supervisor writes down: for `gtv status`, and so that the next run finds what a crash left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from gtv.home import Home
from servers import children
from servers.files import write_json
from servers.units import Phase, Record


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of one process."""

    name: str
    phase: Phase
    pid: int | None
    created: float
    restarts: int
    reason: str | None
    for_s: float
    """Seconds in this phase."""


class Journal:
    """The supervisor's side: one small file, replaced as a whole."""

    def __init__(self, home: Home, **header: Any) -> None:
        self._home = home
        own = psutil.Process()
        self._header = {"pid": own.pid, "created": own.create_time(), **header}

    def write(self, records: Mapping[str, Record], *, phase: str) -> None:
        """Replace the file."""
        lines = [
            {"name": name, "phase": record.phase, "pid": record.pid, "created": record.created}
            | {"restarts": record.restarts, "reason": record.reason, "since": record.since}
            for name, record in records.items()
        ]
        write_json(self._home.state_file, {**self._header, "phase": phase, "processes": lines})


def lines(state: Mapping[str, Any], now: float) -> Iterator[Line]:
    """Read the processes back. `now` is the monotonic clock, which all processes of a machine share."""
    for item in state.get("processes", ()):
        known = {key: value for key, value in item.items() if key not in {"phase", "since"}}
        yield Line(phase=Phase(item["phase"]), for_s=max(0.0, now - item["since"]), **known)


def supervisor_of(state: Mapping[str, Any]) -> psutil.Process | None:
    """The living process that wrote the file."""
    return children.same(state.get("pid", 0), state.get("created", 0.0))


def end_leftovers(home: Home) -> int:
    """End every process that an earlier supervisor of this folder started and could not end. Blocking. Returns how many there were.

    They are known by number and start time, by the session that they lead, and by the mark that they inherited.
    """
    found: dict[int, psutil.Process] = {}
    for item in home.read_state().get("processes", ()):
        if item["pid"] is not None and children.same(item["pid"], item["created"]) is not None:
            found.update((process.pid, process) for process in children.family(item["pid"]))
    found.update((process.pid, process) for process in children.leftovers(home.root))
    found.pop(os.getpid(), None)
    return children.end(found.values(), grace_s=10.0)
