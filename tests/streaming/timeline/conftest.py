"""Fixtures: a camera whose stream and recordings a test makes, and its timeline over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import pytest
from sqlalchemy import Uuid, bindparam, text
from tests.streaming.conftest import Running, announce, registered

from chassis.envelope import wrap
from gtvision.camera import path_name
from gtvision.events import CameraRemoved, CameraUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from streaming.recordings.domain import GENESIS, Segment, segment_id_of
from streaming.recordings.repository import PostgresIndex, PostgresSegments

LOOK = timedelta(seconds=2)
_KNOWN_LONG = text("UPDATE cameras SET known_since = now() - interval '1 year' WHERE camera_id = :camera").bindparams(
    bindparam("camera", type_=Uuid())
)


class Site:
    """A camera of a tenant of its own."""

    def __init__(self, running: Running) -> None:
        self.running, self.clock = running, running.clock
        self.tenant, self.camera, self.group = new_id(), new_id(), new_id()
        self.revision = 0
        self.sent = 0

    @property
    def path(self) -> str:
        return path_name(self.camera)

    def now(self) -> datetime:
        return self.clock.now()

    async def register(self, **changes: Any) -> None:
        self.revision += 1
        event = registered(self.running, self.tenant, self.camera, self.revision, **{"groups": (self.group,), **changes})
        if self.revision == 1:
            await announce(self.running, event)
            return
        data = CameraUpdated.model_validate(event.data.model_dump())
        await self.running.events.on_camera_updated(wrap(data, tenant_id=self.tenant, occurred_at=self.now()))

    async def be_known_for_long(self) -> None:
        """As if the camera had been registered a year ago."""
        async with self.running.db.uow(self.tenant) as uow:
            await uow.session.execute(_KNOWN_LONG, {"camera": self.camera})

    async def remove(self) -> None:
        self.revision += 1
        data = CameraRemoved(camera_id=self.camera, revision=self.revision)
        await self.running.events.on_camera_removed(wrap(data, tenant_id=self.tenant, occurred_at=self.now()))

    async def looks(self, count: int, *, sends: bool = True, available: bool = True) -> None:
        """The reconciler looks that often, two seconds apart; a camera that sends makes progress at each look."""
        for _ in range(count):
            self.clock.advance(LOOK)
            self.sent += 1_000 if sends else 0
            self.running.media.inbound[self.path] = self.sent
            if not available:
                del self.running.media.inbound[self.path]
            await self.running.reconciler.reconcile()

    async def record(self, since: datetime, until: datetime, file_s: float = 60) -> None:
        """Puts files of that length, one after the other, into the index."""
        await PostgresIndex(self.running.db).make_room(since.date(), until.date() + timedelta(days=1))
        async with self.running.db.uow(self.tenant) as uow:
            segments = PostgresSegments(uow)
            await segments.last_link(self.camera)
            while since < until:
                end = min(since + timedelta(seconds=file_s), until)
                path = PurePosixPath(self.path, f"{since:%Y-%m-%d_%H-%M-%S-%f}.mp4")
                ids = (segment_id_of(path), self.tenant, self.camera)
                await segments.put(Segment(*ids, str(path), since, end, 10, "aa" * 32, GENESIS, GENESIS), b"")
                since = end

    def caller(self, role: Role = Role.OPERATOR, **options: Any) -> Caller:
        return self.running.mint.caller(role, tenant_id=self.tenant, **options)

    async def ask(self, since: datetime, until: datetime, caller: Caller | None = None, **params: Any) -> Any:
        asked = {"camera_id": str(self.camera), "from": since.isoformat(), "to": until.isoformat(), **params}
        headers = self.running.mint.headers(caller or self.caller())
        return await self.running.http.get("/recordings/timeline", headers=headers, params=asked)

    async def state(self) -> tuple[str, str | None]:
        """Of the stream, and its cause."""
        answer = await self.running.http.get(f"/streams/{self.camera}", headers=self.running.mint.headers(self.caller()))
        return answer.json()["state"], answer.json()["cause"]

    async def timeline(self, since: datetime, until: datetime, **params: Any) -> dict[str, Any]:
        answer = await self.ask(since, until, **params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


def instants(items: list[dict[str, Any]]) -> list[tuple[datetime, datetime]]:
    return [(datetime.fromisoformat(item["from"]), datetime.fromisoformat(item["to"])) for item in items]


@pytest.fixture
def site(running: Running) -> Site:
    return Site(running)
