"""Clock in: upkeep of partitions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from chassis.health import Heartbeat
from gtvision.errors import Unavailable
from ingest.detections.usecases import Upkeep

log = structlog.get_logger(__name__)

UPKEEP_S = 600.0

_RETRY_S = 2.0


class KeepPartitions:
    """Days are made ahead, and dropped once they are too old; so is the memory of events that can no longer be repeated."""

    def __init__(self, upkeep: Upkeep, prune_inbox: Callable[[], Awaitable[object]]) -> None:
        self._upkeep = upkeep
        self._prune_inbox = prune_inbox

    async def run(self, heartbeat: Heartbeat) -> None:
        while True:
            heartbeat.beat()
            try:
                await self._upkeep.keep_partitions()
                await self._prune_inbox()
            except Unavailable as error:
                log.warning("upkeep_waits", reason=error.message)
                await heartbeat.sleep(_RETRY_S)
                continue
            await heartbeat.sleep(UPKEEP_S)
