"""The table of `deploy/routes.yml`: which service answers which path. HAProxy's rules and Kong's configuration are rendered from it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gtv.failures import BadTable

DOCUMENTATION = "/api/v1/docs"
INTERNAL = "/internal", "/health", "/metrics"
"""Private ports only: nothing below may be reachable through the edge."""


def _clean_prefix(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", value) or ".." in value:
        raise ValueError(f"{value!r} is no path prefix like /api/v1/cameras")
    if value.startswith(INTERNAL):
        raise ValueError(f"{value} is internal and may not be reachable through the edge")
    return value


Prefix = Annotated[str, AfterValidator(_clean_prefix)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceRoutes(_Model):
    """The prefixes of one service."""

    prefixes: tuple[Prefix, ...] = Field(min_length=1)


class MediaRoute(_Model):
    """One protocol of the media server."""

    prefix: Prefix
    paths: str
    """Regular expression of what may pass, without the prefix."""

    @model_validator(mode="after")
    def _compiles(self) -> MediaRoute:
        if not self.paths.startswith("^/") or not self.paths.endswith("$") or any(mark in self.paths for mark in " \"'\\"):
            raise ValueError(f"{self.paths!r} must be anchored and free of blanks, quotes and backslashes")
        re.compile(self.paths)
        return self


class Routes(_Model):
    """The whole table."""

    services: dict[str, ServiceRoutes]
    media: dict[str, MediaRoute]

    @model_validator(mode="after")
    def _unambiguous(self) -> Routes:
        owners: dict[str, str] = {}
        for owner, prefix in self.prefixes():
            if prefix in owners:
                raise ValueError(f"{prefix} belongs to {owners[prefix]} and to {owner}")
            owners[prefix] = owner
        for one in owners:
            for other in owners:
                if one != other and other.startswith(f"{one}/"):
                    raise ValueError(f"{other} lies below {one}: who answers would depend on the order")
        return self

    def only(self, present: Container[str]) -> Routes:
        """Without what a stack does not run: those paths are unknown, not unavailable."""
        services = {name: routes for name, routes in self.services.items() if name in present}
        return Routes(services=services, media={name: route for name, route in self.media.items() if name in present})

    def prefixes(self) -> Iterator[tuple[str, str]]:
        """Owner and prefix, documentation included."""
        for name, service in self.services.items():
            for prefix in (*service.prefixes, f"{DOCUMENTATION}/{name}"):
                yield name, prefix
        for name, route in self.media.items():
            yield name, route.prefix


def load_routes(path: Path) -> Routes:
    """Read the table. Raises: BadTable."""
    try:
        return Routes.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError, re.error) as error:
        raise BadTable(f"{path}: {error}") from error
