"""Tests of `Provided`: routes get the objects that the composition root built, and a service that lacks one is not built."""

from __future__ import annotations

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from chassis.http import Provided, check_provided, provide


class Things:
    def count(self) -> int:
        return 3


class Others: ...


async def counted(things: Annotated[Things, Provided(Things)]) -> int:
    return things.count()


def router() -> APIRouter:
    routes = APIRouter()

    @routes.get("/things")
    async def get_things(count: Annotated[int, Depends(counted)]) -> int:
        return count

    return routes


async def test_a_route_finds_what_was_built_through_other_dependencies_too() -> None:
    app = FastAPI()
    provide(app, [Others(), Things()])
    check_provided(app, [router()])
    app.include_router(router())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/things")).json() == 3


def test_names_what_is_missing() -> None:
    app = FastAPI()
    provide(app, [Others()])
    with pytest.raises(ValueError, match="Things"):
        check_provided(app, [router()])


def test_refuses_a_class_that_comes_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        provide(FastAPI(), [Things(), Things()])
