"""Whether the recordings are what the index says of them: every segment's file is there, unchanged, and plays."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from pathlib import Path

import av
from av.error import FFmpegError
from tests.e2e.stack import Person

from gtvision.time import isoformat


async def check(person: Person, folder: Path, camera_id: str, since: datetime, until: datetime) -> dict[str, str]:
    """Returns what is wrong with each of the camera's segments in the range, "" where nothing is, by SHA-256."""
    before = await _listed(person, camera_id, since, until)
    files = await asyncio.to_thread(_files, folder / f"cam_{camera_id}")
    after = await _listed(person, camera_id, since, until)
    found = {}
    for sha256 in before.keys() & after.keys():  # what went by policy while the files were read is no loss
        said = await asyncio.to_thread(_unplayable, files[sha256]) if sha256 in files else "has no file with its SHA-256"
        found[sha256] = said and f"the segment of {after[sha256]} {said}"
    return found


async def _listed(person: Person, camera_id: str, since: datetime, until: datetime) -> dict[str, str]:
    """Returns the beginnings of the segments by their SHA-256."""
    rows = await person.every("/recordings", camera_id=camera_id, **{"from": isoformat(since), "to": isoformat(until)})
    return {row["sha256"]: row["started_at"] for row in rows}


def _files(folder: Path) -> dict[str, Path]:
    """Returns the camera's files by their SHA-256."""
    found = {}
    for path in folder.glob("*.mp4"):
        try:
            with path.open("rb") as file:
                found[hashlib.file_digest(file, "sha256").hexdigest()] = path
        except FileNotFoundError:
            pass
    return found


def _unplayable(path: Path) -> str:
    """Reads the file to its end; returns what is wrong with it, "" for nothing."""
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            pictures = sum(packet.size > 0 for packet in container.demux(video=0))
    except (FFmpegError, OSError) as error:
        return f"does not play: {error}"
    return "" if pictures else "has no picture"
