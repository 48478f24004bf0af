"""Ports that no process holds."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 20_000
"""Ports below are left to what people and other tests choose by hand."""
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 10_000
_given: set[int] = set()


def free_port(host: str = LOOPBACK, *, udp: bool = False) -> int:
    """A port that is free now and that this process has not given out before. Raises: OSError where there is none.

    It lies below the kernel's ephemeral ports: one of those may become the near end of any outgoing connection before its server
    binds it, or while its server restarts (a client that keeps trying may even meet itself).
    """
    for _ in range(_TRIES):
        port = _candidate(host)
        if port not in _given and is_free(port, host, udp=udp):
            _given.add(port)
            return port
    raise OSError(f"there is no free port on {host}")


def free_ports(count: int) -> list[int]:
    """`count` distinct free ports."""
    return [free_port() for _ in range(count)]


def is_free(port: int, host: str = LOOPBACK, *, udp: bool = False) -> bool:
    """Whether a server could listen there now. Like a server, it does not mind connections that are still closing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if not udp:
                probe.listen(1)
        except OSError:
            return False
        return True


def _candidate(host: str) -> int:
    highest = _first_ephemeral() - 1
    if highest - LOWEST > 5_000:
        return LOWEST + secrets.randbelow(highest - LOWEST)
    # where there is hardly room below, the kernel chooses
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _first_ephemeral() -> int:
    try:
        return int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
