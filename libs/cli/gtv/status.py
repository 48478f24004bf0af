"""Resource use and health of the processes of a stack: the tables of `gtv status`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from rich.table import Table as Sheet
from rich.text import Text

from gtv import journal
from gtv.journal import Line
from servers import children
from servers.units import Phase

SAMPLE_S = 1.0
_COLOURS = {
    Phase.READY: "green",
    Phase.DONE: "dim",
    Phase.STARTING: "yellow",
    Phase.WAITING: "yellow",
    Phase.FAILING: "red",
    Phase.BACKOFF: "red",
}


@dataclass(slots=True)
class Usage:
    """CPU and memory of one process and its children."""

    cpu_percent: float = 0.0
    """Of one core."""
    resident_bytes: int = 0
    """RSS added up: memory shared between processes counts in each."""
    proportional_bytes: int = 0
    """PSS: shared memory divided among those who share it; these add up to what is really used."""


@dataclass(slots=True)
class Health:
    """Health of a service, as its private port tells it."""

    ready: bool | None = None
    complaint: str = ""
    slowest_beat_s: float | None = None


@dataclass(slots=True)
class Row:
    """One line of the table."""

    line: Line
    usage: Usage = field(default_factory=Usage)
    health: Health = field(default_factory=Health)


async def observe(state: dict[str, Any]) -> list[Row]:
    """Measures every process for a second."""
    rows = [Row(line) for line in journal.lines(state)]
    supervisor = journal.supervisor_of(state)
    if supervisor is not None:
        began = time.monotonic() - (time.time() - supervisor.create_time())
        own = Line(Phase.READY, supervisor.pid, supervisor.create_time(), since=began, name="supervisor")
        rows.append(Row(own))
    usages, healths = await asyncio.gather(
        asyncio.to_thread(_measure, {row.line.name: row.line.pid for row in rows}),
        _ask_all(rows, state.get("ports", {})),
    )
    for row in rows:
        row.usage, row.health = usages[row.line.name], healths[row.line.name]
    return rows


def _measure(pids: dict[str, int | None]) -> dict[str, Usage]:
    """CPU over a second and memory now, with children; the supervisor's own children are lines of their own."""
    families = {name: _family(name, pid) for name, pid in pids.items()}
    before = {name: _cpu_seconds(family) for name, family in families.items()}
    began = time.monotonic()
    time.sleep(SAMPLE_S)  # noqa: TID251 - in a thread, and the sample is the point
    elapsed = time.monotonic() - began
    usages = {}
    for name, family in families.items():
        after = _cpu_seconds(family)
        used = sum(after[pid] - seconds for pid, seconds in before[name].items() if pid in after)
        usages[name] = Usage(100 * used / elapsed, *_memory(family))
    return usages


def _family(name: str, pid: int | None) -> list[psutil.Process]:
    if pid is None or not psutil.pid_exists(pid):
        return []
    return [psutil.Process(pid)] if name == "supervisor" else children.family(pid)


def _cpu_seconds(family: Iterable[psutil.Process]) -> dict[int, float]:
    seconds = {}
    for process in family:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system
    return seconds


def _memory(family: Iterable[psutil.Process]) -> tuple[int, int]:
    resident = proportional = 0
    for process in family:
        with contextlib.suppress(psutil.Error, OSError):
            own = process.memory_info().rss
            resident += own
            with contextlib.suppress(psutil.AccessDenied):
                own = process.memory_full_info().pss
            proportional += own
    return resident, proportional


async def _ask_all(rows: list[Row], ports: dict[str, int]) -> dict[str, Health]:
    async with httpx.AsyncClient(trust_env=False, timeout=4.0) as client:
        healths = await asyncio.gather(*(_ask(client, row.line, ports.get(f"{row.line.name}-private")) for row in rows))
    return {row.line.name: health for row, health in zip(rows, healths, strict=True)}


async def _ask(client: httpx.AsyncClient, line: Line, port: int | None) -> Health:
    if port is None or line.pid is None:
        return Health()
    try:
        live, ready = await asyncio.gather(*(client.get(f"http://127.0.0.1:{port}/health/{what}") for what in ("live", "ready")))
        ages = live.json().get("heartbeats_age_s", {})
        checks = ready.json().get("checks", {})
    except httpx.HTTPError as error:
        return Health(False, type(error).__name__)
    except ValueError:
        return Health()
    failed = "; ".join(f"{name}: {result}" for name, result in checks.items() if result != "ok")
    return Health(ready.status_code == 200, failed, max(ages.values(), default=None))


def sheet(rows: Iterable[Row], expected_mb: dict[str, int]) -> Sheet:
    """The table for the terminal, totals last. `expected_mb` is the memory hint of each process."""
    table = Sheet(box=None, pad_edge=False, header_style="bold")
    for title in ("process", "state"):
        table.add_column(title, no_wrap=True)
    for title in ("for", "pid", "restarts", "CPU %", "RSS MB", "PSS MB", "beat s"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    total = Usage()
    for row in rows:
        usage = row.usage
        total.cpu_percent += usage.cpu_percent
        total.resident_bytes += usage.resident_bytes
        total.proportional_bytes += usage.proportional_bytes
        table.add_row(*_cells(row, expected_mb.get(row.line.name)))
    table.add_section()
    table.add_row("total", "", "", "", "", *_usage_cells(total, None), "", f"{total.cpu_percent / 100:.2f} cores", style="bold")
    return table


def _cells(row: Row, expected_mb: int | None) -> list[Text | str]:
    line, health = row.line, row.health
    beat = "" if health.slowest_beat_s is None else f"{health.slowest_beat_s:.1f}"
    note = health.complaint or line.reason or ""
    state = line.phase.value if health.ready is not False or line.phase is not Phase.READY else "not ready"
    colour = "red" if state == "not ready" else _COLOURS.get(line.phase, "")
    usage = _usage_cells(row.usage, expected_mb) if line.pid else ["", "", ""]
    return [line.name, Text(state, colour), span(line.for_s), str(line.pid or ""), str(line.restarts or ""), *usage, beat, note]


def _usage_cells(usage: Usage, expected_mb: int | None) -> list[Text | str]:
    memory = f"{usage.resident_bytes / 1e6:.0f}"
    above = expected_mb is not None and usage.proportional_bytes > expected_mb * 1e6
    return [f"{usage.cpu_percent:.1f}", memory, Text(f"{usage.proportional_bytes / 1e6:.0f}", "yellow" if above else "")]


def span(seconds: float) -> str:
    """A duration that fits a column: 12s, 5m03s, 2h05m, 3d04h."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60:02d}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3_600:02d}h"


def as_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [_as_json(row.line, row.usage, row.health) for row in rows]


def _as_json(line: Line, usage: Usage, health: Health) -> dict[str, Any]:
    life = {"pid": line.pid, "restarts": line.restarts, "reason": line.reason, "for_s": round(line.for_s, 1)}
    used = {"rss_bytes": usage.resident_bytes, "pss_bytes": usage.proportional_bytes}
    said = {"ready": health.ready, "complaint": health.complaint, "slowest_beat_s": health.slowest_beat_s}
    return {"name": line.name, "phase": line.phase.value, **life, "cpu_percent": round(usage.cpu_percent, 1), **used, **said}
