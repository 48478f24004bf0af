"""Tests of importing and exporting a watchlist over HTTP, on real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.alerts.conftest import API, Running
from tests.chassis.waiting import until
from tests.ledger import audit_entries

from alerts.imports.domain.jobs import ImportState
from alerts.imports.repository import PostgresImports
from alerts.imports.usecases import Imports
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]

HEAD = "placa;motivo;correspondencia\n"


def sheet(count: int, reason: str = "furto") -> str:
    return HEAD + "".join(f"ABC{number:04};{reason};era\n" for number in range(count))


async def send(running: Running, caller: Caller, watchlist: str, content: str, **query: str) -> str:
    path = f"{API}/watchlists/{watchlist}/import"
    headers = running.mint.headers(caller) | {"content-type": "text/csv"}
    answer = await running.http.post(path, params=query, content=content.encode(), headers=headers)
    assert answer.status_code == 202, answer.text
    return f"/watchlists/{watchlist}/imports/{answer.json()['import_id']}"


async def finished(running: Running, caller: Caller, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def is_over() -> bool:
        found.update((await running.send(caller, "GET", path)).json())
        return found["finished_at"] is not None

    await until(is_over)
    return found


async def imported(running: Running, caller: Caller, watchlist: str, content: str, **query: str) -> dict[str, Any]:
    return await finished(running, caller, await send(running, caller, watchlist, content, **query))


def counts(job: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(job[name] for name in ("state", "lines", "done", "added", "changed", "unchanged", "invalid"))


async def held(running: Running, caller: Caller, watchlist: str) -> int:
    return int((await running.send(caller, "GET", f"/watchlists/{watchlist}")).json()["entries"])


async def test_a_file_is_tried_taken_and_changes_nothing_when_it_comes_again(running: Running) -> None:
    caller = running.tenant()
    watchlist = await running.watchlist(caller, "Furtados")
    tried = await imported(running, caller, watchlist, sheet(1_200), dry_run="true")
    assert (counts(tried), await held(running, caller, watchlist)) == (("finished", 1_200, 1_200, 1_200, 0, 0, 0), 0)
    taken = await imported(running, caller, watchlist, sheet(1_200))
    assert (counts(taken), await held(running, caller, watchlist)) == (("finished", 1_200, 1_200, 1_200, 0, 0, 0), 1_200)
    assert counts(await imported(running, caller, watchlist, sheet(1_200))) == ("finished", 1_200, 1_200, 0, 0, 1_200, 0)
    assert counts(await imported(running, caller, watchlist, sheet(2, "roubo"))) == ("finished", 2, 2, 0, 2, 0, 0)
    records = [each for each in await audit_entries(running.db, caller.tenant_id) if each.data.action == "watchlist.imported"]
    assert [(each.data.details["added"], each.data.details["changed"]) for each in records] == [("1200", "0"), ("0", "2")]
    assert (records[0].data.actor_id, records[0].data.address, records[0].data.object_id) == (caller.user_id, "203.0.113.9", watchlist)


async def test_invalid_lines_stop_it_or_are_passed_over(running: Running) -> None:
    caller = running.tenant()
    watchlist, content = await running.watchlist(caller), HEAD + "ABC1234;a;\nAB;b;\nABC1235;c;nunca\n"
    stopped = await imported(running, caller, watchlist, content)
    assert (counts(stopped), await held(running, caller, watchlist)) == (("rejected", 3, 0, 0, 0, 0, 2), 0)
    assert [(each["line"], each["column"], each["code"]) for each in stopped["errors"]] == [
        (3, "placa", "plate_invalid"),
        (4, "correspondencia", "choice_unknown"),
    ]
    passed = await imported(running, caller, watchlist, content, on_error="skip")
    assert (counts(passed), passed["errors"]) == (("finished", 3, 3, 1, 0, 0, 2), stopped["errors"])


async def test_what_an_export_gives_changes_nothing_and_is_on_record(running: Running) -> None:
    caller, camera = running.tenant(), new_id()
    await running.register(caller.tenant_id, camera)
    watchlist = await running.watchlist(caller, "Furtados")
    path = f"/watchlists/{watchlist}"
    body = {"plate": "ABC1234", "reason": "=cmd|'/c calc'!A0", "camera_ids": [str(camera)], "valid_until": "2100-01-01T02:00:00Z"}
    assert (await running.send(caller, "POST", f"{path}/entries", json=body)).status_code == 201
    await imported(running, caller, watchlist, "placa\n" + "".join(f"XYZ{number:04}\n" for number in range(600)))
    file = await running.send(caller, "GET", f"{path}/export.csv")
    assert file.content.startswith(b"\xef\xbb\xbfplaca;correspondencia;")
    assert "ABC1234;era;'=cmd|'/c calc'!A0;;;;31/12/2099 23:00;sim;Portão\r\n" in file.text
    assert len(file.text.splitlines()) == 602
    again = await imported(running, caller, watchlist, file.content.decode())
    assert counts(again) == ("finished", 601, 601, 0, 0, 601, 0)
    [record] = [each for each in await audit_entries(running.db, caller.tenant_id) if each.data.action == "watchlist.exported"]
    assert record.data.details == {"name": "Furtados", "entries": "601"}


async def test_one_whose_process_ended_goes_on_where_it_stood(running: Running) -> None:
    caller, now = running.tenant(), SystemClock().now()
    watchlist = await running.watchlist(caller)
    imports = running.service.api.state.provided[Imports]
    job = await finished(running, caller, await send(running, caller, watchlist, sheet(1_100)))
    async with running.db.uow(caller.tenant_id) as uow:  # as if the process had ended after its first five hundred lines
        await uow.session.execute(
            text(
                "UPDATE watchlist_imports SET state = 'writing', finished_at = NULL, done = 500, added = 500, file = :file,"
                " lease_id = gen_random_uuid(), lease_until = :at WHERE import_id = :id"
            ),
            {"file": sheet(1_100).encode(), "at": now - timedelta(seconds=1), "id": UUID(job["import_id"])},
        )
        await uow.session.execute(text("DELETE FROM watchlist_entries WHERE plate >= 'ABC0500'"))
    imports.wake.set()
    job = await finished(running, caller, f"/watchlists/{watchlist}/imports/{job['import_id']}")
    assert counts(job) == ("finished", 1_100, 1_100, 1_100, 0, 0, 0)
    assert await held(running, caller, watchlist) == 1_100


async def test_a_process_that_lost_its_lease_saves_nothing(running: Running) -> None:
    caller, now = running.tenant(), SystemClock().now()
    watchlist = await running.watchlist(caller)
    job = await finished(running, caller, await send(running, caller, watchlist, sheet(1)))
    async with running.db.uow(caller.tenant_id) as uow:
        imports = PostgresImports(uow)
        found = await imports.get(UUID(watchlist), UUID(job["import_id"]))
        assert found is not None
        assert found.state is ImportState.FINISHED
        assert await imports.take(found.import_id, new_id(), now, now) is None
        assert not await imports.save(found, new_id(), now)


async def test_it_goes_with_its_list(running: Running) -> None:
    caller = running.tenant()
    watchlist = await running.watchlist(caller)
    path = await send(running, caller, watchlist, sheet(3))
    await finished(running, caller, path)
    assert (await running.send(caller, "DELETE", f"/watchlists/{watchlist}")).status_code == 204
    assert (await running.send(caller, "GET", path)).status_code == 404


@pytest.mark.parametrize(("role", "content", "status"), [(Role.OPERATOR, "placa\nABC1234", 403), (Role.ADMIN, "cor\nazul", 422)])
async def test_what_is_refused(running: Running, role: Role, content: str, status: int) -> None:
    caller = running.tenant()
    path = f"{API}/watchlists/{await running.watchlist(caller)}/import"
    asking = running.mint.caller(role, tenant_id=caller.tenant_id)
    answer = await running.http.post(path, content=content, headers=running.mint.headers(asking) | {"content-type": "text/csv"})
    assert answer.status_code == status, answer.text
