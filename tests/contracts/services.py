"""The apps of all services, built from an environment as in production; a new service is found by its folder."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.fixtures.routes import Access, route_access
from tests.fixtures.tokens import encryption_keys

from chassis.service import Service, Worker
from chassis.settings import load

ROOT = Path(__file__).parents[2]
SERVICES = tuple(sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml")))

CLOSED = "127.0.0.1:9"
"""The discard port, on which nothing answers; an app connects only when it is started."""


def environment(service: str, folder: Path, **given: str) -> dict[str, str]:
    """Returns the environment that gtv would give the service; `given` replaces the addresses of servers that the test has."""
    return {
        "SERVICE_NAME": service,
        "HTTP_PORT": "0",
        "PRIVATE_PORT": "0",
        "DATABASE_URL": f"postgresql+asyncpg://user:x@{CLOSED}/x",
        "RABBITMQ_URL": f"amqp://user:x@{CLOSED}/",
        "REDIS_CACHE_URL": f"redis://:x@{CLOSED}/0",
        "REDIS_STATE_URL": f"redis://:x@{CLOSED}/0",
        "OBJECTS_URL": folder.as_uri(),
        "ENCRYPTION_KEYS": encryption_keys(),
        "AUDIT_KEYS": encryption_keys(),
        "RECORDINGS_PATH": str(folder),
        "MEDIAMTX_API_URL": f"http://{CLOSED}",
        "MEDIAMTX_RTSP_URL": f"rtsp://{CLOSED}",
        "MEDIAMTX_API_PASSWORD": "x",
        "MEDIA_READER_PASSWORD": "x",
    } | given


def build(service: str, env: Mapping[str, str]) -> Service:
    """Builds the service's API with settings read from that environment, and starts nothing."""
    create_api: Callable[..., Service] = importlib.import_module(f"{service.replace('-', '_')}.app").create_api
    settings_class = typing.get_type_hints(create_api)["settings"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        return create_api(load(settings_class))


def processes(service: str, env: Mapping[str, str]) -> dict[str, Worker]:
    """Builds every process of a service, by the name of its factory (`create_api`, `create_worker`, ...), and starts nothing."""
    module = importlib.import_module(f"{service.replace('-', '_')}.app")
    made: dict[str, Worker] = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        for name, create in vars(module).items():
            if name.startswith("create_") and create.__module__ == module.__name__:
                made[name] = create(load(typing.get_type_hints(create)["settings"]))
    return made


def accesses(service: Service) -> list[Access]:
    """Returns the declared access of every HTTP route of its API. Raises: UndeclaredAccess."""
    return list(route_access(service.api))
