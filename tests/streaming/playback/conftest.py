"""A media node with recordings: the real agent, and the real nginx in front of it."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from tests.fixtures import needs
from tests.fixtures.databases import PATIENCE_S
from tests.fixtures.plugin import DatabaseFor
from tests.streaming.conftest import CLOCK, Running, announce, registered

from chassis.envelope import wrap
from chassis.redis import connect_redis
from chassis.service import serve
from chassis.settings import RabbitSettings, RedisSettings
from gtvision.camera import path_name
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from servers import NodeNginx, ServerRunner, free_port
from streaming.app import create_agent
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.playback.usecases import Playlists
from streaming.recorder.usecases import Recorder
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.settings import AgentSettings, RecordingSettings
from streaming.streams.repository import PostgresFleet
from streaming.timeline.repository import PostgresOpenFiles
from streaming.timeline.usecases import OpenFiles

ROOT = Path(__file__).parents[3]
HERE = "198.51.100.7"


def encode(
    path: Path, *, seconds: float = 20, size: str = "160x90", sound: bool = False, gop: int = 10, codec: tuple[str, ...] = ()
) -> Path:
    """A file of 10 frames a second in parts of a second, as a media server records."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10:duration={seconds}"]
    inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}", *(codec or ("-c:a", "aac"))] if sound else []
    pictures = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-pix_fmt", "yuv420p", "-g", "10"]
    flags = ["-movflags", "empty_moov+default_base_moof", "-frag_duration", "1000000"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *pictures, *flags, str(path)], check=True)
    return path


@dataclass
class Node:
    """A media node: recordings in a folder, an agent on its private port, and nginx in front of it."""

    running: Running
    redis: RedisSettings
    folder: Path
    url: str
    log: Path
    recorder: Recorder
    http: httpx.AsyncClient

    async def camera(self, *groups: UUID) -> Camera:
        tenant, camera = new_id(), new_id()
        await announce(self.running, registered(self.running, tenant, camera, groups=groups))
        return Camera(self, tenant, camera, self.running.mint.caller(Role.OPERATOR, tenant_id=tenant))

    async def revoke(self, caller: Caller) -> None:
        redis = connect_redis(self.redis.state_url)
        await self.running.mint.revoke(redis, caller.session_id)
        await redis.aclose()


@dataclass
class Camera:
    """A camera of the node with its recordings, and an operator who may see them."""

    node: Node
    tenant: UUID
    camera: UUID
    caller: Caller
    headers: dict[str, str] = field(default_factory=lambda: {"x-forwarded-for": HERE})

    @property
    def folder(self) -> Path:
        return self.node.folder / path_name(self.camera)

    def put(self, film: Path, at: datetime, *, lasts_s: float = 20, cut: int | None = None, written: datetime | None = None) -> Path:
        """Puts a file there that began at `at`; `cut` keeps its first bytes, `written` is when it was written last."""
        path = self.folder / f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        unseen = self.node.folder.parent / "unseen.mp4"  # a file that is sent meanwhile must not be empty for a moment
        unseen.write_bytes(film.read_bytes()[:cut])
        last = (written or at + timedelta(seconds=lasts_s)).timestamp()
        os.utime(unseen, (last, last))
        return unseen.replace(path)

    async def remove(self) -> None:
        """Removes the camera from the city; what it recorded stays."""
        removed = wrap(CameraRemoved(camera_id=self.camera, revision=9), tenant_id=self.tenant, occurred_at=CLOCK.now())
        await self.node.running.events.on_camera_removed(removed)

    async def index(self) -> None:
        await self.node.recorder.keep_index()

    async def ask(self, since: datetime, until: datetime, caller: Caller | None = None, **headers: str) -> httpx.Response:
        params = {"camera_id": str(self.camera), "from": since.isoformat(), "to": until.isoformat()}
        sent = self.node.running.mint.headers(caller or self.caller) | headers
        return await self.node.running.http.get("/recordings/playback", headers=sent, params=params)

    async def ticket(self, since: datetime, until: datetime, **headers: str) -> str:
        answer = await self.ask(since, until, **headers)
        assert answer.status_code == 200, answer.text
        return parse_qs(urlsplit(answer.json()["url"]).query)["ticket"][0]

    async def redeem(self, ticket: str, **params: str) -> httpx.Response:
        return await self.get("open", ticket=ticket, **params)

    async def open(self, since: datetime, until: datetime, **headers: str) -> str:
        """Returns the path of an opened session below the camera's, with its key."""
        answer = await self.redeem(await self.ticket(since, until, **headers))
        assert answer.status_code == 302, answer.text
        return answer.headers["location"].removeprefix(f"/{path_name(self.camera)}/").removesuffix("/index.m3u8")

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
        return await self.node.http.get(f"/{path_name(self.camera)}/{path}", params=params or None, headers=self.headers | (headers or {}))

    async def playlist(self, key: str, **params: str) -> str:
        answer = await self.get(f"{key}/index.m3u8", **params)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def node(
    running: Running,
    database_for: DatabaseFor,
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Node]:
    needs.program("nginx")
    folder = tmp_path_factory.mktemp("node")
    recordings = folder / "recordings"
    recordings.mkdir()
    private_port = free_port()
    settings = AgentSettings(
        service_name="streaming",
        http_host="127.0.0.1",
        private_port=private_port,
        db=await database_for("streaming"),
        rabbit=rabbitmq,
        redis=redis_state,
        recording=RecordingSettings.model_validate({"RECORDINGS_PATH": recordings}),
        objects=running.objects,
    )
    agent = create_agent(settings)
    agent._loops.clear()  # tests look at the folder when they have put something there, and read the outbox
    playlists: Playlists = agent.private.state.provided[Playlists]
    recorder = Recorder(
        running.db.uow,
        PostgresSegments,
        PostgresFleet(running.db),
        PostgresIndex(running.db),
        RecordingsFolder(recordings),
        clock=CLOCK,
        idle_after=timedelta(seconds=20),
        followers=[OpenFiles(running.db.uow, PostgresOpenFiles, timedelta(seconds=20)).follow, playlists.follow],
    )
    nginx = NodeNginx(
        "playback", folder / "nginx", free_port(), template=ROOT / "nginx/node.conf.template", recordings=recordings,
        agent=f"127.0.0.1:{private_port}",
    )  # fmt: skip
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(agent, stop))
    async with ServerRunner(folder) as runner, httpx.AsyncClient(base_url=nginx.url, trust_env=False, timeout=PATIENCE_S) as http:
        await runner.start([nginx])
        async with asyncio.timeout(PATIENCE_S):
            while not agent.is_started:
                await asyncio.sleep(0.05)
        yield Node(running, redis_state, recordings, nginx.url, folder / "playback.log", recorder, http)
    stop.set()
    await serving


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds without sound."""
    return encode(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds without sound, in another size."""
    return encode(tmp_path_factory.mktemp("film") / "larger.mp4", size="320x180")


@pytest.fixture(scope="module")
def with_sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds with sound, in another size."""
    return encode(tmp_path_factory.mktemp("film") / "sound.mp4", size="320x180", sound=True)


@functools.cache
def long_ago(**change: int) -> datetime:
    """An instant of two hours ago, to the second; the same one each time."""
    return (CLOCK.now() - timedelta(hours=2)).replace(microsecond=0, **change).astimezone(UTC)
