"""`python -m tests.soak.alerts_kills [--kills 20] [--rate 20]`: kills `alerts` again and again while alerts are raised, and looks at what
arrived.

Sightings of watched plates are published to RabbitMQ, each at a camera of its own, so that each is an alert. A mail server and a webhook
receiver on this machine keep ledgers. The process of alerts is killed (SIGKILL) at random moments and started again at once; on the way
RabbitMQ and PostgreSQL are killed too. At the end each alert must have arrived at least once on both channels, under one message id a
channel (a digest counts for those that it stands for), and `GET /alerts` shows each once. The exit status is 1 where one of this fails.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import ssl
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.bench.running_services import RunningServices, running_services
from tests.fixtures.receivers import make_certificate
from tests.fixtures.tokens import encryption_keys

import alerts as package
from chassis.bus import EventPublisher, Publisher
from chassis.envelope import Links
from chassis.settings import RabbitSettings
from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.events import DetectionsStored, StoredDetection
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import SystemClock
from servers import free_port

PLATE = "RTN5F27"
PUBLIC_URL = "https://video.cidade.example"
LINK = re.compile(re.escape(PUBLIC_URL) + r"/alertas/([0-9a-f-]{36})")
DRAIN_S = 600
CLOCK = SystemClock()


def say(text: str) -> None:
    print(f"{CLOCK.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


@dataclass
class Ledger:
    """What one receiver got: message id -> the alerts that it names."""

    named: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    times: Counter[str] = field(default_factory=Counter)

    def write(self, message_id: str, alert_ids: Iterable[str]) -> None:
        self.times[message_id] += 1
        self.named[message_id] |= set(alert_ids)


class Mail:
    """The handler of the mail server: accepts everything and writes it down."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        mail = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.default)
        body = mail.get_body(("plain",))
        found = LINK.findall(body.get_content() if body else "")
        message_id = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        self._ledger.write(message_id, found)
        return "250 OK"


async def _hook(ledger: Ledger, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one request of a webhook and writes it down."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
        content = await reader.readexactly(int(fields["content-length"]))
        ledger.write(fields["webhook-id"], _alert_ids(json.loads(content)))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
    writer.close()


def _alert_ids(document: Any) -> list[str]:
    """Returns every `alert_id` in a document."""
    if isinstance(document, list):
        return [found for each in document for found in _alert_ids(each)]
    if not isinstance(document, dict):
        return []
    own = [document["alert_id"]] if isinstance(document.get("alert_id"), str) else []
    return own + [found for each in document.values() for found in _alert_ids(each)]


class Alerts:
    """The process of alerts, which is killed."""

    def __init__(self, services: RunningServices, environment: dict[str, str], log: Path) -> None:
        self._servers, self._environment, self._log = services, environment, log
        self.url = f"http://127.0.0.1:{environment['HTTP_PORT']}/api/v1"
        self._private = f"http://127.0.0.1:{environment['PRIVATE_PORT']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as output:
            command = [sys.executable, "-m", "alerts", "api"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=output, stderr=output)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    async def ready(self) -> None:
        async with asyncio.timeout(120), httpx.AsyncClient(trust_env=False) as http:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{self._private}/health/ready")).is_success:
                        return
                await asyncio.sleep(0.1)


@dataclass
class Run:
    """One run, and what it has found."""

    services: RunningServices
    alerts: Alerts
    mail: Ledger
    hooks: Ledger
    headers: dict[str, str]
    tenant: UUID
    published: list[UUID] = field(default_factory=list)
    kills: int = 0

    async def publish(self, rate: float, ended: asyncio.Event) -> None:
        """Publishes a sighting at a new camera so many times a second; each until the broker has confirmed it."""
        settings = RabbitSettings(url=self.services.servers.rabbitmq.url())
        async with Publisher(settings, "soak") as sender:
            publisher = EventPublisher(sender, CLOCK)
            waiting: set[asyncio.Task[None]] = set()
            began = time.monotonic()
            while not ended.is_set():
                detection_id = new_id()
                self.published.append(detection_id)
                task = asyncio.create_task(self._publish(publisher, detection_id))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                await asyncio.sleep(max(0.0, began + len(self.published) / rate - time.monotonic()))
            await asyncio.gather(*waiting)

    async def _publish(self, publisher: EventPublisher, detection_id: UUID) -> None:
        plate = PlateCandidate(text=PLATE, confidence=0.95)
        thing = DetectedObject(object_class=ObjectClass.CAR, confidence=0.9, box=Box(x1=0, y1=0, x2=1, y2=1), plate=plate)
        seen = StoredDetection(detection_id=detection_id, camera_id=new_id(), captured_at=CLOCK.now(), object=thing)
        event = DetectionsStored(detections=(seen,))
        while True:
            try:
                async with asyncio.timeout(10):
                    await publisher.publish(event, tenant_id=self.tenant, links=Links(event_id=detection_id))
                return
            except Exception:  # the broker is down, or the publisher: the same event again
                await asyncio.sleep(1)

    async def kill_often(self, kills: int) -> None:
        """Kills the process at random moments of its life, from its start on."""
        chance = random.Random()
        broker, database = kills // 3, 2 * kills // 3
        for number in range(1, kills + 1):
            await asyncio.sleep(chance.uniform(1.0, 9.0))
            self.alerts.kill()
            self.kills += 1
            self.alerts.start()
            if number in {broker, database}:
                await self._kill_server("rabbitmq" if number == broker else "postgres")
            if number % 10 == 0:
                say(f"{number} kills, {len(self.published)} sightings, {len(self.mail.times)} mails, {len(self.hooks.times)} requests")
        await self.alerts.ready()

    async def _kill_server(self, name: str) -> None:
        say(f"{name} is killed")
        self.services.servers.runner.kill(name)
        await asyncio.sleep(5)
        await self.services.servers.running(name)

    async def ask(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Returns every page of a list."""
        items: list[dict[str, Any]] = []
        async with httpx.AsyncClient(trust_env=False, timeout=30, headers=self.headers) as http:
            while True:
                answer = (await http.get(f"{self.alerts.url}{path}", params={"limit": 500, **params})).raise_for_status().json()
                items += answer["items"]
                if answer["next"] is None:
                    return items
                params["cursor"] = answer["next"]

    async def drain(self) -> None:
        """Waits until each sighting is an alert and no message waits."""
        ends = time.monotonic() + DRAIN_S
        while time.monotonic() < ends:
            with contextlib.suppress(httpx.HTTPError):
                shown = await self.ask("/alerts", kind="plate_watchlist")
                waiting = await self.ask("/deliveries", state=["waiting", "held"])
                say(f"{len(shown)} of {len(self.published)} alerts, {len(waiting)} messages wait")
                if len(shown) >= len(self.published) and not waiting:
                    return
            await asyncio.sleep(5)

    async def problems(self, channels: dict[str, str]) -> list[str]:
        """Compares what was published with what is shown, and with both ledgers."""
        shown = await self.ask("/alerts", kind="plate_watchlist")
        found = [f"{len(shown)} alerts are shown of {len(self.published)} sightings"] if len(shown) != len(self.published) else []
        twice = [each for each, count in Counter(alert["detection_id"] for alert in shown).items() if count > 1]
        found += [f"the sighting {each} is shown {twice}" for each in twice]
        alert_ids = {alert["alert_id"] for alert in shown}
        rows = await self.ask("/deliveries")
        for name, ledger in (("email", self.mail), ("webhook", self.hooks)):
            mine = [row for row in rows if row["channel_id"] == channels[name] and row["alert_id"] in alert_ids]
            arrived = {each for named in ledger.named.values() for each in named}
            arrived |= {row["alert_id"] for row in mine if row["digest_id"] in ledger.times}
            found += [f"{len(alert_ids - arrived)} alerts never arrived by {name}"] if alert_ids - arrived else []
            ids = Counter(row["alert_id"] for row in mine if row["notice"] == "raised")
            found += [f"{sum(count > 1 for count in ids.values())} alerts have several ids on {name}"] if max(ids.values()) > 1 else []
            single = Counter(each for named in ledger.named.values() if len(named) == 1 for each in named)
            several = sum(count > 1 for count in single.values())
            found += [f"{several} alerts arrived under several ids by {name}"] if several else []
            again = sum(count - 1 for count in ledger.times.values())
            digested = sum(row["state"] == "digested" for row in mine)
            say(f"{name}: {len(ledger.times)} messages, {again} of them again, {digested} told by digests")
        return found


def _environment(services: RunningServices, database: str, ca_file: Path) -> dict[str, str]:
    servers = services.servers
    return {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}},
        "HTTP_PORT": str(free_port()),
        "PRIVATE_PORT": str(free_port()),
        "DATABASE_URL": database,
        "RABBITMQ_URL": servers.rabbitmq.url(),
        "REDIS_CACHE_URL": servers.redis_cache.url,
        "REDIS_STATE_URL": servers.redis_state.url,
        "OBJECTS_URL": servers.make_folder(servers.next_name("objects")).as_uri(),
        "ENCRYPTION_KEYS": encryption_keys(),
        "PUBLIC_URL": PUBLIC_URL,
        "NOTIFY_ALLOW_LOOPBACK": "true",
        "NOTIFY_ALLOW_HTTP": "true",
        "NOTIFY_CA_FILE": str(ca_file),
        "LOG_LEVEL": "warning",
    }


@contextlib.asynccontextmanager
async def receivers(mail: Ledger, hooks: Ledger, context: ssl.SSLContext) -> AsyncIterator[tuple[int, int]]:
    """Runs the mail server (TLS) and the webhook receiver, and yields their ports."""
    controller = Controller(Mail(mail), hostname="127.0.0.1", port=free_port(), ssl_context=context)
    controller.start()
    server = await asyncio.start_server(lambda reader, writer: _hook(hooks, reader, writer), "127.0.0.1", 0)
    try:
        yield controller.port, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        controller.stop()


async def run(kills: int, rate: float) -> list[str]:
    """Returns what went wrong."""
    mail, hooks = Ledger(), Ledger()
    async with running_services() as services:
        certificate = make_certificate(services.servers.make_folder("certificates"))
        database = await services.databases.clone("alerts", package)
        environment = _environment(services, database.url.get_secret_value(), certificate.ca_file)
        alerts = Alerts(services, environment, services.servers.root / "alerts.log")
        caller = services.mint.caller(Role.ADMIN, tenant_id=new_id())
        headers = {"authorization": f"Bearer {services.mint.token(caller, lifetime_s=86_400)}"}
        it = Run(services, alerts, mail, hooks, headers, caller.tenant_id)
        async with receivers(mail, hooks, certificate.context()) as (smtp, http):
            alerts.start()
            try:
                await alerts.ready()
                channels = await _settle(it, smtp, http)
                ended = asyncio.Event()
                publishing = asyncio.create_task(it.publish(rate, ended))
                await it.kill_often(kills)
                ended.set()
                await publishing
                await it.drain()
                return await it.problems(channels)
            finally:
                alerts.kill()
                say(f"{it.kills} kills, {len(it.published)} sightings")
                print(f"log: {(services.servers.root / 'alerts.log').read_text()[-2_000:]}", file=sys.stderr)


async def _settle(it: Run, smtp: int, http: int) -> dict[str, str]:
    """Makes the watchlist and both channels. Returns the channels' ids by kind."""
    async with httpx.AsyncClient(trust_env=False, base_url=it.alerts.url, headers=it.headers) as client:

        async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.post(f"{it.alerts.url}{path}", json=body)
            if not answer.is_success:
                raise RuntimeError(answer.text)
            return dict(answer.json())

        watchlist = await post("/watchlists", {"name": "Furtados", "severity": "critical"})
        await post(f"/watchlists/{watchlist['watchlist_id']}/entries", {"plate": PLATE})
        email = {"host": "localhost", "port": smtp, "security": "tls", "sender": "a@cidade.example", "recipients": "b@cidade.example"}
        hook = {"url": f"http://localhost:{http}/alertas"}
        found = {}
        for kind, settings in (("email", email), ("webhook", hook)):
            body = {"kind": kind, "name": kind, "settings": settings, "rate_per_minute": RATE_PER_MINUTE}
            found[kind] = str((await post("/channels", body))["channel_id"])
        return found


RATE_PER_MINUTE = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.alerts_kills", description="Kills alerts while alerts are raised.")
    parser.add_argument("--kills", type=int, default=20, help="how often the process is killed (20)")
    parser.add_argument("--rate", type=float, default=20.0, help="alerts a second (20)")
    options = parser.parse_args()
    problems = asyncio.run(run(options.kills, options.rate))
    for problem in problems:
        print(f"PROBLEM {problem}")
    print("nothing is missing" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
