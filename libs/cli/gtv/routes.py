"""The table of `deploy/routes.yml`: which service answers which path. HAProxy's rules and Kong's configuration are rendered from it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gtv.failures import BadTable

DOCUMENTATION = "/api/v1/docs"
INTERNAL = "/internal", "/health", "/metrics"
"""Private ports only: nothing below may be reachable through the edge."""
PRIVATE_NAMES = ("/api/alerts/webhook",)
"""Known names of what is private: the edge must not make them public."""
CONSOLE = "console"
"""Owner of every other path: the page and its files."""

_ANY_WORD = "/*"
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def _clean_prefix(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", value) or ".." in value:
        raise ValueError(f"{value!r} is no path prefix like /api/v1/cameras")
    if value.startswith(INTERNAL):
        raise ValueError(f"{value} is internal and may not be reachable through the edge")
    return value


def _clean_alias(value: str) -> str:
    path = _clean_prefix(value.removesuffix(_ANY_WORD))
    if path.startswith(PRIVATE_NAMES) or any(name.startswith(f"{path}/") for name in PRIVATE_NAMES):
        raise ValueError(f"{value} would make public what is private")
    return value


def _clean_operation(value: str) -> str:
    method, _, path = value.partition(" ")
    if method not in _METHODS or not re.fullmatch(r"(/([A-Za-z0-9._-]+|\{[a-z_]+\}))+/?", path) or ".." in path:
        raise ValueError(f"{value!r} is no operation like GET /api/v1/cameras")
    return value


Prefix = Annotated[str, AfterValidator(_clean_prefix)]
AliasPath = Annotated[str, AfterValidator(_clean_alias)]
Operation = Annotated[str, AfterValidator(_clean_operation)]


def below(path: str, prefix: str) -> bool:
    """Whether a path is this prefix or lies under it."""
    return path == prefix or path.startswith(f"{prefix}/")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceRoutes(_Model):
    """The paths of one service, and which of them are public or limited."""

    prefixes: tuple[Prefix, ...] = Field(min_length=1)
    public: tuple[Operation, ...] = ()
    """Operations that need no token, beside the documentation."""
    login: tuple[Operation, ...] = ()
    """Those of `public` by which a secret can be guessed: they get the strict limit."""
    administration: tuple[Prefix, ...] = ()
    """Prefixes whose changes get the strict limit."""
    lanes: tuple[Prefix, ...] = ()
    """Prefixes where machines send what their cameras see: they have a limit of their own."""
    ticketed: tuple[Prefix, ...] = ()
    """WebSockets: they redeem a ticket themselves."""

    @model_validator(mode="after")
    def _of_this_service(self) -> ServiceRoutes:
        named = [*(operation.partition(" ")[2] for operation in self.public), *self.administration, *self.lanes, *self.ticketed]
        for path in named:
            if not any(below(path, prefix) for prefix in self.prefixes):
                raise ValueError(f"{path} lies below none of the service's prefixes")
        if unknown := set(self.login) - set(self.public):
            raise ValueError(f"{', '.join(sorted(unknown))} takes a login and is not public")
        return self


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


@dataclass(frozen=True, slots=True)
class Alias:
    """A path that programs know, and the path that it stands for. What lies below it lies below the target; a last slash is dropped."""

    path: str
    to: str
    owner: str
    """A service, or `console`."""

    @property
    def pattern(self) -> str:
        """Anchored, with the rest of the path as its first group. For PCRE, Rust's engine and Python's alike."""
        if self.path.endswith(_ANY_WORD):
            # one word and nothing after it: /ws/v1 is no name of before
            return f"^{self.prefix.replace('.', '[.]')}(?:/[a-z_-]+)?()/?$"
        return f"^{self.prefix.replace('.', '[.]')}((?:/[^/]+)*)/?$"

    @property
    def prefix(self) -> str:
        """The beginning of every path of this alias."""
        return self.path.removesuffix(_ANY_WORD)

    def rewrite(self, path: str) -> str | None:
        """Returns the path that it stands for, None where the alias does not match."""
        found = re.fullmatch(self.pattern, path)
        return (self.to.rstrip("/") + found.group(1) or "/") if found else None


class Routes(_Model):
    """The whole table."""

    services: dict[str, ServiceRoutes]
    media: dict[str, MediaRoute]
    known: dict[AliasPath, str] = Field(default_factory=dict, alias="aliases")
    """Aliases as the file has them: path -> target."""
    health: tuple[AliasPath, ...] = ()
    """Paths by which the edge tells that it is there."""

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
                    raise ValueError(f"{other} lies below {one}: which of them answers would depend on the order")
        return self

    @model_validator(mode="after")
    def _aliases_lead_somewhere_and_hide_nothing(self) -> Routes:
        prefixes = [prefix for _, prefix in self.prefixes()]
        open_paths = [path for _, _, path in self.public()]
        for alias in self.aliases:
            if any(below(alias.prefix, prefix) or alias.rewrite(prefix) is not None for prefix in prefixes):
                raise ValueError(f"the alias {alias.path} hides a path that has an owner")
            if any(below(path, alias.to) for path in open_paths):
                raise ValueError(f"the alias {alias.path} leads to a public path: it would ask for a token there")
        return self

    @cached_property
    def aliases(self) -> tuple[Alias, ...]:
        """Known names, the longest first: where one lies below another, it is the one that counts."""
        ordered = sorted(self.known.items(), key=lambda item: (-len(item[0]), item[0]))
        return tuple(Alias(path, to, self._owner(path, to)) for path, to in ordered)

    def _owner(self, path: str, to: str) -> str:
        if to == "/":
            return CONSOLE
        for owner, prefix in self.prefixes():
            if owner in self.services and below(to, prefix):
                return owner
        raise ValueError(f"the alias {path} leads to {to}, which no service answers")

    @cached_property
    def first_words(self) -> list[str]:
        """First segments of every path that belongs to a service or the media server: `/api`, `/hls`..."""
        mine = {prefix.split("/")[1] for _, prefix in self.prefixes()}
        known = {alias.prefix.split("/")[1] for alias in self.aliases if alias.owner != CONSOLE}
        return [f"/{word}" for word in sorted(mine | known | {prefix.removeprefix("/") for prefix in INTERNAL})]

    @property
    def page_names(self) -> list[str]:
        """Known names of the page."""
        return [alias.prefix.removeprefix("/") for alias in self.aliases if alias.owner == CONSOLE]

    @property
    def logins(self) -> list[tuple[str, str]]:
        """Method and path of each operation by which a secret can be guessed."""
        operations = (operation.partition(" ") for service in self.services.values() for operation in service.login)
        return [(method, path) for method, _, path in operations]

    @property
    def administration(self) -> list[str]:
        """Prefixes whose changes get the strict limit."""
        return [prefix for service in self.services.values() for prefix in service.administration]

    @property
    def lanes(self) -> list[str]:
        """Prefixes where machines send what their cameras see, and the known names of these."""
        lanes = [lane for service in self.services.values() for lane in service.lanes]
        return lanes + [alias.prefix for alias in self.aliases if any(below(alias.to, lane) for lane in lanes)]

    def prefixes_of(self, service: str) -> list[str]:
        """Of one service, its documentation included."""
        return [prefix for owner, prefix in self.prefixes() if owner == service]

    def only(self, present: Container[str]) -> Routes:
        """Without what a stack does not run: those paths are unknown, not unavailable."""
        services = {name: routes for name, routes in self.services.items() if name in present}
        media = {name: route for name, route in self.media.items() if name in present}
        known = {alias.path: alias.to for alias in self.aliases if alias.owner in services or alias.owner == CONSOLE}
        return Routes(services=services, media=media, aliases=known, health=self.health)

    def prefixes(self) -> Iterator[tuple[str, str]]:
        """Owner and prefix, documentation included."""
        for name, service in self.services.items():
            for prefix in (*service.prefixes, f"{DOCUMENTATION}/{name}"):
                yield name, prefix
        for name, route in self.media.items():
            yield name, route.prefix

    def public(self) -> Iterator[tuple[str, str, str]]:
        """Service, method and path template of what needs no token; each service's documentation as a whole (`{page}`)."""
        for name, service in self.services.items():
            for operation in (*service.public, f"GET {DOCUMENTATION}/{name}/", f"GET {DOCUMENTATION}/{name}/{{page}}"):
                method, _, path = operation.partition(" ")
                yield name, method, path


def load_routes(path: Path) -> Routes:
    """Read the table. Raises: BadTable."""
    try:
        return Routes.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError, re.error) as error:
        raise BadTable(f"{path}: {error}") from error
