"""Films for the tests of snapshots: recorded files as a media server writes them, made by ffmpeg."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from PIL import Image, ImageStat

_FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof"


def make_film(path: Path, *, source: str, codec: str = "libx264", options: tuple[str, ...] = ()) -> Path:
    """Makes a fragmented MP4, with a key frame every second at 5 frames a second unless `options` say otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    speed = () if codec == "mjpeg" else ("-preset", "ultrafast")
    quiet = ("-x265-params", "log-level=error:keyint=5:min-keyint=5:scenecut=0", "-tag:v", "hvc1") if codec == "libx265" else ()
    coding = ["-c:v", codec, *speed, "-g", "5", *quiet, *options]
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *coding, "-movflags", _FRAGMENTED, str(path)]
    subprocess.run(command, check=True)
    return path


def grey_of_seconds(seconds: int, size: str = "320x180", rate: int = 5) -> str:
    """A source whose brightness tells the time: frame n has luma 30 + 3 n, so that each picture says which frame it is."""
    return f"color=c=black:size={size}:rate={rate}:duration={seconds},format=yuv420p,geq=lum='30+3*N':cb=128:cr=128"


def frame_number(jpeg: bytes) -> int:
    """Which frame of `grey_of_seconds` a picture shows."""
    [level] = ImageStat.Stat(opened(jpeg).convert("L")).mean
    return round((16 + level * 219 / 255 - 30) / 3)


def opened(jpeg: bytes) -> Image.Image:
    """Opens a picture, which has to be a JPEG, in whole."""
    picture = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    picture.load()
    return picture
