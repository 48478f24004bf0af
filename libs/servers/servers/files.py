"""Small files that are replaced whole, never readable by others, and locks that a crash lets go."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from servers.accounts import account_of


def write_private(path: Path, text: str, user: str | None = None) -> None:
    """Replaces a file in one step; only its owner can read it, from the first byte on. A power cut leaves the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    owner = account_of(user)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchown(file.fileno(), owner.get("user", -1), owner.get("group", -1))  # by its name it may be another file by now
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """The same for an object."""
    write_private(path, json.dumps(value, indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file; empty where the file is missing or cut short."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def hold(path: Path) -> IO[str]:
    """Locks a file until it is closed or we die. Raises: BlockingIOError (another process holds it), OSError."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file
