"""Tests that every dependency of a route is async: FastAPI runs a plain function in a thread, which costs time (docs/benchmarks.md, R5)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from tests.contracts.services import SERVICES, environment, processes

from chassis.service import Service


def _apps(service: str, folder: Path) -> Iterator[FastAPI]:
    for process in processes(service, environment(service, folder)).values():
        yield process.private
        if isinstance(process, Service):
            yield process.api


def _routes(app: Any) -> Iterator[Any]:
    for route in app.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield route
        else:
            yield from contexts()


def _called(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for below in dependant.dependencies:
        yield from _called(below)


def _leaves_the_loop(call: Callable[..., Any]) -> bool:
    asynchronous = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return not any(kind(call) or kind(getattr(call, "__call__", None)) for kind in asynchronous)  # noqa: B004 - the method itself is asked


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_takes_a_detour_through_a_thread(service: str, tmp_path: Path) -> None:
    found = {
        f"{call.__module__}.{call.__qualname__}"
        for app in _apps(service, tmp_path)
        for route in _routes(app)
        if isinstance(getattr(route, "dependant", None), Dependant)
        for call in _called(route.dependant)
        if _leaves_the_loop(call)
    }
    assert found == set()
