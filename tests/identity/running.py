"""The running service of identity and a client, for tests over HTTP."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from argon2 import PasswordHasher
from pydantic import SecretStr
from tests.fixtures.tokens import encryption_keys
from tests.identity.wiring import patient

from chassis.db import Database
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings, VaultSettings
from chassis.vault import Vault
from gtvision.time import SystemClock
from identity.app import create_api
from identity.cities import cli
from identity.cities.usecases.installation import Installation
from identity.gateways import argon2
from identity.gateways.argon2 import Argon2Passwords
from identity.gateways.signing import RsaKeyMaker
from identity.repository import PostgresRows
from identity.settings import AuditSettings, FederationSettings, Settings

EMAIL, PASSWORD, TOOL_KEY = "admin@cidade.example", "uma senha bem longa", "tool-" + "k" * 40
KEYS = "k1:" + base64.b64encode(os.urandom(32)).decode()
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A real hash takes a tenth of a second of a core, and every test has some: `tests/identity/test_gateways.py` tests those."""


@dataclass
class Running:
    """The running service, with an HTTP client of it."""

    service: Service
    http: httpx.AsyncClient
    settings: Settings

    async def login(self, email: str = EMAIL, password: str = PASSWORD) -> dict[str, Any]:
        answer = await self.http.post("/api/v1/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def as_admin(self) -> dict[str, str]:
        return {"authorization": f"Bearer {(await self.login())['access_token']}"}

    async def forget_attempts(self) -> None:
        """Removes the counts of logins."""
        client = connect_redis(self.settings.redis.state_url)
        async for name in client.scan_iter("identity:throttle:*"):
            await client.delete(name)
        await client.aclose()


@asynccontextmanager
async def running_identity(db: DatabaseSettings, rabbit: RabbitSettings, redis: RedisSettings, objects: Path) -> AsyncIterator[Running]:
    """Runs identity with a city and its first administrator (`EMAIL`, `PASSWORD`)."""
    settings = Settings(
        db=patient(db),
        rabbit=rabbit,
        redis=redis,
        vault=VaultSettings(keys=SecretStr(KEYS)),
        objects=ObjectsSettings(url=objects.as_uri()),
        audit=AuditSettings(keys=SecretStr(encryption_keys()), anchor_every_s=1),
        federation=FederationSettings(public_url="https://console.example"),
        http_port=0,
    )
    with mock.patch.object(argon2, "_HASHER", QUICK):
        await bootstrap(settings)
        service = create_api(settings)
        async with service.started():
            transport = httpx.ASGITransport(service.api, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                yield Running(service, http, settings)


async def bootstrap(settings: Settings) -> None:
    clock = SystemClock()
    asked = {"tenant": "Cidade", "admin_email": EMAIL, "admin_password": PASSWORD, "tool_key": TOOL_KEY}
    wanted = cli.read_wanted(io.StringIO(json.dumps(asked)))
    async with Database(settings.db, clock) as db:
        await cli.bootstrap(Installation(db.uow, PostgresRows, Vault(settings.vault), clock), wanted, Argon2Passwords(), RsaKeyMaker())


def why(answer: httpx.Response) -> tuple[str, str]:
    """Returns the code and the reason of a refusal of a session."""
    assert answer.status_code == 401, answer.text
    return answer.json()["code"], answer.json()["reason"]


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]
