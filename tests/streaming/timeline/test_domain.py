"""Tests of the rules of the timeline: recorded and explained are the whole of a range, whatever is put in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gtvision.events import GapCause
from streaming.timeline.domain import Gap, Resolution, Span, Timeline, clipped, explain, joined

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")
NETWORK, NODE, OPERATOR, UNKNOWN = GapCause.NETWORK, GapCause.NODE, GapCause.OPERATOR, GapCause.UNKNOWN


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def span(start: float, end: float) -> Span:
    return Span(at(start), at(end))


def gap(start: float, end: float, cause: GapCause = NETWORK, detail: str = "unreachable") -> Gap:
    return Gap(at(start), at(end), cause, detail)


moments = st.integers(-400, 400).map(lambda tenths: tenths / 10)
spans = st.tuples(moments, moments).filter(lambda ends: ends[0] < ends[1]).map(lambda ends: span(*ends))
causes = st.sampled_from([(cause, cause.value) for cause in GapCause])
explanations = st.builds(lambda where, why: Gap(where.start, where.end, *why), spans, causes)
WHOLE = span(-30, 30)


class TestExplain:
    @given(st.lists(spans, max_size=12), st.lists(st.lists(explanations, max_size=8), max_size=4))
    @example([], [])
    @example([span(-40, 40)], [[gap(-40, 40)]])
    def test_recorded_and_explained_are_the_whole_and_nothing_twice(self, recorded: list[Span], layers: list[list[Gap]]) -> None:
        kept = clipped(joined(recorded), WHOLE)
        parts = sorted([*((each.start, each.end) for each in kept), *((each.start, each.end) for each in explain(WHOLE, kept, layers))])
        assert all(start < end for start, end in parts)
        assert [parts[0][0], *(end for _, end in parts)] == [*(start for start, _ in parts), WHOLE.end]
        assert parts[0][0] == WHOLE.start

    @given(st.lists(spans, max_size=12), st.lists(explanations, max_size=8))
    def test_what_an_explanation_covers_is_never_unknown(self, recorded: list[Span], known: list[Gap]) -> None:
        kept = clipped(joined(recorded), WHOLE)
        told = [each for each in known if each.cause is not UNKNOWN]
        for unknown in (each for each in explain(WHOLE, kept, [told]) if each.cause is UNKNOWN):
            assert all(each.end <= unknown.start or each.start >= unknown.end for each in told)

    def test_an_earlier_layer_is_believed_first(self) -> None:
        assert explain(span(0, 100), [], [[gap(20, 60, OPERATOR, "disabled")], [gap(0, 100, NODE, "not_watched")]]) == [
            gap(0, 20, NODE, "not_watched"),
            gap(20, 60, OPERATOR, "disabled"),
            gap(60, 100, NODE, "not_watched"),
        ]

    @pytest.mark.parametrize(
        ("interrupted", "found"),
        [
            ((10, 90), [gap(0, 100)]),  # noticed late, and a key frame awaited
            ((31, 100), [gap(0, 31, UNKNOWN, ""), gap(31, 100)]),  # too long for that
            ((200, 300), [gap(0, 100, UNKNOWN, "")]),
        ],
    )
    def test_a_short_time_beside_an_interruption_belongs_to_it(self, interrupted: tuple[float, float], found: list[Gap]) -> None:
        assert explain(span(-10, 110), [span(-10, 0), span(100, 110)], [[gap(*interrupted)]]) == found

    def test_what_two_noticed_at_different_instants_has_the_cause_that_one_of_them_knows(self) -> None:
        late = [[gap(10, 90)], [gap(0, 100, UNKNOWN, "nothing_written")]]
        assert explain(span(-10, 110), [span(-10, 0), span(100, 110)], late) == [gap(0, 100)]

    def test_a_recorded_time_between_keeps_causes_apart(self) -> None:
        assert explain(span(0, 60), [span(10, 50)], [[gap(0, 10)]]) == [gap(0, 10), gap(50, 60, UNKNOWN, "")]


def test_files_that_follow_each_other_are_one_recording() -> None:
    assert joined([span(60, 120), span(0, 58.5), span(121.6, 130)]) == [span(0, 120), span(121.6, 130)]


@given(st.lists(spans, max_size=12), st.sampled_from(Resolution))
def test_the_density_adds_up_to_what_was_recorded(recorded: list[Span], resolution: Resolution) -> None:
    kept = clipped(joined(recorded), WHOLE)
    timeline = Timeline(CAMERA, WHOLE, kept, (), None)
    density = timeline.density(resolution)
    assert sum(seconds for _, seconds in density) == pytest.approx(timeline.recorded_s)
    assert all(0 <= seconds <= resolution.length.total_seconds() for _, seconds in density)
    assert density[0][0] <= WHOLE.start
    assert density[-1][0] < WHOLE.end <= density[-1][0] + resolution.length
