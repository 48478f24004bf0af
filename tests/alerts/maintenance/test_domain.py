"""Tests of which planned work keeps an alert quiet, and until when."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from tests.alerts.conftest import NOW

from alerts.maintenance.domain import Window, check_window, muted_until
from gtvision.errors import Invalid
from gtvision.ids import new_id

TENANT, CAMERA, GROUP = new_id(), new_id(), new_id()


def window(starts: int, ends: int, *, cameras: tuple[UUID, ...] = (), groups: tuple[UUID, ...] = ()) -> Window:
    """Returns work from and to so many minutes after NOW."""
    begin, end = NOW + timedelta(minutes=starts), NOW + timedelta(minutes=ends)
    return Window(new_id(), TENANT, "Obra", begin, end, cameras, groups, NOW)


@pytest.mark.parametrize(
    ("windows", "minutes"),
    [
        ([], None),
        ([window(-5, 0)], None),  # ended
        ([window(1, 9)], None),  # has not begun
        ([window(-5, 5)], 5),
        ([window(-5, 5), window(-9, 30), window(-1, 7)], 30),
        ([window(30, 60), window(5, 30), window(-5, 5)], 60),  # one after another
        ([window(-5, 5), window(6, 9)], 5),  # a pause between them
        ([window(-5, 5, cameras=(CAMERA,))], 5),
        ([window(-5, 5, groups=(GROUP,))], 5),
        ([window(-5, 5, cameras=(new_id(),), groups=(new_id(),))], None),
    ],
)
def test_the_latest_end_of_what_overlaps_counts(windows: list[Window], minutes: int | None) -> None:
    expected = None if minutes is None else NOW + timedelta(minutes=minutes)
    assert muted_until(windows, CAMERA, frozenset({GROUP}), NOW) == expected


def test_a_disk_rests_only_with_the_whole_city() -> None:
    assert muted_until([window(-5, 5, cameras=(CAMERA,))], None, frozenset(), NOW) is None
    assert muted_until([window(-5, 5)], None, frozenset(), NOW) is not None


@pytest.mark.parametrize(("starts", "ends"), [(5, 5), (-9, -1), (0, 60 * 24 * 93)])
def test_a_window_that_silences_nothing_or_for_ever_is_refused(starts: int, ends: int) -> None:
    with pytest.raises(Invalid):
        check_window(window(starts, ends), NOW)
