"""Try a rule over what is stored: what would it have raised?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import RateLimited
from gtvision.rules import Sighting
from gtvision.tenancy import Caller, TenantSettings
from gtvision.time import Clock, zone_of
from ingest.grabbing.domain import CameraBook
from ingest.trials.domain import Outcome, Tally, Trial

if TYPE_CHECKING:
    from ingest.trials.repository import PostgresHistory

AT_ONCE = 2
"""Each has a core."""
SLICE = 20_000
"""Rows that are read and judged at a time."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Rules of all tenants, over the stored detections. One that takes longer than `limit` is answered as far as it came."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresHistory]
    cameras: CameraBook
    settings: Callable[[UUID], TenantSettings]
    clock: Clock
    limit: timedelta
    running: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def try_rule(self, caller: Caller, trial: Trial) -> Outcome:
        """Judges what is stored, within the caller's camera groups. It goes on record: without its record nothing is shown.

        Raises: RateLimited, Unavailable.
        """
        self.cameras.check(caller, self.clock.monotonic())
        if self.running.locked():
            raise RateLimited("Other rules are being tried at the moment; try again in a few seconds.", retry_after=timedelta(seconds=5))
        async with self.running:
            tally = Tally(trial, zone_of(self.settings(caller.tenant_id).timezone))
            outcome = tally.outcome(await self._judge(caller, trial, tally))
        async with self.uow(caller.tenant_id) as uow:
            shown = await self.repository(uow).show([each.first for each in outcome.alerts])
            for each in outcome.alerts:
                each.shown = shown.get(each.first.detection_id)
            record(uow, Action.RULE_TRIED, caller, _tried(trial, outcome))
        return outcome

    async def _judge(self, caller: Caller, trial: Trial, tally: Tally) -> float | None:
        """Judges slice after slice; the next one is read meanwhile. Returns where the time ran out, None where all was seen."""
        cameras, began = self._watched(caller, trial), self.clock.monotonic()
        judging: asyncio.Future[None] | None = None
        last: Sighting | None = None
        try:
            while True:
                async with self.uow(caller.tenant_id) as uow:
                    rows = await self.repository(uow).read(trial.condition, cameras, (trial.start, trial.end), last, SLICE)
                if judging is not None:
                    await judging
                judging = asyncio.ensure_future(asyncio.to_thread(tally.add, rows))
                if len(rows) < SLICE:
                    return None
                last = Sighting(*rows[-1])
                if self.clock.monotonic() - began > self.limit.total_seconds():
                    return last.at
        finally:
            if judging is not None:
                await judging

    def _watched(self, caller: Caller, trial: Trial) -> frozenset[UUID] | None:
        """Returns the cameras that it is about and that the caller may see; None: all."""
        asked, visible = trial.condition, None
        if caller.camera_groups is not None:
            visible = self.cameras.visible_to(caller)
        if not (asked.camera_ids or asked.group_ids):
            return visible
        watched = asked.camera_ids | self.cameras.those_of(caller.tenant_id, asked.watches)
        return watched if visible is None else watched & visible


def _tried(trial: Trial, outcome: Outcome) -> AuditEntry:
    cameras = sorted(trial.condition.camera_ids)
    asked = trial.condition.model_dump_json(by_alias=True, exclude_defaults=True)
    details = {"condition": asked, "alerts": outcome.total, "scanned": outcome.scanned}
    return AuditEntry("rule", None, cameras[0] if len(cameras) == 1 else None, trial.start, trial.end, details)
