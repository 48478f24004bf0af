"""Tests that child processes are found again, and end with their parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from servers import ProcessSpec, children

pytestmark = pytest.mark.fault

Script = Callable[..., ProcessSpec]
SLEEPS = "import time\nwhile True: time.sleep(0.05)"


async def gone(pid: int) -> None:
    async with asyncio.timeout(180):
        with contextlib.suppress(psutil.NoSuchProcess):
            while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.01)


async def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    code = f"""
import pathlib, subprocess, sys, time
from servers import ProcessSpec, spawn
child = spawn(ProcessSpec([sys.executable, "-c", {SLEEPS!r}], pathlib.Path.cwd(), {{"PATH": "/usr/bin:/bin"}}), subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(60)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        # once Python runs, the launching prefix has replaced itself by the program
        async with asyncio.timeout(180):
            while "setpriv" in psutil.Process(child).name():
                await asyncio.sleep(0.01)
        supervisor.kill()
    await gone(child)


async def test_finds_a_daemon_that_left_its_session(script: Script, tmp_path: Path) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], start_new_session=True).pid, flush=True)"
    with (tmp_path / "log").open("wb") as log:
        parent = children.spawn(script(code), log)
    async with asyncio.timeout(180):
        while parent.exit_code() is None:
            await asyncio.sleep(0.01)
    daemon = int((tmp_path / "log").read_text())
    assert [process.pid for process in children.leftovers(tmp_path)] == [daemon]
    assert await asyncio.to_thread(children.end_leftovers, tmp_path) == 1
    await gone(daemon)


async def test_secrets_given_on_standard_input_are_in_no_argument(script: Script) -> None:
    child = children.spawn(script("import sys; sys.stdin.read(); input()"), subprocess.DEVNULL, stdin=b"hunter2-hunter2")
    assert "hunter2" not in Path(f"/proc/{child.pid}/cmdline").read_text()
    async with asyncio.timeout(180):
        while child.exit_code() is None:
            await asyncio.sleep(0.01)


def test_a_process_that_never_was_is_not_found() -> None:
    assert children.same(2**22 + 1, 0.0) is None
    assert children.same(os.getpid(), 0.0) is None
    assert children.same(os.getpid(), psutil.Process().create_time()) is not None


async def test_a_process_writes_on_while_the_supervisor_reads_nothing(script: Script) -> None:
    code = "import os; os.write(1, b'x' * 900_000); os.write(1, b'end')"
    child, pipe = children.spawn_piped(script(code))
    with pipe:
        assert await asyncio.to_thread(child.wait, 180) == 0
        assert pipe.read().endswith(b"xend")
