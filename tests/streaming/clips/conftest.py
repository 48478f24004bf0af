"""Fixtures of clips: films, a recorder's folder, and a worker that makes clips as the agent does."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.city.trusting import trusting
from tests.streaming.conftest import Running, announce, registered

from chassis.fakes import FakeLive
from chassis.settings import ObjectsSettings
from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import FakeClock, SystemClock
from streaming.clips.repository import PostgresClipQueue, PostgresClips
from streaming.clips.usecases import ClipMaking, ClipTidying
from streaming.gateways.clip_folder import ClipFolder
from streaming.gateways.object_files import ObjectFiles
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recorder.usecases import Recorder
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.streams.repository import PostgresFleet
from streaming.timeline.repository import PostgresOpenFiles
from streaming.timeline.usecases import OpenFiles

FRAMES_A_S = 15
PARTS = "frag_keyframe+delay_moov+default_base_moof"


def make_film(path: Path, seconds: int = 4, *, size: str = "320x180", sound: bool = True, options: str = "") -> Path:
    """Records fragmented MP4 with a key frame each second, as a media server does."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={FRAMES_A_S}:duration={seconds}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=sample_rate=16000:duration={seconds}", "-c:a", "aac"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", str(FRAMES_A_S), "-bf", "0", *options.split()]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *coding, "-movflags", PARTS, str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds with sound."""
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="session")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute, without sound."""
    return make_film(tmp_path_factory.mktemp("film") / "long.mp4", 60, sound=False)


@dataclass(frozen=True)
class Probed:
    """What ffprobe and a whole decoding say of a file."""

    codecs: list[str]
    frames: int
    duration_s: float
    complaints: str


def probe(path: Path) -> Probed:
    asked = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)]
    found = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    video = next(stream for stream in found["streams"] if stream["codec_type"] == "video")
    decoded = subprocess.run(["ffmpeg", "-v", "warning", "-i", str(path), "-f", "null", "-"], check=True, capture_output=True, text=True)
    codecs = sorted(stream["codec_name"] for stream in found["streams"])
    return Probed(codecs, int(video["nb_read_frames"]), float(found["format"]["duration"]), decoded.stderr)


@dataclass
class Site:
    """A camera with recordings, the people of its city, and what the agent does."""

    running: Running
    folder: Path
    objects: ObjectsSettings
    tenant: UUID = field(default_factory=new_id)
    camera: UUID = field(default_factory=new_id)
    max_bytes: int = 10**9
    free_floor: float = 0.0

    def __post_init__(self) -> None:
        self.work = self.folder / ".clips"
        self.recordings = RecordingsFolder(self.folder)
        self.clock = FakeClock(SystemClock().now())
        self.live = FakeLive()
        self.store = ObjectFiles(self.objects)
        self.start = self.clock.now().replace(microsecond=0) - timedelta(minutes=10)

    def worker(self) -> ClipMaking:
        """Returns a new worker, as an agent that has just started has one."""
        db = self.running.db
        folder = ClipFolder(self.folder, self.work, self.clock, max_bytes=self.max_bytes, free_floor=self.free_floor)
        return ClipMaking(
            *(db.uow, PostgresClips, PostgresClipQueue(db), self.recordings, folder, self.store),
            live=self.live,
            clock=self.clock,
            keep_for=timedelta(days=7),
        )

    def tidying(self) -> ClipTidying:
        db = self.running.db
        kept = db.uow, PostgresClips, PostgresClipQueue(db), self.store
        return ClipTidying(*kept, live=self.live, clock=self.clock, trusted_now=trusting(self.clock))

    def record(self, film: Path, at_s: float, *, lasts_s: float = 4, torn: int = 0) -> Path:
        """Puts a film into the recordings, as of so many seconds after `start`."""
        begin = self.start + timedelta(seconds=at_s)
        path = self.folder / path_name(self.camera) / f"{begin:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        data = film.read_bytes()
        path.write_bytes(data[: len(data) - torn] if torn else data)
        written = (begin + timedelta(seconds=lasts_s)).timestamp()
        os.utime(path, (written, written))
        return path

    async def index(self) -> None:
        """Indexes what is finished, as the agent does."""
        db, idle_after = self.running.db, timedelta(seconds=20)
        stores = PostgresFleet(db), PostgresIndex(db)
        await Recorder(db.uow, PostgresSegments, *stores, self.recordings, clock=self.clock, idle_after=idle_after).keep_index()

    async def watch_open_files(self) -> None:
        """Writes down which file is being written, as the agent does."""
        open_files = OpenFiles(self.running.db.uow, PostgresOpenFiles, timedelta(seconds=20))
        cameras = {camera.camera_id: camera for camera in await PostgresFleet(self.running.db).cameras()}
        await open_files.follow(Look(await self.recordings.scan(self.clock.now()), cameras, self.clock.now()))

    def caller(self, role: Role = Role.OPERATOR, **given: Any) -> Caller:
        return self.running.mint.caller(role, tenant_id=self.tenant, **given)

    def asking(self, from_s: float, to_s: float, **changes: Any) -> dict[str, Any]:
        """Returns the body of a request for so many seconds after `start`."""
        since, until = (self.start + timedelta(seconds=each) for each in (from_s, to_s))
        return {"camera_id": str(self.camera), "from": since.isoformat(), "to": until.isoformat(), "name": "Avenida, colisão"} | changes

    async def ask(self, method: str, path: str, caller: Caller | None = None, **given: Any) -> Any:
        headers = self.running.mint.headers(caller or self.caller()) | given.pop("headers", {})
        return await self.running.http.request(method, f"/recordings/clips{path}", headers=headers, **given)

    async def order(self, from_s: float, to_s: float, **changes: Any) -> dict[str, Any]:
        answer = await self.ask("POST", "", json=self.asking(from_s, to_s, **changes))
        assert answer.status_code == 202, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def clip(self, clip_id: str) -> dict[str, Any]:
        answer = await self.ask("GET", f"/{clip_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seconds(self, instant: str) -> float:
        """Returns how long after `start` an instant of an answer is."""
        return (datetime.fromisoformat(instant).astimezone(UTC) - self.start).total_seconds()

    def stored(self) -> list[Path]:
        """Returns the files of the object store, where that is a folder."""
        root = Path(self.objects.url.removeprefix("file://"))
        return [path for path in root.rglob("*") if path.is_file() and str(self.tenant) in str(path)]


async def a_site(running: Running, folder: Path, **given: Any) -> Site:
    """Returns a site whose camera is registered."""
    site = Site(running, folder, given.pop("objects", running.objects), **given)
    await announce(running, registered(running, site.tenant, site.camera))
    return site
