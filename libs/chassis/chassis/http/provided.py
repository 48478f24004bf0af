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
    asked = {kind for router in routers for route in router.routes for kind in _asked(getattr(route, "dependant", None))}
    missing = sorted(kind.__name__ for kind in asked - app.state.provided.keys())
    if missing:
        raise ValueError(f"no one provides {', '.join(missing)}: add them to create_app(provides=...)")


def _asked(dependant: Dependant | None) -> Iterator[type]:
    if dependant is None:
        return
    yield from getattr(dependant.call, "asks_for", ())
    for inner in dependant.dependencies:
        yield from _asked(inner)
