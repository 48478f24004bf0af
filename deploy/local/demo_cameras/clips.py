"""Clips on disk: each camera's loop as an H.264 byte stream and its truth as JSON, rendered once and kept.

A clip lives under a key made of its scene, the encoder's options and the source of everything that draws,
so that a change of any of them renders it again and an unchanged one is found.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from demo_cameras.brush import Picture
from demo_cameras.film import Film
from demo_cameras.scenes import FPS, LOOP_S, SCENES, Scene
from demo_cameras.traffic import sightings

Progress = Callable[[str, int], None]
"""Told a camera's name and the percentage drawn; a module-level function, since it runs in child processes."""

_WIDTH_PX, _HEIGHT_PX = 1280, 720
_DRAWING = (
    *("brush", "bodywork", "buildings", "film", "gate", "lens", "plates"),
    *("roadside", "scenery", "scenes", "stage", "traffic", "vehicles"),
)
_ENCODER = (
    *("-c:v", "libx264", "-preset", "superfast", "-threads", "1", "-profile:v", "baseline", "-level", "3.1", "-pix_fmt", "yuv420p"),
    *("-crf", "23", "-maxrate", "2000k", "-bufsize", "2000k", "-bf", "0", "-g", str(FPS), "-keyint_min", str(FPS), "-sc_threshold", "0"),
    # access unit delimiters let the server cut frames with the standard library; headers come with every key frame
    *("-flags", "+cgop", "-x264-params", "aud=1:repeat-headers=1:open-gop=0", "-f", "h264"),
)
_COLOUR = ("-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m", "-color_range", "tv")


class EncoderFailed(RuntimeError):
    """ffmpeg could not encode the clip."""


def clip_key(scene: Scene) -> str:
    """What the clip depends on, as 16 hexadecimal digits."""
    digest = hashlib.sha256(repr((scene, FPS, LOOP_S, _ENCODER, _COLOUR)).encode())
    for name in _DRAWING:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def clip_path(data: Path, scene: Scene) -> Path:
    """Where the clip is kept; its truth lies beside it with the suffix `.json`."""
    return data / "clips" / f"{scene.name}-{clip_key(scene)}.h264"


def black_path(data: Path) -> Path:
    """One second of black, for the fault of that name."""
    return data / "clips" / "black.h264"


def encode(frames: Iterable[Picture], target: Path) -> None:
    """Encode BGR frames to an H.264 byte stream with a key frame each second; the file appears when it is whole."""
    part = target.with_suffix(".part")
    argv = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    argv += ["-s", f"{_WIDTH_PX}x{_HEIGHT_PX}", "-r", str(FPS), "-i", "pipe:0", *_COLOUR, *_ENCODER, str(part)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as encoder:
        if encoder.stdin is None or encoder.stderr is None:
            raise EncoderFailed(str(target))
        try:
            for frame in frames:
                encoder.stdin.write(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
            encoder.stdin.close()
        except BrokenPipeError:
            pass  # its message says why
        message = encoder.stderr.read().decode(errors="replace")
    if encoder.returncode != 0:
        raise EncoderFailed(message.strip() or f"ffmpeg ended with {encoder.returncode}")
    part.replace(target)


def _told(film: Film, progress: Progress) -> Iterator[Picture]:
    total = FPS * LOOP_S
    for index, frame in enumerate(film.frames()):
        if index % (total // 5) == 0:
            progress(film.scene.name, 100 * index // total)
        yield frame


def _render(data: Path, index: int, progress: Progress) -> None:
    cv2.setNumThreads(1)
    scene = SCENES[index]
    target = clip_path(data, scene)
    film = Film(scene)
    encode(_told(film, progress), target)
    truth = {
        "name": scene.name,
        "fps": FPS,
        "loop_s": LOOP_S,
        "width_px": scene.lens.width_px,
        "height_px": scene.lens.height_px,
        "passages": [asdict(sighting) for sighting in sightings(scene, film.rides)],
    }
    part = target.with_suffix(".json.part")
    part.write_text(json.dumps(truth, indent=1))
    part.replace(target.with_suffix(".json"))
    progress(scene.name, 100)


def _sweep(data: Path) -> None:
    """Drop clips of earlier versions."""
    kept = {path for scene in SCENES for path in (clip_path(data, scene), clip_path(data, scene).with_suffix(".json"))} | {black_path(data)}
    for path in (data / "clips").iterdir():
        if path not in kept:
            path.unlink()


def render(data: Path, cameras: int, progress: Progress) -> None:
    """Render the clips that are missing, in as many processes as there are cores, one camera each."""
    if shutil.which("ffmpeg") is None:
        raise EncoderFailed("ffmpeg is not installed")
    (data / "clips").mkdir(parents=True, exist_ok=True)
    _sweep(data)
    missing = [i for i, scene in enumerate(SCENES[:cameras]) if not clip_path(data, scene).with_suffix(".json").exists()]
    if not black_path(data).exists():
        encode((np.zeros((_HEIGHT_PX, _WIDTH_PX, 3), dtype=np.uint8) for _ in range(FPS)), black_path(data))
    if not missing:
        return
    workers = min(len(missing), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for outcome in [pool.submit(_render, data, index, progress) for index in missing]:
            outcome.result()
