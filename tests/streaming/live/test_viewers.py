"""Tests with viewers of a real media server, and the whole service: after a revocation a viewer gets no more video."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urljoin
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from pydantic import SecretStr
from tests.contracts.media.conftest import API_USER, PATIENCE_S, READER, Camera, MediaServer, command_of
from tests.fixtures import needs
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint, encryption_keys
from tests.ledger import audit_entries

from chassis.db import Database
from chassis.envelope import wrap
from chassis.redis import connect_redis
from chassis.service import serve
from chassis.settings import CameraAddressSettings, DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings, VaultSettings
from chassis.vault import Vault
from city.cameras import CameraEvents
from gtvision.camera import path_name
from gtvision.events import CameraRegistered
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import SystemClock
from servers import free_port
from streaming import metrics
from streaming.app import create_api
from streaming.settings import ApiSettings, MediaSettings
from streaming.streams.repository import camera_copy

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

CLOCK = SystemClock()


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(check):
            await asyncio.sleep(0.05)


@dataclass
class Site:
    """Settings of the service, its media server, a camera that plays, and a mint of tokens that can revoke them."""

    settings: ApiSettings
    media: MediaServer
    mint: TokenMint
    redis_url: SecretStr
    db: Database
    vault: Vault
    tenant: UUID
    camera: UUID
    source: str
    group: UUID
    revision: int = 0

    @property
    def path(self) -> str:
        return path_name(self.camera)

    @asynccontextmanager
    async def service(self) -> AsyncIterator[None]:
        """Runs the service, on whose private port the media server calls the auth hook."""
        stop = asyncio.Event()
        running = asyncio.create_task(serve(create_api(self.settings), stop))
        try:
            await until(self.admits)
            yield
        finally:
            stop.set()
            await running

    def admits(self) -> bool:
        """Returns whether the service is up and knows the camera. A request without a session does not use up its ticket."""
        question = {"action": "read", "protocol": "webrtc", "path": self.path, "query": f"ticket={self.ticket(self.caller())}"}
        try:
            answer = httpx.post(f"http://127.0.0.1:{self.settings.private_port}/internal/media/auth", json=question, timeout=PATIENCE_S)
        except httpx.TransportError:
            return False
        return answer.status_code == 204

    def caller(self) -> Caller:
        return self.mint.caller(Role.VIEWER, tenant_id=self.tenant, groups=[self.group])

    def ticket(self, caller: Caller) -> str:
        return self.mint.ticket("live", caller, self.camera, lifetime_s=900)

    async def revoke(self, caller: Caller) -> None:
        redis = connect_redis(self.redis_url)
        await self.mint.revoke(redis, caller.session_id)
        await redis.aclose()

    async def announce(self, groups: tuple[UUID, ...]) -> None:
        self.revision += 1
        data = CameraRegistered(
            camera_id=self.camera, revision=self.revision, name="Rua", url_encrypted=self.vault.seal(self.source), groups=groups
        )
        await CameraEvents(self.db.uow, camera_copy).on_camera_registered(wrap(data, tenant_id=self.tenant, occurred_at=CLOCK.now()))

    async def plays(self) -> None:
        await asyncio.to_thread(self.media.wait_available, self.path)

    async def views(self) -> list[UUID | None]:
        """Returns the sessions whose view of this camera is on record, as often as it is."""
        entries = await audit_entries(self.db, self.tenant)
        return [each.data.session_id for each in entries if (each.data.action, each.camera_id) == ("live.viewed", self.camera)]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["stand-in", "mediamtx"])
async def site(
    request: pytest.FixtureRequest,
    database_for: DatabaseFor,
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Site]:
    if not needs.gstreamer():
        needs.lacks("GStreamer's RTSP server for the system's Python")
    private = free_port()
    media = MediaServer(
        request.param, command_of(request.param), tmp_path_factory.mktemp("media"), f"http://127.0.0.1:{private}/internal/media/auth"
    )
    camera = Camera()
    camera.start()
    keys = SecretStr(encryption_keys())
    mint = TokenMint()
    redis = connect_redis(redis_state.state_url)
    await mint.publish(redis)
    await redis.aclose()
    database: DatabaseSettings = await database_for("streaming")
    settings = ApiSettings(
        service_name="streaming",
        http_port=free_port(),
        private_port=private,
        db=database,
        rabbit=rabbitmq,
        redis=redis_state,
        vault=VaultSettings(keys=keys),
        objects=ObjectsSettings(url=tmp_path_factory.mktemp("objects").as_uri()),
        addresses=CameraAddressSettings(allow_loopback=True),
        media=MediaSettings.model_validate(
            {
                "MEDIAMTX_API_URL": media.api_url,
                "MEDIAMTX_RTSP_URL": media.rtsp_url,
                "MEDIAMTX_API_USER": API_USER[0],
                "MEDIAMTX_API_PASSWORD": API_USER[1],
                "MEDIA_READER_USER": READER[0],
                "MEDIA_READER_PASSWORD": READER[1],
                "CHECK_INTERVAL": 0.5,
            }
        ),
    )
    try:
        async with Database(database, CLOCK) as db:
            site = Site(settings, media, mint, redis_state.state_url, db, Vault(keys), new_id(), new_id(), camera.url(), new_id())
            await site.announce((site.group,))
            async with site.service():
                await asyncio.to_thread(media.start)
                await site.plays()
            yield site
    finally:
        media.close()
        camera.stop()


class HlsViewer:
    """An HLS player that reloads its playlist."""

    def __init__(self, site: Site, caller: Caller) -> None:
        self.url = f"{site.media.hls_url}/{site.path}/index.m3u8?cookieCheck=1&ticket={site.ticket(caller)}"

    async def open(self) -> None:
        def variant() -> str:
            answer = httpx.get(self.url, timeout=PATIENCE_S)
            assert answer.status_code == 200, answer.text
            return urljoin(str(answer.url), next(line for line in answer.text.splitlines() if line and not line.startswith("#")))

        self.url = await asyncio.to_thread(variant)
        assert self.gets_bytes()

    def gets_bytes(self) -> bool:
        return httpx.get(self.url, timeout=PATIENCE_S).status_code == 200

    async def ended(self) -> None:
        await until(lambda: not self.gets_bytes())

    async def aclose(self) -> None:
        """Closes nothing."""


@asynccontextmanager
async def going_on(viewer: HlsViewer) -> AsyncIterator[None]:
    """Inside, and at the end, the viewer is served. It reloads all the time: the media server takes a silent one for gone."""

    async def reload() -> None:
        while True:
            assert await asyncio.to_thread(viewer.gets_bytes)
            await asyncio.sleep(1)

    reloading = asyncio.create_task(reload())
    yield
    assert not reloading.done(), "it was refused"
    reloading.cancel()
    assert await asyncio.to_thread(viewer.gets_bytes)


class WebrtcViewer:
    """A WebRTC peer that receives video."""

    def __init__(self, site: Site, caller: Caller) -> None:
        self._url = f"{site.media.whep_url}/{site.path}/whep?ticket={site.ticket(caller)}"
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()

    async def ask(self) -> httpx.Response:
        if self._peer.localDescription is None:
            self._peer.on("track", self._tracks.put_nowait)
            self._peer.addTransceiver("video", direction="recvonly")
            await self._peer.setLocalDescription(await self._peer.createOffer())
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            offer = self._peer.localDescription.sdp
            return await client.post(self._url, content=offer, headers={"content-type": "application/sdp"})

    async def open(self) -> None:
        answer = await self.ask()
        assert answer.status_code == 201, answer.text
        await self._peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(PATIENCE_S):
            self._track = await self._tracks.get()
            await self._track.recv()

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(MediaStreamError):
                while True:
                    await self._track.recv()

    async def aclose(self) -> None:
        await self._peer.close()


@pytest.mark.parametrize("viewer_of", [HlsViewer, WebrtcViewer])
async def test_a_revoked_viewer_gets_no_more_bytes(site: Site, viewer_of: type[HlsViewer] | type[WebrtcViewer]) -> None:
    revoked, other = site.caller(), site.caller()
    bystander = HlsViewer(site, other)
    async with aclosing(viewer_of(site, revoked)) as viewer, site.service():
        await site.plays()
        await viewer.open()
        await bystander.open()
        async with going_on(bystander):
            await site.revoke(revoked)
            await viewer.ended()


async def test_a_viewer_that_was_revoked_while_the_service_was_away_is_ended_when_it_is_back(site: Site) -> None:
    caller = site.caller()
    bystander = HlsViewer(site, site.caller())
    async with aclosing(WebrtcViewer(site, caller)) as viewer:
        async with site.service():
            await site.plays()
            await viewer.open()
            await bystander.open()
        async with going_on(bystander):
            await site.revoke(caller)
            async with site.service():
                await viewer.ended()


async def test_a_camera_that_leaves_the_viewer_s_groups_is_no_longer_shown(site: Site) -> None:
    async with aclosing(WebrtcViewer(site, site.caller())) as viewer, site.service():
        await site.plays()
        await viewer.open()
        await site.announce((new_id(),))
        await viewer.ended()
    await site.announce((site.group,))


@pytest.fixture
def late() -> Iterator[Camera]:
    """A camera that is not there yet."""
    camera = Camera()
    yield camera
    camera.stop()


def streams_seen() -> float:
    """Returns how many streams the last look at the media server was about."""
    return sum(sample.value for family in metrics.streams.collect() for sample in family.samples)


async def test_a_view_is_on_record_once_however_often_and_by_whatever_it_is_opened(site: Site) -> None:
    caller = site.caller()
    async with site.service():
        await site.plays()
        for _ in range(2):
            async with aclosing(WebrtcViewer(site, caller)) as viewer:
                await viewer.open()
        hls = HlsViewer(site, caller)
        await hls.open()
        async with going_on(hls), aclosing(WebrtcViewer(site, caller)) as again:
            await again.open()
        assert (await again.ask()).status_code == 401, "a ticket opens one view"
        other = site.caller()
        await HlsViewer(site, other).open()
    found = await site.views()
    assert (found.count(caller.session_id), found.count(other.session_id)) == (1, 1)


async def test_a_camera_without_a_stream_costs_neither_a_record_nor_a_ticket(site: Site, late: Camera) -> None:
    site = replace(site, camera=new_id(), source=late.url(), revision=0)
    await site.announce((site.group,))
    caller = site.caller()
    hls = HlsViewer(site, caller)
    before = streams_seen()
    async with aclosing(WebrtcViewer(site, caller)) as viewer, site.service():
        await until(lambda: streams_seen() > before and site.media.find(site.path))
        for _ in range(3):
            assert (await viewer.ask()).status_code == 404
            assert (await asyncio.to_thread(httpx.get, hls.url, timeout=PATIENCE_S)).status_code == 404
        assert await site.views() == []
        await asyncio.to_thread(late.start)
        await site.plays()
        await viewer.open()
        await hls.open()
        async with asyncio.timeout(PATIENCE_S), going_on(hls):
            while not await site.views():  # where the picture came after the last look, the next one records it
                await asyncio.sleep(0.05)
    assert await site.views() == [caller.session_id]
