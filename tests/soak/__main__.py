"""`python -m tests.soak [--cameras 8] [--minutes 30]`: tries the recordings of a whole installation with faults, and reports.

The exit status is 1 where a second of a camera is neither recorded nor explained, more than a hundredth has no known cause, a segment does
not play, footage under a hold is lost, or a camera is not recorded again by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from tests.e2e.stack import CLOCK
from tests.soak.home import demo_cameras, installation, small_disk, workplace, write_report
from tests.soak.report import Report
from tests.soak.run import Soak, registered


def say(text: str) -> None:
    print(f"{CLOCK.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


async def soak(folder: Path, cameras: int, minutes: float, disk_mb: int) -> Report:
    data = folder / "data"
    with small_disk(data / "recordings", disk_mb) as disk:
        say("drawing what the demo cameras show, where it is not there yet")
        async with demo_cameras(cameras) as served:
            say("starting the installation")
            async with installation(data) as stack, registered(stack, served) as person:
                say(f"{cameras} cameras for {minutes:g} minutes, logs in {data}/logs")
                return await Soak(stack, person, served, disk, say).run(minutes * 60)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Tries the recordings of a whole installation with faults.")
    parser.add_argument("--cameras", type=int, default=8, choices=range(1, 33), metavar="N", help="demo cameras (8)")
    parser.add_argument("--minutes", type=float, default=30, help="how long (30); faults are shortened where it is less than ten")
    parser.add_argument(
        "--disk-mb", type=int, default=2_048, help="memory for the recordings, where a disk in memory can be mounted (2048)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    options = parser.parse_args()
    with workplace(keep=options.keep) as folder:
        report = asyncio.run(soak(folder, options.cameras, options.minutes, options.disk_mb))
    print(report.table())
    for note in report.notes:
        print(note)
    for held in report.holds:
        print(f"held: {held.camera}: {held.there_s:.1f} of {held.promised_s:.1f} s are there")
    print(f"written to {write_report(report.as_json())}")
    for problem in report.problems():
        print(f"PROBLEM {problem}")
    return 1 if report.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
