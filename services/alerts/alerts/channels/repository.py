"""Rows of channels to nouns and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from alerts.channels.domain import Channel, Kind, QuietHours, Template, Trouble
from alerts.channels.tables import channels
from chassis.db import UnitOfWork
from gtvision.errors import Conflict
from gtvision.events import Severity

_channel = channels.c


class PostgresChannels:
    """Channels of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, channel: Channel) -> None:
        """Raises: Conflict, where the name is taken."""
        added = insert(channels).values(_row(channel)).on_conflict_do_nothing().returning(_channel.channel_id)
        if (await self._session.execute(added)).first() is None:
            raise Conflict("There is a channel of that name.")

    async def save(self, channel: Channel) -> None:
        """Raises: Conflict, where the name is taken."""
        mine = update(channels).where(_channel.tenant_id == self._tenant_id, _channel.channel_id == channel.channel_id)
        try:
            async with self._session.begin_nested():
                await self._session.execute(mine.values(_row(channel)))
        except IntegrityError:
            raise Conflict("There is a channel of that name.") from None

    async def get(self, channel_id: UUID, *, lock: bool = False) -> Channel | None:
        found = select(channels).where(_channel.tenant_id == self._tenant_id, _channel.channel_id == channel_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read(row) if row else None

    async def list_all(self, *, enabled: bool | None = None) -> list[Channel]:
        """Returns the channels in order of id; `enabled`: only those that are switched on, or off."""
        found = select(channels).where(_channel.tenant_id == self._tenant_id).order_by(_channel.channel_id)
        if enabled is not None:
            found = found.where(_channel.enabled == enabled)
        return [_read(row) for row in await self._session.execute(found)]

    async def count(self) -> int:
        return int(await self._session.scalar(select(func.count()).where(_channel.tenant_id == self._tenant_id)) or 0)

    async def delete(self, channel_id: UUID) -> Channel | None:
        """Returns what it was, or None where there is none."""
        gone = delete(channels).where(_channel.tenant_id == self._tenant_id, _channel.channel_id == channel_id).returning(channels)
        row = (await self._session.execute(gone)).first()
        return _read(row) if row else None

    async def delete_all(self) -> list[Channel]:
        """Deletes every channel. Returns what they were."""
        gone = delete(channels).where(_channel.tenant_id == self._tenant_id).returning(channels)
        return [_read(row) for row in await self._session.execute(gone)]


def _row(channel: Channel) -> dict[str, Any]:
    hours, trouble = channel.quiet_hours, channel.trouble
    row = {name: getattr(channel, name) for name in channels.c.keys() if name in Channel.__dataclass_fields__}  # noqa: SIM118
    return row | {
        "settings": dict(channel.settings),
        "sealed": dict(channel.sealed),
        "kinds": list(channel.kinds),
        "quiet_hours": hours
        and {
            "start": f"{hours.start:%H:%M}",
            "end": f"{hours.end:%H:%M}",
            "days": sorted(hours.days),
            "except_critical": hours.except_critical,
        },
        "template": channel.template and asdict(channel.template),
        "trouble_since": trouble and trouble.since,
        "trouble_detail": trouble and trouble.detail,
    }


def _read(row: Row[Any]) -> Channel:
    held = dict(row._mapping)
    hours, since, detail = held.pop("quiet_hours"), held.pop("trouble_since"), held.pop("trouble_detail")
    held |= {
        "kind": Kind(row.kind),
        "min_severity": Severity(row.min_severity),
        "kinds": tuple(row.kinds),
        "quiet_hours": hours
        and QuietHours(
            time.fromisoformat(hours["start"]), time.fromisoformat(hours["end"]), frozenset(hours["days"]), hours["except_critical"]
        ),
        "template": row.template and Template(**row.template),
        "trouble": Trouble(since, detail or "") if since else None,
    }
    return Channel(**held)
