"""Tests of WHEP: the rules of the endpoint, and pictures that a WebRTC peer decodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from tests.contracts.media.conftest import PATIENCE_S, Hook, MediaServer

pytestmark = pytest.mark.media

UNKNOWN_SESSION = "01920000-0000-4000-8000-000000000000"


def url(server: MediaServer, name: str, rest: str = "whep", query: str = "ticket=good") -> str:
    return f"{server.whep_url}/{name}/{rest}" + (f"?{query}" if query else "")


async def watch(server: MediaServer, name: str, query: str = "ticket=good") -> tuple[RTCPeerConnection, httpx.Response, Any]:
    """Connects a viewer; returns the peer, the endpoint's answer and the received track."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: asyncio.Queue[Any] = asyncio.Queue()
    peer.on("track", tracks.put_nowait)
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        answer = await client.post(
            url(server, name, query=query), content=peer.localDescription.sdp, headers={"content-type": "application/sdp"}
        )
    assert answer.status_code == 201, answer.text
    await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return peer, answer, await asyncio.wait_for(tracks.get(), PATIENCE_S)


async def test_a_peer_gets_pictures(server: MediaServer, live: str, hook: Hook) -> None:
    peer, answer, track = await watch(server, live, "ticket=good-whep")
    try:
        frames = [await asyncio.wait_for(track.recv(), PATIENCE_S) for _ in range(20)]
    finally:
        await peer.close()
    assert {(frame.width, frame.height) for frame in frames} == {(640, 360)}
    assert all(later.pts > earlier.pts for earlier, later in pairwise(frames))
    assert answer.headers["content-type"] == "application/sdp"
    assert answer.headers["etag"] == "*"
    assert answer.headers["location"].startswith(f"/{live}/whep/")
    assert answer.headers["location"].endswith("?ticket=good-whep")
    assert "Location" in answer.headers["access-control-expose-headers"]
    question = hook.asked("read", live)[-1]
    assert (question["protocol"], question["query"], question["id"]) == ("webrtc", "ticket=good-whep", answer.headers["id"])


async def test_viewers_are_listed_and_kicked(server: MediaServer, live: str, eventually: Callable[..., Any]) -> None:
    peer, answer, track = await watch(server, live)
    await asyncio.wait_for(track.recv(), PATIENCE_S)
    identity = answer.headers["id"]

    def session() -> Any:
        found = server.client.get(f"/webrtcsessions/get/{identity}")
        return found.json() if found.status_code == 200 else None

    shown = await asyncio.to_thread(eventually, lambda: (one := session()) and one["outboundBytes"] > 0 and one)
    assert (shown["path"], shown["state"], shown["peerConnectionEstablished"]) == (live, "read", True)
    assert shown["localCandidate"].startswith("host/udp/")
    assert {"type": "webRTCSession", "id": identity} in server.path(live)["readers"]
    assert identity in [one["id"] for one in server.client.get("/webrtcsessions/list").json()["items"]]
    assert server.client.post(f"/webrtcsessions/kick/{identity}").status_code == 200
    await asyncio.to_thread(eventually, lambda: session() is None)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(MediaStreamError):  # the server closed the connection: no picture comes any more
            while True:
                await track.recv()
    assert server.client.post(f"/webrtcsessions/kick/{identity}").status_code == 404
    assert {"type": "webRTCSession", "id": identity} not in server.path(live)["readers"]
    await peer.close()


async def test_a_viewer_leaves_with_its_location_alone(server: MediaServer, live: str, eventually: Callable[..., Any]) -> None:
    peer, answer, _ = await watch(server, live)
    location = httpx.URL(server.whep_url).join(answer.headers["location"])
    fragment = {"content-type": "application/trickle-ice-sdpfrag", "if-match": "*"}
    candidate = "a=ice-ufrag:x\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
    assert httpx.patch(location, content=candidate, headers={"content-type": "text/plain"}, timeout=PATIENCE_S).status_code == 400
    assert httpx.delete(location, timeout=PATIENCE_S).status_code == 200
    await asyncio.to_thread(eventually, lambda: httpx.delete(location, timeout=PATIENCE_S).status_code == 404)
    assert httpx.patch(location, content=candidate, headers=fragment, timeout=PATIENCE_S).status_code == 404
    await peer.close()


def test_the_endpoint_refuses(server: MediaServer, live: str) -> None:
    offer = {"content-type": "application/sdp"}
    server.add("whep/off")
    assert httpx.post(url(server, "whep/off"), content="v=0", headers=offer, timeout=PATIENCE_S).status_code == 404
    server.delete("whep/off")
    assert httpx.post(url(server, live), content="v=0", timeout=PATIENCE_S).status_code == 400
    assert httpx.post(url(server, live), content="nonsense", headers=offer, timeout=PATIENCE_S).status_code == 400
    assert httpx.post(url(server, "unknown"), content="v=0", headers=offer, timeout=PATIENCE_S).status_code == 400
    bare = httpx.post(url(server, live, query=""), content="v=0", headers=offer, timeout=PATIENCE_S)
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Basic realm="mediamtx"')
    assert httpx.post(url(server, live, query="ticket=bad"), content="v=0", headers=offer, timeout=PATIENCE_S).status_code == 401
    for method in ("GET", "HEAD", "PUT"):
        assert httpx.request(method, url(server, live), timeout=PATIENCE_S).status_code == 405
    assert httpx.delete(url(server, live, f"whep/{UNKNOWN_SESSION}"), timeout=PATIENCE_S).status_code == 404
    assert httpx.delete(url(server, live, "whep/nonsense"), timeout=PATIENCE_S).status_code == 400


def test_options(server: MediaServer, live: str) -> None:
    answer = httpx.options(url(server, live), timeout=PATIENCE_S)
    assert (answer.status_code, answer.headers["accept-post"]) == (204, "application/sdp")
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    asked = {"origin": "http://console", "access-control-request-method": "POST"}
    assert httpx.options(url(server, live, query=""), headers=asked, timeout=PATIENCE_S).status_code == 204


async def test_an_offer_without_h264_is_refused(server: MediaServer, live: str) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    offer = peer.localDescription.sdp.replace("H264/90000", "THEORA/90000").replace("VP8/90000", "DIRAC/90000")
    await peer.close()
    answer = httpx.post(url(server, live), content=offer, headers={"content-type": "application/sdp"}, timeout=PATIENCE_S)
    assert answer.status_code == 400
