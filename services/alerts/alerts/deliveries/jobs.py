"""Clock in: messages that are due."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

from alerts.deliveries.domain import Delivery
from alerts.deliveries.usecases import Sending
from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.loops import Loop, beating
from gtvision.errors import Unavailable

EVERY_S = 1.0
GATHER_S = 0.05  # after a commit that wrote messages, others may join the same turn
WATCH_EVERY_S = 5.0
AT_ONCE = 64
"""Messages under way in this process; of one channel at most AT_ONCE_OF_A_CHANNEL, so that one that hangs holds up no other."""
AT_ONCE_OF_A_CHANNEL = 16
TRY_S = 20.0
END_S = 5.0  # an ending process waits so long for what is under way: what has arrived is recorded, and not sent again

log = get_logger(__name__)


def sending(sends: Sending, woken: asyncio.Event) -> Loop:
    """Returns the loop that sends what is due: after each commit that wrote a message, and every second."""

    async def loop(heartbeat: Heartbeat) -> None:
        courier = Courier(sends, woken)
        try:
            while True:
                woken.clear()
                try:
                    async with beating(heartbeat), asyncio.timeout(TRY_S):
                        await courier.send_due()
                except (Unavailable, TimeoutError) as error:
                    log.warning("run_failed", loop=heartbeat.name, reason=type(error).__name__)
                    await heartbeat.sleep(EVERY_S)
                await heartbeat.wait(woken, EVERY_S)
                await heartbeat.sleep(GATHER_S)
        finally:
            await courier.aclose()

    return loop


class Courier:
    """The messages that this process is sending."""

    def __init__(self, sends: Sending, woken: asyncio.Event) -> None:
        self._sends, self._woken = sends, woken
        self._under_way: Counter[UUID] = Counter()
        self._watched_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()

    async def send_due(self) -> None:
        """Takes what is due, of every tenant, and begins to send it. Raises: Unavailable."""
        now = asyncio.get_running_loop().time()
        is_time = now - self._watched_at >= WATCH_EVERY_S
        if is_time:
            self._watched_at = now
            await self._sends.measure()
        for tenant_id in await self._sends.tenants_with_work():
            for row, kind in await self._sends.claim(tenant_id, self._room):
                self._under_way[row.channel_id] += 1
                task = asyncio.create_task(self._send(row, kind), name=f"delivery {row.delivery_id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if is_time:
                await self._sends.watch_channels(tenant_id)

    def _room(self, channel_id: UUID, taken: int) -> int:
        return min(AT_ONCE - self._under_way.total() - taken, AT_ONCE_OF_A_CHANNEL - self._under_way[channel_id])

    async def _send(self, row: Delivery, kind: str) -> None:
        """A failure of ours leaves the message to its lease."""
        try:
            async with asyncio.timeout(TRY_S):
                await self._sends.send(row, kind)
        except (Unavailable, TimeoutError) as error:
            log.warning("delivery_not_recorded", delivery=row.delivery_id, reason=type(error).__name__)
        except Exception:
            log.exception("delivery_failed", delivery=row.delivery_id)
        finally:
            self._under_way[row.channel_id] -= 1
            self._woken.set()

    async def drain(self) -> None:
        """Waits for what is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Ends what is under way and takes longer than a few seconds; it is sent again, under the same id, when its lease ends."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_S)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
