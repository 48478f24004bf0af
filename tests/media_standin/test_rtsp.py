"""Tests of RTSP messages, session descriptions and credentials."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_standin.auth import Credentials, http_credentials
from media_standin.rtsp import sdp, wire
from media_standin.stream import Track

SDP = b"""v=0
a=control:*
m=audio 0 RTP/AVP 97
a=rtpmap:97 MPEG4-GENERIC/48000
a=control:trackID=0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAH9oBQBbsBagICAoAAAMAAgAAAwBlHjBlQA==,aM48gA==
a=control:trackID=1
"""


def test_messages_come_apart_and_together() -> None:
    data = wire.response(200, "7", {"X": "y"}, b"body") + b"rest"
    assert wire.parse(data[:20]) is None
    assert wire.parse(data[:-6]) is None
    parsed = wire.parse(data)
    assert parsed is not None
    message, used = parsed
    assert (message.status, message.headers["cseq"], message.body, data[used:]) == (200, "7", b"body", b"rest")


@pytest.mark.parametrize(
    "data", [b"A\r\nno colon\r\n\r\n", b"A\r\nContent-Length: -1\r\n\r\n", b"A\r\nContent-Length: 999999999\r\n\r\n", b"x" * 20_000]
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(wire.ProtocolError):
        wire.parse(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    with contextlib.suppress(wire.ProtocolError):
        wire.parse(data)


def test_the_video_track_is_found() -> None:
    offer = sdp.read(SDP, "rtsp://cam/stream/")
    assert (offer.track.payload_type, offer.control_url, offer.skipped) == (96, "rtsp://cam/stream/trackID=1", ["MPEG4-GENERIC"])
    assert offer.track.sps[0] == 0x67
    with pytest.raises(wire.ProtocolError, match="no H264"):
        sdp.read(SDP.replace(b"H264", b"H265"), "rtsp://cam/")


@pytest.mark.parametrize(
    ("control", "url"),
    [
        ("rtsp://cam/abs/1", "rtsp://cam/abs/1"),
        ("track1", "rtsp://cam/stream/track1"),
        ("/root", "rtsp://cam/root"),
        ("*", "rtsp://cam/stream"),
    ],
)
def test_control_urls(control: str, url: str) -> None:
    assert sdp.read(SDP.replace(b"trackID=1", control.encode()), "rtsp://cam/stream").control_url == url


def test_our_description_is_read_back() -> None:
    track = sdp.read(SDP, "rtsp://cam/").track
    again = sdp.read(sdp.describe(track, track.sps, track.pps), "rtsp://here/x/").track
    assert (again.payload_type, again.sps, again.pps) == (96, track.sps, track.pps)
    assert b"sprop" not in sdp.describe(Track(97), b"", b"")


def test_digest_as_in_the_standard() -> None:
    """The example of RFC 2617, section 3.5."""
    opaque = 'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    challenge = f'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", {opaque}'
    header = wire.Authorization("Mufasa", "Circle Of Life", ["Basic realm=x", challenge]).header("GET", "/dir/index.html")
    assert header.startswith('Digest username="Mufasa"')
    assert "qop=auth, nc=00000001" in header
    assert opaque in header
    plain = wire.Authorization("Mufasa", "Circle Of Life", [challenge.replace('qop="auth,auth-int", ', "")]).header(
        "GET", "/dir/index.html"
    )
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in plain


def test_basic() -> None:
    header = wire.Authorization("user", "p:w", ["Basic realm=x"]).header("DESCRIBE", "rtsp://x")
    assert http_credentials(header) == Credentials("user", "p:w")
    assert http_credentials("Basic !!!").absent
    assert http_credentials("").absent
