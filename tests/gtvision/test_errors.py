"""Tests that the tree in the docstring of gtvision.errors is the tree of classes."""

from __future__ import annotations

import re

import pytest

from gtvision import errors
from gtvision.errors import GTVisionError, RateLimited, Unavailable


def every_class(cls: type[GTVisionError] = GTVisionError) -> list[type[GTVisionError]]:
    here = [cls] if cls.__module__ == errors.__name__ else []
    return here + [found for child in cls.__subclasses__() for found in every_class(child)]


def drawn() -> dict[str, str | None]:
    """Returns name -> name of its parent, as the docstring draws it."""
    found: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        node = re.match(r"^(?P<lead>[│├└─ ]*)(?P<name>[A-Z]\w+)(  .*)?$", line)
        if node is None:
            continue
        depth = len(node["lead"]) // 4
        path[depth:] = [node["name"]]
        found[node["name"]] = path[depth - 1] if depth else None
    return found


def test_the_drawing_is_the_tree() -> None:
    def parent(cls: type[GTVisionError]) -> str | None:
        return None if cls is GTVisionError else cls.__bases__[0].__name__

    actual = {cls.__name__: parent(cls) for cls in every_class()}
    assert drawn() == actual


def test_codes_are_stable_names_and_unique() -> None:
    codes = [cls.code for cls in every_class()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z][a-z_]+", code) for code in codes)


@pytest.mark.parametrize("cls", every_class())
def test_the_docstring_is_the_default_message(cls: type[GTVisionError]) -> None:
    assert cls.__doc__
    assert str(cls()) == cls.__doc__.strip().splitlines()[0]
    said = cls("Because.", plate="X")
    assert (str(said), said.context) == ("Because.", {"plate": "X"})


@pytest.mark.parametrize("cls", [RateLimited, Unavailable])
def test_come_back_later_says_when(cls: type[RateLimited | Unavailable]) -> None:
    assert cls().retry_after.total_seconds() > 0
