"""How to start one process, and what a local server is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from servers.accounts import account_of
from servers.failures import BinaryMissing, ServerError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_TIMEOUT_S = 300.0
TOOL_TIMEOUT_S = 600.0
"""For a server's own tools: those of Erlang and initdb take seconds of a whole core."""


@dataclass(frozen=True)
class ProcessSpec:
    """How to start one process. `env` is its whole environment: nothing is inherited, so no secret leaks into another's process."""

    argv: Sequence[str]
    """Command and arguments; never a secret among them."""
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    """Account to run as when we are root; None keeps our own."""
    groups: tuple[int, ...] = ()
    """Further groups of that account."""
    stop_signal: signal.Signals = signal.SIGTERM


class LocalServer(ABC):
    """One server. The order is: prepare, start `spec`, poll `ready`, `after_start`; at the end stop, `after_stop`."""

    name: str
    """Short and unique among the servers of one machine."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes folders and configuration, and ends what a crashed run left. Blocking; may be called again at every start."""

    @abstractmethod
    def spec(self) -> ProcessSpec:
        """The process to start."""

    @abstractmethod
    async def ready(self) -> None:
        """Returns once a login with our secret works; raises `NotReady` otherwise, at once."""

    async def after_start(self) -> None:  # noqa: B027 - most servers need nothing
        """Sets what must be set inside the running server (roles, for example). Repeatable."""

    def after_stop(self) -> None:  # noqa: B027 - the same
        """Ends helpers that outlive the process. Blocking and repeatable."""


def base_env(home: Path | None = None) -> dict[str, str]:
    """The smallest environment that servers work in."""
    return {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "TZ": "UTC", "HOME": str(home or "/")}


def find_binary(name: str, folders: Sequence[Path] = (), package: str | None = None) -> Path:
    """The program `name` in one of `folders`, else on the system's path; `BinaryMissing` names the Debian package."""
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        raise BinaryMissing(f"{name} is not installed (Debian package {package or name}); run `make setup`")
    return Path(found)


def run_command(argv: Sequence[str], env: Mapping[str, str], user: str | None = None, cwd: Path | None = None) -> str:
    """Run a server's own tool to its end; its output is in the error if it fails."""
    name = Path(argv[0]).name
    try:
        said = subprocess.check_output(
            [*argv], env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=TOOL_TIMEOUT_S, **account_of(user)
        )
    except subprocess.CalledProcessError as failed:
        raise ServerError(f"{name} failed ({failed.returncode}): {failed.output.decode(errors='replace').strip()[-2000:]}") from None
    except subprocess.TimeoutExpired:
        raise ServerError(f"{name} did not end within {TOOL_TIMEOUT_S:.0f} s") from None
    return said.decode(errors="replace")
