"""A media server, an auth hook and cameras, all real, for the media contract.

Every test that asks for `server` runs against the stand-in, and again against MediaMTX where `MEDIAMTX_BIN` names its binary or
`mediamtx` is on PATH.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fixtures import needs

from servers import free_port

CAMERA = Path(__file__).with_name("camera.py")
API_USER = ("operator", "operator-secret")
READER = ("reader", "reader-secret")
PATIENCE_S = 300.0
PAUSE = threading.Event()
"""An event that is never set: waiting for it with a timeout is a sleep."""


def wait_for(check: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Returns the first true answer of `check`; fails the test after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"did not come about within {within_s:.0f} s: {check}")
        PAUSE.wait(0.05)


class Hook:
    """The auth hook: allows the operator, the reader and tickets that start with "good"; remembers every question."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []
        self.slow_path = ""
        self.slow_s = 0.0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["content-length"])))
                hook.questions.append(question)
                if hook.slow_path and question["path"] == hook.slow_path:
                    PAUSE.wait(hook.slow_s)
                self.send_response(200 if hook.allows(question) else 401)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Writes no log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/auth"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def allows(self, question: dict[str, Any]) -> bool:
        login = (question["user"], question["password"])
        if question["action"] in {"api", "metrics", "playback"}:
            return login == API_USER
        return login == READER or "ticket=good" in question["query"]

    def asked(self, action: str, path: str) -> list[dict[str, Any]]:
        return [question for question in self.questions if question["action"] == action and question["path"] == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class MediaServer:
    """One media server process with its own folder and ports."""

    def __init__(self, kind: str, command: list[str], folder: Path, hook_url: str = "", **options: object) -> None:
        self.kind = kind
        self.folder = folder
        self.recordings = folder / "recordings"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        ports = {name: free_port() for name in ("api", "metrics", "playback", "rtsp", "hls", "webrtc")}
        self.api_url = f"http://127.0.0.1:{ports['api']}"
        self.hls_url = f"http://127.0.0.1:{ports['hls']}"
        self.whep_url = f"http://127.0.0.1:{ports['webrtc']}"
        self.rtsp_url = f"rtsp://127.0.0.1:{ports['rtsp']}"
        self.playback_url = f"http://127.0.0.1:{ports['playback']}"
        self.metrics_url = f"http://127.0.0.1:{ports['metrics']}/metrics"
        auth = {"authMethod": "http", "authHTTPAddress": hook_url, "authHTTPExclude": []} if hook_url else {}
        document = {
            **dict.fromkeys(ports, True),
            **{f"{name}Address": f"127.0.0.1:{port}" for name, port in ports.items()},
            **auth,
            "rtspTransports": ["tcp"],
            "rtmp": False,
            "srt": False,
            "moq": False,
            "webrtcLocalUDPAddress": f"127.0.0.1:{free_port()}",
            "readTimeout": "10s",
            "webrtcHandshakeTimeout": "120s",
            "pathDefaults": {
                "rtspTransport": "tcp",
                "recordPath": f"{self.recordings}/%path/%Y-%m-%d_%H-%M-%S-%f",
                "recordSegmentDuration": "3s",
                "recordPartDuration": "1s",
            },
            **options,
        }
        self._config = folder / "media.yml"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(json.dumps(document), encoding="utf-8")  # every JSON document is YAML
        self.client = httpx.Client(base_url=f"{self.api_url}/v3", auth=API_USER, timeout=PATIENCE_S)

    def start(self, patience_s: float = PATIENCE_S) -> None:
        with (self.folder / "log").open("ab") as log:
            environment = {**os.environ, "TZ": "UTC"}
            self._process = subprocess.Popen([*self._command, str(self._config)], cwd=self.folder, stdout=log, stderr=log, env=environment)
        wait_for(self._answers, patience_s)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"{self.kind} did not start:\n" + (self.folder / "log").read_text())
        try:
            return self.client.get("/info").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the process and returns its exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self.stop()
        self.client.close()

    def add(self, name: str, **options: object) -> None:
        answer = self.client.post(f"/config/paths/add/{name}", json=options)
        assert answer.status_code == 200, answer.text
        wait_for(lambda: self.find(name) is not None)

    def delete(self, name: str) -> None:
        self.client.delete(f"/config/paths/delete/{name}")
        wait_for(lambda: self.find(name) is None)

    def path(self, name: str) -> dict[str, Any]:
        """A path that is there."""
        found = self.find(name)
        assert found is not None, name
        return found

    def find(self, name: str) -> dict[str, Any] | None:
        answer = self.client.get(f"/paths/get/{name}")
        return answer.json() if answer.status_code == 200 else None

    def wait_available(self, name: str, *, available: bool = True) -> dict[str, Any]:
        def check() -> dict[str, Any] | None:
            path = self.find(name)
            return path if path and path["available"] == available else None

        found: dict[str, Any] = wait_for(check)
        return found

    def rtsp(self, name: str, login: tuple[str, str] | None = READER) -> str:
        scheme, _, rest = self.rtsp_url.partition("://")
        return f"{scheme}://{login[0]}:{login[1]}@{rest}/{name}" if login else f"{self.rtsp_url}/{name}"


class Camera:
    """A GStreamer camera process that can be frozen, ended and started again on its port."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, number: int = 0, login: str = "") -> str:
        return f"rtsp://{login}127.0.0.1:{self.port}/cam{number}"

    def start(self) -> None:
        command = ["/usr/bin/python3", str(CAMERA), "--port", str(self.port), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout
        if b"READY" not in self._process.stdout.readline():
            pytest.fail("the camera did not start")

    def freeze(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process:
            self.thaw()
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None


def command_of(kind: str) -> list[str]:
    """Returns the command of a media server, to which its configuration file is appended; skips where it is not installed."""
    if kind == "stand-in":
        return [sys.executable, "-m", "media_standin", "--config"]
    binary = needs.mediamtx()
    if not binary:
        needs.lacks("MediaMTX")
    return [binary]


@pytest.fixture(scope="session")
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture(scope="session", params=["stand-in", "mediamtx"])
def kind(request: pytest.FixtureRequest) -> str:
    command_of(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def server(kind: str, hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaServer]:
    """A server that most tests share, each with paths of its own."""
    made = MediaServer(kind, command_of(kind), tmp_path_factory.mktemp("media"), hook.url)
    made.start()
    yield made
    made.close()


@pytest.fixture
def own_server(kind: str, hook: Hook, tmp_path: Path) -> Iterator[MediaServer]:
    """A server for one test, which may kill it."""
    made = MediaServer(kind, command_of(kind), tmp_path / "own", hook.url)
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., MediaServer]]:
    """A function that starts servers with given options: kind, hook URL, options."""
    made: list[MediaServer] = []

    def start(kind: str, hook_url: str, patience_s: float = PATIENCE_S, **options: object) -> MediaServer:
        server = MediaServer(kind, command_of(kind), tmp_path_factory.mktemp("media"), hook_url, **options)
        made.append(server)
        server.start(patience_s)
        return server

    yield start
    for server in made:
        server.close()


@pytest.fixture(scope="session")
def camera() -> Iterator[Camera]:
    """A camera with two mounts, which no test freezes or ends."""
    if not needs.gstreamer():
        needs.lacks("GStreamer's RTSP server for the system's Python")
    made = Camera("--mounts", "2")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def make_camera() -> Iterator[Callable[..., Camera]]:
    """A function that starts cameras that the test may freeze and end."""
    if not needs.gstreamer():
        needs.lacks("GStreamer's RTSP server for the system's Python")
    made: list[Camera] = []

    def make(*options: str) -> Camera:
        made.append(Camera(*options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def live(server: MediaServer, camera: Camera) -> str:
    """The name of a path that plays."""
    server.add("live/one", source=camera.url())
    server.wait_available("live/one")
    return "live/one"


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """The function that waits for a condition."""
    return wait_for


@pytest.fixture(scope="session")
def reader() -> tuple[str, str]:
    """The login that may read every path."""
    return READER
