"""Tests that a supervisor's journal finds the processes that it has left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gtv import journal
from gtv.home import Home
from servers import ProcessSpec, children, spawn
from servers.files import write_json

SLEEPS = "import time\nwhile True: time.sleep(0.05)"


@pytest.mark.fault
async def test_ends_what_a_crashed_run_left_and_nothing_else(home: Home, tmp_path: Path) -> None:
    def start(folder: Path) -> children.Child:
        return spawn(ProcessSpec([sys.executable, "-c", SLEEPS], folder, {"PATH": "/usr/bin:/bin"}), subprocess.DEVNULL)

    elsewhere = tmp_path / "another"
    elsewhere.mkdir()
    marked, recorded, stranger = start(home.run), start(elsewhere), start(elsewhere)
    processes = [
        {"name": "recorded", "pid": recorded.pid, "created": recorded.created},
        # after a reboot the number belongs to another process
        {"name": "reused", "pid": stranger.pid, "created": stranger.created - 100},
    ]
    write_json(home.state_file, {"processes": processes})
    try:
        assert await asyncio.to_thread(journal.end_leftovers, home) == 2
        assert marked.exit_code() is not None
        assert recorded.exit_code() is not None
        assert stranger.exit_code() is None
    finally:
        children.kill(stranger.members())
        stranger.wait(60)
