"""Tests over HTTP of users, keys and tenants that are created again under the same `Idempotency-Key`."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tests.identity.running import PASSWORD, Running, code

from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("no_throttle_left")]


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"idempotency-key": str(new_id())}


def person() -> dict[str, Any]:
    return {"email": f"{new_id()}@cidade.example", "password": PASSWORD, "role": "viewer"}


def replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


async def test_a_user(running: Running) -> None:
    headers, asked = keyed(await running.as_admin()), person()
    made, again = [await running.http.post("/api/v1/users", json=asked, headers=headers) for _ in range(2)]
    assert (made.status_code, again.status_code, replayed(made), replayed(again)) == (201, 201, False, True)
    assert made.json() == again.json()
    other = await running.http.post("/api/v1/users", json=asked | {"role": "operator"}, headers=headers)
    assert code(other) == (422, "idempotency_key_reused")
    del headers["idempotency-key"]
    assert code(await running.http.post("/api/v1/users", json=asked, headers=headers)) == (409, "email_taken")


async def test_a_user_asked_for_twice_at_once(running: Running) -> None:
    headers, asked = keyed(await running.as_admin()), person()
    answers = await asyncio.gather(*(running.http.post("/api/v1/users", json=asked, headers=headers) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [201, 201], [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(map(replayed, answers)) == [False, True]


async def test_a_refused_user_leaves_the_key_free(running: Running) -> None:
    headers, asked = keyed(await running.as_admin()), person()
    taken = await running.http.post("/api/v1/users", json=asked | {"password": "curta"}, headers=headers)
    assert code(taken)[0] == 422
    made = await running.http.post("/api/v1/users", json=asked, headers=headers)
    assert (made.status_code, replayed(made)) == (201, False)


async def test_an_api_key(running: Running) -> None:
    admin = await running.as_admin()
    headers, asked = keyed(admin), {"name": f"Parceiro {new_id()}", "scopes": ["cameras:read"]}
    made, again = [await running.http.post("/api/v1/api-keys", json=asked, headers=headers) for _ in range(2)]
    assert made.status_code == 201
    assert code(again) == (409, "api_key_already_made")
    assert made.json()["id"] in again.json()["detail"]
    assert made.json()["key"] not in again.text
    assert (await running.http.delete(f"/api/v1/api-keys/{made.json()['id']}", headers=admin)).status_code == 204
    assert (await running.http.post("/api/v1/api-keys", json=asked, headers=keyed(admin))).status_code == 201


async def test_a_tenant(running: Running) -> None:
    headers = keyed(await running.as_admin())
    asked = {"name": f"Cidade {new_id()}", "admin_email": f"{new_id()}@example.org"}
    made, again = [await running.http.post("/api/v1/tenants", json=asked, headers=headers) for _ in range(2)]
    assert made.status_code == 201
    assert code(again) == (409, "tenant_already_made")
    assert made.json()["id"] in again.json()["detail"]
    assert made.json()["admin"]["password"] not in again.text
    other = await running.http.post("/api/v1/tenants", json=asked | {"name": "Outra"}, headers=headers)
    assert code(other) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("path", ["users", "tenants", "api-keys"])
async def test_a_key_that_is_none(running: Running, path: str) -> None:
    bodies = {
        "users": person(),
        "tenants": {"name": "Cidade", "admin_email": "x@example.org"},
        "api-keys": {"name": "x", "scopes": ["cameras:read"]},
    }
    headers = await running.as_admin() | {"idempotency-key": "a key"}
    assert code(await running.http.post(f"/api/v1/{path}", json=bodies[path], headers=headers)) == (422, "idempotency_key_invalid")
