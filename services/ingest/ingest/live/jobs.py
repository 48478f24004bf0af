"""Clock in: the live feed."""

from __future__ import annotations

from chassis.health import Heartbeat
from chassis.loops import beating
from ingest.live.ports import LiveIn
from ingest.live.usecases import LiveFeed


class FeedLive:
    """From the one subscription to every reader."""

    def __init__(self, feed: LiveFeed, live: LiveIn) -> None:
        self._feed = feed
        self._live = live

    async def forward(self, heartbeat: Heartbeat) -> None:
        async with beating(heartbeat):  # silence on the channel is no hang
            async for message in self._live.subscribe(["*"]):
                self._feed.forward(message)

    async def tend(self, heartbeat: Heartbeat) -> None:
        while True:
            self._feed.tend()
            await heartbeat.sleep(1.0)
