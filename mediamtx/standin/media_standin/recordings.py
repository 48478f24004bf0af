"""Recordings as the control API lists and deletes them. The disk is the truth; nothing is kept in memory."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any

from media_standin import recordpath, web
from media_standin.configuration import Configuration
from media_standin.options import Options, name_pattern


class Recordings:
    """Reads folders off the event loop."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def all(self) -> list[dict[str, Any]]:
        """Every path that has segments and a configuration."""
        configured = dict(self._configuration.paths)
        return await asyncio.to_thread(self._all, configured)

    def _all(self, configured: dict[str, Options]) -> list[dict[str, Any]]:
        found: dict[str, Options] = {}
        for key, options in configured.items():
            pattern = name_pattern(key) or re.compile(f"^{re.escape(key)}$")
            for name in recordpath.names(options, pattern):
                found.setdefault(name, options)
        return [_recording(name, found[name]) for name in sorted(found)]

    async def get(self, name: str) -> dict[str, Any]:
        """The segments of one path; the list may be empty. Raises InvalidOption where no configuration covers the name."""
        return await asyncio.to_thread(_recording, name, self._configuration.find(name))

    async def delete(self, name: str, start: str) -> None:
        """Removes one segment. Raises InvalidOption, ValueError, OSError."""
        try:
            moment = parse_time(start)
        except ValueError as error:
            raise ValueError(f"invalid 'start' parameter: {error}") from error
        file = recordpath.encode(self._configuration.find(name), name, moment)
        await asyncio.to_thread(file.unlink)


def parse_time(text: str) -> datetime:
    """RFC 3339 with a zone. Raises ValueError in Go's words."""
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(re.sub(r"\.(\d{6})\d+", r".\1", text.replace(" ", "+")))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"')
    return moment


def _recording(name: str, options: Options) -> dict[str, Any]:
    try:
        segments = recordpath.segments(options, name)
    except FileNotFoundError:
        segments = []
    return {"name": name, "segments": [{"start": web.instant(segment.start)} for segment in segments]}
