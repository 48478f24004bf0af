"""A camera with a trouble: what it sends passes through here, and is changed on the way."""

from __future__ import annotations

import asyncio
import threading

CLOCK_RATE = 90_000
IDR, FU_A = 5, 28


class Relay:
    """Forwards RTSP over TCP to a camera, from a port of its own. What a test sets acts on every packet from then on.

    `late_s` is added to the camera's clock, whose time stands still at `stands_at`. Without `keys` its key pictures are left out.
    """

    def __init__(self, camera_port: int) -> None:
        self._camera_port = camera_port
        self.late_s = 0.0
        self.stands = False
        self.keys = True
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._forward(ready)), daemon=True)
        self._thread.start()
        ready.wait()

    def url(self, number: int = 0) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam{number}"

    def cut(self) -> None:
        """Ends every connection."""
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in self._open])

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    async def _forward(self, ready: threading.Event) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._closing.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_camera, to_camera = await asyncio.open_connection("127.0.0.1", self._camera_port)
        ways = {asyncio.ensure_future(_pass_on(reader, to_camera)), asyncio.ensure_future(self._pass_back(from_camera, writer))}
        self._open.add(writer)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.discard(writer)
            for way in ways:
                way.cancel()
            for end in (writer, to_camera):
                end.close()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_back(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        left_out, stands_at = 0, None
        while True:
            first = await source.readexactly(1)
            if first != b"$":
                target.write(await _answer(first, source))
                continue
            head = await source.readexactly(3)
            packet = bytearray(await source.readexactly(int.from_bytes(head[1:], "big")))
            if head[0] % 2 == 0:
                if not self.keys and _is_of_key(packet):
                    left_out += 1
                    continue
                time = int.from_bytes(packet[4:8], "big") + int(self.late_s * CLOCK_RATE)
                stands_at = (time if stands_at is None else stands_at) if self.stands else None
                packet[2:4] = ((int.from_bytes(packet[2:4], "big") - left_out) % 2**16).to_bytes(2, "big")
                packet[4:8] = ((time if stands_at is None else stands_at) % 2**32).to_bytes(4, "big")
            target.write(first + head + packet)


def _is_of_key(packet: bytearray) -> bool:
    kind = packet[12] & 0x1F
    return kind == IDR or (kind == FU_A and packet[13] & 0x1F == IDR)


async def _answer(first: bytes, source: asyncio.StreamReader) -> bytes:
    """An answer of the camera to a request: its head, and its body."""
    head = first + await source.readuntil(b"\r\n\r\n")
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    size = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
    return head + await source.readexactly(size)


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
