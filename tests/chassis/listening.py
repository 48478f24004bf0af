"""The addresses on which a server listens."""

from __future__ import annotations

import contextlib

import psutil

LOOPBACK = {"127.0.0.1", "::1"}


def listening_addresses(pid: int) -> set[str]:
    """Returns the addresses on which the process and its descendants listen."""
    found = set()
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker process may end meanwhile
            found |= {item.laddr.ip for item in process.net_connections("inet") if item.status == psutil.CONN_LISTEN}
    assert found, "nothing listens"
    return found
