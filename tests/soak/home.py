"""What a run stands on: demo cameras, an installation in a folder of its own, and a small disk for its recordings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.stack import Stack, environment, quiet_port, until

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build/soak"
"""The rendered clips are kept here, and the last report."""
A_SERVER = 4
"""As many demo cameras as one server has."""
CHUNK = b"\0" * 1_048_576


@dataclass
class DemoCamera:
    """A demo camera, and its identifier once it is registered."""

    name: str
    title: str
    url: str = field(repr=False)
    control: str
    camera_id: str = ""

    async def fault(self, what: str) -> None:
        """Starts a fault; `none` ends it."""
        async with httpx.AsyncClient(base_url=self.control, trust_env=False) as http:
            (await http.post(f"/cameras/{self.name}/fault", json={"fault": what})).raise_for_status()


@dataclass
class SmallDisk:
    """The recordings folder. `is_small` where it is a disk of its own, which can be made full."""

    folder: Path
    is_small: bool

    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[None]:
        """Leaves no room, also where room is made meanwhile."""
        ballast = self.folder / "ballast"
        filling = asyncio.create_task(self._keep_full(ballast))
        try:
            yield
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
            ballast.unlink(missing_ok=True)

    async def _keep_full(self, ballast: Path) -> None:
        while True:
            await asyncio.to_thread(_fill, ballast)
            await asyncio.sleep(0.2)


def _fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(CHUNK)


@contextlib.contextmanager
def small_disk(recordings: Path, size_mb: int) -> Iterator[SmallDisk]:
    """Mounts a disk in memory for the recordings, where this account may mount; else the folder is on the machine's own disk."""
    recordings.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0755", "gtvision-soak", str(recordings)]
    is_small = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield SmallDisk(recordings, is_small)
    finally:
        if is_small:
            subprocess.run(["umount", "--lazy", str(recordings)], check=False)


@contextlib.contextmanager
def workplace(*, keep: bool) -> Iterator[Path]:
    """A folder that the accounts of the servers can reach; `keep` leaves it with its logs."""
    folder = Path(tempfile.mkdtemp(prefix="gtvision-soak-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def demo_cameras(count: int) -> AsyncIterator[list[DemoCamera]]:
    """Serves so many; each server has four. The clips are drawn once, which takes minutes."""
    found: list[DemoCamera] = []
    async with contextlib.AsyncExitStack() as servers:
        for number in range(0, count, A_SERVER):
            some = min(A_SERVER, count - number)
            data = BUILD / f"cameras-{number // A_SERVER + 1}"
            await servers.enter_async_context(_served(data, some))
            document = json.loads((data / "cameras.json").read_text())
            found += [
                DemoCamera(each["name"], f"{each['title']} ({number + place})", each["url"], document["truth_url"])
                for place, each in enumerate(document["cameras"], start=1)
            ]
        yield found


@contextlib.asynccontextmanager
async def _served(data: Path, count: int) -> AsyncIterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    first = BUILD / "cameras-1/clips"
    if data / "clips" != first and not (data / "clips").exists():
        (data / "clips").symlink_to(first)
    roster = data / "cameras.json"
    roster.unlink(missing_ok=True)
    ports = ["--rtsp-port", str(quiet_port()), "--http-port", str(control := quiet_port())]
    command = [sys.executable, "-m", "demo_cameras", "serve", "--data", str(data), "--cameras", str(count), *ports]
    with (data / "camera.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        await until(lambda: _answers(control), f"the demo cameras play (see {data}/camera.log)", 1_200)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


async def _answers(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"http://127.0.0.1:{port}/health")).is_success


@contextlib.asynccontextmanager
async def installation(data: Path) -> AsyncIterator[Stack]:
    """The stack on this folder, started, and ended in any case. Its disk is its only limit."""
    stack = Stack(data, environment(data) | {"RECORDINGS_MAX_GB": "1000"})
    try:
        await asyncio.to_thread(stack.up)
        yield stack
    finally:
        await asyncio.to_thread(stack.gtv, "down", check=False)


def write_report(document: dict[str, Any]) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / "report.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path
