"""Loopback TCP ports that nobody holds."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 10_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def free_port() -> int:
    """A port that is free now and that this process has not given out before.

    It lies below the kernel's ephemeral ports: one of those may become the near end of anybody's outgoing connection before its server
    binds it, or while its server restarts (a client that keeps knocking at it may even meet itself).
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """`count` distinct free ports; the sockets are held open together until all are found."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if not _bound(probe) or probe.getsockname()[1] in _given:
                probe.close()
                continue
            held.append(probe)
        found = [int(probe.getsockname()[1]) for probe in held]
        _given.update(found)
        return found
    finally:
        for probe in held:
            probe.close()


def _bound(probe: socket.socket) -> bool:
    highest = _first_ephemeral() - 1
    # where there is hardly room below, the kernel chooses
    port = LOWEST + secrets.randbelow(highest - LOWEST) if highest - LOWEST > 5_000 else 0
    try:
        probe.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


def _first_ephemeral() -> int:
    try:
        return int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
