"""What a server needs to be started: programs, users, folders, and a process of its own.

ServerError
├── BinaryMissing       the program is not installed
├── FolderUnreachable   the user that must own the data cannot get there
└── NotReady            it does not answer a login with our secret (yet)
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_TIMEOUT_S = 60.0
TOOL_TIMEOUT_S = 180.0
"""For a server's own tools: those of Erlang and initdb take seconds of a whole core."""


class ServerError(Exception):
    """A local server cannot be used."""


class BinaryMissing(ServerError):
    """A program that the server needs is not installed."""


class FolderUnreachable(ServerError):
    """The data folder lies where the server's user cannot go."""


class NotReady(ServerError):
    """The server does not answer a login with our secret."""


@dataclass(frozen=True)
class ProcessSpec:
    """How to start one process. `env` is its whole environment: nothing is inherited, so no secret leaks into a stranger's process."""

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    """Account to run as when we are root; None keeps our own."""
    stop_signal: signal.Signals = signal.SIGTERM


class LocalServer(Protocol):
    """One server of the stack. The order is: prepare, start `spec`, poll `ready`, `after_start`; at the end stop, `after_stop`."""

    @property
    def name(self) -> str:
        """Short and unique in the stack."""
        ...

    def prepare(self) -> None:
        """Make folders and configuration, and end what a crashed run left. Blocking; may be called again at every start."""
        ...

    def spec(self) -> ProcessSpec:
        """The process to start."""
        ...

    async def ready(self) -> None:
        """Return once a login with our secret works; raise `NotReady` otherwise, at once."""
        ...

    async def after_start(self) -> None:
        """What must be set inside the running server (roles, for example). Repeatable."""
        ...

    def after_stop(self) -> None:
        """End helpers that outlive the process. Blocking and repeatable."""
        ...


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


def unprivileged_user(user: str) -> str | None:
    """`user` if we are root, else None: servers that refuse root then run as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise BinaryMissing(f"there is no user {user}, which its Debian package makes; run `make setup`") from None
    return user


def make_folder(folder: Path, user: str | None = None) -> None:
    """A private folder (0700), owned by `user` when we are root; proves that this user can reach and write it."""
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None:
        give_to(folder, user)
        _prove_reachable(folder, user)
    folder.chmod(0o700)


def give_to(path: Path, user: str | None) -> None:
    """Change the owner of one path; nothing for our own account."""
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def write_private(path: Path, text: str, user: str | None = None) -> None:
    """Replace a file that holds secrets: never readable by others, not even for a moment."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    give_to(fresh, user)
    fresh.replace(path)


def start_process(spec: ProcessSpec, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """Start `spec` as the leader of its own process group, so that a Ctrl-C in our terminal does not reach it."""
    account = _account(spec.user)
    return subprocess.Popen(
        list(spec.argv),
        cwd=spec.cwd,
        env=dict(spec.env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=account.user,
        group=account.group,
        extra_groups=account.groups,
    )


def run_command(argv: Sequence[str], env: Mapping[str, str], user: str | None = None, cwd: Path | None = None) -> str:
    """Run a server's own tool to its end; its output is in the error if it fails."""
    account = _account(user)
    done = subprocess.run(
        list(argv),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TOOL_TIMEOUT_S,
        check=False,
        user=account.user,
        group=account.group,
        extra_groups=account.groups,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise ServerError(f"{Path(argv[0]).name} failed ({done.returncode}): {output.strip()[-2000:]}")
    return output


@dataclass(frozen=True)
class _Account:
    """What subprocess takes to change users; all None keeps ours."""

    user: int | None = None
    group: int | None = None
    groups: list[int] | None = None


def _account(user: str | None) -> _Account:
    if user is None:
        return _Account()
    entry = pwd.getpwnam(user)
    return _Account(entry.pw_uid, entry.pw_gid, [group.gr_gid for group in grp.getgrall() if user in group.gr_mem])


def _prove_reachable(folder: Path, user: str) -> None:
    try:
        run_command(["/usr/bin/test", "-w", str(folder)], base_env(), user, cwd=Path("/"))
    except ServerError:
        raise FolderUnreachable(
            f"{folder} cannot be reached by user {user}, as whom this server runs under root; "
            "choose a data folder whose parents others may enter, for example /var/lib/gtvision"
        ) from None
