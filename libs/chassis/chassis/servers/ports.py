"""Loopback TCP ports that nobody holds."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"
_given: set[int] = set()


def free_port() -> int:
    """A port that is free now and that this process has not given out before.

    The kernel may hand the same number to two callers as soon as the first socket is closed, so the ones given out are remembered.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """`count` distinct free ports; the sockets are held open together until all are found."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            probe.bind((LOOPBACK, 0))
            if probe.getsockname()[1] in _given:
                probe.close()
                continue
            held.append(probe)
        found = [int(probe.getsockname()[1]) for probe in held]
        _given.update(found)
        return found
    finally:
        for probe in held:
            probe.close()


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
