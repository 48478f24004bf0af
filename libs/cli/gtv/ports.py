"""Ports: what was asked for, else what they were last time, else free ones; kept in the data folder."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtv.failures import BadTable, PortTaken
from gtv.home import read_json, write_private

FREE_RANGE = range(20_000, 32_000)
"""Below the kernel's range for outgoing connections, so that a port that we chose is not lost to one of them between two runs."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A port that some process needs."""

    name: str
    host: str = "127.0.0.1"
    preferred: int | None = None
    """Taken on the first run where it is free; a person knows it by heart."""
    udp: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """The ports of a run."""

    ports: Mapping[str, int]
    moved: Mapping[str, tuple[int, int]]
    """Ports that are not where they were expected: name -> (expected, now)."""


def assign(wishes: Iterable[Wish], *, asked: Mapping[str, int], kept: Path) -> Assignment:
    """Choose a port for each wish and remember the choice in `kept`.

    Raises: PortTaken (one that was asked for by name), BadTable (a name that nobody needs).
    """
    wishes = list(wishes)
    known = {wish.name for wish in wishes}
    if unknown := sorted(set(asked) - known):
        raise BadTable(f"No process has a port named {', '.join(unknown)}. Known: {', '.join(sorted(known))}")
    before = _kept(kept)
    chosen: dict[str, int] = {}
    moved: dict[str, tuple[int, int]] = {}
    for wish in wishes:
        if wish.name in asked:
            if asked[wish.name] in chosen.values():
                raise PortTaken(f"Port {asked[wish.name]} is asked for twice; the second time for {wish.name}.")
            chosen[wish.name] = _insist(wish, asked[wish.name])
    for wish in wishes:
        if wish.name in chosen:
            continue
        expected = before.get(wish.name, wish.preferred)
        if isinstance(expected, int) and expected not in chosen.values() and is_free(wish, expected):
            chosen[wish.name] = expected
            continue
        chosen[wish.name] = _any_free(wish, set(chosen.values()))
        if isinstance(expected, int):
            moved[wish.name] = (expected, chosen[wish.name])
    write_private(kept, {**before, **chosen})
    return Assignment(chosen, moved)


def _kept(path: Path) -> dict[str, Any]:
    """Of the last run. Before there was TLS, `edge` was what `edge-http` is now: the address that people know leads on from there."""
    before = read_json(path)
    if "edge" in before and "edge-http" not in before:
        before["edge-http"] = before.pop("edge")
    return before


def is_free(wish: Wish, port: int) -> bool:
    """Whether nobody listens there. Like a server, it does not mind connections that are still closing."""
    family = socket.AF_INET6 if ":" in wish.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if wish.udp else socket.SOCK_STREAM) as probe:
        if not wish.udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wish.host, port))
            if not wish.udp:
                probe.listen(1)
        except OSError:
            return False
    return True


def _insist(wish: Wish, port: int) -> int:
    if not is_free(wish, port):
        name = wish.name.upper().replace("-", "_")
        raise PortTaken(f"Port {port}, set by GTV_PORTS_{name}, is taken or not allowed; choose another, or unset it to get a free one.")
    return port


def _any_free(wish: Wish, taken: set[int]) -> int:
    for port in random.sample(FREE_RANGE, 2_000):
        if port not in taken and is_free(wish, port):
            return port
    raise PortTaken(f"There is no free port for {wish.name} between {FREE_RANGE.start} and {FREE_RANGE.stop}.")
