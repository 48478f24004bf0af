"""The state file of a running supervisor: read by `gtv status`, and by the next run, which ends what a crash left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from gtv.home import Home
from servers import children
from servers.files import write_json
from servers.units import Phase, Record


@dataclass(slots=True)
class Line(Record):
    """The state of one process as the file has it."""

    name: str = ""

    @property
    def for_s(self) -> float:
        """Seconds in this phase; all processes of a machine share the monotonic clock."""
        return max(0.0, time.monotonic() - self.since)


class Journal:
    """Writes the state file, which is replaced as a whole."""

    def __init__(self, home: Home, **header: Any) -> None:
        self._home = home
        own = psutil.Process()
        self._header = {"pid": own.pid, "created": own.create_time(), **header}

    def write(self, records: Mapping[str, Record], *, phase: str) -> None:
        """Writes the state of every process."""
        lines = [{"name": name, **asdict(record)} for name, record in records.items()]
        write_json(self._home.state_file, {**self._header, "phase": phase, "processes": lines})


def lines(state: Mapping[str, Any]) -> Iterator[Line]:
    """Reads the processes back."""
    for item in state.get("processes", ()):
        yield Line(**{**item, "phase": Phase(item["phase"])})


def supervisor_of(state: Mapping[str, Any]) -> psutil.Process | None:
    """Returns the living process that wrote the state file."""
    return children.same(state.get("pid", 0), state.get("created", 0.0))


def end_leftovers(home: Home) -> int:
    """Ends every process that an earlier supervisor of this folder started and could not end. Blocking. Returns how many there were.

    They are known by number and start time, by the session that they lead, and by the mark that they inherited.
    """
    found: dict[int, psutil.Process] = {}
    for item in home.read_state().get("processes", ()):
        if item["pid"] is not None and children.same(item["pid"], item["created"]) is not None:
            found.update((process.pid, process) for process in children.family(item["pid"]))
    found.update((process.pid, process) for process in children.leftovers(home.root))
    found.pop(os.getpid(), None)
    return children.end(found.values(), grace_s=10.0)
