"""Child processes: each leads a session of its own, is found again after a crash of ours, and ends with all that it started."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import psutil

from servers.accounts import account_of
from servers.process import ProcessSpec

MARK = "GTV_STACK"
"""Environment variable that every child inherits: the folder that it was started in. It finds what a crashed run left behind."""
_SERVERS = frozenset({"postgres", "pgbouncer", "redis-server", "beam.smp", "epmd", "nginx", "haproxy"})
"""Programs some of which write their title over their environment: these are known by the folder that they work in, too."""
_PIPE_BYTES = 1 << 20  # what the kernel allows without privileges
_PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h"""


class Child:
    """One started process. It leads a session, so that its own children can be told from others' and a Ctrl-C does not reach it."""

    def __init__(self, popen: subprocess.Popen[bytes], stop_signal: int) -> None:
        self._popen = popen
        self.stop_signal = stop_signal
        self.pid = popen.pid
        try:
            self.created = psutil.Process(popen.pid).create_time()
        except psutil.NoSuchProcess:
            self.created = 0.0

    def exit_code(self) -> int | None:
        """The exit status once it ended (negative: the signal), else None. Reaps it."""
        return self._popen.poll()

    def wait(self, timeout_s: float) -> int | None:
        """The same, after waiting for it. Blocking."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(timeout_s)
        return None

    def ask_to_end(self) -> None:
        """Sends the stop signal, and wakes it where it was frozen, else it would never see the signal."""
        for number in (self.stop_signal, signal.SIGCONT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def members(self) -> list[psutil.Process]:
        """Itself, its descendants and all processes of its session, as of now."""
        return family(self.pid)

    def frozen(self) -> bool:
        """Whether it was stopped by a signal."""
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return False


def spawn(spec: ProcessSpec, output: IO[bytes] | int, *, stdin: bytes | None = None, tied: bool = True) -> Child:
    """Starts a process. `stdin` is for the few bytes (a password) that must not be in arguments.

    `tied`: the kernel sends it the stop signal when the *thread* that called this ends, however that happens.
    Raises: OSError, KeyError (unknown user).
    """
    popen = subprocess.Popen(
        [*(_tied(spec.stop_signal) if tied else ()), *spec.argv],
        env={**spec.env, MARK: str(spec.cwd.resolve())},
        cwd=spec.cwd,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **account_of(spec.user, *spec.groups),
    )
    if stdin is not None and popen.stdin is not None:
        with popen.stdin as pipe:
            pipe.write(stdin)
    return Child(popen, spec.stop_signal)


def spawn_piped(spec: ProcessSpec, stdin: bytes | None = None) -> tuple[Child, IO[bytes]]:
    """The same, with the pipe that its output comes from."""
    reading, writing = os.pipe()
    pipe = os.fdopen(reading, "rb", buffering=0)
    try:
        with contextlib.suppress(OSError):  # the user's share of such memory is used up
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        # it may open /dev/stdout by name
        os.fchown(writing, account_of(spec.user).get("user", -1), -1)
        return spawn(spec, writing, stdin=stdin), pipe
    except BaseException:
        pipe.close()
        raise
    finally:
        os.close(writing)


def _tied(stop_signal: int) -> list[str]:
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", signal.Signals(stop_signal).name, "--"]


def family(pid: int) -> list[psutil.Process]:
    """A process, its descendants and all processes of the session that it leads."""
    found: dict[int, psutil.Process] = {}
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(pid)
        found[pid] = leader
        found.update((process.pid, process) for process in leader.children(recursive=True))
    for other in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if other not in found and os.getsid(other) == pid:
                found[other] = psutil.Process(other)
    return list(found.values())


def leftovers(folder: Path) -> list[psutil.Process]:
    """Living processes that were started in `folder` or below; we ourselves are none.

    Numbers in pid files are not trusted: after a reboot they belong to other processes.
    """
    root, found = folder.resolve(), []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and _belongs(process, root):
                found.append(process)
    return found


def _belongs(process: psutil.Process, root: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        mark = process.environ().get(MARK)
        if mark is not None and Path(mark).is_relative_to(root):
            return True
    with contextlib.suppress(psutil.Error, OSError):
        return process.info["name"] in _SERVERS and Path(process.cwd()).is_relative_to(root)
    return False


def end_leftovers(folder: Path) -> int:
    """Ends what a run that was killed left in a folder, and nothing else. Blocking. Returns how many there were."""
    return end(leftovers(folder), grace_s=10.0)


def same(pid: int, created: float) -> psutil.Process | None:
    """The process that was recorded, unless it ended and its number was given to another."""
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - created) < 0.05 else None
    except psutil.Error:
        return None


def end(processes: Iterable[psutil.Process], grace_s: float) -> int:
    """Asks all to end, then kills those that did not. Blocking. Returns how many there were."""
    living = [process for process in processes if process.is_running()]
    send(living, signal.SIGTERM)
    # a frozen process sees no signal but SIGKILL
    send(living, signal.SIGCONT)
    _, stubborn = psutil.wait_procs(living, timeout=grace_s)
    kill(stubborn)
    return len(living)


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL, and waits until they are gone. Blocking."""
    doomed = list(processes)
    send(doomed, signal.SIGKILL)
    psutil.wait_procs(doomed, timeout=3)


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Sends a signal to each that still lives (and still is the one that was meant)."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def adopt_orphans() -> None:
    """Makes us the parent of what our children leave behind when they end, so that nothing slips away to init."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(seen: set[int]) -> set[int]:
    """Reaps adopted processes that ended.

    `seen` are the dead of the last call: only those are reaped, so that no exit status is taken from code that waits for it.
    """
    zombies = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if child.status() == psutil.STATUS_ZOMBIE:
                zombies.add(child.pid)
    for pid in zombies & seen:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return zombies - seen
