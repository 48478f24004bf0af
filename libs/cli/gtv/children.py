"""Child processes: each in a session of its own, told to end when we die, found again after a crash, ended with all that it started."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

_PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h"""

MARK = "GTV_STACK"
"""Environment variable that every child inherits: the data folder it belongs to. It finds what a crashed run left behind."""


class Spec(Protocol):
    """How to start one process (servers.ProcessSpec is one)."""

    @property
    def argv(self) -> Sequence[str]:
        """Command and arguments; never a secret among them."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """Complete environment."""
        ...

    @property
    def cwd(self) -> Path | None:
        """Working directory."""
        ...

    @property
    def user(self) -> str | None:
        """Whom to become; None stays who we are."""
        ...

    @property
    def stop_signal(self) -> int:
        """The signal that asks it to end."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A `Spec` written down."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: str | None = None
    stop_signal: int = signal.SIGTERM


class Child:
    """One started process. It leads a session, so that its own children can be told apart from everybody else's."""

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

    def ask_to_end(self) -> None:
        """Send the stop signal, and wake it where it was stopped, else it would never see the signal."""
        for number in (self.stop_signal, signal.SIGCONT):
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def members(self) -> list[psutil.Process]:
        """Itself, its descendants and everyone in its session, as of now."""
        return family(self.pid)

    def frozen(self) -> bool:
        """Whether somebody stopped it with SIGSTOP."""
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return False


def spawn(spec: Spec, *, log: Path, mark: str, stdin: bytes | None = None) -> Child:
    """Start a process. Its output is appended to `log`; `stdin` is for the few bytes (a password) that must not be in arguments.

    Raises: OSError, KeyError (unknown user).
    """
    user, group, groups = _identity(spec.user)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab", buffering=0) as output:
        popen = subprocess.Popen(
            [*_tied(spec.stop_signal), *spec.argv],
            env={**spec.env, MARK: mark},
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=groups,
        )
    if stdin is not None and popen.stdin is not None:
        with popen.stdin as pipe:
            pipe.write(stdin)
    return Child(popen, spec.stop_signal)


def _tied(stop_signal: int) -> list[str]:
    """The prefix that makes the kernel send the stop signal when we die, however we die."""
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", signal.Signals(stop_signal).name, "--"]


def _identity(user: str | None) -> tuple[int | None, int | None, list[int] | None]:
    """User, group and further groups to become; nothing where we have no rights to drop."""
    if user is None or os.geteuid() != 0:
        return None, None, None
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid, os.getgrouplist(user, entry.pw_gid)


def family(pid: int) -> list[psutil.Process]:
    """A process, its descendants and everyone in the session that it leads."""
    found: dict[int, psutil.Process] = {}
    try:
        leader = psutil.Process(pid)
        found[pid] = leader
        found.update((process.pid, process) for process in leader.children(recursive=True))
    except psutil.Error:
        pass
    for other in psutil.pids():
        try:
            if other not in found and os.getsid(other) == pid:
                found[other] = psutil.Process(other)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return list(found.values())


def marked(mark: str) -> list[psutil.Process]:
    """Every process of this machine that carries the mark in its environment, ourselves apart."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for pid in psutil.pids():
        try:
            if pid != os.getpid() and needle in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(psutil.Process(pid))
        except (OSError, psutil.Error):
            continue
    return found


def same(pid: int, created: float) -> psutil.Process | None:
    """The process that was recorded, unless it ended and its number was given to another."""
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - created) < 0.05 else None
    except psutil.Error:
        return None


def end(processes: Iterable[psutil.Process], grace_s: float) -> int:
    """Ask all to end, then kill those that did not. Blocking. Returns how many there were."""
    living = [process for process in processes if process.is_running()]
    send(living, signal.SIGTERM)
    send(living, signal.SIGCONT)
    _, stubborn = psutil.wait_procs(living, timeout=grace_s)
    kill(stubborn)
    return len(living)


def wait(processes: Iterable[psutil.Process], timeout_s: float) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Wait until they ended. Blocking. Returns the gone and the living."""
    gone, living = psutil.wait_procs(list(processes), timeout=timeout_s)
    return list(gone), list(living)


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL, and wait until they are gone. Blocking."""
    doomed = list(processes)
    send(doomed, signal.SIGKILL)
    psutil.wait_procs(doomed, timeout=3)


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that still lives (and still is the one that was meant)."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


def adopt_orphans() -> None:
    """Become the parent of whatever our children leave behind when they end, so that nothing slips away to init."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury_orphans(seen: set[int]) -> set[int]:
    """Reap adopted processes that ended.

    `seen` are the dead of the last call: only those are reaped, so that no exit status is stolen from somebody who waits for it.
    """
    zombies = set()
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                zombies.add(child.pid)
        except psutil.Error:
            continue
    for pid in zombies & seen:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
    return zombies - seen
