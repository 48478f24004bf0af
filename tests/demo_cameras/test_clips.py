"""Tests of the rendered clips: common streams, plates that a general reader can read, boxes at their true places."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ai_detect.domain import Picture
from ai_detect.gateways.cpu_detector import CpuDetector
from demo_cameras.clips import black_path, clip_path
from demo_cameras.roster import write_roster
from demo_cameras.scenes import FPS, LOOP_S, SCENES

pytestmark = pytest.mark.media

Frame = NDArray[np.uint8]


def _keyframes(path: Path) -> dict[int, Frame]:
    with av.open(str(path), format="h264") as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        return {
            index * FPS: np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
            for index, frame in enumerate(container.decode(stream))
        }


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.name))
def test_a_clip_is_plain_h264_with_a_key_frame_each_second(clips: Path, scene: Any) -> None:
    argv = [
        "ffprobe",
        "-v",
        "error",
        "-framerate",
        str(FPS),
        "-show_entries",
        "frame=key_frame,pict_type:stream=profile,pix_fmt,width,height",
    ]
    probed = json.loads(subprocess.run([*argv, "-of", "json", str(clip_path(clips, scene))], capture_output=True, check=True).stdout)
    kinds = [frame["pict_type"] for frame in probed["frames"]]
    assert probed["streams"] == [{"profile": "Constrained Baseline", "width": 1280, "height": 720, "pix_fmt": "yuv420p"}]
    assert len(kinds) == FPS * LOOP_S
    assert [index for index, kind in enumerate(kinds) if kind == "I"] == list(range(0, FPS * LOOP_S, FPS))
    assert "B" not in kinds
    assert clip_path(clips, scene).stat().st_size * 8 / LOOP_S < 2_300_000


def test_the_truth_is_complete_and_inside_the_picture(truths: dict[str, dict[str, Any]]) -> None:
    for scene in SCENES:
        passages = truths[scene.name]["passages"]
        assert {passage["plate"] for passage in passages} == {passage.plate.text for passage in scene.passages}
        for passage in passages:
            assert passage["last_frame"] - passage["first_frame"] >= 2 * FPS
            assert 0 < passage["first_frame"] < passage["last_frame"] < FPS * LOOP_S - 1
            widths = [(box[2] - box[0]) * 1280 for _, box in passage["boxes"]]
            assert min(widths) >= 80
            assert 90 <= max(widths) <= 240
            assert all(0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 for _, (x1, y1, x2, y2) in passage["boxes"])


def test_rendering_again_finds_the_clips(clips: Path) -> None:
    from demo_cameras.clips import render

    before = clip_path(clips, SCENES[0]).stat().st_mtime_ns
    render(clips, len(SCENES), lambda name, percent: pytest.fail(f"{name} was rendered again"))
    assert clip_path(clips, SCENES[0]).stat().st_mtime_ns == before
    assert not _keyframes(black_path(clips))[0][100:600].max() > 20


def test_the_roster_is_private_and_keeps_its_passwords(tmp_path: Path) -> None:
    first = json.loads(write_roster(tmp_path, 4, "127.0.0.1", 8554, 8080).read_text())
    path = write_roster(tmp_path, 4, "127.0.0.1", 9554, 9080)
    second = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [camera["password"] for camera in first["cameras"]] == [camera["password"] for camera in second["cameras"]]
    assert len({camera["password"] for camera in second["cameras"]}) == 4
    assert all(":9554/" in camera["url"] and camera["password"] in camera["url"] for camera in second["cameras"])


def _crop(frame: Frame, box: list[float]) -> Frame:
    height, width = frame.shape[:2]
    x1, y1, x2, y2 = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    aside, above = (x2 - x1) * 0.25, (y2 - y1) * 0.4
    return frame[max(0, int(y1 - above)) : int(y2 + above) + 1, max(0, int(x1 - aside)) : int(x2 + aside) + 1]


def _nearest(boxes: list[Any], frame: int) -> list[float]:
    box: list[float] = min(boxes, key=lambda entry: abs(int(entry[0]) - frame))[1]
    return box


async def _reads(detector: CpuDetector, frame: Frame, plate: str) -> bool:
    done, png = cv2.imencode(".png", frame)
    assert done
    [findings] = await detector.detect([Picture(png.tobytes(), None)])
    return any(finding.candidates[0].text == plate for finding in findings)


async def test_the_product_reads_the_plates_where_the_truth_says(clips: Path, truths: dict[str, dict[str, Any]]) -> None:
    """Runs the plate reader in a process of its own, as in the product, which keeps its native threads out of this one."""
    detector = CpuDetector(model_path=None, threads=1, picture_timeout_s=60)
    read, missed = 0, []
    try:
        for scene in SCENES:
            frames = await asyncio.to_thread(_keyframes, clip_path(clips, scene))
            for passage in truths[scene.name]["passages"]:
                # boxes are kept each fifth of a second, which need not be that of a key frame: takes the nearest
                keys = range(-(-passage["first_frame"] // FPS) * FPS, passage["last_frame"] + 1, FPS)
                crops = [_crop(frames[key], _nearest(passage["boxes"], key)) for key in keys]
                if any([await _reads(detector, crop, passage["plate"]) for crop in crops]):
                    read += 1
                else:
                    missed.append(passage["plate"])
    finally:
        await detector.close()
    assert read >= 0.95 * (read + len(missed)), missed
