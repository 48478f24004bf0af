"""Tests of playlists by the rules of RFC 8216, and of the ranges of sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.streaming.playback.rfc8216 import MediaPlaylist, validated

from gtvision.errors import Invalid
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from streaming.playback.domain import NoRecording, PlaybackSession, PlayedFile, RangeTooLong, check_range, for_vlc, playlist
from streaming.recordings.parts import Group, Parts

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def file(at: datetime, *durations_ms: int, key_ms: int = 0, begins_ms: int = 0) -> PlayedFile:
    """A file of groups of 1,000 bytes."""
    groups, start = [], begins_ms
    for number, duration in enumerate(durations_ms):
        groups.append(Group(800 + number * 1_000, 1_000, start, duration, key_ms if number else 0))
        start += duration
    return PlayedFile(f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4", at, Parts(800, ("avc1",), tuple(groups)))


def minute(at: datetime, **more: int) -> PlayedFile:
    return file(at, *[3_000] * 20, **more)


def made(files: list[PlayedFile], since: datetime, until: datetime, *, is_complete: bool = True) -> MediaPlaylist:
    sizes = {each.uri: each.parts.groups[-1].offset + each.parts.groups[-1].size for each in files if each.parts.groups}
    return validated(playlist(files, since, until, is_complete=is_complete), sizes)


def test_a_range_is_played_from_the_key_frame_at_or_before_it() -> None:
    found = made([minute(NOON)], NOON + 10 * SECOND, NOON + 20 * SECOND)
    assert [found.segments[0].at, found.stretches[-1][1]] == [NOON + 9 * SECOND, NOON + 21 * SECOND]
    assert (found.kind, found.is_ended, found.target_s) == ("VOD", True, 3)


def test_a_key_frame_inside_its_group_counts_and_not_the_groups_start() -> None:
    late = [minute(NOON, key_ms=700)]
    assert made(late, NOON + 9.5 * SECOND, NOON + 20 * SECOND).segments[0].at == NOON + 6 * SECOND
    assert made(late, NOON + 9.8 * SECOND, NOON + 20 * SECOND).segments[0].at == NOON + 9 * SECOND
    assert made(late, NOON, NOON + 20 * SECOND).segments[0].at == NOON


def test_files_that_follow_on_are_one_stretch_and_a_gap_is_none() -> None:
    files = [minute(NOON), minute(NOON + MINUTE), minute(NOON + 5 * MINUTE)]
    found = made(files, NOON, NOON + HOUR)
    assert found.stretches == [(NOON, NOON + 2 * MINUTE), (NOON + 5 * MINUTE, NOON + 6 * MINUTE)]
    assert [segment.begins for segment in found.segments].count(True) == 3


def test_vlc_is_sent_the_init_section_of_each_file_once() -> None:
    text = playlist([minute(NOON), minute(NOON + MINUTE), minute(NOON + 5 * MINUTE)], NOON + 30 * SECOND, NOON + HOUR, is_complete=True)
    lines, given = text.splitlines(), for_vlc(text).splitlines()
    assert [line for line, before in zip(given, lines, strict=True) if line != before] == ["#EXT-X-BYTERANGE:1800@0"] * 2
    assert lines.count("#EXT-X-BYTERANGE:1000@800") == 2


def test_a_range_that_begins_in_a_gap_begins_after_it() -> None:
    found = made([minute(NOON), minute(NOON + 5 * MINUTE)], NOON + 3 * MINUTE, NOON + HOUR)
    assert found.stretches == [(NOON + 5 * MINUTE, NOON + 6 * MINUTE)]


def test_a_range_that_ends_in_a_gap_ends_before_it() -> None:
    assert made([minute(NOON), minute(NOON + 5 * MINUTE)], NOON, NOON + 3 * MINUTE).stretches == [(NOON, NOON + MINUTE)]


@pytest.mark.parametrize(("since", "until"), [(-HOUR, -MINUTE), (-HOUR, 0 * SECOND), (MINUTE, HOUR), (2 * MINUTE, HOUR)])
def test_a_range_without_pictures_is_no_playlist(since: timedelta, until: timedelta) -> None:
    with pytest.raises(NoRecording):
        playlist([minute(NOON), PlayedFile("none.mp4", NOON, Parts(800, (), ()))], NOON + since, NOON + until, is_complete=True)


def test_over_midnight() -> None:
    midnight = datetime(2026, 5, 2, tzinfo=UTC)
    found = made([minute(midnight - 30 * SECOND), minute(midnight + 30 * SECOND)], midnight - HOUR, midnight + HOUR)
    assert found.stretches == [(midnight - 30 * SECOND, midnight + 90 * SECOND)]


def test_pictures_that_come_after_the_sound_have_their_own_instant() -> None:
    found = made([file(NOON, 3_000, 3_000, begins_ms=2_500)], NOON, NOON + HOUR)
    assert found.stretches == [(NOON + 2.5 * SECOND, NOON + 8.5 * SECOND)]


def test_a_clock_that_jumped_inside_a_file_is_a_discontinuity() -> None:
    first, second = Group(800, 10, 0, 3_000, 0), Group(810, 10, 600_000, 3_000, 0)
    found = made([PlayedFile("a.mp4", NOON, Parts(800, ("avc1",), (first, second)))], NOON, NOON + HOUR)
    assert [(segment.at, segment.begins) for segment in found.segments] == [(NOON, True), (NOON + 10 * MINUTE, True)]


def test_a_playlist_that_grows_has_no_end_and_only_gains() -> None:
    before = ""
    for count in range(1, 20):
        growing = file(NOON + MINUTE, *[3_000] * count)
        text = playlist([minute(NOON), growing], NOON + 30 * SECOND, NOON + HOUR, is_complete=False)
        assert text.startswith(before)
        assert (validated(text).kind, validated(text).is_ended) == ("EVENT", False)
        before = text
    ended = playlist([minute(NOON), file(NOON + MINUTE, *[3_000] * 19)], NOON + 30 * SECOND, NOON + HOUR, is_complete=True)
    assert validated(ended).segments == validated(before).segments


@pytest.mark.parametrize(
    ("sounds", "silenced"),
    [
        ([(), ()], [False, False]),
        ([("mp4a",), ("mp4a",)], [False, False]),
        ([("Opus",)], [False]),
        ([("ipcm",), ("ipcm",)], [True, True]),
        ([("mp4a",), ()], [True, False]),
        ([("mp4a",), ("Opus",)], [True, True]),
        ([("mp4a", "ipcm")], [True]),
    ],
)
def test_sound_is_left_out_where_browsers_cannot_go_on_with_it(sounds: list[tuple[str, ...]], silenced: list[bool]) -> None:
    files = []
    for number, sound in enumerate(sounds):
        each = minute(NOON + number * MINUTE)
        files.append(replace(each, parts=replace(each.parts, codecs=("avc1", *sound))))
    found = validated(playlist(files, NOON, NOON + HOUR, is_complete=True))
    expected = [f"{'silent_' if hidden else ''}{each.uri}" for each, hidden in zip(files, silenced, strict=True)]
    assert list(dict.fromkeys(segment.uri for segment in found.segments)) == expected


GAPS = st.lists(st.tuples(st.integers(0, 300), st.lists(st.integers(40, 9_000), min_size=1, max_size=8), st.integers(0, 2_000)), min_size=1)


@given(rows=GAPS, since_s=st.integers(-100, 1_000), length_s=st.integers(1, 86_400), is_complete=st.booleans())
def test_every_playlist_is_valid_and_shows_all_that_there_is(
    rows: list[tuple[int, list[int], int]], since_s: int, length_s: int, is_complete: bool
) -> None:
    files, at = [], NOON
    for gap_s, durations, key_ms in rows:
        at += timedelta(seconds=gap_s)
        files.append(file(at, *durations, key_ms=key_ms))
        at += timedelta(milliseconds=sum(durations))
    since = NOON + timedelta(seconds=since_s)
    until = since + timedelta(seconds=length_s)
    try:
        found = made(files, since, until, is_complete=is_complete)
    except NoRecording:
        found = None
    shown = {(segment.uri, segment.offset) for segment in found.segments} if found else set()
    for each in files:
        for group in each.parts.groups:
            begin, end = each.at + timedelta(milliseconds=group.start_ms), each.at + timedelta(milliseconds=group.end_ms)
            assert (each.uri, group.offset) in shown or end <= since or begin >= until


# --- sessions -----------------------------------------------------------------------------------------------------------


def test_ranges_of_sessions() -> None:
    check_range(NOON, NOON + 24 * HOUR)
    with pytest.raises(RangeTooLong):
        check_range(NOON, NOON + 24 * HOUR + SECOND)
    for until in (NOON, NOON - SECOND):
        with pytest.raises(Invalid):
            check_range(NOON, until)


def test_a_session_is_narrowed_and_never_widened() -> None:
    caller = Caller(new_id(), new_id(), Role.OPERATOR, frozenset(), new_id())
    session = PlaybackSession.of(caller, new_id(), new_id(), NOON, NOON + HOUR, purpose=None, expires_at=NOON)
    assert session.narrowed(None, None) == (NOON, NOON + HOUR)
    assert session.narrowed(NOON - HOUR, NOON + 2 * HOUR) == (NOON, NOON + HOUR)
    assert session.narrowed(NOON + MINUTE, NOON + 2 * MINUTE) == (NOON + MINUTE, NOON + 2 * MINUTE)
    for since, until in ((NOON + HOUR, None), (None, NOON), (NOON + 2 * MINUTE, NOON + MINUTE)):
        with pytest.raises(Invalid):
            session.narrowed(since, until)
