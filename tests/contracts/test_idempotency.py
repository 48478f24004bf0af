"""Tests that every creation takes an `Idempotency-Key`, by the services' OpenAPI, so that a new creation without one fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contracts.services import SERVICES, accesses, build, environment

EXCEPTIONS = {
    # a ticket opens one session and ends within a minute: a client that lost the answer asks for another
    "POST /api/v1/auth/tickets",
    # the secret is not confirmed yet: a repeated request replaces it
    "POST /api/v1/auth/second-factor",
}
"""Creations without a key. A new one needs its reason in a comment."""

CREATIONS = {
    "POST /api/v1/api-keys",
    "POST /api/v1/cameras",
    "POST /api/v1/groups",
    "POST /api/v1/layouts",
    "POST /api/v1/tenants",
    "POST /api/v1/users",
    "POST /api/v1/maintenance",
    "POST /api/v1/rules",
    "POST /api/v1/watchlists",
    "POST /api/v1/watchlists/{watchlist_id}/entries",
}


def creations(documents: dict[str, dict[str, Any]], public: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields every POST with a scope that may answer 201, with its OpenAPI operation."""
    for document in documents.values():
        for path, operations in document["paths"].items():
            operation = operations.get("post", {"responses": {}})
            if "201" in operation["responses"] and f"POST {path}" not in public:
                yield f"POST {path}", operation


def keyed(operation: dict[str, Any]) -> bool:
    """Returns whether the operation has the header as an optional one."""
    found = [each for each in operation.get("parameters", []) if (each["in"], each["name"]) == ("header", "idempotency-key")]
    return [each["required"] for each in found] == [False]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("objects")
    services = {name: build(name, environment(name, folder)) for name in SERVICES}
    public = {f"{access.method} {access.path}" for service in services.values() for access in accesses(service) if access.public}
    return dict(creations({name: service.api.openapi() for name, service in services.items()}, public))


def test_every_creation_takes_a_key(found: dict[str, dict[str, Any]]) -> None:
    assert {name for name, operation in found.items() if not keyed(operation)} == EXCEPTIONS


def test_what_is_created_is_found(found: dict[str, dict[str, Any]]) -> None:
    assert found.keys() >= CREATIONS | EXCEPTIONS


def test_a_creation_without_a_key_is_noticed() -> None:
    operation: dict[str, Any] = {"responses": {"201": {}}}
    bare = {"paths": {"/things": {"post": operation}, "/login": {"post": operation}, "/plain": {"get": {"responses": {"200": {}}}}}}
    assert [(name, keyed(document)) for name, document in creations({"t": bare}, {"POST /login"})] == [("POST /things", False)]
    required = {"in": "header", "name": "idempotency-key", "required": True}
    assert not keyed(operation | {"parameters": [required]})
    assert keyed(operation | {"parameters": [required | {"required": False}]})
