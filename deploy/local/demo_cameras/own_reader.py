"""A reader of our own on each camera.

GStreamer's server takes a pipeline down when its last reader leaves and answers 503 to a reader that comes in that moment; the next
one then waits for a pipeline to start. A reader that never leaves keeps every pipeline running, and its success is what *ready* means.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

_ALIVE_EVERY_S = 25.0
_AGAIN_AFTER_S = 0.5
"""Not a growing wait: the server is in this very process."""
_SILENCE_S = 20.0
"""Longer than the slowest start; a frozen camera is left and read anew."""


class Refused(ConnectionError):
    """The camera answered with something other than 200."""


class OwnReader:
    """Reads one camera for ever and throws away what comes."""

    def __init__(self, entry: dict[str, Any], host: str, port: int, on_playing: Callable[[str], None]) -> None:
        self.playing = False
        self._name: str = entry["name"]
        self._address = (host, port)
        self._url = f"rtsp://{host}:{port}/{self._name}"
        credential = base64.b64encode(f"{entry['user']}:{entry['password']}".encode()).decode()
        self._authorization = f"Authorization: Basic {credential}"
        self._on_playing = on_playing
        self._sequence = 0

    def start(self) -> None:
        """Begin in the background."""
        threading.Thread(target=self._run, name=f"reader of {self._name}", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()  # never set: a wait that is a sleep
        while True:
            with contextlib.suppress(OSError), socket.create_connection(self._address, timeout=_SILENCE_S) as connection:
                self._read(connection)
            self.playing = False
            pause.wait(_AGAIN_AFTER_S)

    def _read(self, connection: socket.socket) -> None:
        self._ask(connection, "DESCRIBE", self._url, "Accept: application/sdp")
        setup = self._ask(connection, "SETUP", f"{self._url}/stream=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        found = re.search(rb"Session: *([^;\r\n]+)", setup)
        session = f"Session: {found.group(1).decode() if found else ''}"
        self._ask(connection, "PLAY", self._url, session)
        self.playing = True
        self._on_playing(self._name)
        alive_s = time.monotonic()
        while connection.recv(1 << 18):
            if time.monotonic() - alive_s > _ALIVE_EVERY_S:
                alive_s = time.monotonic()
                self._send(connection, "GET_PARAMETER", self._url, session)

    def _send(self, connection: socket.socket, verb: str, url: str, header: str) -> None:
        self._sequence += 1
        connection.sendall("\r\n".join((f"{verb} {url} RTSP/1.0", f"CSeq: {self._sequence}", self._authorization, header, "", "")).encode())

    def _ask(self, connection: socket.socket, verb: str, url: str, header: str) -> bytes:
        """Send a request and return the head of its answer; whatever follows is thrown away with the stream."""
        self._send(connection, verb, url, header)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(4096)
            if not part:
                raise Refused(self._name)
            answer += part
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"RTSP/1.0 200"):
            raise Refused(self._name)
        length = re.search(rb"Content-Length: *(\d+)", head)
        missing = int(length.group(1)) - len(rest) if length else 0
        while missing > 0:
            missing -= len(connection.recv(missing)) or missing
        return head
