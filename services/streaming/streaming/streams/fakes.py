"""Ports in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gtvision.errors import Invalid, Unavailable
from streaming.streams.domain import Change, ChangeKind, PathConfig, PathStatus


@dataclass
class FakeMediaServer:
    """The control API in memory. Tests steer it: `inbound` are the bytes of paths that are available, `refuses` the refused paths."""

    configured: dict[str, PathConfig] = field(default_factory=dict)
    inbound: dict[str, int] = field(default_factory=dict)
    down: bool = False
    codecs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    connected: dict[str, datetime] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    refuses_sources: set[str] = field(default_factory=set)
    offered: list[str] = field(default_factory=list)
    changes: int = 0

    async def paths(self) -> list[PathConfig]:
        if self.down:
            raise Unavailable
        return list(self.configured.values())

    async def apply(self, change: Change) -> None:
        self.offered.append(change.path.source)
        put = change.kind is not ChangeKind.DELETE
        if put and (change.path.name in self.refuses or change.path.source in self.refuses_sources):
            raise Invalid
        self.changes += 1
        if put:
            self.configured[change.path.name] = change.path
        else:
            self.configured.pop(change.path.name, None)

    async def statuses(self) -> dict[str, PathStatus]:
        return {name: self._status(name) for name in self.configured}

    def _status(self, name: str) -> PathStatus:
        is_there, codecs = name in self.inbound, self.codecs.get(name, ("H264",))
        return PathStatus(name, is_there, self.inbound.get(name, 0), codecs, self.connected.get(name) if is_there else None)


@dataclass
class FakeEdgeMap:
    """One edge in memory."""

    name: str = "fake"
    known: dict[str, str] = field(default_factory=dict)
    down: bool = False

    async def sync(self, nodes: Mapping[str, str]) -> int:
        if self.down:
            raise Unavailable
        wanted = dict(nodes)
        changes = len(wanted.items() ^ self.known.items())
        self.known = wanted
        return changes
