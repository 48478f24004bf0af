"""The switch that closes the edge for maintenance: pages and the API say so, video goes on."""

from __future__ import annotations

import os
import pwd
import socket

from gtv.edge import Files
from gtv.failures import GtvError, NotRunning
from servers.files import write_private

_ON = "maintenance on\n"
_PATIENCE_S = 5.0


def is_on(files: Files) -> bool:
    """Returns whether the flag is written to the file that HAProxy reads at its start."""
    return files.flags.exists() and files.flags.read_text() == _ON


def switch(files: Files, *, on: bool) -> bool:
    """Writes the flag to a file, so that it outlives HAProxy, and tells the running one. Returns whether one runs.

    Raises: NotRunning (there is no edge on this data folder), GtvError.
    """
    if not files.folder.exists():
        raise NotRunning(f"No stack was ever started with {files.folder}.")
    owner = pwd.getpwuid(files.folder.stat().st_uid).pw_name if os.geteuid() == 0 else None
    write_private(files.flags, _ON if on else "", owner)
    commands = [f"clear map {files.flags}", *([f"add map {files.flags} maintenance on"] if on else [])]
    try:
        said = ask(files, ";".join(commands)).strip()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError as error:
        raise GtvError(f"The edge does not answer on {files.socket}: {error}") from None
    if said:
        raise GtvError(f"The edge refused: {said}")
    return True


def ask(files: Files, line: str) -> str:
    """Sends a line of commands to the running HAProxy and returns its answer. Raises: OSError."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_PATIENCE_S)
        link.connect(str(files.socket))
        link.sendall(f"{line}\n".encode())
        parts = []
        while part := link.recv(65_536):
            parts.append(part)
    return b"".join(parts).decode(errors="replace")
