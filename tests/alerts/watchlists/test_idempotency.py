"""Tests of watchlists and entries that are created again under the same `Idempotency-Key`."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tests.alerts.conftest import API, Running
from tests.ledger import audit_entries

from gtvision.ids import new_id
from gtvision.tenancy import Caller

pytestmark = [pytest.mark.db, pytest.mark.broker]


class Person:
    """A client that sends all requests of a test under one Idempotency-Key, unless another is given."""

    def __init__(self, running: Running, caller: Caller) -> None:
        self._running, self.caller, self.key = running, caller, str(new_id())

    async def post(self, path: str, body: dict[str, Any], **more: str) -> httpx.Response:
        headers = self._running.mint.headers(self.caller) | {"idempotency-key": self.key} | more
        return await self._running.http.post(f"{API}/{path}", json=body, headers=headers)

    async def delete(self, path: str) -> None:
        done = await self._running.http.delete(f"{API}/{path}", headers=self._running.mint.headers(self.caller))
        assert done.status_code == 204, done.text

    async def watchlist(self) -> str:
        """Creates a watchlist under a key of its own and returns its id."""
        made = await self.post("watchlists", {"name": f"Lista {new_id()}"}, **{"idempotency-key": str(new_id())})
        assert made.status_code == 201, made.text
        return str(made.json()["watchlist_id"])

    async def recorded(self) -> list[str]:
        return [record.data.action for record in await audit_entries(self._running.db, self.caller.tenant_id)]


@pytest.fixture
def person(running: Running) -> Person:
    return Person(running, running.tenant())


def replayed(answer: httpx.Response) -> tuple[int, bool]:
    return answer.status_code, answer.headers.get("idempotency-replayed") == "true"


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_watchlist_is_made_once_and_shown_as_it_is_now(person: Person) -> None:
    made = await person.post("watchlists", {"name": "Furtados"})
    watchlist = made.json()["watchlist_id"]
    await person.post(f"watchlists/{watchlist}/entries", {"plate": "ABC1234"}, **{"idempotency-key": "another"})
    again = await person.post("watchlists", {"name": "Furtados"})
    assert (replayed(made), replayed(again)) == ((201, False), (201, True))
    assert again.json() == made.json() | {"entries": 1}
    assert problem(await person.post("watchlists", {"name": "Roubados"})) == (422, "idempotency_key_reused")
    assert await person.recorded() == ["watchlist.created", "watchlist_entry.added"]
    await person.delete(f"watchlists/{watchlist}")
    assert problem(await person.post("watchlists", {"name": "Furtados"})) == (409, "idempotency_gone")


async def test_a_watchlist_asked_for_at_once_is_one(person: Person) -> None:
    answers = await asyncio.gather(*(person.post("watchlists", {"name": "Uma"}) for _ in range(3)))
    assert sorted(map(replayed, answers)) == [(201, False), (201, True), (201, True)]
    assert len({answer.json()["watchlist_id"] for answer in answers}) == 1


async def test_a_name_that_is_taken_leaves_the_key_free(person: Person) -> None:
    await person.post("watchlists", {"name": "Uma"}, **{"idempotency-key": "first"})
    assert problem(await person.post("watchlists", {"name": "Uma"})) == (409, "conflict")
    assert replayed(await person.post("watchlists", {"name": "Outra"})) == (201, False)


async def test_a_plate_is_added_once(person: Person) -> None:
    watchlist = await person.watchlist()
    path, asked = f"watchlists/{watchlist}/entries", {"plate": "ABC1234", "reason": "furto"}
    made, again = await person.post(path, asked), await person.post(path, asked)
    assert (replayed(made), replayed(again)) == ((201, False), (201, True))
    assert made.json() == again.json()
    assert problem(await person.post(path, asked | {"plate": "XYZ9A99"})) == (422, "idempotency_key_reused")
    assert problem(await person.post(f"watchlists/{await person.watchlist()}/entries", asked)) == (422, "idempotency_key_reused")
    assert (await person.recorded()).count("watchlist_entry.added") == 1
    await person.delete(f"{path}/{made.json()['entry_id']}")
    assert problem(await person.post(path, asked)) == (409, "idempotency_gone")


async def test_a_plate_that_was_there_already_is_answered_again_too(person: Person) -> None:
    path = f"watchlists/{await person.watchlist()}/entries"
    first = await person.post(path, {"plate": "ABC1234"}, **{"idempotency-key": "first"})
    changed, again = [await person.post(path, {"plate": "ABC1234", "reason": "furto"}) for _ in range(2)]
    assert (replayed(changed), replayed(again)) == ((201, False), (201, True))
    assert changed.json() == again.json() == first.json() | {"reason": "furto"}
    assert (await person.recorded()).count("watchlist_entry.added") == 2


async def test_a_list_that_does_not_exist_leaves_the_key_free(person: Person) -> None:
    assert problem(await person.post(f"watchlists/{new_id()}/entries", {"plate": "ABC1234"})) == (404, "not_found")
    assert replayed(await person.post(f"watchlists/{await person.watchlist()}/entries", {"plate": "ABC1234"})) == (201, False)
