"""Whether a kong.yml is whole and leaves nothing open. What Kong's own schemas refuse, Kong says: `kong config parse`, `gtv kong push`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from gtv.failures import GtvError

Entity = dict[str, Any]


class BadKong(GtvError):
    """A kong.yml that would let a request in without a token, or that cannot be what gtv made."""


def check(text: str) -> Entity:
    """Reads and checks a declarative configuration. Raises: BadKong."""
    try:
        document: Entity = yaml.safe_load(text)
        faults = list(_faults(document))
    except (yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        raise BadKong(f"This is no configuration that gtv made: {type(error).__name__} {error}") from error
    if faults:
        raise BadKong("\n".join(faults))
    return document


def _faults(document: Entity) -> Iterator[str]:
    if document["_format_version"] != "3.0":
        yield f"the _format_version is {document['_format_version']}"
    routes = [route for service in document["services"] for route in service["routes"]] + document["routes"]
    secrets = [secret for consumer in document["consumers"] for secret in consumer["jwt_secrets"]]
    hosts = [upstream["name"] for upstream in document["upstreams"]]
    yield from _twice("upstream", hosts)
    yield from _twice("service", (service["name"] for service in document["services"]))
    yield from _twice("route", (route["name"] for route in routes))
    yield from _twice("key", (secret["key"] for secret in secrets))
    if not secrets:
        yield "there is no key: every request would be refused"
    for secret in secrets:
        if secret["algorithm"] != "RS256":
            yield f"the key {secret['key']} has the algorithm {secret['algorithm']}"
    for service in document["services"]:
        if service["host"] not in hosts:
            yield f"the service {service['name']} has the host {service['host']}, which is no upstream"
    yield from _open(document)


def _twice(what: str, given: Iterable[str]) -> Iterator[str]:
    names = list(given)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"there are two of the {what} {name}"


def _open(document: Entity) -> Iterator[str]:
    """A route of a service that asks for no token must name its method and its whole path."""
    for service in document["services"]:
        for route in service["routes"]:
            tokens = any(plugin["name"] == "jwt" and plugin.get("enabled", True) for plugin in route["plugins"])
            exact = bool(route.get("methods")) and all(path.startswith("~") and path.endswith("$") for path in route["paths"])
            if not (tokens or exact):
                yield f"the route {route['name']} asks for no token and is no exact path"
            # Kong's own default takes it away
            if route.get("strip_path", True):
                yield f"the route {route['name']} takes the path away"
