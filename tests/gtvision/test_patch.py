"""Tests that a change of some fields leaves the others alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from gtvision.patch import Patch


@dataclass(frozen=True)
class Thing:
    name: str
    size: int | None = None


class ThingPatch(BaseModel):
    name: str = ""
    size: int | None = None
    reason: str = ""


def test_changes_what_the_body_names_and_nothing_else() -> None:
    patch = Patch.of(ThingPatch.model_validate({"name": "b"}))
    assert patch.apply(Thing("a", 3)) == Thing("b", 3)
    assert "name" in patch
    assert "size" not in patch


def test_null_is_a_value() -> None:
    assert Patch.of(ThingPatch.model_validate({"size": None})).apply(Thing("a", 3)) == Thing("a", None)


def test_leaves_out_what_is_no_field_of_the_noun() -> None:
    body = ThingPatch.model_validate({"size": 4, "reason": "larger"})
    assert list(Patch.of(body, "reason")) == ["size"]
    with pytest.raises(TypeError):
        Patch.of(body).apply(Thing("a"))
