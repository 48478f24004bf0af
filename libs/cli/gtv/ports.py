"""Ports: what was asked for, else what they were last time, else free ones; kept in the data folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtv.failures import BadTable, PortTaken
from servers.files import read_json, write_json
from servers.ports import free_port, is_free


@dataclass(frozen=True, slots=True)
class PortRequest:
    """A port that a process needs."""

    name: str
    host: str = "127.0.0.1"
    preferred: int | None = None
    """Taken on the first run where it is free; people know it by heart."""
    udp: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """The ports of a run."""

    ports: Mapping[str, int]
    moved: Mapping[str, tuple[int, int]]
    """Ports that are not where they were expected: name -> (expected, now)."""


def assign(port_requests: Iterable[PortRequest], *, asked: Mapping[str, int], kept: Path) -> Assignment:
    """Chooses a port for each request and writes the choice to `kept`.

    Raises: PortTaken (one that was asked for by name), BadTable (a name that no process needs).
    """
    port_requests = list(port_requests)
    known = {request.name for request in port_requests}
    if unknown := sorted(set(asked) - known):
        raise BadTable(f"No process has a port named {', '.join(unknown)}. Known: {', '.join(sorted(known))}")
    before = _kept(kept)
    chosen: dict[str, int] = {}
    moved: dict[str, tuple[int, int]] = {}
    # those that were asked for first: no other may take them
    for request in sorted(port_requests, key=lambda request: request.name not in asked):
        expected = before.get(request.name, request.preferred)
        if request.name in asked:
            chosen[request.name] = _insist(request, asked[request.name], chosen.values())
        elif isinstance(expected, int) and expected not in chosen.values() and is_free(expected, request.host, udp=request.udp):
            chosen[request.name] = expected
        else:
            while (port := free_port(request.host, udp=request.udp)) in chosen.values():
                continue
            chosen[request.name] = port
            if isinstance(expected, int):
                moved[request.name] = (expected, port)
    write_json(kept, {**before, **chosen})
    return Assignment(chosen, moved)


def _kept(path: Path) -> dict[str, Any]:
    """Returns the ports of the last run. Before there was TLS, `edge` was what `edge-http` is now: the address that people know."""
    before = read_json(path)
    if "edge" in before and "edge-http" not in before:
        before["edge-http"] = before.pop("edge")
    return before


def _insist(request: PortRequest, port: int, taken: Collection[int]) -> int:
    if port in taken:
        raise PortTaken(f"Port {port} is asked for twice; the second time for {request.name}.")
    if not is_free(port, request.host, udp=request.udp):
        name = request.name.upper().replace("-", "_")
        raise PortTaken(f"Port {port}, set by GTV_PORTS_{name}, is taken or not allowed; choose another, or unset it to get a free one.")
    return port
