"""The whole stack as an operator has it: started by `gtv up`, reached through its one address, observed over its live feed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from gtvision.time import SystemClock, isoformat
from servers.children import leftovers
from servers.ports import is_free

CLOCK = SystemClock()
PATIENCE_S = 600.0
"""How long a test waits for a condition before it fails, enough for a busy machine. No test asserts on time."""
ANSWER_S = 60.0
"""Timeout of one request."""
AWAY = {502, 503, 504}
"""HTTP statuses by which the edge says that the service behind it is down."""
RETRY_STEPS_S = (0.5, 0.5, 1.0, 1.0)
CAMERA = "avenida"
PASSWORD = "um-cavalo-correto-42"
"""The administrator's password, chosen by the operator, so that the first login need not change it."""


async def until(holds: Callable[[], Awaitable[Any]], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Asks until the answer is true, and returns it. A service that is down counts as a false answer. Raises: AssertionError."""
    found: Any = None
    try:
        async with asyncio.timeout(patience_s):
            while not (found := await _answer(holds)) or isinstance(found, httpx.HTTPError):
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(f"this did not happen in {patience_s:g} s: {what}; last seen: {found!r}") from None
    return found


async def _answer(holds: Callable[[], Awaitable[Any]]) -> Any:
    """Returns the answer, or the error of a service that is down."""
    try:
        return await holds()
    except httpx.TransportError as unreachable:
        return unreachable
    except httpx.HTTPStatusError as refusal:
        if refusal.response.status_code in AWAY:
            return refusal
        raise


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class DemoCamera:
    """One demo camera, with the ground truth of what it shows and when."""

    url: str = field(repr=False)
    external_id: str
    title: str
    plates: tuple[str, ...]
    control: str

    @classmethod
    def of(cls, roster: Path) -> DemoCamera:
        document = json.loads(roster.read_text())
        camera = next(each for each in document["cameras"] if each["name"] == CAMERA)
        return cls(camera["url"], camera["external_id"], camera["title"], tuple(camera["plates"]), document["truth_url"])

    async def ready(self) -> bool:
        async with httpx.AsyncClient(base_url=self.control, trust_env=False) as http:
            with contextlib.suppress(httpx.HTTPError):
                return (await http.get("/health")).is_success
        return False

    async def passages(self, since: datetime, until: datetime | None = None) -> list[dict[str, Any]]:
        """Returns the passages that began and ended in the time span, without a fault of the camera."""
        query = {"since": isoformat(since)} | ({"until": isoformat(until)} if until else {})
        async with httpx.AsyncClient(base_url=self.control, trust_env=False) as http:
            truth = (await http.get(f"/cameras/{CAMERA}/truth", params=query)).raise_for_status().json()
        return [each for each in truth["passages"] if each["complete"] and not each["disturbed"]]

    async def fault(self, name: str) -> None:
        """Starts a fault of the camera; `none` ends it."""
        async with httpx.AsyncClient(base_url=self.control, trust_env=False) as http:
            (await http.post(f"/cameras/{CAMERA}/fault", json={"fault": name})).raise_for_status()


@dataclass
class Stack:
    """A running installation on a data folder of its own."""

    folder: Path
    env: dict[str, str]
    address: str = ""
    email: str = "admin@gtvision.local"
    password: str = field(default=PASSWORD, repr=False)

    @property
    def authority(self) -> Path:
        """The certificate of the installation's own authority, which partners get."""
        return self.folder / "tls/ca.crt"

    def trust(self) -> ssl.SSLContext:
        """Returns a TLS context that trusts that authority only."""
        return ssl.create_default_context(cafile=str(self.authority))

    def gtv(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a gtv command. Raises: AssertionError where it fails, unless `check` is false."""
        command = [sys.executable, "-m", "gtv", *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=1_500)
        assert not check or done.returncode == 0, f"gtv {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return done

    def up(self) -> None:
        """Starts the stack, and reads address and login from its output."""
        said = self.gtv("up").stdout
        self.address = re.search(r"^Console\s+(\S+)", said, re.MULTILINE)[1]
        assert self.password not in said, "a password that the operator chose is not printed"

    async def processes(self) -> dict[str, dict[str, Any]]:
        """Returns the processes that `gtv status` lists, by name."""
        document = json.loads((await asyncio.to_thread(self.gtv, "status", "--json")).stdout)
        return {each["name"]: each for each in document["processes"]}

    async def ports(self) -> dict[str, int]:
        return json.loads((await asyncio.to_thread(self.gtv, "status", "--json")).stdout)["ports"]

    async def kill(self, name: str) -> int:
        """Waits until the process runs, kills it and its descendants by SIGKILL, and returns its process id."""

        async def running() -> int | None:
            return (await self.processes())[name]["pid"]

        pid: int = await until(running, f"{name} runs")
        leader = psutil.Process(pid)
        for process in [leader, *leader.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return pid

    async def is_back(self, name: str, after: int) -> None:
        """Waits until another process than `after` is ready under that name."""

        async def replaced() -> bool:
            row = (await self.processes())[name]
            return row["phase"] == "ready" and row["pid"] not in {None, after} and row["ready"] is not False

        await until(replaced, f"{name} runs again")

    def left_over(self) -> list[str]:
        """Returns running processes that were started in the stack's folder or have it in their command line."""
        found = [f"{process.pid} {process.name()}" for process in leftovers(self.folder)]
        for process in psutil.process_iter(["pid", "cmdline"]):
            with contextlib.suppress(psutil.Error, OSError):
                words = " ".join(process.info["cmdline"] or ())
                if process.pid != os.getpid() and str(self.folder) in words:
                    found.append(f"{process.pid} {words[:120]}")
        return found


class Person:
    """A user who logs in with a password at the stack's address."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._token = ""
        self.http = httpx.AsyncClient(base_url=f"{stack.address}/api/v1", verify=stack.trust(), trust_env=False, timeout=ANSWER_S)

    async def log_in(self) -> dict[str, Any]:
        answer = await self.http.post("/auth/login", json={"email": self._stack.email, "password": self._stack.password})
        session = answer.raise_for_status().json()
        self._token = session["access_token"]
        return session

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any) -> httpx.Response:
        """Sends a request; where the token has expired, logs in once more, as the console does."""
        for attempt in (1, 2):
            if not self._token:
                await self.log_in()
            known = {**(headers or {}), "authorization": f"Bearer {self._token}"}
            answer = await self.http.request(method, path, headers=known, **request)
            if answer.status_code != 401 or attempt == 2:
                break
            self._token = ""
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.ask("GET", path, params=query)).raise_for_status().json()

    async def post(self, path: str, body: Any = None) -> Any:
        return (await self.ask("POST", path, json=body)).raise_for_status().json()

    async def every(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Returns the items of all pages of a list."""
        items, cursor = [], None
        while True:
            page = await self.get(path, **query, limit=200, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return items

    async def plate(self, text: str, passage: dict[str, Any], mode: str = "exact") -> list[dict[str, Any]]:
        """Returns the detections of a plate during its passage, with two seconds before and after it."""
        first, last = instant(passage["first_seen"]) - timedelta(seconds=2), instant(passage["last_seen"]) + timedelta(seconds=2)
        return (await self.get(f"/plates/{text}", mode=mode, **{"from": isoformat(first), "to": isoformat(last)}))["items"]


PATIENT: dict[str, Any] = {"open_timeout": ANSWER_S, "ping_interval": None}
"""Options of a live socket: without the library's pings, which would close the socket of a slow server. The server sends its own."""


class Feed:
    """A client of the live feed that keeps what it got; it opens a broken socket again."""

    TOPICS = ("detections", "cameras", "alerts")

    def __init__(self, stack: Stack, person: Person) -> None:
        self._url, self._trust = f"{stack.address.replace('https', 'wss', 1)}/ws/v1/live", stack.trust()
        self._person = person
        self.subscribed = asyncio.Event()
        self.opened = 0
        """How often it has subscribed. What is sent while a broken socket is opened again is lost."""
        self.complaints: list[dict[str, Any]] = []
        self.detections: dict[str, dict[str, Any]] = {}
        """Detections by their id (object and frame). They were acknowledged, so none of them may be lost."""
        self.alerts: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []

    def plates(self) -> set[str]:
        return {each["plate"] for each in self.detections.values() if each.get("plate")}

    async def listen(self) -> None:
        """Listens until it is cancelled."""
        while True:
            with contextlib.suppress(httpx.HTTPError, OSError, TimeoutError, ConnectionClosed, InvalidHandshake, InvalidStatus):
                ticket = (await self._person.post("/auth/tickets", {"purpose": "ws"}))["ticket"]
                async with connect(f"{self._url}?ticket={ticket}", ssl=self._trust, proxy=None, **PATIENT) as socket:
                    await self._listen(socket)
            await asyncio.sleep(0.5)

    async def _listen(self, socket: ClientConnection) -> None:
        await socket.send(json.dumps({"type": "subscribe", "topics": self.TOPICS}))
        async for text in socket:
            message = json.loads(text)
            match message["type"]:
                case "subscribed":
                    self.opened += 1
                    self.subscribed.set()
                case "ping":
                    await socket.send(json.dumps({"type": "pong"}))
                case "detection":
                    frame = message["data"]
                    for item in frame["objects"]:
                        self.detections[item["detection_id"]] = {
                            "camera_id": frame["camera_id"],
                            "captured_at": frame["captured_at"],
                            **item,
                        }
                case "camera":
                    self.states.append(message["data"])
                case "alert":
                    self.alerts.append(message["data"])
                case "error":
                    self.complaints.append(message)
                    return


def environment(folder: Path) -> dict[str, str]:
    """Returns the settings of a stack beside other work on the same machine."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("GTV_", "COV_", "PYTEST"))}
    return mine | {
        "GTV_DATA": str(folder),
        "GTV_PORTS_EDGE": str(quiet_port()),
        "GTV_PORTS_EDGE_HTTP": str(quiet_port()),
        "GTV_ADMIN_PASSWORD": PASSWORD,
        "GTV_EDGE_RATE_PER_MINUTE": "30000",  # the tests send many requests from one address
        "GTV_READY_TIMEOUT_S": "1200",
        "CAMERA_ALLOW_LOOPBACK": "true",
        "RETRY_STEPS_S": ",".join(map(str, RETRY_STEPS_S)),
        "RECORDINGS_MAX_GB": "1",
    }


_given: set[int] = set()


def quiet_port() -> int:
    """Returns a free port for a server that starts later, outside of the kernel's ephemeral ports and of gtv's (from 20,000 on)."""
    port = next(port for port in random.sample(range(12_000, 20_000), 4_000) if port not in _given and is_free(port))
    _given.add(port)
    return port


@contextlib.asynccontextmanager
async def usurped(stack: Stack, name: str) -> AsyncIterator[int]:
    """Kills the server and takes its port, so that it cannot start again; closes every connection there. Yields the killed process id."""
    port = (await stack.ports())[name]

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def take() -> tuple[int, asyncio.Server] | None:
        """Kills the server and takes its port; None where its supervisor was faster, and the caller tries again."""
        killed = await stack.kill(name)
        for _ in range(50):
            with contextlib.suppress(OSError):
                return killed, await asyncio.start_server(hang_up, "127.0.0.1", port)
            await asyncio.sleep(0.02)
        return None

    killed, server = await until(take, f"port {port} is left")
    async with server:
        yield killed
