"""Processes that are found again and end with whoever started them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gtv import children, journal
from gtv.children import Command
from gtv.home import Home, write_private

pytestmark = pytest.mark.fault

Script = Callable[..., Command]
SLEEPS = "import time\nwhile True: time.sleep(0.05)"


async def gone(pid: int) -> None:
    async with asyncio.timeout(180):
        with contextlib.suppress(psutil.NoSuchProcess):
            while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.01)


async def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    code = f"""
import pathlib, sys, time
from gtv.children import Command, spawn
child = spawn(Command([sys.executable, "-c", {SLEEPS!r}], {{"PATH": "/usr/bin:/bin"}}), log=pathlib.Path("log"), mark="nobody")
print(child.pid, flush=True)
time.sleep(60)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        # the prefix that ties them has become the program itself by the time that it runs Python
        async with asyncio.timeout(180):
            while "setpriv" in psutil.Process(child).name():
                await asyncio.sleep(0.01)
        supervisor.kill()
    await gone(child)


async def test_finds_a_daemon_that_left_its_session(script: Script, tmp_path: Path) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], start_new_session=True).pid, flush=True)"
    parent = children.spawn(script(code), log=tmp_path / "log", mark=str(tmp_path))
    async with asyncio.timeout(180):
        while parent.exit_code() is None:
            await asyncio.sleep(0.01)
    daemon = int((tmp_path / "log").read_text())
    assert [process.pid for process in children.marked(str(tmp_path))] == [daemon]
    assert await asyncio.to_thread(children.end, children.marked(str(tmp_path)), 5.0) == 1
    await gone(daemon)


async def test_ends_what_a_crashed_run_left_and_nobody_else(script: Script, home: Home) -> None:
    left = children.spawn(script(SLEEPS), log=home.logs / "left.log", mark=str(home.root))
    stranger = children.spawn(script(SLEEPS), log=home.logs / "stranger.log", mark="another stack")
    recorded = [
        {"name": "left", "pid": left.pid, "created": left.created},
        # after a reboot the number belongs to somebody else
        {"name": "reused", "pid": stranger.pid, "created": stranger.created - 100},
    ]
    write_private(home.state_file, {"processes": recorded})
    try:
        assert await asyncio.to_thread(journal.end_leftovers, home) == 1
        assert left.exit_code() is not None
        assert stranger.exit_code() is None
    finally:
        os.kill(stranger.pid, signal.SIGKILL)
        await gone(stranger.pid)
        stranger.exit_code()


async def test_secrets_given_on_standard_input_are_in_no_argument(script: Script, tmp_path: Path) -> None:
    child = children.spawn(script("import sys; sys.stdin.read(); input()"), log=tmp_path / "log", mark="x", stdin=b"hunter2-hunter2")
    assert "hunter2" not in Path(f"/proc/{child.pid}/cmdline").read_text()
    async with asyncio.timeout(180):
        while child.exit_code() is None:
            await asyncio.sleep(0.01)


def test_a_process_that_never_was_is_not_found() -> None:
    assert children.same(2**22 + 1, 0.0) is None
    assert children.same(os.getpid(), 0.0) is None
    assert children.same(os.getpid(), psutil.Process().create_time()) is not None
