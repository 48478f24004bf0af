"""What the installation says of itself while a run goes on, as an operator's screens ask."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import httpx
from tests.e2e.stack import AWAY, Person

_EVERY_S = 3.0


class Watch:
    """Keeps what was seen of `/recordings/usage` and `/recordings/forecast`."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self.stopped: defaultdict[str, set[str]] = defaultdict(set)
        """Causes by camera, of those that were said not to be recorded."""
        self.was_full_of_held = False
        self.unanswered = 0
        """How often no service answered."""

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            for camera in (await self._asked("/recordings/usage")).get("cameras_not_recording", []):
                self.stopped[camera["camera_id"]].add(camera["cause"] or "no cause yet")
            self.was_full_of_held |= (await self._asked("/recordings/forecast")).get("full_of_held", False)
            await asyncio.sleep(_EVERY_S)

    async def _asked(self, path: str) -> dict[str, Any]:
        """Returns the answer; empty where a service is away, or is of a release that has no such route."""
        try:
            answer = await self._person.ask("GET", path)
        except (httpx.TransportError, httpx.HTTPStatusError):
            self.unanswered += 1
            return {}
        self.unanswered += answer.status_code in AWAY
        return answer.json() if answer.is_success else {}
