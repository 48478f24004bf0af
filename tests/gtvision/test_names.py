"""Tests of the names that people type."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtvision.names import clean_name


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Praça da Sé", "Praça da Sé"),
        ("  Rua 7, nº 3 – entrada  ", "Rua 7, nº 3 – entrada"),
        ("Praça\u00a0da\u00a0Sé", "Praça da Sé"),
        ("\u00a0Rua\u2009A\u3000B\u202f", "Rua A B"),
        ("\tRua A\n", "Rua A"),
        ("Furtados 🚨🚗", "Furtados 🚨🚗"),
        ("👩\u200d🔬 👍🏽 ❤\ufe0f\u200d🔥 🇧🇷 1\ufe0f\u20e3", "👩\u200d🔬 👍🏽 ❤\ufe0f\u200d🔥 🇧🇷 1\ufe0f\u20e3"),
        ("\U0001fae8", "\U0001fae8"),  # a character newer than the Unicode table of Python 3.11
        ("Замок 東京", "Замок 東京"),
    ],
)
def test_what_people_type_is_a_name(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "blank"),
        (" \u00a0\u3000", "blank"),
        ("Rua\nA", r"U\+000A \(a control character\) as character 4, .*: delete it"),
        ("a\0b", r"U\+0000 \(a control character\) as character 2"),
        ("Rua \u200bA", r"U\+200B \(zero width space\) as character 5"),
        ("A\u200dB", r"U\+200D \(zero width joiner\) as character 2"),
        ("🚗\u200d", r"U\+200D \(zero width joiner\) as character 2"),
        ("\u202eabc", r"U\+202E \(right-to-left override\) as character 1"),
        ("x\ud83d", r"U\+D83D \(half of a surrogate pair\) as character 2"),
        ("\ue000", r"U\+E000 \(a private character\) as character 1"),
        ("a\u2028b", r"U\+2028 \(line separator\) as character 2"),
    ],
)
def test_what_no_screen_shows_is_refused_by_its_name_and_place(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        clean_name(typed)


@given(st.text(max_size=20))
def test_a_name_stays_what_it_is_and_can_be_stored_and_shown(typed: str) -> None:
    try:
        name = clean_name(typed)
    except ValueError:
        return
    assert clean_name(name) == name == name.strip()
    assert name.encode()
    assert not {unicodedata.category(each) for each in name} & {"Cc", "Cs", "Co", "Zl", "Zp"}


@given(st.text(max_size=20))
def test_what_was_a_name_before_still_is(typed: str) -> None:
    if typed.strip() and typed.strip().isprintable():
        assert clean_name(typed) == typed.strip()
