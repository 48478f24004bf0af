"""Kong's declarative configuration, rendered from `kong/kong.yml.template`, the table of `deploy/routes.yml` and identity's public keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import SettingsConfigDict

from chassis.settings import Section
from gtv.failures import BadTable
from gtv.jwks import PublicKey
from gtv.routes import Alias, Routes, below

CHANGES = ("POST", "PUT", "PATCH", "DELETE")
_EXACT, _STRICT, _BELOW = 20, 10, 0
"""Priorities of regular expressions: an exact path counts before a strict prefix, that before a prefix."""
_HEADER = "# Made by `gtv kong render`; changes belong into kong/kong.yml.template and deploy/routes.yml.\n"

Entity = dict[str, Any]


class KongSettings(Section):
    """Settings of Kong's configuration."""

    model_config = SettingsConfigDict(env_prefix="GTV_KONG_")

    target: str = Field("{service}:8000", description="Where a service listens, as Kong sees it; {service} stands for its name")
    origins: str = Field("", description="Origins of pages from elsewhere that may call the API, comma separated; empty: none")
    redis_host: str = Field("redis-cache", description="Redis that counts requests")
    redis_port: int = Field(6379, gt=0, lt=65_536, description="Its port")
    redis_database: int = Field(1, ge=0, le=15, description="Its database")
    redis_ssl: bool = Field(False, description="Whether Redis speaks TLS")
    traces_url: str = Field("", description="OTLP/HTTP endpoint for traces, like http://jaeger:4318/v1/traces; empty: none")
    sampling_rate: float = Field(0.01, ge=0, le=1, description="Share of requests that are traced")

    def values(self) -> dict[str, Any]:
        """Returns the values of the template's names."""
        origins = [origin for origin in (part.strip() for part in self.origins.split(",")) if origin]
        return self.model_dump(exclude={"target"}) | {"origins": origins}


class _Template(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kong: Entity
    upstream: Entity
    service: Entity
    live: Entity
    routes: dict[str, list[Entity]]
    consumer: Entity


def render(template: str, routes: Routes, keys: Iterable[PublicKey], settings: KongSettings, targets: Mapping[str, str]) -> str:
    """The document as YAML. `targets` says where services listen that are not where the settings say. Raises: BadTable."""
    try:
        document = _filled(yaml.safe_load(template), settings.values())
        form = _Template.model_validate(document)
    except (yaml.YAMLError, ValidationError, KeyError) as error:
        raise BadTable(f"kong.yml.template: {error}") from error
    whole = _Writer(form, routes, {name: targets.get(name) or settings.target.format(service=name) for name in routes.services})
    return _HEADER + yaml.dump(whole.document(keys), Dumper=_Plain, sort_keys=False, width=160)


class _Plain(yaml.SafeDumper):
    """Without anchors: the reader is a person on duty."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - its caller's signature
        return True


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    """`@{name}` becomes the value, with its type; a plugin whose `when` has no value is left out."""
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items() if key != "when"}
    if isinstance(node, list):
        return [_filled(item, values) for item in node if not (isinstance(item, dict) and "when" in item and not values[item["when"]])]
    found = re.fullmatch(r"@\{(\w+)\}", node) if isinstance(node, str) else None
    return values[found.group(1)] if found else node


@dataclass
class _Writer:
    form: _Template
    routes: Routes
    targets: Mapping[str, str]

    def document(self, keys: Iterable[PublicKey]) -> Entity:
        return {
            **self.form.kong,
            "consumers": [{**self.form.consumer, "jwt_secrets": [_credential(key) for key in keys]}],
            "upstreams": [
                {"name": _host(name), **self.form.upstream, "targets": [{"target": target}]} for name, target in self.targets.items()
            ],
            "services": list(self._services()),
            "routes": list(self._without_service()),
        }

    def _services(self) -> Iterator[Entity]:
        for name, service in self.routes.services.items():
            yield {"name": name, "host": _host(name), **self.form.service, "routes": list(self._routes(name))}
            if service.ticketed:
                yield {"name": f"{name}-live", "host": _host(name), **self.form.live, "routes": list(self._live(name))}

    def _routes(self, name: str) -> Iterator[Entity]:
        service = self.routes.services[name]
        open_paths: dict[tuple[str, str], list[str]] = {}
        for owner, method, path in self.routes.public():
            if owner == name:
                kind = "login" if f"{method} {path}" in service.login else "public"
                open_paths.setdefault((kind, method), []).append(path)
        for (kind, method), paths in open_paths.items():
            yield self._route(f"{name}-{kind}-{method.lower()}", kind, map(_exact, paths), methods=[method], priority=_EXACT)
        if service.administration:
            strict = map(_below, service.administration)
            yield self._route(f"{name}-administration", "administration", strict, methods=list(CHANGES), priority=_STRICT)
        if service.lanes:
            yield self._route(f"{name}-lane", "lane", map(_below, service.lanes), priority=_STRICT)
        yield self._route(name, "protected", map(_below, service.prefixes))
        for alias in self._aliases(name):
            if alias.to not in service.ticketed:
                yield self._renamed(alias, "lane" if any(below(alias.to, lane) for lane in service.lanes) else "protected")

    def _live(self, name: str) -> Iterator[Entity]:
        tickets = self.routes.services[name].ticketed
        yield self._route(f"{name}-live", "live", map(_exact, tickets), methods=["GET"], priority=_EXACT)
        for alias in self._aliases(name):
            if alias.to in tickets:
                yield self._renamed(alias, "live")

    def _aliases(self, name: str) -> Iterator[Alias]:
        return (alias for alias in self.routes.aliases if alias.owner == name)

    def _without_service(self) -> Iterator[Entity]:
        if self.routes.health:
            yield self._route("health", "health", map(_exact, self.routes.health), methods=["GET"], priority=_EXACT)
        yield self._route("unknown", "unknown", ["/"])

    def _renamed(self, alias: Alias, kind: str) -> Entity:
        # Kong anchors an expression at the beginning by itself, and hands on groups by name
        path = "~" + alias.pattern.removeprefix("^").replace("((", "(?<tail>(", 1)
        methods = ["GET"] if kind == "live" else None
        route = self._route(f"alias{alias.prefix.replace('/', '-')}", kind, [path], methods=methods)
        uri = f"{alias.to}$(uri_captures['tail'] or '')"
        route["plugins"] = [*route["plugins"], {"name": "request-transformer", "config": {"replace": {"uri": uri}}}]
        return route

    def _route(self, name: str, kind: str, paths: Iterable[str], *, methods: list[str] | None = None, priority: int = _BELOW) -> Entity:
        listed = list(paths)
        route: Entity = {"name": name, "paths": listed, "strip_path": False, "preserve_host": False, "protocols": ["http", "https"]}
        if methods:
            route["methods"] = methods
        if priority:
            route["regex_priority"] = priority
        return {**route, "plugins": self.form.routes[kind]}


def _host(service: str) -> str:
    """Name of the upstream, which is the host of its services."""
    return f"{service}.gtvision"


def _exact(path: str) -> str:
    return "~" + re.sub(r"\{\w+\}", "[^/]+", path.replace(".", "[.]")) + "$"


def _below(prefix: str) -> str:
    return "~" + prefix.replace(".", "[.]") + "(?:/|$)"


def _credential(key: PublicKey) -> Entity:
    # RS256 needs no secret; Kong would invent one, and the document would never be the same twice
    return {"key": key.kid, "algorithm": "RS256", "rsa_public_key": key.pem, "secret": "unused"}
