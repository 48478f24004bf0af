"""Tests that ids sort by creation, and that derived ids are the same each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from gtvision.ids import derived_id, new_id


@given(st.integers(0, (1 << 48) - 2), st.integers(1, 1000))
def test_later_ids_sort_later(unix_ms: int, later: int) -> None:
    assert new_id(unix_ms) < new_id(min(unix_ms + later, (1 << 48) - 1))


@given(st.integers(0, (1 << 48) - 1))
def test_a_new_id_is_version_7_and_carries_its_time(unix_ms: int) -> None:
    made = new_id(unix_ms)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == unix_ms


def test_new_ids_differ_and_sort_as_they_were_made() -> None:
    made = [new_id() for _ in range(20_000)]  # some thousands within a millisecond
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_make_no_id_twice() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: new_id(), range(20_000)))
    assert len({each.int >> 64 for each in made}) == len(made)


@given(st.lists(st.text()), st.lists(st.text()))
def test_derived_ids_repeat_for_the_same_parts_only(a: list[str], b: list[str]) -> None:
    if "\x1f".join(a) != "\x1f".join(b):
        assert derived_id(*a) != derived_id(*b)
    assert derived_id(*a) == derived_id(*a)
    assert derived_id(*a).version == 5


def test_derived_ids_are_the_same_for_ever() -> None:
    assert str(derived_id("camera", 1)) == str(derived_id("camera", "1")) == "b6da39e6-5cb5-57d5-bdef-e4ac7e5869f7"
