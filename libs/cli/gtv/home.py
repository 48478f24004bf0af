"""The data folder of a stack: where it is, which supervisor holds it, what lies where."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gtv.failures import AlreadyRunning
from servers.accounts import make_folder
from servers.files import hold, read_json

SYSTEM_HOME = Path("/var/lib/gtvision")
ACCOUNT = "gtvision"
"""System account, made by set-up, that our own programs become where root starts them."""


def default_home() -> Path:
    """`/var/lib/gtvision` for root, whose servers run as users that cannot look into its home; else below the user's own."""
    return SYSTEM_HOME if os.geteuid() == 0 else Path("~/.local/share/gtvision").expanduser()


class Home:
    """One data folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.run = self.root / "run"
        self.logs = self.root / "logs"
        self.objects = self.root / "objects"
        self.recordings = self.root / "recordings"
        self.demo = self.root / "demo"
        self.work = self.root / "work"
        """Home and working folder of our own programs."""
        self.edge = self.root / "haproxy"
        self.tls = self.root / "tls"
        self.ca_file = self.tls / "ca.crt"
        self.trust_file = self.tls / "trust.pem"
        """Whom gtv's own clients believe: the stack's authority, or the operator's certificate."""
        self.ports_file = self.root / "ports.json"
        self.secrets_file = self.root / "secrets.json"
        self.state_file = self.run / "state.json"
        self.wanted_file = self.run / "wanted.json"
        self._lock = self.run / "lock"

    def prepare(self) -> None:
        """Makes the folders. As root, the top can be entered by the servers' accounts; every folder with a secret in it is closed."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755 if os.geteuid() == 0 else 0o700)
        for folder in (self.run, self.logs):
            make_folder(folder)
        self.tls.mkdir(exist_ok=True)  # open: the authority is there to be shown, its key is closed

    def give_to(self, account: str | None) -> None:
        """Makes the folders that our own programs write, for the account that they run as. Raises: FolderUnreachable.

        What was left by programs that ran as root (None: they do) changes its owner, each time that the account is another one.
        """
        for folder in (self.work, self.objects, self.recordings, self.demo):
            make_folder(folder, account)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Locks the folder. The kernel releases the lock when we die, so a crash leaves none behind.

        Raises: AlreadyRunning.
        """
        self.prepare()
        try:
            lock = hold(self._lock)
        except BlockingIOError:
            state = self.read_state()
            where = f" at {state['address']}" if state.get("address") else ""
            raise AlreadyRunning(
                f"A stack is already running on {self.root} (supervisor {state.get('pid', '?')}{where}).\n"
                "See `gtv status`, end it with `gtv down`, or choose another folder with GTV_DATA."
            ) from None
        with lock:
            yield

    def is_held(self) -> bool:
        """Whether a supervisor lives on this folder."""
        if not self._lock.exists():
            return False
        try:
            hold(self._lock).close()
        except BlockingIOError:
            return True
        return False

    def read_state(self) -> dict[str, Any]:
        """Returns what the supervisor last wrote about itself and its processes; empty where there is no such file."""
        return read_json(self.state_file)
