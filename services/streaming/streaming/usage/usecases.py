"""Usage, as callers see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.db import UnitOfWork, UowFactory
from gtvision.tenancy import Caller
from streaming.usage.domain import SEE_THE_DISK, Totals

if TYPE_CHECKING:
    from streaming.streams.usecases import Streams
    from streaming.usage.repository import PostgresUsage

Usages = Callable[[UnitOfWork], "PostgresUsage"]


class RecordingUsage:
    """What the recordings take and what room is left, as callers see it."""

    def __init__(self, uow: UowFactory, usage: Usages, streams: Streams) -> None:
        self._uow, self._usage, self._streams = uow, usage, streams

    async def totals(self, caller: Caller) -> Totals:
        """Of the cameras that the caller may see; those that were removed count where the caller is not limited to groups.

        The disk is the installation's: its people see it, and no partner.
        """
        streams = await self._streams.with_recording(caller)
        expected = [(stream, name) for stream, name, is_wanted in streams if is_wanted]
        visible = None if caller.camera_groups is None else {stream.camera_id for stream, _, _ in streams}
        async with self._uow(caller.tenant_id) as uow:
            usages = await self._usage(uow).all()
            found = await self._usage(uow).room()
        totals = Totals.of([usage for usage in usages if visible is None or usage.camera_id in visible], expected)
        if found is None:
            return totals
        return replace(totals, room=found[0] if caller.role in SEE_THE_DISK else None, as_of=found[1])
