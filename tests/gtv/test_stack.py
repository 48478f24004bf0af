"""Tests of the supervisor's own process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gtv.home import Home
from servers import free_port

pytestmark = pytest.mark.fault


async def test_ctrl_z_does_not_stop_a_supervisor(data_folder: Path) -> None:
    table = data_folder / "stack.toml"
    table.write_text('[[process]]\nname = "edge"\nkind = "edge"\n')
    home = Home(data_folder / "stack")
    env = {"PATH": os.defpath, "GTV_DATA": str(home.root), "GTV_STACK_FILE": str(table)}
    env |= {f"GTV_PORTS_{name}": str(free_port()) for name in ("EDGE", "EDGE_HTTP")}
    # a group of its own in our session: in a session of its own the kernel would ignore the signal
    with subprocess.Popen([sys.executable, "-m", "gtv", "supervise"], env=env, process_group=0) as supervisor:
        try:
            async with asyncio.timeout(180):
                while home.read_state().get("pid") != supervisor.pid:
                    assert supervisor.poll() is None
                    await asyncio.sleep(0.05)
            supervisor.send_signal(signal.SIGTSTP)
            supervisor.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(supervisor.wait, 180) == 0
        finally:
            supervisor.kill()
