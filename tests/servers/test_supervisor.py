"""Tests of the supervisor with small real processes: order of start, restart, replacement, clean end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from servers import ProcessSpec, children
from servers.logfiles import LogFile
from servers.supervisor import Supervisor
from servers.units import Pace, Phase, Unit

pytestmark = pytest.mark.fault

QUICK = Pace(start_s=120, probe_s=0.05, stall_s=0.5, grace_s=120, retry_s=0.05, retry_max_s=0.2)
SLEEPS = "import time\nwhile True: time.sleep(0.05)"
Script = Callable[..., ProcessSpec]


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with Supervisor(lambda name: LogFile(tmp_path / f"{name}.log")) as running:
        yield running
    assert children.leftovers(tmp_path) == [], "a process outlived the supervisor"


async def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; the timeout only ends a test that hangs."""
    async with asyncio.timeout(180):
        while not condition():
            await asyncio.sleep(0.01)


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def file_exists(path: Path) -> Callable[[int], Awaitable[None]]:
    async def probe(_pid: int) -> None:
        if not path.exists():
            raise RuntimeError(f"{path.name} is missing")

    return probe


async def test_starts_in_order_of_need(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    first = "import pathlib, time; time.sleep(0.2); pathlib.Path('first').touch()\n" + SLEEPS
    second = f"import pathlib; pathlib.Path('seen').write_text(str(pathlib.Path('first').exists()))\n{SLEEPS}"
    supervisor.add(
        Unit("first", lambda: script(first), file_exists(tmp_path / "first"), pace=QUICK),
        Unit("second", lambda: script(second), file_exists(seen), needs=("first",), pace=QUICK),
    )
    async with asyncio.timeout(180):
        await supervisor.wait_ready()
    assert seen.read_text() == "True"
    assert [record.phase for record in supervisor.records().values()] == [Phase.READY, Phase.READY]


async def test_restarts_what_was_killed_and_says_why(supervisor: Supervisor, script: Script) -> None:
    supervisor.add(Unit("victim", lambda: script(SLEEPS), pace=QUICK))
    record = supervisor.records()["victim"]
    await until(lambda: record.phase is Phase.READY)
    first = record.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: record.phase is Phase.READY and record.pid != first)
    assert record.restarts == 1
    assert record.reason == "ended by SIGKILL"


async def test_backs_off_from_a_failing_process_and_quotes_its_last_lines(supervisor: Supervisor, script: Script) -> None:
    supervisor.add(Unit("broken", lambda: script("raise SystemExit('the port is taken')"), pace=QUICK))
    record = supervisor.records()["broken"]
    await until(lambda: record.restarts >= 3)
    assert record.reason == "ended with status 1: the port is taken"


async def test_replaces_a_process_that_was_stopped(supervisor: Supervisor, script: Script) -> None:
    supervisor.add(Unit("frozen", lambda: script(SLEEPS), pace=QUICK))
    record = supervisor.records()["frozen"]
    await until(lambda: record.phase is Phase.READY)
    first = record.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    await until(lambda: record.phase is Phase.READY and record.pid not in {first, None})
    assert record.reason is not None
    assert record.reason.startswith("stalled for")
    assert not psutil.pid_exists(first)


async def test_replaces_what_fails_its_probe_with_all_its_children(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    well = tmp_path / "well"
    well.touch()
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).pid, flush=True)\n{SLEEPS}"
    supervisor.add(Unit("parent", lambda: script(code), file_exists(well), pace=QUICK))
    record = supervisor.records()["parent"]
    log = supervisor.log_of("parent").path
    await until(lambda: record.phase is Phase.READY and log.exists() and log.read_text().endswith("\n"))
    grandchild = int(log.read_text())
    assert psutil.pid_exists(grandchild)
    well.unlink()
    await until(lambda: record.restarts > 0)
    well.touch()
    await until(lambda: record.phase is Phase.READY)
    await until(lambda: not _lives(grandchild))


async def test_does_not_replace_a_process_that_fails_because_of_its_need(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    well = tmp_path / "well"
    well.touch()
    slow, patient = replace(QUICK, stall_s=600), replace(QUICK, stall_s=3)
    supervisor.add(
        Unit("database", lambda: script(SLEEPS), file_exists(well), pace=slow),
        Unit("pooler", lambda: script(SLEEPS), file_exists(well), needs=("database",), pace=patient),
    )
    async with asyncio.timeout(180):
        await supervisor.wait_ready()
    well.unlink()
    pooler = supervisor.records()["pooler"]
    await until(lambda: pooler.phase is Phase.FAILING)
    await asyncio.sleep(2 * patient.stall_s)
    assert pooler.restarts == 0
    well.touch()
    await until(lambda: pooler.phase is Phase.READY)


async def test_a_task_runs_once_with_its_input_and_those_who_need_it_wait(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    done: list[bool] = []

    async def after() -> None:
        done.append((tmp_path / "got").exists())

    code = "import pathlib, sys; pathlib.Path('got').write_text(sys.stdin.read())"
    supervisor.add(
        Unit("task", lambda: script(code), once=True, stdin=lambda: b"secret", after_start=after, pace=QUICK),
        Unit("service", lambda: script(SLEEPS), needs=("task",), pace=QUICK),
    )
    async with asyncio.timeout(180):
        await supervisor.wait_ready()
    assert (tmp_path / "got").read_text() == "secret"
    assert done == [True]
    assert supervisor.records()["task"].phase is Phase.DONE


async def test_a_failing_task_is_tried_again(supervisor: Supervisor, script: Script) -> None:
    code = "import pathlib, sys; p = pathlib.Path('tried'); sys.exit(0) if p.exists() else (p.touch(), sys.exit(3))"
    supervisor.add(Unit("task", lambda: script(code), once=True, pace=QUICK))
    async with asyncio.timeout(180):
        await supervisor.wait_ready()
    assert supervisor.records()["task"].restarts == 1


async def test_stops_in_reverse_order_and_kills_what_ignores_signals(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    note = (
        "import signal, sys, pathlib, time\n"
        "def end(*_):\n pathlib.Path({0!r}).write_text(str(time.monotonic())); sys.exit(0)\n"
        "signal.signal(15, end)\n"
    )
    deaf = f"import signal, pathlib; signal.signal(15, signal.SIG_IGN); pathlib.Path('deaf').touch()\n{SLEEPS}"
    short = Pace(start_s=120, probe_s=0.05, stall_s=120, grace_s=0.3, retry_s=0.05, retry_max_s=0.2)
    supervisor.add(
        Unit(
            "database",
            lambda: script(note.format("database") + "pathlib.Path('up').touch()\n" + SLEEPS),
            file_exists(tmp_path / "up"),
            pace=QUICK,
        ),
        Unit(
            "service",
            lambda: script(note.format("service") + "pathlib.Path('up2').touch()\n" + SLEEPS),
            file_exists(tmp_path / "up2"),
            needs=("database",),
            pace=QUICK,
        ),
        Unit("deaf", lambda: script(deaf), file_exists(tmp_path / "deaf"), pace=short),
    )
    async with asyncio.timeout(180):
        await supervisor.wait_ready()
    await supervisor.stop()
    assert float((tmp_path / "service").read_text()) <= float((tmp_path / "database").read_text())
    assert {record.phase for record in supervisor.records().values()} == {Phase.STOPPED}
    assert {record.pid for record in supervisor.records().values()} == {None}


async def test_stopping_does_not_wait_for_what_never_became_ready(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    supervisor.add(
        Unit("never", lambda: script(SLEEPS), file_exists(tmp_path / "nothing"), pace=QUICK),
        Unit("waiting", lambda: script(SLEEPS), needs=("never",), pace=QUICK),
    )
    await until(lambda: supervisor.records()["never"].pid is not None)
    async with asyncio.timeout(180):
        await supervisor.stop()


async def test_renews_a_process_with_what_its_specification_says_by_then(supervisor: Supervisor, script: Script, tmp_path: Path) -> None:
    env = {"WORD": "one"}
    code = f"import os, pathlib; pathlib.Path('word').write_text(os.environ['WORD'])\n{SLEEPS}"
    supervisor.add(Unit("speaker", lambda: script(code, **env), file_exists(tmp_path / "word"), pace=QUICK))
    async with asyncio.timeout(180):
        await supervisor.wait_ready()
    env["WORD"] = "two"
    supervisor.renew("speaker", "another word")
    await until(lambda: (tmp_path / "word").read_text() == "two")
    assert supervisor.records()["speaker"].reason == "another word"


async def test_refuses_a_need_that_no_unit_meets(supervisor: Supervisor, script: Script) -> None:
    with pytest.raises(ValueError, match="needs ghost"):
        supervisor.add(Unit("lonely", lambda: script(SLEEPS), needs=("ghost",)))
