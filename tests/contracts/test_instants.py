"""Tests that every instant in a request has bounds, as the ends of the calendar are infinite to a driver or a database."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from tests.contracts.services import SERVICES, build, environment

INSIDE = ["1970-01-01T00:00:00Z", "2200-12-31T23:59:59.999999Z"]
OUTSIDE = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2201-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]


def instants(name: str, field: FieldInfo) -> Iterator[tuple[str, Any]]:
    """Yields every instant in a parameter and its nested fields, with the type that checks it."""
    if _is_a(field.annotation, datetime):
        yield name, Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    for model in _models(field.annotation):
        for inner, its in model.model_fields.items():
            yield from instants(f"{name}.{inner}", its)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _is_a(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_is_a(part, kind) for part in typing.get_args(annotation))


def parameters(dependant: Dependant) -> Iterator[tuple[str, FieldInfo]]:
    for group in (dependant.path_params, dependant.query_params, dependant.header_params, dependant.cookie_params, dependant.body_params):
        yield from ((each.name, each.field_info) for each in group)
    for inner in dependant.dependencies:
        yield from parameters(inner)


def routes(service: str, folder: Path) -> Iterator[Any]:
    for route in build(service, environment(service, folder)).api.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        yield from [route] if contexts is None else contexts()


@pytest.mark.parametrize("service", SERVICES)
def test_every_instant_of_a_request_has_bounds(service: str, tmp_path: Path) -> None:
    dependants = [getattr(route, "dependant", None) for route in routes(service, tmp_path)]
    given = [parameter for each in dependants if isinstance(each, Dependant) for parameter in parameters(each)]
    found = [each for name, field in given for each in instants(name, field)]
    assert found or service in {"ai-detect", "cameras"}
    for where, kind in found:
        checked: TypeAdapter[Any] = TypeAdapter(kind)
        for text in INSIDE:
            checked.validate_python(text)
        for text in OUTSIDE:
            with pytest.raises(ValidationError, match="1970 to 2200"):
                pytest.fail(f"{where} takes {checked.validate_python(text)}")
