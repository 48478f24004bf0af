"""HAProxy's runtime socket, for the map that says which media node has a camera. Level `user` is enough for maps."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from gtvision.errors import Unavailable

MAP_FILE = "media-nodes.map"
"""The map is found by the last part of its file's name; the folder differs between edges."""
_FILLED = ("filled", "yes")
"""An entry that marks the map as complete: only then does the edge answer 404 for a camera that is not in it."""
_LINE_BYTES = 8_000
"""HAProxy reads a line of commands into one buffer of 16 KiB."""


class HaproxyMap:
    """One HAProxy, by a Unix socket (a path) or by `host:port` in a network of its own."""

    def __init__(self, address: str, *, timeout_s: float = 5.0) -> None:
        self.name = address
        self._timeout_s = timeout_s

    async def sync(self, nodes: Mapping[str, str]) -> int:
        """Make the map hold exactly these; how many entries were changed. Raises: Unavailable."""
        number = await self._number()
        wanted = dict([*nodes.items(), _FILLED])
        commands = list(_commands(number, wanted, _entries(await self._ask(f"show map #{number}"))))
        for line in _lines(commands):
            if said := (await self._ask(line)).strip():
                raise Unavailable(f"The edge refused a change of its map: {said[:200]}")
        return len(commands)

    async def _number(self) -> int:
        """HAProxy numbers its maps anew at each start."""
        for line in (await self._ask("show map")).splitlines():
            number, _, rest = line.partition(" ")
            if number.isdigit() and rest.partition(")")[0].endswith(MAP_FILE):
                return int(number)
        raise Unavailable(f"The edge has no map named {MAP_FILE}.")

    async def _ask(self, line: str) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await self._connect()
                try:
                    writer.write(f"{line}\n".encode())
                    return (await reader.read()).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"The edge does not answer ({type(error).__name__}).") from None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.name.startswith("/"):
            return await asyncio.open_unix_connection(self.name)
        host, _, port = self.name.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))


def _entries(said: str) -> list[tuple[str, str]]:
    """Keys and values of `show map`: each line is a reference, the key, the value."""
    parts = [line.split() for line in said.splitlines()]
    return [(part[1], part[2]) for part in parts if len(part) == 3]


def _commands(number: int, wanted: Mapping[str, str], there: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The steps. A camera that moves changes in one step, so it is never missing in between."""
    entries = list(there)
    known = dict(entries)
    # two processes may have added the same key at once; the first entry would hide every later change
    for key in [key for key, times in Counter(key for key, _ in entries).items() if times > 1]:
        yield f"del map #{number} {key}"
        del known[key]
    for key, value in wanted.items():
        if key not in known:
            yield f"add map #{number} {key} {value}"
        elif known[key] != value:
            yield f"set map #{number} {key} {value}"
    for key in known.keys() - wanted.keys():
        yield f"del map #{number} {key}"


def _lines(commands: Iterable[str]) -> Iterator[str]:
    """As many commands in a line as fit."""
    line = ""
    for command in commands:
        if line and len(line) + len(command) > _LINE_BYTES:
            yield line
            line = ""
        line = f"{line};{command}" if line else command
    if line:
        yield line
