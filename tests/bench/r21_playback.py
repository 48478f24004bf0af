"""R21: bytes of recorded video per CPU second through the edge, against nginx alone sending the same ranges of the same files.

The subject is what a viewer's request meets: HAProxy with TLS, nginx beside the media node, the recorder agent that it asks, PostgreSQL
behind that. The CPU time of HAProxy, both nginx processes and the agent counts. R21 compares with nginx that has the files and ends
TLS itself, R21b with nginx without TLS. A playlist of twelve minutes is fetched as a player does, range by range; rounds alternate.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from tests.bench import load
from tests.bench.runner import NotTaken
from tests.bench.running_services import RunningServices, running_services
from tests.fixtures import needs
from tests.gtv.front import Front, edge_of

from chassis.db import Database
from chassis.envelope import wrap
from chassis.settings import DatabaseSettings
from city.cameras import CameraEvents
from gtv import edge
from gtvision.camera import path_name
from gtvision.events import CameraRegistered
from gtvision.ids import new_id
from gtvision.time import SystemClock
from servers import NodeNginx, ServerRunner, free_port
from streaming.playback.domain import playback_url
from streaming.playback.repository import PostgresPlaybackSessions, PostgresPlayedFiles
from streaming.playback.usecases import PlaybackTickets
from streaming.rights.repository import PostgresRights
from streaming.streams.repository import camera_copy

FLOOR, TARGET, STRETCH = 0.3, 0.5, 0.7
FILES, MINUTE = 12, timedelta(minutes=1)
TIMES, CONNECTIONS = 3, 4
READY_S = 120
Range = tuple[str, int, int]
"""File, offset, size."""
ROOT = Path(__file__).parents[2]
BARE = """
worker_processes auto; pid {run}/nginx.pid; error_log /dev/stderr crit; daemon off; {user}
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000;
    server {{ listen 127.0.0.1:{plain}; root {files}; }}
    server {{
        listen 127.0.0.1:{tls} ssl; root {files};
        ssl_certificate {certificate}; ssl_certificate_key {certificate};
        ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    }}
}}
"""


@dataclass(frozen=True)
class Side:
    """Where ranges are fetched, and whose CPU time counts."""

    address: str
    folder: str
    pids: Sequence[int]
    trust: ssl.SSLContext | None = None

    def fetch(self, ranges: Sequence[Range]) -> int:
        """Fetches the ranges (file, offset, size) one after the other by one connection. Returns how many bytes came."""
        host = self.address
        client = http.client.HTTPConnection(host) if self.trust is None else http.client.HTTPSConnection(host, context=self.trust)
        total = 0
        for name, offset, size in ranges:
            client.request("GET", f"{self.folder}/{name}", headers={"Range": f"bytes={offset}-{offset + size - 1}"})
            answer = client.getresponse()
            if answer.status != 206:
                raise RuntimeError(f"{self.folder} answered {answer.status}")
            total += len(answer.read())
        client.close()
        return total

    def bytes_per_cpu_s(self, ranges: Sequence[Range]) -> float:
        before = cpu_s(self.pids)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            total = sum(pool.map(self.fetch, [ranges[start::CONNECTIONS] * TIMES for start in range(CONNECTIONS)]))
        return total / (cpu_s(self.pids) - before)


def cpu_s(pids: Sequence[int]) -> float:
    """The time that the processes and their children were on a CPU so far, all threads."""
    whole = [*pids, *(child for pid in pids for child in _children(pid))]
    return sum(int(task.read_text().split()[0]) for pid in whole for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def measure(rounds: int = 7) -> dict[str, object]:
    """Starts the servers, measures the three sides in turn, stops the servers."""
    for program in ("nginx", "haproxy", "ffmpeg"):
        if needs.find(program) is None:
            raise NotTaken(f"{program} is not on this machine")
    return asyncio.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    async with running_services() as running, _node(running) as (front, ranges, sides):
        found: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                found[name].append(await asyncio.to_thread(side.bytes_per_cpu_s, ranges))
        assert front.process.poll() is None
    means = {name: f"{statistics.median(rates) / 1e6:.0f}" for name, rates in found.items()}
    detail = f"{means['edge']} MB per CPU second; nginx alone {means['tls']} with TLS and {means['plain']} without"
    whole = {"better": "higher", **load.bars(FLOOR, TARGET, STRETCH, rounds), "detail": detail}
    against = {name: [mine / theirs for mine, theirs in zip(found["edge"], found[name], strict=True)] for name in ("tls", "plain")}
    job = "recorded video through edge, nginx and agent: bytes per CPU second / nginx alone"
    plain = {"id": "R21b", "job": f"{job}, without TLS", **whole, **load.spread(against["plain"], 3), **load.bars(0.0, 0.0, 0.0, rounds)}
    return {"id": "R21", "job": f"{job}, with TLS", **whole, **load.spread(against["tls"], 3), "also": plain}


@asynccontextmanager
async def _node(running: RunningServices) -> AsyncIterator[tuple[Front, list[Range], dict[str, Side]]]:
    """A media node with recordings behind an edge, and a bare nginx beside it."""
    clock, caller, camera = SystemClock(), running.mint.caller(), new_id()
    root = running.servers.make_folder("r21")
    recordings, work = root / "recordings", root / "edge"
    for folder in (recordings / path_name(camera), work, root / "bare"):
        folder.mkdir(parents=True)
    begin = clock.now().replace(microsecond=0) - timedelta(hours=2)
    await asyncio.to_thread(_record, recordings / path_name(camera), begin)
    settings = await running.databases.clone("streaming", importlib.import_module("streaming"))
    private = free_port()
    agent_of = {"recordings": recordings, "agent": f"127.0.0.1:{private}", "template": ROOT / "nginx/node.conf.template"}
    nginx = NodeNginx("playback", root / "nginx", free_port(), **agent_of)  # type: ignore[arg-type]
    targets = {"playback": edge.Target(nginx.url.removeprefix("http://"))}
    async with Database(settings, clock) as db, ServerRunner(root) as runner, edge_of(work, targets) as front:
        await runner.start([nginx])
        registered = CameraRegistered(camera_id=camera, revision=1, name="Avenida", url_encrypted="-")
        await CameraEvents(db.uow, camera_copy).on_camera_registered(wrap(registered, tenant_id=caller.tenant_id, occurred_at=clock.now()))
        environment = _environment(running, settings, private, recordings)
        with _process([sys.executable, "-m", "streaming", "agent"], root / "agent.log", environment) as agent:
            await _indexed(db, caller.tenant_id, camera, begin)
            tickets = PlaybackTickets(db.uow, PostgresPlaybackSessions, PostgresPlayedFiles, PostgresRights, clock)
            ticket = await tickets.issue(caller, camera, begin, begin + FILES * MINUTE)
            opened = await front.client.get(playback_url(camera, ticket.text), follow_redirects=True)
            ranges = _ranges(opened.raise_for_status().text)
            with _bare(root / "bare", recordings, front.layout.files.certificate) as (bare, plain, tls):
                through = [front.process.pid, runner.pid("playback"), agent]
                yield (
                    front,
                    ranges,
                    {
                        "edge": Side(front.host, opened.url.path.rpartition("/")[0], through, front.trust),
                        "tls": Side(f"localhost:{tls}", f"/{path_name(camera)}", [bare], front.trust),
                        "plain": Side(f"localhost:{plain}", f"/{path_name(camera)}", [bare]),
                    },
                )


def _record(folder: Path, begin: datetime) -> None:
    """Files of a minute at 2 Mb/s in parts of a second, as a media server writes them."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=15:duration=60,noise=alls=40:allf=t"]
    pictures = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "15",
        "-b:v",
        "2M",
        "-maxrate",
        "2M",
        "-bufsize",
        "1M",
        "-pix_fmt",
        "yuv420p",
    ]
    parts = ["-movflags", "empty_moov+default_base_moof", "-frag_duration", "1000000"]
    names = [folder / f"{begin + number * MINUTE:%Y-%m-%d_%H-%M-%S-%f}.mp4" for number in range(FILES)]
    subprocess.run(["ffmpeg", "-v", "error", *source, *pictures, *parts, str(names[0])], check=True)
    for number, name in enumerate(names):
        if number:
            shutil.copy(names[0], name)
        written = (begin + (number + 1) * MINUTE).timestamp()
        os.utime(name, (written, written))


def _environment(running: RunningServices, settings: DatabaseSettings, private: int, recordings: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}},
        "PRIVATE_PORT": str(private),
        "DATABASE_URL": settings.url.get_secret_value(),
        "RABBITMQ_URL": running.servers.rabbitmq.url(),
        "REDIS_CACHE_URL": running.servers.redis_cache.url,
        "REDIS_STATE_URL": running.servers.redis_state.url,
        "OBJECTS_URL": running.servers.make_folder("r21-objects").as_uri(),
        "RECORDINGS_PATH": str(recordings),
        "RECORDINGS_FREE_FLOOR": "0",
    }


@contextmanager
def _process(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """Runs a process inside the block, and yields its id."""
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as running:
        try:
            yield running.pid
        finally:
            running.terminate()
            running.wait(20)


@contextmanager
def _bare(folder: Path, files: Path, certificate: Path) -> Iterator[tuple[int, int, int]]:
    """nginx with the files and nothing else. Yields its process, and its ports without and with TLS."""
    ports = {"plain": free_port(), "tls": free_port()}
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(BARE.format(run=folder, files=files, certificate=certificate, user=user, **ports))
    with _process([str(needs.find("nginx")), "-p", str(folder), "-c", str(config), "-e", "/dev/stderr"], folder / "log") as pid:
        yield pid, ports["plain"], ports["tls"]


async def _indexed(db: Database, tenant: UUID, camera: UUID, begin: datetime) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            async with db.uow(tenant) as uow:
                if len(await PostgresPlayedFiles(uow).between(camera, begin, begin + FILES * MINUTE)) == FILES:
                    return
            await asyncio.sleep(0.2)


def _ranges(playlist: str) -> list[Range]:
    found = re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)", playlist)
    return [(name, int(offset), int(size)) for size, offset, name in found]


if __name__ == "__main__":
    print(measure())
