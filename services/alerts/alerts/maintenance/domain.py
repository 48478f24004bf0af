"""Planned work, and the days on which a city rests. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from uuid import UUID

from gtvision.errors import Invalid
from gtvision.time import isoformat

LONGEST = timedelta(days=92)
"""A city that forgets to end a window must not be deaf for a year."""


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work, [`starts_at`, `ends_at`): what happens to these cameras is told to nobody before its end.

    Without cameras and without groups it is about the whole city.
    """

    window_id: UUID
    tenant_id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    camera_ids: tuple[UUID, ...]
    group_ids: tuple[UUID, ...]
    created_at: datetime

    @property
    def is_of_the_city(self) -> bool:
        return not self.camera_ids and not self.group_ids

    def covers(self, camera_id: UUID | None, groups: frozenset[UUID]) -> bool:
        """Whether it is about this camera. What is about no camera, such as a disk, rests only with the whole city."""
        return self.is_of_the_city or camera_id in self.camera_ids or not groups.isdisjoint(self.group_ids)

    def is_about_the_same_as(self, other: Window) -> bool:
        return (set(self.camera_ids), set(self.group_ids)) == (set(other.camera_ids), set(other.group_ids))

    def is_visible_to(self, groups: frozenset[UUID] | None) -> bool:
        """Whether a caller who sees cameras of these groups (None: all) may see it."""
        return groups is None or self.is_of_the_city or not groups.isdisjoint(self.group_ids)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which the city rests."""

    day: date
    name: str


def check_window(window: Window, now: datetime) -> None:
    """Raises: Invalid, where the window silences nothing, or too much."""
    if window.ends_at <= window.starts_at:
        raise Invalid(f"ends_at ({isoformat(window.ends_at)}) must be after starts_at ({isoformat(window.starts_at)}).")
    if window.ends_at <= now:
        raise Invalid(f"ends_at is in the past ({isoformat(window.ends_at)}, and it is {isoformat(now)}).")
    if window.ends_at - window.starts_at > LONGEST:
        raise Invalid(f"A window lasts at most {LONGEST.days} days.")


def muted_until(windows: Iterable[Window], camera_id: UUID | None, groups: frozenset[UUID], at: datetime) -> datetime | None:
    """Returns when the planned work ends that is going on at this instant; None where there is none.

    Of windows that overlap, or follow one another without a pause, the latest end counts.
    """
    end = at
    for window in sorted((each for each in windows if each.covers(camera_id, groups)), key=lambda each: each.starts_at):
        if window.starts_at <= end < window.ends_at:
            end = window.ends_at
    return end if end > at else None


def differences(before: Window, after: Window) -> str:
    """Returns the names of the fields that differ, for the audit record."""
    return ", ".join(each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name))
