"""Finds the measurements, runs them one after the other, and writes down their results.

A measurement is a module `r<number>_<what>.py` or, of the console, `w<number>_<what>.py` with `measure(rounds) -> dict`, plain or async.
The dict has `id`, `job`, `ratio` (the median over the rounds), `min`, `max`, `floor`, `target`, `stretch`, `better` ("higher" or "lower"),
`rounds`, where it helps a `detail` (absolute figures, in words), and in `also` a further figure of the same run, or a list of them. The
console's figures are absolute, and all their bars are one.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import platform
import re
import subprocess
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HISTORY = ROOT / "docs/benchmarks.md"
JSON = ROOT / "build/bench.json"
NAME = re.compile(r"([rw])(\d+)_\w+")
CONSOLE = "W"
"""Stands for all measurements of the console."""


class NotTaken(Exception):
    """Something that the measurement needs is not on this machine. It is said, and no failure."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio and its bars."""

    id: str
    job: str
    ratio: float
    min: float
    max: float
    floor: float
    target: float
    stretch: float
    lower_is_better: bool
    rounds: int
    detail: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Figure:
        """Returns the figure of what a module measured. Raises: KeyError where a field is missing."""
        numbers = {name: float(values[name]) for name in ("ratio", "min", "max", "floor", "target", "stretch")}
        lower = {"lower": True, "higher": False}[values["better"]]
        texts = {"id": values["id"], "job": values["job"], "detail": values.get("detail", "")}
        return cls(**texts, **numbers, lower_is_better=lower, rounds=int(values["rounds"]))

    def reaches(self, bar: float) -> bool:
        """Returns whether the median is at least as good as the bar."""
        return self.ratio <= bar if self.lower_is_better else self.ratio >= bar

    @property
    def holds(self) -> bool:
        """Returns whether the figure reaches its floor, without which nothing is released."""
        return self.reaches(self.floor)

    @property
    def verdict(self) -> str:
        """Returns the name of the best bar that the median reaches; "met" where there is one bar only."""
        if self.floor == self.target == self.stretch:
            return "met" if self.holds else "MISSED"
        for name in ("stretch", "target", "floor"):
            if self.reaches(getattr(self, name)):
                return name
        return "MISSED"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one module: its figures, or the reason why there are none."""

    id: str
    figures: tuple[Figure, ...] = ()
    failure: str | None = None
    left_out: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the time of a run. Ratios can be compared between machines, absolute figures cannot."""

    at: str
    commit: str
    cpu: str
    cores: int
    kernel: str
    python: str
    load: float
    """Load average of the minute before."""

    @classmethod
    def here(cls) -> Machine:
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        cores = len(os.sched_getaffinity(0))
        return cls(at, _commit(), _cpu(), cores, platform.release(), platform.python_version(), os.getloadavg()[0])


@cache
def modules() -> dict[str, str]:
    """Returns id -> module, in order of their numbers; those of the console last, as the stack that they start runs to the end."""
    found = {(match[1], int(match[2])): path.stem for path in HERE.glob("*.py") if (match := NAME.fullmatch(path.stem))}
    named = {f"{letter.upper()}{number}": f"tests.bench.{found[letter, number]}" for letter, number in sorted(found)}
    console = {name: module for name, module in named.items() if name.startswith(CONSOLE)}
    return {name: module for name, module in named.items() if name not in console} | {"LOGIN": "tests.bench.login"} | console


def chosen(names: Sequence[str]) -> list[str]:
    """Returns the ids that are meant: `W` is all of the console, no name all there are."""
    wanted: list[str] = []
    for name in map(str.upper, names):
        wanted += [each for each in modules() if each.startswith(CONSOLE)] if name == CONSOLE else [name]
    return wanted or list(modules())


def take(name: str, module: str, rounds: int) -> Result:
    """Runs one measurement; an exception becomes a result with its reason."""
    try:
        taken = importlib.import_module(module).measure(rounds)
        raw: dict[str, Any] = asyncio.run(taken) if inspect.iscoroutine(taken) else taken
        figures = [Figure.of(raw)]
        more = raw.get("also", [])
        figures += [Figure.of(each) for each in (more if isinstance(more, list) else [more])]
    except NotTaken as lack:
        return Result(name, left_out=str(lack))
    except Exception as error:
        traceback.print_exc()
        return Result(name, failure=f"{type(error).__name__}: {error}")
    return Result(name, tuple(figures), raw=raw)


def table(figures: Sequence[Figure], *, markdown: bool = False) -> str:
    """Returns a table with a line for each figure."""
    head = ("id", "job", "median", "min", "max", "floor", "target", "stretch", "verdict")
    rows = [head, *(_row(figure) for figure in figures)]
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([lines[0], "|---" * 2 + "|--:" * 6 + "|---|", *lines[1:]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _row(figure: Figure) -> tuple[str, ...]:
    job = figure.job + (" (lower is better)" if figure.lower_is_better else "")
    bars = (figure.ratio, figure.min, figure.max, figure.floor, figure.target, figure.stretch)
    return (figure.id, job, *(f"{value:.3g}" for value in bars), figure.verdict)


def write_json(machine: Machine, results: Sequence[Result]) -> None:
    """Writes the whole run as JSON."""
    JSON.parent.mkdir(exist_ok=True)
    document = {"machine": asdict(machine), "results": [asdict(result) for result in results]}
    JSON.write_text(json.dumps(document, indent=2) + "\n")


def append_section(machine: Machine, command: str, results: Sequence[Result], history: Path = HISTORY) -> None:
    """Appends a section for this run to the history."""
    figures = [figure for result in results for figure in result.figures]
    where = f"{machine.cpu}, {machine.cores} cores, Linux {machine.kernel}, Python {machine.python}, load before {machine.load:.1f}"
    counts = [figure.rounds for figure in figures]
    rounds = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(counts[0])
    lines = [f"\n## {machine.at} · {machine.commit}\n", f"`{command}` on {where}; {rounds} rounds.\n"]
    lines.append(table(figures, markdown=True) + "\n")
    lines += [f"- {figure.id}: {figure.detail}" for figure in figures if figure.detail]
    lines += [f"- {result.id}: not taken: {result.left_out}" for result in results if result.left_out]
    with history.open("a") as file:
        file.write("\n".join(lines).rstrip() + "\n")


def _commit() -> str:
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown commit"
    return done.stdout.strip().replace("-dirty", " with changes")


def _cpu() -> str:
    models = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return models[0] if models else platform.machine()
