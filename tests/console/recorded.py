"""A node that serves recordings, with real video: minutes of fragmented MP4 of which each picture's grey says its second."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
from bisect import insort
from dataclasses import dataclass, field
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

from gtvision.time import SystemClock
from streaming.timeline.api import TimelineOut
from streaming.timeline.domain import Gap, GapCause, Resolution, Span, Timeline

MINUTE = timedelta(minutes=1)
FILE_S = 60
FRAMES_A_SECOND = 5
GROUP = 4
"""Parts of a second that make a segment of the playlist."""
DARKEST, STEP = 40, 3
"""Luma of second 0, and by how much each next one is brighter."""


@dataclass(order=True)
class File:
    """A minute of a camera."""

    start: datetime
    seconds: int = FILE_S

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
        self.sessions: list[Session] = []
        self.served: list[str] = []

    def record(self, camera: UUID, start: datetime, minutes: int) -> None:
        """A camera was recorded from then on."""
        for number in range(minutes):
            insort(self.files.setdefault(camera, []), File(start + number * MINUTE))

    def lost(self, camera: UUID, start: datetime, minutes: int, cause: GapCause) -> None:
        """A camera was not recorded, and why."""
        self.gaps.setdefault(camera, []).append(Gap(start, start + minutes * MINUTE, cause, ""))

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
        end = min(_instant(asked.value("to")), SystemClock().now())
        spans = _joined([each for each in self.files.get(camera, []) if each.end > start and each.start < end])
        gaps = []
        for before, after in itertools.pairwise([Span(start, start), *spans, Span(end, end)]):
            if after.start > before.end:
                causes = [gap.cause for gap in self.gaps.get(camera, []) if gap.start < after.start and gap.end > before.end]
                gaps.append(Gap(before.end, after.start, causes[0] if causes else GapCause.UNKNOWN, ""))
        recorded = [Span(max(each.start, start), min(each.end, end)) for each in spans]
        timeline = Timeline(camera, Span(start, end), tuple(recorded), tuple(gaps), spans[-1].end if spans else None)
        return TimelineOut.of(timeline, Resolution(asked.value("resolution")) if asked.value("resolution") else None)

    def _session(self, asked: Asked) -> Any:
        camera = UUID(asked.value("camera_id"))
        session = Session(camera, _instant(asked.value("from")), _instant(asked.value("to")))
        self.sessions.append(session)
        url = f"/playback/cam_{camera}/open?ticket={session.ticket}"
        expires = SystemClock().now() + timedelta(hours=12)
        return {"session_id": uuid4(), "camera_id": camera, "from": session.start, "to": session.end, "url": url, "expires_at": expires}

    async def _open(self, request: Request) -> Response:
        ticket = request.query_params["ticket"]
        session = next((each for each in self.sessions if each.ticket == ticket and not each.is_spent), None)
        if session is None:
            return Response(status_code=401)
        session.is_spent = True
        rest = "&".join(f"{name}={quote(value)}" for name, value in request.query_params.items() if name != "ticket")
        return RedirectResponse(f"/playback/cam_{session.camera}/{session.key}/index.m3u8?{rest}", 302)

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        session = next((each for each in self.sessions if each.key == request.path_params["key"]), None)
        if session is None or session.is_revoked:
            return Response(status_code=401)
        self.served.append(name)
        if name == "index.m3u8":
            start = _instant(request.query_params.get("from", session.start.isoformat()))
            end = _instant(request.query_params.get("to", session.end.isoformat()))
            return self._playlist(session.camera, start, end)
        if name.startswith("sprite_"):
            return Response(sprite(), media_type="image/jpeg")
        return FileResponse(recording(self._folder), media_type="video/mp4")

    def _playlist(self, camera: UUID, start: datetime, end: datetime) -> Response:
        init, parts = _boxes(recording(self._folder))
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{GROUP}", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"]
        count = 0
        for file in self.files.get(camera, []):
            first, last = (start - file.start).total_seconds(), (end - file.start).total_seconds()
            within = [at for at in range(0, file.seconds, GROUP) if at + GROUP > first and at < last]
            if not within:
                continue
            lines += ["#EXT-X-DISCONTINUITY"] if count else []
            lines += [f'#EXT-X-MAP:URI="{file.name}",BYTERANGE="{init}@0"']
            for at in within:
                group = parts[at : at + GROUP]
                moment = file.start + timedelta(seconds=at)
                lines += [f"#EXT-X-PROGRAM-DATE-TIME:{moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"]
                lines += [f"#EXTINF:{len(group):.3f},", f"#EXT-X-BYTERANGE:{sum(size for _, size in group)}@{group[0][0]}", file.name]
                count += 1
        return PlainTextResponse("\n".join([*lines, "#EXT-X-ENDLIST", ""]), media_type="application/vnd.apple.mpegurl")


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
def recording(folder: Path) -> Path:
    """A minute as the media server writes it. It is the same for each minute of every camera."""
    path = folder / "minute.mp4"
    grey = f"color=black:s=160x90:r={FRAMES_A_SECOND}:d={FILE_S},geq=lum='{DARKEST}+{STEP}*floor(T)':cb=128:cr=128"
    inputs = ["-f", "lavfi", "-i", grey, "-f", "lavfi", "-i", f"sine=frequency=440:duration={FILE_S}"]
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", str(FRAMES_A_SECOND), "-sc_threshold", "0", "-crf", "12"]
    fragments = ["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"]
    command = [needs.program("ffmpeg"), "-v", "error", "-y", *inputs, *video, *fragments, "-f", "mp4", str(path)]
    subprocess.run(command, check=True)
    return path


@cache
def _boxes(path: Path) -> tuple[int, list[tuple[int, int]]]:
    """Returns the size of the init section, and offset and size of each part."""
    data, at, init = path.read_bytes(), 0, 0
    parts: list[tuple[int, int]] = []
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"moof":
            init = init or at
            parts.append((at, size))
        elif kind == b"mdat":
            parts[-1] = (parts[-1][0], parts[-1][1] + size)
        at += size
    return init, parts


@cache
def sprite() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1600, 540), "#345").save(out, "JPEG")
    return out.getvalue()


def no_recording(cause: str) -> Reply:
    return problem(404, "no_recording", cause=cause)
