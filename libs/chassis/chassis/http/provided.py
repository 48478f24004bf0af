"""How a route gets what `app.py` built: by its class, so that the type checker knows what it is.

    create_app(settings, ..., provides=[auth.authenticator, watchlists])         # app
    WatchlistsDep = Annotated[Watchlists, Provided(Watchlists)]                  # api

`create_app` refuses to build a service whose routes ask for a class that nothing provides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from fastapi import APIRouter, FastAPI, params
from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection

T = TypeVar("T")


class Lookup:
    """The dependency behind `Provided`: finds the one instance of a class."""

    def __init__(self, kind: type) -> None:
        self.asks_for = (kind,)

    async def __call__(self, connection: HTTPConnection) -> Any:
        return provided(connection, self.asks_for[0])


def Provided(kind: type) -> Any:  # noqa: N802 - reads as FastAPI's own Depends, Query and Header
    """Returns the dependency on what `create_app(provides=...)` was given of this class."""
    return params.Depends(Lookup(kind), use_cache=True)


def provided(connection: HTTPConnection, kind: type[T]) -> T:
    """Returns what the service was given of this class; for a dependency, which names the class in its attribute `asks_for`."""
    return cast("T", connection.app.state.provided[kind])


def provide(app: FastAPI, built: Iterable[object]) -> None:
    """Makes the objects available to routes and WebSockets by their class. Raises ValueError where a class comes twice."""
    by_class: dict[type, object] = {}
    for each in built:
        if type(each) in by_class:
            raise ValueError(f"{type(each).__name__} is provided twice")
        by_class[type(each)] = each
    app.state.provided = by_class


def check_provided(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Raises ValueError that names the classes which routes ask for and nothing provides."""
    dependants = [route.dependant for router in routers for route in router.routes if hasattr(route, "dependant")]
    asked = {kind for dependant in dependants for each in flat(dependant) for kind in getattr(each.call, "asks_for", ())}
    missing = sorted(kind.__name__ for kind in asked - app.state.provided.keys())
    if missing:
        raise ValueError(f"no one provides {', '.join(missing)}: add them to create_app(provides=...)")


def flat(dependant: Dependant) -> Iterator[Dependant]:
    """Returns a route's dependant and all below it."""
    yield dependant
    for below in dependant.dependencies:
        yield from flat(below)
