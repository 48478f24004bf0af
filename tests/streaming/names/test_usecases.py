"""Tests of cameras' DNS names: the address that is pinned, when it changes, and that the media server gets addresses only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from uuid import UUID

import pytest
from pydantic import SecretStr
from tests.fixtures.tokens import encryption_keys

from cameras.settings import Settings as DoorSettings
from chassis.settings import CameraAddressSettings
from chassis.vault import Vault
from gtvision.addresses import AddressPolicy
from gtvision.camera import RecordingSettings, path_name
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import FakeClock
from streaming.names.fakes import FakeCertificates, FakeNames
from streaming.names.usecases import CameraNames
from streaming.settings import ApiSettings
from streaming.streams.domain import DesiredCamera, PathConfig
from streaming.streams.fakes import FakeMediaServer
from streaming.streams.usecases import Paths

POLICY = AddressPolicy()


def desired(url_encrypted: str, *, of: DesiredCamera | None = None, groups: frozenset[UUID] = frozenset()) -> DesiredCamera:
    return DesiredCamera(
        tenant_id=of.tenant_id if of else new_id(),
        camera_id=of.camera_id if of else new_id(),
        revision=1,
        name="Avenida",
        enabled=True,
        url_encrypted=url_encrypted,
        groups=groups,
        recording=RecordingSettings(),
    )


# --- paths follow names ------------------------------------------------------------------------------------------------------


@dataclass
class Site:
    """Cameras, a fake DNS, a fake media server, and the two jobs between them, run by the test."""

    policy: AddressPolicy = POLICY
    cameras: list[DesiredCamera] = field(default_factory=list)
    media: FakeMediaServer = field(default_factory=FakeMediaServer)
    dns: FakeNames = field(default_factory=FakeNames)
    certificates: FakeCertificates = field(default_factory=FakeCertificates)
    clock: FakeClock = field(default_factory=FakeClock)
    vault: Vault = field(default_factory=lambda: Vault(SecretStr(encryption_keys())))

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Starts anew without what was in memory, while the media server goes on, as after a crash."""
        self.names = CameraNames(self.dns, self.certificates, self.policy, self.clock, timedelta(seconds=60))

    def add(self, url: str) -> str:
        """Adds a camera and returns the name of its path."""
        added = desired(self.vault.seal(url))
        self.cameras.append(added)
        return path_name(added.camera_id)

    async def reconcile(self, *, advancing: bool = True) -> set[str]:
        """Runs the reconciler; returns the paths of refused cameras."""
        ids = {each.camera_id for each in self.cameras}
        refused = await Paths(self.media, self.vault, self.names, self.clock).reconcile(self.cameras, ids if advancing else set())
        return {path_name(each) for each in refused}

    async def settle(self, after_s: float = 61, *, advancing: bool = True) -> set[str]:
        """Looks up every name, then runs the reconciler; returns the paths of refused cameras."""
        self.clock.advance(after_s)
        await self.reconcile(advancing=advancing)
        while await self.names.look_up():
            pass
        return await self.reconcile(advancing=advancing)

    def sources(self) -> dict[str, str]:
        return {name: path.source for name, path in self.media.configured.items()}


async def test_the_media_server_is_told_the_address_and_every_other_character() -> None:
    site = Site()
    site.dns.answers = {"camera.example": ["10.0.0.5"], "six.example": ["2001:db8::5"]}
    told = {
        site.add("rtsp://user:p%40ss:x@Camera.example:8554/S/101?a=b&c=%20"): "rtsp://user:p%40ss:x@10.0.0.5:8554/S/101?a=b&c=%20",
        site.add("RTSP://camera.EXAMPLE"): "rtsp://10.0.0.5",
        site.add("rtsp://u:p@six.example/s"): "rtsp://u:p@[2001:db8::5]/s",
        site.add("rtsp://10.0.0.9/camera.example"): "rtsp://10.0.0.9/camera.example",
        site.add("rtsp://[2001:DB8::7]:554/s"): "rtsp://[2001:DB8::7]:554/s",
    }
    assert await site.settle() == set()
    assert site.sources() == told
    assert sorted(site.dns.asked) == ["camera.example", "six.example"]


async def test_a_camera_with_an_unknown_name_waits_alone() -> None:
    site = Site()
    named, other = site.add("rtsp://camera.example/s"), site.add("rtsp://10.0.0.9/s")
    assert await site.settle() == set()
    assert site.sources().keys() == {other}
    site.dns.answers = {"camera.example": ["10.0.0.5"]}
    await site.settle(after_s=11)
    assert site.sources().keys() == {named, other}


async def test_round_robin_restarts_nothing() -> None:
    site = Site()
    site.add("rtsp://camera.example/s")
    site.dns.answers = {"camera.example": ["10.0.0.5", "10.0.0.6"]}
    await site.settle()
    changes = site.media.changes
    for answers in (["10.0.0.6", "10.0.0.5"], ["10.0.0.7", "10.0.0.5"], ["127.0.0.1", "10.0.0.5"], ["10.0.0.5"]):
        site.dns.answers = {"camera.example": answers}
        await site.settle()
    assert (site.media.changes, len(site.dns.asked)) == (changes, 5)


async def test_silence_and_an_unknown_name_restart_nothing() -> None:
    site = Site()
    site.add("rtsp://camera.example/s")
    site.dns.answers = {"camera.example": ["10.0.0.5"]}
    await site.settle()
    changes = site.media.changes
    silences: list[dict[str, list[str]]] = [{}, {"camera.example": []}]
    for site.dns.answers in silences:
        for _ in range(3):
            await site.settle()
    assert site.media.changes == changes
    assert list(site.sources().values()) == ["rtsp://10.0.0.5/s"]


async def test_a_name_that_moved_moves_the_path_once() -> None:
    site = Site()
    site.add("rtsp://camera.example/s")
    site.dns.answers = {"camera.example": ["10.0.0.5"]}
    await site.settle()
    changes = site.media.changes
    site.dns.answers = {"camera.example": ["127.0.0.1", "10.0.0.7", "10.0.0.8"]}
    for _ in range(3):
        await site.settle()
    assert (list(site.sources().values()), site.media.changes) == (
        ["rtsp://10.0.0.5/s"],
        changes,
    )  # kept while recorded
    await site.settle(advancing=False)
    await site.settle()
    assert list(site.sources().values()) == ["rtsp://10.0.0.7/s"]
    assert site.media.changes == changes + 1


async def test_a_dead_address_leaves_its_place_to_the_next_but_not_at_the_first_doubt() -> None:
    site = Site()
    site.add("rtsp://camera.example/1")
    site.dns.answers = {"camera.example": ["10.0.0.5", "10.0.0.6"]}
    await site.settle()
    await site.settle()
    site.media.down = True
    for _ in range(3):  # the camera's progress is not known
        site.clock.advance(61)
        with pytest.raises(Unavailable):
            await site.reconcile(advancing=False)
        await site.names.look_up()
    site.media.down = False
    await site.settle(advancing=False)  # no progress was seen yet, because the media server was down
    await site.settle()
    assert list(site.sources().values()) == ["rtsp://10.0.0.5/1"]
    for address in ("10.0.0.6", "10.0.0.5"):
        for _ in range(2):
            await site.settle(advancing=False)
        assert list(site.sources().values()) == [f"rtsp://{address}/1"]


async def test_one_channel_that_works_holds_its_recorder_s_address() -> None:
    site = Site()
    site.add("rtsp://recorder.example/1")
    site.add("rtsp://recorder.example/2")
    site.dns.answers = {"recorder.example": ["10.0.0.5", "10.0.0.6"]}
    await site.settle()
    alive, changes = {site.cameras[0].camera_id}, site.media.changes
    for _ in range(5):
        site.clock.advance(61)
        await Paths(site.media, site.vault, site.names, site.clock).reconcile(site.cameras, alive)
        await site.names.look_up()
    await site.reconcile()
    assert site.media.changes == changes


async def test_an_upgrade_without_dns_stops_no_recording() -> None:
    """Earlier releases gave names to the media server."""
    site = Site()
    plain, secure, other = (site.add(url) for url in ("rtsp://camera.example/s", "rtsps://secure.example/s", "rtsp://inwards.example/s"))
    for name, url in ((plain, "rtsp://camera.example/s"), (secure, "rtsps://secure.example/s"), (other, "rtsp://inwards.example/s")):
        site.media.configured[name] = PathConfig(name, url, True)
    for _ in range(3):
        await site.settle()
    assert site.media.changes == 0
    site.dns.answers = {"camera.example": ["10.0.0.5"], "secure.example": ["10.0.0.6"], "inwards.example": ["127.0.0.1"]}
    assert await site.settle() == {other}
    assert site.sources() == {plain: "rtsp://10.0.0.5/s", secure: "rtsps://secure.example/s"}
    site.certificates.shown = {"10.0.0.6": "ab" * 32}
    await site.settle()
    assert site.sources()[secure] == "rtsps://10.0.0.6/s"


async def test_a_name_that_turns_inwards_loses_its_path_and_gets_it_back() -> None:
    site = Site()
    path, other = site.add("rtsp://camera.example/s"), site.add("rtsp://10.0.0.9/s")
    site.dns.answers = {"camera.example": ["10.0.0.5"]}
    await site.settle()
    site.dns.answers = {"camera.example": ["127.0.0.1", "169.254.169.254"]}
    assert await site.settle() == {path}
    assert site.sources().keys() == {other}
    site.dns.answers = {}
    assert await site.settle() == {path}  # a missing answer does not make the address allowed
    site.dns.answers = {"camera.example": ["10.0.0.5"]}
    assert await site.settle() == set()
    assert site.sources().keys() == {path, other}


async def test_a_name_is_looked_up_once_a_minute_for_all_its_cameras() -> None:
    site = Site()
    for channel in range(16):
        site.add(f"rtsp://recorder.example:554/{channel}")
    site.dns.answers = {"recorder.example": ["10.0.0.5"]}
    await site.settle()
    for _ in range(11):
        await site.settle(after_s=5)
    assert site.dns.asked == ["recorder.example"]
    await site.settle(after_s=5)
    assert site.dns.asked == ["recorder.example"] * 2


async def test_names_of_removed_cameras_are_not_looked_up_any_more() -> None:
    site = Site()
    site.add("rtsp://camera.example/s")
    await site.settle()
    site.cameras.clear()
    asked = list(site.dns.asked)
    await site.settle()
    assert site.dns.asked == asked


async def test_a_restart_without_dns_restarts_no_recording() -> None:
    site = Site()
    site.add("rtsp://u:p@camera.example/s")
    site.add("rtsps://u:p@secure.example/s")
    site.certificates.shown = {"10.0.0.6": "ab" * 32}
    site.dns.answers = {"camera.example": ["10.0.0.5"], "secure.example": ["10.0.0.6"]}
    await site.settle()
    assert len(site.media.configured) == 2
    changes = site.media.changes
    site.dns.answers = {}
    site.restart()
    for _ in range(3):
        await site.settle()
    assert site.media.changes == changes
    site.dns.answers = {"camera.example": ["10.0.0.5", "10.0.0.4"], "secure.example": ["10.0.0.6"]}
    await site.settle()
    assert site.media.changes == changes


async def test_a_policy_that_became_stricter_takes_the_path_away() -> None:
    site = Site(AddressPolicy(allow_loopback=True))
    site.add("rtsp://127.0.0.1/s")
    site.add("rtsp://camera.example/s")
    site.dns.answers = {"camera.example": ["127.0.0.1"]}
    await site.settle()
    assert len(site.media.configured) == 2
    site.policy = AddressPolicy()
    site.restart()
    await site.reconcile()
    assert site.sources() == {}


async def test_hundreds_of_slow_names_hold_up_neither_the_reconciler_nor_a_new_camera() -> None:
    site, answering = Site(), asyncio.Event()
    running = most = 0

    class SlowNames(FakeNames):
        async def addresses(self, host: str) -> list[object]:  # type: ignore[override]
            nonlocal running, most
            running += 1
            most = max(most, running)
            await answering.wait()
            running -= 1
            return await super().addresses(host)  # type: ignore[return-value]

    site.dns = SlowNames()
    site.restart()
    plain = site.add("rtsp://10.0.0.9/s")
    for number in range(250):
        site.add(f"rtsp://camera-{number}.example/s")
        site.dns.answers[f"camera-{number}.example"] = ["10.1.0.5"]
    await site.reconcile()
    looking = asyncio.create_task(site.names.look_up())
    await asyncio.sleep(0)
    await site.reconcile()
    assert site.sources().keys() == {plain}
    site.add("rtsp://new.example/s")
    await site.reconcile()
    answering.set()
    await looking
    assert most <= 16
    while await site.names.look_up():
        pass
    await site.reconcile()
    assert len(site.media.configured) == 251
    site.clock.advance(61)
    site.add("rtsp://newest.example/s")
    await site.reconcile()
    site.dns.asked.clear()
    await site.names.look_up()
    assert site.dns.asked[0] == "newest.example"


def test_cameras_and_streaming_judge_addresses_by_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (ApiSettings, DoorSettings):
        assert settings.model_fields["addresses"].annotation is CameraAddressSettings
    monkeypatch.setenv("CAMERA_DENIED_NETWORKS", "10.9.0.0/16, 2001:db8:9::/48")
    monkeypatch.setenv("CAMERA_ALLOWED_NETWORKS", "10.9.1.7,169.254.7.0/24")
    judge = CameraAddressSettings().policy()
    answers = {"10.9.1.7": True, "10.9.1.8": False, "169.254.7.1": True, "169.254.8.1": False, "127.0.0.1": False, "2001:db8:9::1": False}
    assert {text: judge.accepts(ip_address(text)) for text in answers} == answers
    monkeypatch.setenv("CAMERA_ALLOW_LOOPBACK", "true")
    assert CameraAddressSettings().policy().accepts(ip_address("127.0.0.1"))


# --- rtsps -------------------------------------------------------------------------------------------------------------------


async def test_a_tls_camera_gets_its_address_and_the_certificate_that_proved_its_name() -> None:
    site = Site()
    path = site.add("rtsps://u:p@camera.example/s")
    site.dns.answers = {"camera.example": ["10.0.0.5"]}
    await site.settle()
    assert site.sources() == {}  # shows no certificate of its own
    site.certificates.shown = {"10.0.0.5": "ab" * 32}
    await site.settle()
    assert site.media.configured[path] == PathConfig(path, "rtsps://u:p@10.0.0.5/s", True, "ab" * 32)
    assert site.certificates.asked[-1] == ("10.0.0.5", 322, "camera.example")


async def test_a_running_tls_camera_is_left_in_peace_and_a_failing_one_shows_its_new_certificate() -> None:
    site = Site()
    path = site.add("rtsps://camera.example:8322/s")
    site.dns.answers, site.certificates.shown = {"camera.example": ["10.0.0.5"]}, {"10.0.0.5": "ab" * 32}
    await site.settle()
    await site.settle()  # the first look-up came before the stream
    asked, changes = len(site.certificates.asked), site.media.changes
    site.certificates.shown = {"10.0.0.5": "cd" * 32}
    for _ in range(3):
        await site.settle()
    assert (len(site.certificates.asked), site.media.changes) == (asked, changes)
    await site.settle(advancing=False)
    assert site.media.configured[path].fingerprint == "cd" * 32
    site.certificates.shown = {}
    await site.settle(advancing=False)
    assert site.media.configured[path].fingerprint == "cd" * 32


async def test_a_tls_name_that_moves_to_a_host_without_its_certificate_stays_where_it_was() -> None:
    site = Site()
    path = site.add("rtsps://camera.example/s")
    site.dns.answers, site.certificates.shown = {"camera.example": ["10.0.0.5"]}, {"10.0.0.5": "ab" * 32}
    await site.settle()
    site.dns.answers = {"camera.example": ["10.0.0.7"]}
    await site.settle(advancing=False)
    assert site.sources() == {path: "rtsps://10.0.0.5/s"}
    site.certificates.shown["10.0.0.7"] = "cd" * 32
    await site.settle(advancing=False)
    assert site.media.configured[path] == PathConfig(path, "rtsps://10.0.0.7/s", True, "cd" * 32)
