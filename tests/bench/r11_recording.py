"""R11: the CPU that the stand-in needs to record a camera, against `ffmpeg -c copy` into fMP4 segments.

Ten 720p cameras of 2 Mb/s stream from one GStreamer process all the time. Rounds alternate: ten paths of one stand-in, then ten
ffmpeg processes; each records for a while before its CPU time is read from /proc. The ratio of a round is the figure.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

FLOOR, TARGET, STRETCH = 2.0, 1.5, 1.2
"""Bars of the ratio; lower is better."""
CAMERAS = 10
WARM_UP_S = 4.0
ROUND_S = 10.0
CAMERA = Path(__file__).parents[1] / "contracts" / "media" / "camera.py"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pids: list[int]) -> float:
    """Returns the user and system time of the processes so far, all threads."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


async def spawn(stack: AsyncExitStack, *command: str, folder: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )

    async def end() -> None:
        if process.returncode is None:
            process.terminate()
        await process.wait()

    stack.push_async_callback(end)
    return process


async def spent(pids: list[int]) -> float:
    """Returns the CPU per camera as a share of one core, while nothing is started or stopped."""
    await asyncio.sleep(WARM_UP_S)
    before = cpu_seconds(pids)
    await asyncio.sleep(ROUND_S)
    return (cpu_seconds(pids) - before) / ROUND_S / CAMERAS


async def subject(cameras: int, folder: Path) -> float:
    """Returns the CPU per camera of ten paths of one stand-in, counting its process only."""
    api = free_port()
    recordings = folder / "recordings" / "%path" / "%Y-%m-%d_%H-%M-%S-%f"
    options = {
        "api": True,
        "apiAddress": f"127.0.0.1:{api}",
        "rtspAddress": f"127.0.0.1:{free_port()}",
        "hlsAddress": f"127.0.0.1:{free_port()}",
        "webrtcAddress": f"127.0.0.1:{free_port()}",
        "pathDefaults": {"record": True, "recordPath": str(recordings), "recordSegmentDuration": "5s", "rtspTransport": "tcp"},
    }
    config = folder / "media.yml"
    config.write_text(json.dumps(options), encoding="utf-8")
    async with AsyncExitStack() as stack:
        process = await spawn(stack, sys.executable, "-m", "media_standin", "--config", str(config), folder=folder)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api}/v3", transport=httpx.AsyncHTTPTransport(retries=10)) as client:
            for number in range(CAMERAS):
                source = f"rtsp://127.0.0.1:{cameras}/cam{number}"
                (await client.post(f"/config/paths/add/cam{number}", json={"source": source})).raise_for_status()
        share = await spent([process.pid])
        written = len(list((folder / "recordings").rglob("*.mp4")))
    if written < CAMERAS:
        raise RuntimeError(f"only {written} files were recorded")
    return share


async def baseline(cameras: int, folder: Path) -> float:
    """Returns the CPU per camera of one ffmpeg for each, as a recorder without a server."""
    async with AsyncExitStack() as stack:
        pids: list[int] = []
        for number in range(CAMERAS):
            process = await spawn(
                stack,
                *("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", f"rtsp://127.0.0.1:{cameras}/cam{number}"),
                *("-c", "copy", "-f", "segment", "-segment_time", "5", "-segment_format", "mp4"),
                *("-segment_format_options", "movflags=frag_keyframe+empty_moov", "-y", f"{number}-%04d.mp4"),
                folder=folder,
            )
            pids.append(process.pid)
        return await spent(pids)


async def measure(rounds: int = 7) -> dict[str, object]:
    """Measures the CPU per camera of both; the ratio is that of the stand-in over that of ffmpeg."""
    rounds = max(rounds, 7)
    subjects: list[float] = []
    baselines: list[float] = []
    with tempfile.TemporaryDirectory(prefix="r11-") as name:
        async with AsyncExitStack() as stack:
            port = free_port()
            command = ["/usr/bin/python3", str(CAMERA), "--port", str(port), "--mounts", str(CAMERAS)]
            shape = ["--width", "1280", "--height", "720", "--kbps", "2000", "--pattern", "snow"]
            camera = await spawn(stack, *command, *shape, folder=Path(name))
            assert camera.stdout
            await camera.stdout.readline()
            for number in range(rounds):
                for run, shares in ((subject, subjects), (baseline, baselines)):
                    folder = Path(name) / f"{run.__name__}-{number}"
                    folder.mkdir()
                    shares.append(await run(port, folder))
    ratios = [mine / theirs for mine, theirs in zip(subjects, baselines, strict=True)]
    return {
        "id": "R11",
        "job": "recording (stand-in): CPU per camera / ffmpeg -c copy to fMP4",
        "ratio": round(statistics.median(ratios), 3),
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
        "floor": FLOOR,
        "target": TARGET,
        "stretch": STRETCH,
        "better": "lower",
        "rounds": rounds,
        "detail": (
            f"{CAMERAS} cameras 1280x720 2 Mb/s: {statistics.median(subjects):.2%} of a core each, "
            f"ffmpeg {statistics.median(baselines):.2%}"
        ),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 7)), indent=2))
