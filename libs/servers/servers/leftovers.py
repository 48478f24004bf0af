"""Ends what a run that was killed left behind, and nothing else.

A process is ours if it runs one of the named programs *and* works in our data folder or has it as its home (every server is
started so; a daemon like epmd changes its folder but keeps its environment). Numbers in pid files are not trusted:
after a reboot they belong to somebody else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil

STOP_TIMEOUT_S = 10.0


def leftover_processes(folder: Path, programs: Collection[str]) -> list[psutil.Process]:
    """Living processes of these programs that work in `folder` or below."""
    root = folder.resolve()
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] not in programs:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and any(path.is_relative_to(root) for path in _places(process)):
                found.append(process)
    return found


def _places(process: psutil.Process) -> Iterator[Path]:
    with contextlib.suppress(psutil.Error, OSError):
        yield Path(process.cwd())
    with contextlib.suppress(psutil.Error, OSError):
        yield Path(process.environ().get("HOME", "/"))


def end_leftovers(folder: Path, programs: Collection[str]) -> int:
    """Ask them to stop, then kill them; returns how many there were."""
    found = leftover_processes(folder, programs)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()  # a frozen process answers no signal but SIGKILL
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=STOP_TIMEOUT_S)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=STOP_TIMEOUT_S)
    return len(found)
