"""One stack for all tests of this folder: real servers, all services, and a demo camera registered through the API."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.e2e.partner import Partner
from tests.e2e.stack import CAMERA, DemoCamera, Feed, Person, Stack, environment, quiet_port, until
from tests.fixtures import needs

from gtvision.plate import to_old
from servers import BinaryMissing
from servers.process import find_binary

ROOT = Path(__file__).parents[2]
CLIPS = ROOT / "build/e2e"
"""The rendered clips are kept here: one minute of video takes half a minute of CPU."""
PROGRAMS = ("pgbouncer", "redis-server", "rabbitmq-server", "haproxy", "nginx", "ffmpeg", "ffprobe")


@pytest.fixture(scope="session")
def workplace() -> Iterator[Path]:
    """A folder that every server's account can reach; processes and files of killed test runs are removed first."""
    parent = Path(tempfile.gettempdir() if not os.access("/var/tmp", os.W_OK) else "/var/tmp", f"gtvision-e2e-{os.getuid()}")
    parent.mkdir(mode=0o755, exist_ok=True)
    for old in parent.iterdir():
        with contextlib.suppress(OSError), (old / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Stack(old / "data", environment(old / "data")).gtv("down", check=False)
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="stack-", dir=parent))
    folder.chmod(0o755)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def camera_process() -> Iterator[Path]:
    """The camera server with one camera; its roster is written when the clip is rendered."""
    for program in PROGRAMS:
        try:
            find_binary(program)
        except BinaryMissing as missing:
            needs.left_out(str(missing))
    CLIPS.mkdir(parents=True, exist_ok=True)
    roster = CLIPS / "cameras.json"
    roster.unlink(missing_ok=True)
    command = [sys.executable, "-m", "demo_cameras", "serve", "--data", str(CLIPS), "--cameras", "1"]
    command += ["--rtsp-port", str(quiet_port()), "--http-port", str(quiet_port())]
    with (CLIPS / "camera.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield roster
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.wait()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(camera_process: Path, workplace: Path) -> AsyncIterator[Stack]:
    """The stack, started while the clip is rendered, and ended in any case."""
    data = workplace / "data"
    stack = Stack(data, environment(data))
    try:
        await asyncio.to_thread(stack.up)
        yield stack
    finally:
        await asyncio.to_thread(stack.gtv, "down", check=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def camera(camera_process: Path) -> DemoCamera:
    async def rendered() -> bool:
        return camera_process.exists()

    await until(rendered, f"the clip of {CAMERA} is rendered (see build/e2e/camera.log)", 1_200)
    camera = DemoCamera.of(camera_process)
    await until(camera.ready, "the camera server answers")
    return camera


@dataclass
class Deployment:
    """The stack with its camera registered, one plate on a watchlist, and a client on the live feed."""

    stack: Stack
    camera: DemoCamera
    person: Person
    feed: Feed
    camera_id: str
    watched: str
    """The watched plate as it is on the vehicle. The watchlist has it in its older format."""

    async def state(self) -> str:
        return (await self.person.get(f"/cameras/{self.camera_id}"))["state"]

    async def online(self) -> bool:
        return await self.state() == "online"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployment(stack: Stack, camera: DemoCamera) -> AsyncIterator[Deployment]:
    person = Person(stack)
    await person.log_in()
    feed = Feed(stack, person)
    listening = asyncio.create_task(feed.listen())
    await until(_set(feed.subscribed), "the live feed is open")
    watchlist = await person.post("/watchlists", {"name": "Procurados", "severity": "critical"})
    old_shape = to_old(camera.plates[0])  # the same vehicle under the plate that it had before
    await person.post(f"/watchlists/{watchlist['watchlist_id']}/entries", {"plate": old_shape, "reason": "Furto"})
    registered = await person.post("/cameras", {"name": camera.title, "url": camera.url, "external_id": camera.external_id})
    try:
        yield Deployment(stack, camera, person, feed, registered["id"], camera.plates[0])
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await person.http.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def admitted(deployment: Deployment) -> AsyncIterator[Partner]:
    made = await Partner.admitted(deployment.stack, deployment.person)
    yield made
    await made.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def partner(admitted: Partner) -> Partner:
    """The partner's program, with a token that is valid for the whole test."""
    await admitted.renew()
    return admitted


def _set(event: asyncio.Event) -> Any:
    async def is_set() -> bool:
        return event.is_set()

    return is_set
