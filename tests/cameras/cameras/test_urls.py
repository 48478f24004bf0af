"""Tests of the addresses that a camera may have: those of the server's own network are refused."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile_urls import FORBIDDEN_PLACES, MALFORMED

from cameras.cameras.usecases.urls import UrlGuard
from gtvision.addresses import AddressPolicy, IpAddress, literal_address
from gtvision.camera_urls import check_places, parse_camera_url
from gtvision.errors import InvalidCameraUrl

ACCEPTED = [
    ("rtsp://10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ("RTSP://10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ("rtsps://camera.example", "rtsps://camera.example", 322),
    ("rtsp://192.168.1.20:8554/Streaming/Channels/101", "rtsp://192.168.1.20:8554/Streaming/Channels/101", 8554),
    ("rtsp://admin:s%40cret@172.16.0.9/s", "rtsp://172.16.0.9/s", 554),
    ("rtsp://@10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ('rtsp://us^er:p{|}"<>`@10.0.0.5/s', "rtsp://10.0.0.5/s", 554),
    ("rtsp://admin:a:b:c@10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ("rtsp://[2804:14d::5]:554/s", "rtsp://[2804:14d::5]:554/s", 554),
    ("rtsp://[fd12:3456::5]/s", "rtsp://[fd12:3456::5]/s", 554),
    ("rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0", "rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0", 554),
    ("rtsp://10.0.0.5/s?user=admin&password=x&channel=1", "rtsp://10.0.0.5/s?user=***&password=***&channel=1", 554),
    ("rtsp://10.0.0.5/user=admin_password=hunter2_channel=1.sdp", "rtsp://10.0.0.5/user=***_password=***_channel=1.sdp", 554),
    ("rtsp://10.0.0.5/s?auth=eyJhbGci;x=1", "rtsp://10.0.0.5/s?auth=***;x=1", 554),
    ("rtsp://10.0.0.5/a@b", "rtsp://10.0.0.5/a@b", 554),
    ("rtsp://cam_7.lan/s", "rtsp://cam_7.lan/s", 554),
]


class NoNames:
    """A resolver that fails the test when it is asked."""

    def __init__(self, *addresses: str) -> None:
        self.asked: list[str] = []
        self._addresses = addresses

    async def resolve(self, host: str, port: int) -> list[IpAddress]:
        self.asked.append(host)
        return [ip_address(each) for each in self._addresses]


def test_there_are_enough_payloads() -> None:
    assert len(MALFORMED) + len(FORBIDDEN_PLACES) >= 60


@pytest.mark.parametrize("text", MALFORMED)
async def test_malformed_addresses_are_refused_before_any_look_up(text: str) -> None:
    resolver = NoNames("10.0.0.5")
    with pytest.raises(InvalidCameraUrl) as refused:
        await UrlGuard(resolver.resolve, AddressPolicy(allow_loopback=True)).check(text)
    assert resolver.asked == []
    assert len(text) < 8 or text not in str(refused.value)


@pytest.mark.parametrize("place", FORBIDDEN_PLACES)
async def test_forbidden_places_are_refused_written_out(place: str) -> None:
    resolver = NoNames()
    with pytest.raises(InvalidCameraUrl):
        await UrlGuard(resolver.resolve, AddressPolicy()).check(f"rtsp://{place}:554/s")
    assert resolver.asked == []


@pytest.mark.parametrize("place", FORBIDDEN_PLACES)
async def test_forbidden_places_are_refused_behind_a_name(place: str) -> None:
    with pytest.raises(InvalidCameraUrl):
        await UrlGuard(NoNames("10.0.0.5", place.strip("[]")).resolve, AddressPolicy()).check("rtsp://camera.example/s")


async def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidCameraUrl, match="without an address"):
        await UrlGuard(NoNames().resolve, AddressPolicy()).check("rtsp://camera.example/s")


@pytest.mark.parametrize(("text", "shown", "port"), ACCEPTED)
def test_ordinary_addresses_are_accepted_and_shown_without_credentials(text: str, shown: str, port: int) -> None:
    url = parse_camera_url(text)
    assert (url.shown, url.port, url.text) == (shown, port, text)
    assert "@" not in repr(url).split("://", 1)[1].split("/", 1)[0]
    assert parse_camera_url(url.shown).shown == url.shown
    if literal_address(url.host) is not None:
        check_places(AddressPolicy(), [ip_address(url.host)])


@pytest.mark.parametrize("place", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_a_setting(place: str) -> None:
    check_places(AddressPolicy(allow_loopback=True), [ip_address(place)])
    with pytest.raises(InvalidCameraUrl):
        check_places(AddressPolicy(), [ip_address(place)])


def test_loopback_opens_nothing_else() -> None:
    for place in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"):
        with pytest.raises(InvalidCameraUrl):
            check_places(AddressPolicy(allow_loopback=True), [ip_address(place)])


def test_own_service_networks_are_refused_and_exceptions_win() -> None:
    policy = AddressPolicy(denied=(ip_network("10.1.0.0/16"),), allowed=(ip_network("10.1.2.0/24"), ip_network("169.254.7.0/24")))
    check_places(policy, [ip_address("10.0.0.5"), ip_address("10.1.2.3"), ip_address("169.254.7.1")])
    for place in ("10.1.3.4", "169.254.169.254"):
        with pytest.raises(InvalidCameraUrl):
            check_places(policy, [ip_address(place)])
    with pytest.raises(InvalidCameraUrl):
        check_places(policy, [ip_address("::ffff:10.1.3.4")])


@given(st.text(max_size=60))
def test_any_text_is_refused_or_reads_back_alike(text: str) -> None:
    try:
        url = parse_camera_url(f"rtsp://{text}")
    except InvalidCameraUrl:
        return
    assert url.host in url.text.lower() or ":" in url.host
    assert parse_camera_url(url.shown).host == url.host


@given(
    st.from_regex(r"[A-Za-z0-9!$&'()*+,;=._~-]{1,12}", fullmatch=True), st.from_regex(r"[A-Za-z0-9!$&'()*+,;=._~:-]{6,20}", fullmatch=True)
)
def test_credentials_never_show(user: str, password: str) -> None:
    url = parse_camera_url(f"rtsp://{user}:{password}@10.0.0.5/s")
    assert url.shown == "rtsp://10.0.0.5/s"
    assert password not in repr(url)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://10.0.0.5/s", "does not begin with rtsp:// or rtsps://"),
        (" rtsp://10.0.0.5/s", "begins or ends with a space"),
        ("rtsp://10.0.0.5/s\u00a0", "begins or ends with a space"),
        ("rtsp://10.0.0.5/a b", "write them as %XX"),
        ("rtsp://10.0.0.5/s\x00", "has control characters"),
        ("rtsp://admin:a#b@10.0.0.5/s", "%23"),
        ("rtsp://admin:a/b@10.0.0.5/s", "write @ / ? [ ] in a user or a password as %XX"),
        ("rtsp://admin:a@b@10.0.0.5/s", "write @ / ? [ ] in a user or a password as %XX"),
        ("rtsp://10.0.0.5:x/s", "no valid host or port"),
        ("rtsp://", "no host"),
        ("rtsp://admin@10.0.0.5/s", "a user without a password"),
        ("rtsp://admin:@10.0.0.5/s", "a user without a password"),
        ("rtsp://:secret@10.0.0.5/s", "a password without a user"),
    ],
)
def test_a_refusal_names_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(InvalidCameraUrl) as refused:
        parse_camera_url(text)
    assert why in str(refused.value)
    assert text.strip() not in str(refused.value) or len(text) < 8


@pytest.mark.parametrize(
    ("place", "setting"),
    [("127.0.0.1", "CAMERA_ALLOW_LOOPBACK"), ("::1", "CAMERA_ALLOW_LOOPBACK"), ("10.1.0.5", "CAMERA_ALLOWED_NETWORKS")],
)
def test_a_refused_network_names_the_setting_that_allows_it(place: str, setting: str) -> None:
    with pytest.raises(InvalidCameraUrl, match=setting):
        check_places(AddressPolicy(denied=(ip_network("10.1.0.0/16"),)), [ip_address(place)])


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12), st.text(st.sampled_from('aA1:^{}|"<>`%40$!'), max_size=12)
)
def test_what_is_accepted_is_in_the_media_server_s_grammar(user: str, password: str) -> None:
    try:
        url = parse_camera_url(f"RTSP://{user}:{password}@10.0.0.5/s?a=^")
    except InvalidCameraUrl:
        return
    userinfo, _, rest = url.source.removeprefix("rtsp://").partition("@")
    assert re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:%-]*", userinfo)
    assert rest == "10.0.0.5/s?a=^"
    assert unquote(userinfo) == unquote(f"{user}:{password}")
    assert parse_camera_url(url.source).source == url.source


@pytest.mark.parametrize("text", [text for text, _, _ in ACCEPTED if "^" not in text])
@pytest.mark.parametrize(("address", "place"), [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "[2001:db8::7]")])
def test_an_address_takes_the_place_of_the_host_and_nothing_else_changes(text: str, address: str, place: str) -> None:
    url = parse_camera_url(text)
    pinned = url.at(ip_address(address))
    host = f"[{url.host}]" if ":" in url.host else url.host
    before, after = text.split("://", 1)[0].lower(), text.split("://", 1)[1]
    userinfo, at, rest = after.rpartition("@") if "@" in after.split("/", 1)[0] else ("", "", after)
    assert rest.lower().startswith(host)
    assert pinned == f"{before}://{userinfo}{at}{place}{rest[len(host) :]}"
    again = parse_camera_url(pinned)
    assert (again.host, again.port, again.scheme) == (address, url.port, url.scheme)
