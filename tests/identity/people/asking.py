"""Requests to the running service that tests of people share."""

from __future__ import annotations

from typing import Any

import httpx
from tests.identity.running import EMAIL, PASSWORD, Running

from gtvision.ids import new_id


async def send(running: Running, method: str, path: str, token: str | None = None, **options: Any) -> httpx.Response:
    headers = options.pop("headers", {}) | ({"authorization": f"Bearer {token}"} if token else {})
    running.http.cookies.clear()
    return await running.http.request(method, f"/api/v1{path}", headers=headers, **options)


async def enter(running: Running, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return await send(running, "POST", "/auth/login", json={"email": email, "password": password, **more})


async def admin(running: Running) -> str:
    return str((await enter(running)).json()["access_token"])


async def make_user(running: Running, role: str = "operator", **more: Any) -> str:
    email = str(more.pop("email", f"{new_id()}@cidade.example"))
    asked = {"email": email, "password": PASSWORD, "role": role, "must_change_password": False, **more}
    answer = await send(running, "POST", "/users", await admin(running), json=asked)
    assert answer.status_code == 201, answer.text
    return email
