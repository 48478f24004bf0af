"""Ports: what was asked for, else what they were last time, else free ones; kept in the data folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtv.failures import BadTable, PortTaken
from servers.files import read_json, write_json
from servers.ports import free_port, is_free


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
        if isinstance(expected, int) and expected not in chosen.values() and is_free(expected, wish.host, udp=wish.udp):
            chosen[wish.name] = expected
            continue
        chosen[wish.name] = _other(wish, set(chosen.values()))
        if isinstance(expected, int):
            moved[wish.name] = (expected, chosen[wish.name])
    write_json(kept, {**before, **chosen})
    return Assignment(chosen, moved)


def _kept(path: Path) -> dict[str, Any]:
    """Of the last run. Before there was TLS, `edge` was what `edge-http` is now: the address that people know leads on from there."""
    before = read_json(path)
    if "edge" in before and "edge-http" not in before:
        before["edge-http"] = before.pop("edge")
    return before


def _insist(wish: Wish, port: int) -> int:
    if not is_free(port, wish.host, udp=wish.udp):
        name = wish.name.upper().replace("-", "_")
        raise PortTaken(f"Port {port}, set by GTV_PORTS_{name}, is taken or not allowed; choose another, or unset it to get a free one.")
    return port


def _other(wish: Wish, taken: set[int]) -> int:
    while (port := free_port(wish.host, udp=wish.udp)) in taken:
        continue
    return port
