"""`python -m demo_cameras render|serve`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter that Debian's python3-gi belongs to."""


def _say(name: str, percent: int) -> None:
    print(f"demo camera {name}: {percent:3d} % rendered", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo_cameras", description="Rendered street cameras over RTSP, with their truth beside them"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (("render", "render the clips that are missing"), ("serve", "render what is missing, then serve the cameras")):
        sub = verbs.add_parser(verb, help=text)
        sub.add_argument("--data", type=Path, required=True, help="folder that keeps clips, passwords and cameras.json")
        sub.add_argument("--cameras", type=int, default=4, choices=range(1, 5), help="how many cameras")
        if verb == "serve":
            sub.add_argument("--rtsp-port", type=int, required=True)
            sub.add_argument("--http-port", type=int, required=True)
            sub.add_argument("--host", default="127.0.0.1", help="address to listen on")
    return parser


def _become_server(roster: Path) -> NoReturn:
    """Go on as the camera server under the system's interpreter, in this very process."""
    # the package is found last, after the interpreter's own folders, so that nothing of this environment shadows them
    package = Path(__file__).resolve().parent.parent
    start = f"import sys; sys.path.append({str(package)!r}); from demo_cameras.camera_server import main; sys.exit(main(sys.argv[1]))"
    sys.stdout.flush()
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, "-I", "-c", start, str(roster)])  # noqa: S606 - an argument list, no shell wanted


def main(argv: Sequence[str] | None = None) -> int:
    """Render, then (for `serve`) become the camera server under the system's interpreter."""
    options = _parser().parse_args(argv)
    from demo_cameras.clips import EncoderFailed, render
    from demo_cameras.roster import write_roster

    data: Path = options.data.resolve()
    try:
        render(data, options.cameras, _say)
    except EncoderFailed as failure:
        print(f"demo cameras cannot be rendered: {failure}", file=sys.stderr)
        return 1
    if options.verb == "serve":
        roster = write_roster(data, options.cameras, options.host, options.rtsp_port, options.http_port)
        _become_server(roster)
    return 0
