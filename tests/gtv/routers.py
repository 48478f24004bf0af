"""The routers of Kong and HAProxy in Python, as far as our configurations use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """The route, service and path to which Kong sends a request."""

    route: Entity
    service: Entity | None
    path: str
    """The path that the service gets."""

    @property
    def plugins(self) -> dict[str, Entity]:
        return {plugin["name"]: plugin.get("config", {}) for plugin in self.route.get("plugins", ())}


class KongRouter:
    """Kong's router flavour `traditional_compatible`, after kong/router/transform.lua and atc.lua of 3.9."""

    def __init__(self, text: str) -> None:
        self.document: Entity = yaml.safe_load(text)

    def _routes(self) -> Iterator[tuple[Entity, Entity | None]]:
        for service in self.document["services"]:
            for route in service["routes"]:
                yield route, service
        for route in self.document["routes"]:
            yield route, None

    @staticmethod
    def _priority(route: Entity) -> tuple[int, bool, int, int]:
        """Returns the order of a route: more kinds of conditions first, then expressions, then their priority, then length."""
        expression = any(path.startswith("~") for path in route["paths"])
        weight = 1 + bool(route.get("methods"))
        return weight, expression, route.get("regex_priority", 0) if expression else 0, max(map(len, route["paths"]))

    def find(self, method: str, path: str) -> Hit:
        """Returns the matching route with the highest priority."""
        found = []
        for route, service in self._routes():
            if route.get("methods") and method not in route["methods"]:
                continue
            for pattern in route["paths"]:
                matched = _matches(pattern, path)
                if matched is not None:
                    found.append((self._priority(route), route, service, matched))
                    break
        priority = max(each[0] for each in found)
        [(_, route, service, captures)] = [each for each in found if each[0] == priority]  # fails where two have the same priority
        return Hit(route, service, _upstream_path(route, path, captures))

    def limit(self, hit: Hit) -> Entity:
        """Returns the rate-limiting configuration that applies: the route's, else the global one."""
        everywhere = {plugin["name"]: plugin["config"] for plugin in self.document["plugins"]}
        return hit.plugins.get("rate-limiting") or everywhere["rate-limiting"]


def _matches(pattern: str, path: str) -> dict[str, str] | None:
    if not pattern.startswith("~"):
        return {} if path.startswith(pattern) else None
    found = re.search("^" + pattern[1:].replace("?<", "?P<"), path)
    return found.groupdict() if found else None


def _upstream_path(route: Entity, path: str, captures: dict[str, str]) -> str:
    assert route["strip_path"] is False
    for plugin in route.get("plugins", ()):
        if plugin["name"] == "request-transformer":
            uri: str = plugin["config"]["replace"]["uri"]
            return re.sub(r"\$\(uri_captures\['(\w+)'\] or ''\)", lambda name: captures.get(name[1]) or "", uri)
    return path


@dataclass
class HaproxyRouter:
    """The rules of one frontend that depend on the path: aliases, ACLs of services, and the choice of the backend."""

    text: str
    behind_kong: bool = False
    names: list[tuple[str, str]] = field(default_factory=list)
    owners: dict[str, list[re.Pattern[str]]] = field(default_factory=dict)
    choices: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for line in map(str.strip, self.text.splitlines()):
            if found := re.fullmatch(r"http-request replace-path (\S+) (\S+)", line):
                self.names.append((found[1], found[2]))
            elif found := re.fullmatch(r"acl (to_\S+) path -m reg (\S+)", line):
                self.owners.setdefault(found[1], []).append(re.compile(found[2]))
            elif found := re.fullmatch(r"acl (to_\S+) path(_beg)? (.+)", line):
                end = "" if found[2] else "$"
                self.owners.setdefault(found[1], []).extend(re.compile(f"^{re.escape(word)}{end}") for word in found[3].split())
            elif found := re.fullmatch(r"use_backend (\S+) if (to_\S+)", line):
                self.choices.append((found[1], found[2]))

    def find(self, path: str) -> tuple[str | None, str]:
        """Returns backend and path; the backend is None where no service has the path."""
        for pattern, replacement in self.names:
            path = re.sub(pattern, replacement, path)
        for backend, owner in self.choices:
            if any(pattern.search(path) for pattern in self.owners.get(owner, ())):
                return backend, path
        return None, path
