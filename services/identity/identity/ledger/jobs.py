"""Periodic work: sealing the ledger, making and dropping its months."""

from __future__ import annotations

from chassis import logs
from chassis.health import Heartbeat
from chassis.loops import beating
from gtvision.errors import Unavailable
from identity.ledger.ports import AnchorCopies, AuditKeys
from identity.ledger.usecases.sealing import Sealing
from identity.ledger.usecases.verification import Verification

log = logs.get_logger("identity.jobs")

_MONTHS_EVERY_S = 6 * 3600.0
_RETRY_S = 5.0


class AuditJobs:
    """The ledger's loops. Any number of processes may run them."""

    def __init__(self, sealing: Sealing, keys: AuditKeys, copies: AnchorCopies, verification: Verification, every_s: float) -> None:
        self._sealing, self._keys, self._copies, self._verification, self._every_s = sealing, keys, copies, verification, every_s

    async def seal(self, heartbeat: Heartbeat) -> None:
        """Anchors, and their copies."""
        while True:
            try:
                async with beating(heartbeat):
                    await self._sealing.seal_ledgers(self._keys, self._copies, self._verification)
            except Unavailable as error:
                log.warning("ledgers not sealed", cause=error.message)
            await heartbeat.sleep(self._every_s)

    async def keep_months(self, heartbeat: Heartbeat) -> None:
        """Partitions ahead, and those that retention drops."""
        while True:
            try:
                await self._sealing.make_months()
                if dropped := await self._sealing.drop_expired(self._keys):
                    log.info("months of the ledger dropped", partitions=dropped)
            except Unavailable as error:
                log.warning("the ledger's months not kept", cause=error.message)
                await heartbeat.sleep(_RETRY_S)
                continue
            await heartbeat.sleep(_MONTHS_EVERY_S)
