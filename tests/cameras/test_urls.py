"""Addresses that a camera may and may not have: the door into the server's own network stays shut."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cameras.domain.urls import AddressPolicy, parse_camera_url
from cameras.usecases import UrlGuard
from gtvision.addresses import literal_address
from gtvision.errors import InvalidCameraUrl

MALFORMED = [
    "",
    " ",
    "rtsp://",
    "rtsp:///stream",
    "rtsp:10.0.0.5/s",
    "//10.0.0.5/s",
    "10.0.0.5/s",
    # other schemes
    "http://10.0.0.5/s",
    "https://10.0.0.5/s",
    "file:///etc/passwd",
    "file://10.0.0.5/etc/passwd",
    "concat:rtsp://10.0.0.5/a|file:/etc/passwd",
    "concat:file:///etc/passwd",
    "gopher://10.0.0.5:6379/_INFO",
    "ftp://10.0.0.5/s",
    "rtmp://10.0.0.5/s",
    "udp://239.0.0.1:5000",
    "pipe:0",
    "data:text/plain,x",
    "subfile,,start,0,end,9,,:rtsp://10.0.0.5/s",
    "tee:rtsp://10.0.0.5/s",
    "javascript:alert(1)",
    "rtspx://10.0.0.5/s",
    "xrtsp://10.0.0.5/s",
    # options for a command line
    "-i rtsp://10.0.0.5/s",
    "-rtsp://10.0.0.5/s",
    "--rtsp://10.0.0.5/s",
    "rtsp://-oProxyCommand=x/s",
    # control characters, plain and hidden
    "rtsp://10.0.0.5/s\r\nTEARDOWN",
    "rtsp://10.0.0.5/s\n",
    "\trtsp://10.0.0.5/s",
    "rtsp://10.0.0.5/\x00",
    "rtsp://10.0.0.5/a b",
    "rtsp://10.0.0.5/%0d%0aDESCRIBE",
    "rtsp://10.0.0.5/s?x=%0A",
    "rtsp://user%0d%0a:pass@10.0.0.5/s",
    "rtsp://user:pass%00@10.0.0.5/s",
    "rtsp://10.0.0.5/%7f",
    "rtsp://10.0.0.5/%",
    "rtsp://10.0.0.5/%zz",
    "rtsp://10.0.0.5/\u2028",
    "rtsp://10.0.0.5/ç",
    # what parsers read differently
    "rtsp://10.0.0.5@127.0.0.1@10.0.0.6/s",
    "rtsp://a@b@10.0.0.5/s",
    "rtsp://10.0.0.5\\@127.0.0.1/s",
    "rtsp:\\\\10.0.0.5\\s",
    "rtsp://10.0.0.5#@127.0.0.1/s",
    "rtsp://10.0.0.5/s#fragment",
    "rtsp://10.0.0.5?@127.0.0.1/s",
    "rtsp://10.0.0.5?x=1",
    "rtsp://user:p/ss@10.0.0.5/s",
    "rtsp://user:[x]@10.0.0.5/s",
    # hosts
    "rtsp://2130706433/s",
    "rtsp://0x7f000001/s",
    "rtsp://0x7f.1/s",
    "rtsp://0177.0.0.1/s",
    "rtsp://127.1/s",
    "rtsp://127.0.1/s",
    "rtsp://127.0.0.01/s",
    "rtsp://1.2.3.4.5/s",
    "rtsp://256.0.0.1/s",
    "rtsp://10.0.0.5./s",
    "rtsp://camera..example/s",
    "rtsp://.example/s",
    "rtsp://camera-.example/s",
    "rtsp://%31%32%37.0.0.1/s",
    "rtsp://①②⑦.0.0.1/s",
    "rtsp://câmera.example/s",
    "rtsp://[::1/s",
    "rtsp://::1/s",
    "rtsp://[fe80::1%25eth0]/s",
    "rtsp://[fe80::1%eth0]/s",
    "rtsp://[10.0.0.5]/s",
    "rtsp://[]/s",
    "rtsp://camera.example,evil.example/s",
    "rtsp://" + "a" * 254 + "/s",
    "rtsp://" + "a" * 64 + ".example/s",
    # ports
    "rtsp://10.0.0.5:0/s",
    "rtsp://10.0.0.5:65536/s",
    "rtsp://10.0.0.5:-1/s",
    "rtsp://10.0.0.5:+554/s",
    "rtsp://10.0.0.5:5 54/s",
    "rtsp://10.0.0.5:554:554/s",
    "rtsp://10.0.0.5:x/s",
    "rtsp://10.0.0.5:/s",
    "rtsp://10.0.0.5/" + "a" * 2_048,
]

FORBIDDEN_PLACES = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[0:0:0:0:0:ffff:0:0]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
]

ACCEPTED = [
    ("rtsp://10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ("RTSP://10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ("rtsps://camera.example", "rtsps://camera.example", 322),
    ("rtsp://192.168.1.20:8554/Streaming/Channels/101", "rtsp://192.168.1.20:8554/Streaming/Channels/101", 8554),
    ("rtsp://admin:s%40cret@172.16.0.9/s", "rtsp://172.16.0.9/s", 554),
    ("rtsp://admin@10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
    ("rtsp://:secret@10.0.0.5/s", "rtsp://10.0.0.5/s", 554),
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
    """A resolver that must not be asked."""

    def __init__(self, *addresses: str) -> None:
        self.asked: list[str] = []
        self._addresses = addresses

    async def resolve(self, host: str, port: int) -> list[object]:
        self.asked.append(host)
        return [ip_address(each) for each in self._addresses]


def test_there_are_enough_payloads() -> None:
    assert len(MALFORMED) + len(FORBIDDEN_PLACES) >= 60


@pytest.mark.parametrize("text", MALFORMED)
async def test_malformed_addresses_are_refused_before_any_look_up(text: str) -> None:
    resolver = NoNames("10.0.0.5")
    with pytest.raises(InvalidCameraUrl) as refused:
        await UrlGuard(resolver, AddressPolicy(allow_loopback=True)).check(text)  # type: ignore[arg-type]
    assert resolver.asked == []
    assert len(text) < 8 or text not in str(refused.value)


@pytest.mark.parametrize("place", FORBIDDEN_PLACES)
async def test_forbidden_places_are_refused_written_out(place: str) -> None:
    resolver = NoNames()
    with pytest.raises(InvalidCameraUrl):
        await UrlGuard(resolver, AddressPolicy()).check(f"rtsp://{place}:554/s")  # type: ignore[arg-type]
    assert resolver.asked == []


@pytest.mark.parametrize("place", FORBIDDEN_PLACES)
async def test_forbidden_places_are_refused_behind_a_name(place: str) -> None:
    with pytest.raises(InvalidCameraUrl):
        await UrlGuard(NoNames("10.0.0.5", place.strip("[]")), AddressPolicy()).check("rtsp://camera.example/s")  # type: ignore[arg-type]


async def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidCameraUrl, match="without an address"):
        await UrlGuard(NoNames(), AddressPolicy()).check("rtsp://camera.example/s")  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "shown", "port"), ACCEPTED)
def test_ordinary_addresses_are_accepted_and_shown_without_credentials(text: str, shown: str, port: int) -> None:
    url = parse_camera_url(text)
    assert (url.shown, url.port, url.text) == (shown, port, text)
    assert "@" not in repr(url).split("://", 1)[1].split("/", 1)[0]
    assert parse_camera_url(url.shown).shown == url.shown
    if literal_address(url.host) is not None:
        AddressPolicy().check([ip_address(url.host)])


@pytest.mark.parametrize("place", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_a_setting(place: str) -> None:
    AddressPolicy(allow_loopback=True).check([ip_address(place)])
    with pytest.raises(InvalidCameraUrl):
        AddressPolicy().check([ip_address(place)])


def test_loopback_opens_nothing_else() -> None:
    for place in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"):
        with pytest.raises(InvalidCameraUrl):
            AddressPolicy(allow_loopback=True).check([ip_address(place)])


def test_own_service_networks_are_refused_and_exceptions_win() -> None:
    policy = AddressPolicy(denied=(ip_network("10.1.0.0/16"),), allowed=(ip_network("10.1.2.0/24"), ip_network("169.254.7.0/24")))
    policy.check([ip_address("10.0.0.5"), ip_address("10.1.2.3"), ip_address("169.254.7.1")])
    for place in ("10.1.3.4", "169.254.169.254"):
        with pytest.raises(InvalidCameraUrl):
            policy.check([ip_address(place)])
    with pytest.raises(InvalidCameraUrl):
        policy.check([ip_address("::ffff:10.1.3.4")])


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
