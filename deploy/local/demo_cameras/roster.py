"""The list of cameras with their addresses and passwords, handed to the server and to `gtv demo` in one private file."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from demo_cameras.clips import black_path, clip_path
from demo_cameras.scenes import SCENES, Scene

FILE = "cameras.json"


def _kept_passwords(path: Path) -> dict[str, str]:
    """Passwords survive a restart, so that registered cameras keep working."""
    try:
        known = json.loads(path.read_text())
        return {str(camera["name"]): str(camera["password"]) for camera in known["cameras"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _entry(data: Path, scene: Scene, password: str, at: tuple[str, int]) -> dict[str, object]:
    user = f"demo-{scene.name}"
    clip = clip_path(data, scene)
    return {
        "name": scene.name,
        "title": scene.place,
        "url": f"rtsp://{user}:{password}@{at[0]}:{at[1]}/{scene.name}",
        "external_id": f"demo-{scene.name}",
        "location": {"latitude": scene.latitude, "longitude": scene.longitude, "address": scene.place},
        "scene": "night" if scene.light.night else "day",
        "plates": [passage.plate.text for passage in scene.passages],
        "user": user,
        "password": password,
        "clip": str(clip),
        "truth": str(clip.with_suffix(".json")),
    }


def write_roster(data: Path, cameras: int, host: str, rtsp_port: int, http_port: int) -> Path:
    """Write `<data>/cameras.json`, readable by its owner only, and return its path."""
    path = data / FILE
    known = _kept_passwords(path)
    at = (host, rtsp_port)
    roster = {
        "truth_url": f"http://{host}:{http_port}",
        "host": host,
        "rtsp_port": rtsp_port,
        "http_port": http_port,
        "black": str(black_path(data)),
        "cameras": [_entry(data, scene, known.get(scene.name) or secrets.token_urlsafe(15), at) for scene in SCENES[:cameras]],
    }
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(roster, file, indent=1)
    part.replace(path)
    return path
