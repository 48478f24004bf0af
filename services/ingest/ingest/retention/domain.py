"""How long each city keeps what was seen, and what stays beyond that. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from gtvision.tenancy import TenantSettings


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that a city keeps rows without a plate, rows with one, and pictures. None: pictures of a city that is not known stay."""

    detections: int
    passages: int
    evidence: int | None

    @classmethod
    def of(cls, settings: TenantSettings | None, most: int) -> KeptDays:
        """Rows stay `most` days at the longest: the installation's `DETECTIONS_RETENTION_DAYS`."""
        if settings is None:
            return cls(most, most, None)
        kept = settings.retention
        return cls(min(kept.detections_days, most), min(kept.passages_days, most), kept.evidence_days)


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold as streaming announced it. It ends when it is lifted, or at `expires_at`."""

    hold_id: UUID
    camera_id: UUID | None
    """None: every camera of the city."""
    since: datetime
    until: datetime
    expires_at: datetime | None = None
    lifted_at: datetime | None = None


_MARGIN = timedelta(minutes=1)
"""As in streaming, whose files are kept whole: what was seen in them is kept with them."""


@dataclass(frozen=True, slots=True)
class HeldRange:
    """A range whose rows and pictures stay, margin included: of one camera, or (None) of every camera of the city."""

    tenant_id: UUID
    camera_id: UUID | None
    since: datetime
    until: datetime

    @classmethod
    def around(cls, tenant_id: UUID, camera_id: UUID | None, since: datetime, until: datetime) -> HeldRange:
        return cls(tenant_id, camera_id, since - _MARGIN, until + _MARGIN)

    def covers(self, camera_id: UUID, at: datetime) -> bool:
        return self.camera_id in (None, camera_id) and self.since <= at <= self.until


def oldest_day(held: Iterable[HeldRange]) -> date | None:
    """The first day of which something is held."""
    return min((each.since.date() for each in held), default=None)


def day_of(parts: Sequence[str]) -> date | None:
    """The day of a folder `<yyyy>/<mm>/<dd>`; None for any other."""
    try:
        year, month, day = map(int, parts)
        return date(year, month, day)
    except ValueError:
        return None


def captured_at(day: date, name: str) -> datetime | None:
    """When a picture was taken, by its name `<HHMMSSffffff>.jpg`; None for any other."""
    try:
        return datetime.strptime(f"{day:%Y%m%d}{name.removesuffix('.jpg')}", "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
