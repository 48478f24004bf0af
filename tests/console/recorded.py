"""A node that serves recordings, with real video: minutes of fragmented MP4 of which each picture's grey says its second."""

from __future__ import annotations

import asyncio
import io
import itertools
import subprocess
from bisect import insort
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from tests.console.standins import Asked, Reply, Services, problem
from tests.fixtures import needs

from gtvision.events import GapCause
from gtvision.ids import new_id
from gtvision.time import SystemClock
from streaming.playback.api import PlaybackOut
from streaming.playback.domain import TICKET_LIFETIME, NoRecording, PlayedFile, playback_url, playlist
from streaming.recordings.parts import Parts, read_parts
from streaming.timeline.api import TimelineOut
from streaming.timeline.domain import ArchivedSpan, Gap, Resolution, Span, Timeline

MINUTE = timedelta(minutes=1)
FILE_S = 60
FRAMES_A_SECOND = 5
DARKEST, STEP = 40, 3
"""Luma of second 0, and by how much each next one is brighter."""


@dataclass(frozen=True)
class Film:
    """What a camera sends."""

    size: str = "160x90"
    has_sound: bool = True


FILM = Film()


@dataclass(order=True)
class File:
    """A minute of a camera."""

    start: datetime
    seconds: int = FILE_S
    film: Film = field(default=FILM, compare=False)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    @property
    def name(self) -> str:
        return f"{self.start:%Y-%m-%d_%H-%M-%S-%f}.mp4"


@dataclass
class Session:
    """One opening: its ticket is used once, its key opens the files."""

    camera: UUID
    start: datetime
    end: datetime
    ticket: str = field(default_factory=lambda: uuid4().hex)
    key: str = field(default_factory=lambda: uuid4().hex)
    is_spent: bool = False
    is_revoked: bool = False


class Node:
    """The recordings of cameras, as the API tells of them and as the node serves them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.reset()
        opening = Route("/playback/cam_{camera}/open", self._open)
        self.app = Starlette(routes=[opening, Route("/playback/cam_{camera}/{key}/{name}", self._serve)])

    def reset(self) -> None:
        self.files: dict[UUID, list[File]] = {}
        self.gaps: dict[UUID, list[Gap]] = {}
        self.archived: dict[UUID, list[ArchivedSpan]] = {}
        self.sessions: list[Session] = []
        self.served: list[str] = []
        self.may_open = asyncio.Event()
        """An opened session is answered once it is set."""
        self.may_open.set()
        self.has_lost_files = False
        """The timeline knows of them still."""

    def record(self, camera: UUID, start: datetime, minutes: int, film: Film = FILM) -> None:
        """A camera was recorded from then on."""
        for number in range(minutes):
            insort(self.files.setdefault(camera, []), File(start + number * MINUTE, film=film))

    def grow(self, camera: UUID, start: datetime, seconds: int) -> File:
        """A file that is being written; `seconds` of it are there."""
        file = File(start, seconds)
        insort(self.files.setdefault(camera, []), file)
        return file

    def lost(self, camera: UUID, start: datetime, minutes: int, cause: GapCause) -> None:
        """A camera was not recorded, and why."""
        self.gaps.setdefault(camera, []).append(Gap(start, start + minutes * MINUTE, cause, ""))

    def archive(self, camera: UUID, start: datetime, minutes: int, restored_until: datetime | None = None) -> None:
        """Copies of a camera's recordings; its only ones, unless they were brought back."""
        self.archived[camera] = [ArchivedSpan(start, start + minutes * MINUTE, "GLACIER", restored_until)]

    def answer(self, services: Services) -> None:
        """Answers what the API says of it."""
        services.answer("GET", "/recordings/timeline", self._timeline)
        services.answer("GET", "/recordings/playback", self._session)

    def revoke(self) -> None:
        """All sessions are over."""
        for session in self.sessions:
            session.is_revoked = True

    def _timeline(self, asked: Asked) -> TimelineOut:
        camera, start = UUID(asked.value("camera_id")), _instant(asked.value("from"))
        now = SystemClock().now()
        end = min(_instant(asked.value("to")), now)
        if (newest := self.files.get(camera, [])[-1:]) and now - newest[0].start < 2 * MINUTE:
            end = min(end, newest[0].end)  # of what is being written no more is known
        spans = _joined([each for each in self.files.get(camera, []) if each.end > start and each.start < end])
        gaps = []
        for before, after in itertools.pairwise([Span(start, start), *spans, Span(end, end)]):
            if after.start > before.end:
                causes = [gap.cause for gap in self.gaps.get(camera, []) if gap.start < after.start and gap.end > before.end]
                gaps.append(Gap(before.end, after.start, causes[0] if causes else GapCause.UNKNOWN, ""))
        recorded = [Span(max(each.start, start), min(each.end, end)) for each in spans]
        archived = [each for each in self.archived.get(camera, []) if each.end > start and each.start < end]
        timeline = Timeline(camera, Span(start, end), tuple(recorded), tuple(gaps), spans[-1].end if spans else None, archived)
        return TimelineOut.of(timeline, Resolution(asked.value("resolution")) if asked.value("resolution") else None)

    def _session(self, asked: Asked) -> Any:
        camera, start, end = UUID(asked.value("camera_id")), _instant(asked.value("from")), _instant(asked.value("to"))
        if not any(file.end > start and file.start < end for file in self.files.get(camera, [])):
            return problem(404, "no_recording")
        session = Session(camera, start, end)
        self.sessions.append(session)
        url, expires = playback_url(camera, session.ticket), SystemClock().now() + TICKET_LIFETIME
        return PlaybackOut(session_id=new_id(), camera_id=camera, since=start, until=end, url=url, expires_at=expires)

    async def _open(self, request: Request) -> Response:
        ticket = request.query_params["ticket"]
        session = next((each for each in self.sessions if each.ticket == ticket and not each.is_spent), None)
        if session is None:
            return Response(status_code=401)
        session.is_spent = True
        await self.may_open.wait()
        rest = "&".join(f"{name}={quote(value)}" for name, value in request.query_params.items() if name != "ticket")
        return RedirectResponse(f"/playback/cam_{session.camera}/{session.key}/index.m3u8?{rest}", 302)

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        session = next((each for each in self.sessions if each.key == request.path_params["key"]), None)
        if session is None or session.is_revoked:
            return Response(status_code=401)
        self.served.append(name)
        if self.has_lost_files:
            return Response(status_code=404)
        if name == "index.m3u8":
            start = _instant(request.query_params.get("from", session.start.isoformat()))
            end = _instant(request.query_params.get("to", session.end.isoformat()))
            return self._playlist(session.camera, start, end)
        if name.startswith("sprite_"):
            return Response(sprite(), media_type="image/jpeg")
        [film] = [file.film for file in self.files[session.camera] if file.name == name]
        return FileResponse(recording(self._folder, film), media_type="video/mp4")

    def _playlist(self, camera: UUID, start: datetime, end: datetime) -> Response:
        shown = []
        for file in self.files.get(camera, []):
            if file.end > start and file.start < end:
                known = parts(recording(self._folder, file.film))
                groups = [group for group in known.groups if group.end_ms <= file.seconds * 1_000]
                shown.append(PlayedFile(file.name, file.start, replace(known, groups=tuple(groups))))
        try:
            text = playlist(shown, start, end, is_complete=end <= SystemClock().now())
        except NoRecording:
            return Response(status_code=404)
        return PlainTextResponse(text, media_type="application/vnd.apple.mpegurl")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _joined(files: list[File]) -> list[Span]:
    spans: list[Span] = []
    for file in files:
        if spans and spans[-1].end == file.start:
            spans[-1] = Span(spans[-1].start, file.end)
        else:
            spans.append(Span(file.start, file.end))
    return spans


@cache
def recording(folder: Path, film: Film = FILM) -> Path:
    """A minute as the media server writes it. It is the same for each minute of a film."""
    path = folder / f"minute_{film.size}_{film.has_sound}.mp4"
    grey = f"color=black:s={film.size}:r={FRAMES_A_SECOND}:d={FILE_S},geq=lum='{DARKEST}+{STEP}*floor(T)':cb=128:cr=128"
    # The sound begins a little later: what its encoder puts before it would move the first picture.
    sound = ["-itsoffset", "0.1", "-f", "lavfi", "-i", f"sine=frequency=440:duration={FILE_S - 1}"]
    inputs = ["-f", "lavfi", "-i", grey, *(sound if film.has_sound else [])]
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", str(FRAMES_A_SECOND), "-sc_threshold", "0", "-crf", "12"]
    fragments = ["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"]
    command = [needs.program("ffmpeg"), "-v", "error", "-y", *inputs, *video, *fragments, "-f", "mp4", str(path)]
    subprocess.run(command, check=True)
    return path


@cache
def parts(path: Path) -> Parts:
    with path.open("rb") as file:
        return read_parts(file, path.stat().st_size)


@cache
def sprite() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1600, 540), "#345").save(out, "JPEG")
    return out.getvalue()


def no_recording(cause: str) -> Reply:
    return problem(404, "no_recording", cause=cause)
