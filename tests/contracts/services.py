"""Every service's app, built as in production from an environment; a new service is found by its folder."""

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

NOBODY = "127.0.0.1:9"
"""The discard port: nothing answers there, and nobody is asked unless the app is started."""


def environment(service: str, folder: Path, **given: str) -> dict[str, str]:
    """What gtv would hand the service; `given` replaces the addresses that a test has servers for."""
    return {
        "SERVICE_NAME": service,
        "HTTP_PORT": "0",
        "PRIVATE_PORT": "0",
        "DATABASE_URL": f"postgresql+asyncpg://nobody:x@{NOBODY}/x",
        "RABBITMQ_URL": f"amqp://nobody:x@{NOBODY}/",
        "REDIS_CACHE_URL": f"redis://:x@{NOBODY}/0",
        "REDIS_STATE_URL": f"redis://:x@{NOBODY}/0",
        "OBJECTS_URL": folder.as_uri(),
        "ENCRYPTION_KEYS": encryption_keys(),
        "AUDIT_KEYS": encryption_keys(),
        "RECORDINGS_PATH": str(folder),
        "MEDIAMTX_API_URL": f"http://{NOBODY}",
        "MEDIAMTX_RTSP_URL": f"rtsp://{NOBODY}",
        "MEDIAMTX_API_PASSWORD": "x",
        "MEDIA_READER_PASSWORD": "x",
    } | given


def build(service: str, env: Mapping[str, str]) -> Service:
    """`create_api` with settings read from that environment; nothing is started."""
    create_api: Callable[..., Service] = importlib.import_module(f"{service.replace('-', '_')}.app").create_api
    settings_class = typing.get_type_hints(create_api)["settings"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        return create_api(load(settings_class))


def processes(service: str, env: Mapping[str, str]) -> dict[str, Worker]:
    """Every process of a service by the name of what makes it (`create_api`, `create_worker`, ...); nothing is started."""
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
    """The declared access of every HTTP route of its API. Raises: UndeclaredAccess."""
    return list(route_access(service.api))
