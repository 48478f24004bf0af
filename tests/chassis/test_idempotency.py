"""Tests of repeated creations with an Idempotency-Key, over HTTP, on PostgreSQL through PgBouncer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, Response
from sqlalchemy import text
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint

from chassis.auth import requires
from chassis.db import Database
from chassis.http import StrictModel
from chassis.idempotency import Gone, Idempotent, KeyKeeping, claim, point, release, tell_replayed
from chassis.service import create_app
from chassis.settings import DatabaseSettings, ServiceSettings
from gtvision.errors import Conflict
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from gtvision.time import FakeClock, SystemClock

pytestmark = pytest.mark.db

SAMPLE = Path(__file__).parent / "sample"
Writer = Annotated[Caller, requires(Scope.CAMERAS_WRITE)]
_ADD = text("INSERT INTO thing (tenant_id, id, name) VALUES (:tenant, :id, :name)")
_NAME = text("SELECT name FROM thing WHERE id = :id")


class ThingIn(StrictModel):
    """The body of a creation; a thing named `broken` is refused."""

    name: str
    size: int = 1


@dataclass
class ThingService:
    """A service that creates things, with a client in front of it."""

    http: httpx.AsyncClient
    db: Database
    mint: TokenMint
    caller: Caller

    async def post(
        self, key: str | None, name: str = "a", *, caller: Caller | None = None, path: str = "/things", **more: Any
    ) -> httpx.Response:
        headers = self.mint.headers(caller or self.caller) | ({} if key is None else {"idempotency-key": key})
        return await self.http.post(path, headers=headers, json={"name": name, **more})

    async def count(self, statement: str, tenant_id: UUID | None = None) -> int:
        async with self.db.uow(tenant_id or self.caller.tenant_id) as uow:
            return int(await uow.session.scalar(text(f"SELECT count(*) FROM {statement}")) or 0)

    async def things(self) -> int:
        return await self.count("thing")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    found: DatabaseSettings = await database_for("sample", migrations=SAMPLE)
    return found


def router(db: Database) -> APIRouter:
    found = APIRouter(prefix="/api/v1")

    async def make(caller: Caller, body: ThingIn, once: Idempotent, tenant_id: UUID) -> UUID:
        thing_id = new_id()
        async with db.uow(tenant_id) as uow:
            earlier = await claim(uow, caller, once, thing_id, SystemClock().now())
            if earlier is not None:
                await uow.session.execute(text("SELECT pg_sleep(0)"))  # fails where `claim` left the transaction aborted
                if tenant_id == caller.tenant_id and await uow.session.scalar(_NAME, {"id": earlier}) is None:
                    raise Gone
                return earlier
            await uow.session.execute(_ADD, {"tenant": tenant_id, "id": thing_id, "name": body.name})
            uow.emit(UserDisabled(user_id=thing_id))
            if body.name == "broken":
                raise Conflict
            if body.name == "known":
                await release(uow, caller, once)
            if body.name == "elsewhere":
                await point(uow, caller, once, caller.user_id)
        return thing_id

    @found.post("/things", status_code=201)
    async def post_thing(body: ThingIn, caller: Writer, once: Idempotent, response: Response) -> UUID:
        made = await make(caller, body, once, caller.tenant_id)
        tell_replayed(once, response)
        return made

    @found.post("/cities/{city_id}/things", status_code=201)
    async def post_abroad(city_id: UUID, body: ThingIn, caller: Writer, once: Idempotent, response: Response) -> UUID:
        made = await make(caller, body, once, city_id if body.size == 1 else new_id())
        tell_replayed(once, response)
        return made

    return found


@pytest_asyncio.fixture(loop_scope="session")
async def things_api(settings: DatabaseSettings) -> AsyncIterator[ThingService]:
    mint = TokenMint()
    async with Database(settings, SystemClock()) as db:
        provides = [mint.authenticator()]
        service = create_app(ServiceSettings(service_name="t"), title="t", lifespan_parts=(), routers=(router(db),), provides=provides)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=service.api), base_url="http://t/api/v1") as http:
            yield ThingService(http, db, mint, mint.caller(Role.ADMIN, tenant_id=new_id()))


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_repeat_creates_nothing_and_says_so(things_api: ThingService) -> None:
    first, again = await things_api.post("k1"), await things_api.post("k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json() == again.json()
    assert await things_api.things() == 1
    assert await things_api.count(f"outbox WHERE tenant_id = '{things_api.caller.tenant_id}'") == 1


async def test_without_a_key_every_request_is_a_new_one(things_api: ThingService) -> None:
    first, again = await things_api.post(None), await things_api.post(None)
    assert first.json() != again.json()
    assert await things_api.count("idempotency_key") == 0


async def test_the_order_of_the_fields_does_not_matter(things_api: ThingService) -> None:
    headers = things_api.mint.headers(things_api.caller) | {"idempotency-key": "order", "content-type": "application/json"}
    answers = [
        await things_api.http.post("/things", headers=headers, content=body)
        for body in (b'{"name":"a","size":2}', b'{"size": 2, "name": "a"}')
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_a_key_of_another_request_is_refused(things_api: ThingService) -> None:
    await things_api.post("k", "a")
    for answer in (await things_api.post("k", "b"), await things_api.post("k", "a", path=f"/cities/{things_api.caller.tenant_id}/things")):
        assert problem(answer) == (422, "idempotency_key_reused")
    assert await things_api.things() == 1


async def test_another_path_of_the_same_route_is_another_request(things_api: ThingService) -> None:
    here = things_api.caller.tenant_id
    assert (await things_api.post("p", path=f"/cities/{here}/things")).status_code == 201
    assert problem(await things_api.post("p", path=f"/cities/{new_id()}/things")) == (422, "idempotency_key_reused")


async def test_the_same_key_of_another_caller_is_another_key(things_api: ThingService) -> None:
    colleague = things_api.mint.caller(Role.ADMIN, tenant_id=things_api.caller.tenant_id)
    stranger = things_api.mint.caller(Role.ADMIN, tenant_id=new_id())
    answers = [await things_api.post("same", caller=caller) for caller in (None, colleague, stranger)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json() for answer in answers}) == 3
    assert await things_api.count("idempotency_key") == 2
    assert await things_api.count("idempotency_key", stranger.tenant_id) == 1


async def test_of_many_at_once_one_creates(things_api: ThingService) -> None:
    answers = await asyncio.gather(*(things_api.post("race") for _ in range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json() for answer in answers}) == 1
    assert sorted("idempotency-replayed" in answer.headers for answer in answers) == [False] + [True] * 5
    assert await things_api.things() == 1


async def test_a_failed_creation_leaves_its_key_free(things_api: ThingService) -> None:
    for _ in range(2):
        assert problem(await things_api.post("try", "broken")) == (409, "conflict")
    assert (await things_api.post("try", "a")).status_code == 201
    assert await things_api.things() == 1


async def test_what_is_gone_is_not_made_again(things_api: ThingService) -> None:
    await things_api.post("gone")
    async with things_api.db.uow(things_api.caller.tenant_id) as uow:
        await uow.session.execute(text("DELETE FROM thing"))
    answer = await things_api.post("gone")
    assert problem(answer) == (409, "idempotency_gone")
    assert "idempotency-replayed" not in answer.headers


async def test_a_key_that_was_let_go_is_free_and_one_that_points_elsewhere_leads_there(things_api: ThingService) -> None:
    first, again = await things_api.post("let-go", "known"), await things_api.post("let-go", "known")
    assert first.json() != again.json()
    await things_api.post("moved", "elsewhere")
    async with things_api.db.uow(things_api.caller.tenant_id) as uow:
        row = {"tenant": things_api.caller.tenant_id, "id": things_api.caller.user_id, "name": "x"}
        await uow.session.execute(_ADD, row)
    assert (await things_api.post("moved", "elsewhere")).json() == str(things_api.caller.user_id)


async def test_what_is_made_in_another_city_is_claimed_in_the_callers(things_api: ThingService) -> None:
    """A creation in another tenant, as by a platform administrator, is claimed in the caller's own, which is the same each time."""
    path = f"/cities/{new_id()}/things"
    first, again = await things_api.post("abroad", path=path, size=2), await things_api.post("abroad", path=path, size=2)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert await things_api.count("idempotency_key") == 1
    assert await things_api.things() == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é".encode(), "\x7f"])
async def test_a_key_is_visible_ascii(things_api: ThingService, key: Any) -> None:
    assert problem(await things_api.post(key)) == (422, "idempotency_key_invalid")
    assert await things_api.things() == 0


async def test_the_longest_and_the_shortest_key_are_keys(things_api: ThingService) -> None:
    for key in ("!", "~" * 255):
        assert (await things_api.post(key)).status_code == 201


async def test_two_key_headers_are_refused(things_api: ThingService) -> None:
    authorization = things_api.mint.headers(things_api.caller)["authorization"]
    headers = [("authorization", authorization), ("idempotency-key", "a"), ("idempotency-key", "a")]
    assert problem(await things_api.http.post("/things", headers=headers, json={"name": "a"})) == (422, "idempotency_key_invalid")


async def test_without_a_token_nothing_is_told_about_keys(things_api: ThingService) -> None:
    assert (await things_api.http.post("/things", headers={"idempotency-key": "a b"}, json={"name": "a"})).status_code == 401


async def test_neither_key_nor_request_can_be_read_from_the_table(things_api: ThingService) -> None:
    await things_api.post("my-secret-key", "my-secret-name")
    async with things_api.db.uow(things_api.caller.tenant_id) as uow:
        kept = str((await uow.session.execute(text("SELECT idempotency_key::text FROM idempotency_key"))).all())
    for secret in ("my-secret-key", "my-secret-name"):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def test_keys_are_forgotten_after_a_day(things_api: ThingService) -> None:
    stranger = things_api.mint.caller(Role.ADMIN, tenant_id=new_id())
    first = await things_api.post("day")
    await things_api.post("day", caller=stranger)
    keeping = KeyKeeping(things_api.db.uow, FakeClock(SystemClock().now() + timedelta(days=9)))
    await keeping.forget()
    assert await things_api.count("idempotency_key") == 1, "the database looks at its own clock too"
    for tenant_id in (things_api.caller.tenant_id, stranger.tenant_id):
        async with things_api.db.uow(tenant_id) as uow:
            await uow.session.execute(text("UPDATE idempotency_key SET created_at = created_at - interval '1 day 1 minute'"))
    assert await keeping.forget() >= 2
    assert await things_api.count("idempotency_key") == 0
    assert await things_api.count("idempotency_key", stranger.tenant_id) == 0
    assert (await things_api.post("day")).json() != first.json()


async def test_the_header_is_documented(things_api: ThingService) -> None:
    operation = (await things_api.http.get("/docs/t/openapi.json")).json()["paths"]["/api/v1/things"]["post"]
    [header] = operation["parameters"]
    assert (header["in"], header["name"], header["required"]) == ("header", "idempotency-key", False)
