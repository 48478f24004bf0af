"""A site with one camera, for the tests of viewers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from tests.fixtures.tokens import TokenMint
from tests.streaming.names.test_usecases import desired

from chassis.auth import AuthRuntime
from chassis.fakes import FakeUow
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from city.refusals import Refusals
from gtvision.camera import path_name
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import FakeClock, SystemClock
from streaming.gateways.redis_attendance import RedisAttendance
from streaming.live.fakes import FakeViews
from streaming.live.usecases import Authorizer, Viewers, Viewings
from streaming.streams.domain import DesiredCamera, PathStatus

GROUP = new_id()


@dataclass
class Site:
    """One camera in a group, its media server, and the use case that ends viewers' sessions."""

    redis: object
    clock: FakeClock
    mint: TokenMint
    auth: AuthRuntime
    camera: DesiredCamera
    media: FakeViews
    uow: FakeUow

    def __post_init__(self) -> None:
        self.restart()
        self.show(self.camera)

    def restart(self) -> None:
        """Starts anew without what was in memory, while the media server goes on, as after a crash."""
        self.refused = FakeUow(self.clock)
        self.refusals = refusals = Refusals(self.refused, self.auth.authenticator, "streaming")
        self.viewings = viewings = Viewings(self.uow, self.clock, "streaming")
        self.authorizer = Authorizer(self.auth.authenticator, refusals, viewings, self.clock, reader=("r", "r"), operator=("o", "o"))
        self.viewers = self.looking()

    def looking(self, **options: float) -> Viewers:
        attendance = RedisAttendance(self.redis)  # type: ignore[arg-type]
        return Viewers(self.media, self.auth, self.authorizer, self.viewings, attendance, self.clock, **options)

    def show(self, *cameras: DesiredCamera) -> None:
        self.authorizer.learn(cameras)

    def caller(self) -> Caller:
        return self.mint.caller(Role.VIEWER, tenant_id=self.camera.tenant_id, groups=[GROUP])

    def watch(self, caller: Caller) -> UUID:
        ticket = self.mint.ticket("live", caller, self.camera.camera_id)
        return self.media.watch(path_name(self.camera.camera_id), ticket)

    def show_picture(self, codecs: tuple[str, ...] | None = ("H264", "MPEG-4 Audio")) -> None:
        """Tells what a look at the media server found: the tracks of the camera; None: no stream."""
        path = path_name(self.camera.camera_id)
        self.authorizer.watch({path: PathStatus(path, codecs is not None, 1, codecs or ())})

    def records(self) -> list[AuditRecorded]:
        return [each.data for each in self.uow.emitted]

    async def rotate(self) -> None:
        """Publishes another key in place of the present one, as identity does some time after a rotation."""
        await TokenMint(self.clock, "test-3").publish(self.redis)  # type: ignore[arg-type]
        await self.auth.keys.load()

    async def revoke(self, caller: Caller) -> None:
        await self.mint.revoke(self.redis, caller.session_id)  # type: ignore[arg-type]
        await self.auth.revocations.load()


@pytest.fixture
async def site(redis_state: RedisSettings) -> AsyncIterator[Site]:
    redis = connect_redis(redis_state.state_url)
    await redis.flushall()
    clock = FakeClock(SystemClock().now())
    mint = TokenMint(clock)
    await mint.publish(redis)
    auth = AuthRuntime(redis, clock)
    await auth.keys.load()
    await auth.revocations.load()
    yield Site(redis, clock, mint, auth, desired("", groups=frozenset({GROUP})), FakeViews(), FakeUow(clock))
    await redis.aclose()
