"""A WebRTC sender of a real camera's pictures that keeps its key frames back until it is told otherwise."""

from __future__ import annotations

import asyncio
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from media_standin.webrtc import offer_loopback, only_h264


class Withheld(MediaStreamTrack):
    """The pictures between the key frames of a camera; from the next key frame on all of them, once that is allowed."""

    kind = "video"

    def __init__(self, address: str, allowed: asyncio.Event) -> None:
        super().__init__()
        self._allowed = allowed
        self._container = av.open(address, options={"rtsp_transport": "tcp"})
        self._packets = self._container.demux(self._container.streams.video[0])
        self._begun = False

    async def recv(self) -> av.Packet[Any]:
        """The next picture that may be sent."""
        while True:
            packet = await asyncio.to_thread(next, self._packets)
            allowed = self._allowed.is_set()
            self._begun = self._begun or (allowed and packet.is_keyframe)
            if packet.pts is not None and (self._begun or not (allowed or packet.is_keyframe)):
                return packet


class Sender:
    """Answers offers."""

    def __init__(self, address: str) -> None:
        offer_loopback()
        self.key_frames = asyncio.Event()
        self._address = address
        self._peers: list[RTCPeerConnection] = []

    async def answer(self, offer: str) -> str:
        """Our session description."""
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        await peer.setRemoteDescription(RTCSessionDescription(only_h264(offer), "offer"))
        peer.addTrack(Withheld(self._address, self.key_frames))
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)

    async def close(self) -> None:
        """Ends the connections."""
        for peer in self._peers:
            await peer.close()
