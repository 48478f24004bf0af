"""Whether a rendered kong.yml is one that Kong 3.9 takes, and one that leaves nothing open. Kong need not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

import yaml
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, Field, ValidationError, model_validator

from gtv.failures import GtvError
from gtv.kong_fields import PLUGINS, Fields, Host, Method, Milliseconds, Port

Seconds = Annotated[float, Field(ge=0, le=65_535)]
Count = Annotated[int, Field(ge=0, le=255)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]+$")]


class BadKong(GtvError):
    """A kong.yml that Kong would refuse, or that would let somebody in."""


def _path(value: str) -> str:
    if value.startswith("~/"):
        try:
            re.compile(value[1:].replace("(?<", "(?P<"))
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
    elif not re.fullmatch(r"/[A-Za-z0-9._~/%-]*", value):
        raise ValueError(f"{value!r} is neither a plain path nor an expression that begins with ~/")
    return value


def _public_key(value: str) -> str:
    try:
        key = load_pem_public_key(value.encode())
    except (UnsupportedAlgorithm, ValueError) as error:
        raise ValueError("no public key in PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < 2_048:
        raise ValueError("no RSA key of 2048 bits or more: OpenSSL refuses it at Kong's security level")
    return value


class Plugin(Fields):
    """An instance, at the place where it stands."""

    name: str
    config: dict[str, Any] = Field({})
    enabled: bool = True
    protocols: list[Literal["http", "https", "grpc", "grpcs"]] = Field([])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name not in PLUGINS:
            raise ValueError(f"{self.name} is no plugin that we know")
        PLUGINS[self.name].model_validate(self.config)
        return self


class Route(Fields):
    """A route. `strip_path` must be said: Kong's default takes the path away."""

    name: Name
    paths: list[Annotated[str, AfterValidator(_path)]] = Field(min_length=1)
    methods: list[Method] = Field([])
    strip_path: bool
    preserve_host: bool = False
    protocols: list[Literal["http", "https"]] = Field(["http", "https"])
    regex_priority: int = 0
    request_buffering: bool = True
    response_buffering: bool = True
    plugins: list[Plugin] = Field([])


class Service(Fields):
    """A service, with its routes."""

    name: Name
    host: Host
    port: Port = 80
    protocol: Literal["http", "https"] = "http"
    path: str | None = None
    retries: int = Field(5, ge=0, le=32_767)
    connect_timeout: Milliseconds = 60_000
    write_timeout: Milliseconds = 60_000
    read_timeout: Milliseconds = 60_000
    routes: list[Route] = Field(min_length=1)
    plugins: list[Plugin] = Field([])


class _Healthy(Fields):
    interval: Seconds = 0
    http_statuses: list[int] = Field([])
    successes: Count = 0


class _Unhealthy(Fields):
    interval: Seconds = 0
    http_statuses: list[int] = Field([])
    tcp_failures: Count = 0
    timeouts: Count = 0
    http_failures: Count = 0


class _Active(Fields):
    type: Literal["tcp", "http", "https", "grpc", "grpcs"] = "http"
    timeout: Seconds = 1
    concurrency: int = 10
    http_path: str = "/"
    https_verify_certificate: bool = True
    healthy: _Healthy = _Healthy()
    unhealthy: _Unhealthy = _Unhealthy()


class _PassiveHealthy(Fields):
    http_statuses: list[int] = Field([])
    successes: Count = 0


class _PassiveUnhealthy(Fields):
    http_statuses: list[int] = Field([])
    tcp_failures: Count = 0
    timeouts: Count = 0
    http_failures: Count = 0


class _Passive(Fields):
    type: Literal["tcp", "http", "https", "grpc", "grpcs"] = "http"
    healthy: _PassiveHealthy = _PassiveHealthy()
    unhealthy: _PassiveUnhealthy = _PassiveUnhealthy()


class _Healthchecks(Fields):
    active: _Active = _Active()
    passive: _Passive = _Passive()
    threshold: float = Field(0, ge=0, le=100)


class Target(Fields):
    """Address and port."""

    target: str = Field(pattern=r"^[A-Za-z0-9._-]+:[0-9]{1,5}$")
    weight: int = Field(100, ge=0, le=65_535)


class Upstream(Fields):
    """Where a service's instances are."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")
    algorithm: Literal["round-robin", "least-connections", "consistent-hashing", "latency"] = "round-robin"
    healthchecks: _Healthchecks = _Healthchecks()
    targets: list[Target] = Field(min_length=1)


class JwtSecret(Fields):
    """A key of the issuer. The public JSON schema wants `secret`, which RS256 does not use."""

    key: str = Field(min_length=1)
    algorithm: Literal["RS256"]
    rsa_public_key: Annotated[str, AfterValidator(_public_key)]
    secret: str


class Consumer(Fields):
    """The issuer."""

    username: str | None = None
    custom_id: str | None = None
    jwt_secrets: list[JwtSecret] = Field(min_length=1)


class Document(Fields):
    """The declarative configuration."""

    format_version: Literal["3.0"] = Field(alias="_format_version")
    consumers: list[Consumer] = Field(min_length=1)
    upstreams: list[Upstream]
    services: list[Service]
    routes: list[Route] = Field([])
    plugins: list[Plugin] = Field([])


# --- the whole -----------------------------------------------------------------------------------------------------------


def check(text: str) -> Document:
    """Read and check a declarative configuration. Raises: BadKong."""
    try:
        document = Document.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise BadKong(f"Kong would refuse this: {error}") from error
    if faults := list(_faults(document)):
        raise BadKong("\n".join(faults))
    return document


def _faults(document: Document) -> Iterator[str]:
    routes = [route for service in document.services for route in service.routes] + document.routes
    yield from _twice("upstream", [upstream.name for upstream in document.upstreams])
    yield from _twice("service", [service.name for service in document.services])
    yield from _twice("route", [route.name for route in routes])
    yield from _twice("key", [secret.key for consumer in document.consumers for secret in consumer.jwt_secrets])
    for plugins in (document.plugins, *(route.plugins for route in routes)):
        yield from _twice("plugin", [plugin.name for plugin in plugins])
    hosts = {upstream.name for upstream in document.upstreams}
    for service in document.services:
        if service.host not in hosts:
            yield f"the service {service.name} has the host {service.host}, which is no upstream"
    yield from _open(document)


def _twice(what: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"there are two of the {what} {name}"


def _open(document: Document) -> Iterator[str]:
    """A route of a service that asks for no token must name its method and its whole path."""
    for service in document.services:
        for route in service.routes:
            tokens = any(plugin.name == "jwt" for plugin in route.plugins)
            exact = bool(route.methods) and all(path.startswith("~") and path.endswith("$") for path in route.paths)
            if not (tokens or exact):
                yield f"the route {route.name} asks for no token and is no exact path"
            if route.strip_path:
                yield f"the route {route.name} takes the path away"
