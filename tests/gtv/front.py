"""A real HAProxy as gtv configures it, with small servers behind it that answer with the request that they got."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from tests.fixtures import needs

from gtv import edge, tls
from gtv.routes import Routes, load_routes
from gtvision.time import SystemClock
from servers import free_port

ROOT = Path(__file__).parents[2]
ROUTES = ROOT / "deploy/routes.yml"
TEMPLATE = (ROOT / "haproxy/haproxy.cfg.j2").read_text()
CAMERA = "cam_0190a5c2-0000-7000-8000-000000000001"
HAPROXY = needs.find("haproxy")
NODE = edge.MEDIA_NODE

needs_haproxy = needs.marks("haproxy")


@dataclass
class Echo:
    """A server that answers with its name and the request. `redirect` and `away` redirect like the media server, `refused` is 401 and
    `missing` 404; `unshaped` answers as an
    HTTP library does for invalid HTTP, `shaped` as a service does; `typed` is JSON by its header."""

    name: str
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._once(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        method, target, _ = line.split()
        headers = [tuple(item.split(": ", 1)) for item in rest]
        known = {name.lower(): value for name, value in headers}
        if length := int(known.get("content-length", "0")):
            await reader.readexactly(length)
        body = json.dumps({"name": self.name, "method": method, "target": target, "headers": headers}).encode()
        status, extra = "200 OK", "WWW-Authenticate: Basic realm=media\r\nServer: media\r\nX-Powered-By: media\r\n"
        extra += "Access-Control-Allow-Origin: *\r\n"
        if "redirect" in target:
            status, extra = "302 Found", f"Location: {target.split('?')[0]}?cookieCheck=1\r\n"
        if "away" in target:
            status, extra = "302 Found", "Location: //elsewhere.example/x\r\n"
        for word, said in (("refused", "401 Unauthorized"), ("missing", "404 Not Found")):
            status = said if word in target else status
        if "cached" in target:
            extra += "Cache-Control: public, max-age=600\r\n"
        if "typed" in target:
            extra += "Content-Type: application/json\r\n"
        if "shaped" in target:
            status = "400 Bad Request"
            body, kind = (b"Invalid HTTP request received.", "text/plain") if "unshaped" in target else (body, "application/problem+json")
            extra += f"Content-Type: {kind}; charset=utf-8\r\n"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + (b"" if method == "HEAD" else body))
        await writer.drain()
        return True


@dataclass
class Front:
    """A running HAProxy, with clients of it."""

    layout: edge.Layout
    log: Path
    trust: ssl.SSLContext
    client: httpx.AsyncClient
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return self.layout.edge

    def address(self, scheme: str = "https") -> str:
        return f"{scheme}://{self.layout.edge if scheme == 'https' else self.layout.plain}"

    def asking(self, **options: Any) -> httpx.AsyncClient:
        """Returns another HTTP client of the edge."""
        return httpx.AsyncClient(**{"base_url": self.address(), "verify": self.trust, "trust_env": False, "timeout": 120, **options})

    async def curl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Sends a request with curl."""
        command = ["curl", "-sS", "--noproxy", "*", "--max-time", "120", *arguments]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)

    @property
    def authority(self) -> str:
        return str(self.layout.files.folder / "ca.crt")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    async def raw(self, line: str, *headers: str) -> tuple[bytes, bytes]:
        """Sends exactly this request, and returns head and body of the answer."""
        host, _, port = self.layout.edge.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=self.trust, server_hostname="localhost")
        writer.write("\r\n".join([f"{line} HTTP/1.1", "Host: edge", "Connection: close", *headers, "", ""]).encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return head, body

    async def restart(self) -> None:
        """Kills HAProxy and starts it again, without what it had in memory."""
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
        self.process = _start(self.layout, self.log)
        await _ready(self.layout, self.process, self.log)


def sent(answer: httpx.Response) -> dict[str, str]:
    """Returns the headers that reached the server."""
    return {name.lower(): value for name, value in answer.json()["headers"]}


def write_files(layout: edge.Layout, routes: Routes) -> None:
    files = layout.files
    files.folder.mkdir(exist_ok=True)
    for file in (files.nodes, files.flags):
        file.touch()
    files.certificate.write_text(tls.own(files.folder, tls.names("127.0.0.1", "localhost"), SystemClock().now()).bundle)
    files.config.write_text(edge.render(TEMPLATE, routes, layout))


def layout_for(folder: Path, routes: Routes, targets: Mapping[str, edge.Target], **changes: Any) -> edge.Layout:
    """Returns a layout on free ports, with one media node, and the addresses of `targets`."""
    public = free_port()
    layout = edge.Layout(
        edge=f"127.0.0.1:{public}",
        plain=f"127.0.0.1:{free_port()}",
        private=f"127.0.0.1:{free_port()}",
        files=edge.Files(folder),
        maintenance_page=ROOT / "haproxy/maintenance.html",
        stats_password="secret",
        targets=targets,
        nodes={NODE: {name: targets[name] for name in routes.media}},
        public_port=public,
    )
    return replace(layout, **changes)


def _start(layout: edge.Layout, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen([str(HAPROXY), "-db", "-f", str(layout.files.config)], stdout=output, stderr=subprocess.STDOUT)


async def _ready(layout: edge.Layout, process: subprocess.Popen[bytes], log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(180):
        while True:
            assert process.poll() is None, log.read_text()
            try:
                await client.get(f"http://{layout.private}/health/live")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def echoes(*names: str) -> AsyncIterator[dict[str, Echo]]:
    """Starts a server for each of the names."""
    async with AsyncExitStack() as stack:
        made = {}
        for name in names:
            echo = Echo(name)
            server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            echo.port = server.sockets[0].getsockname()[1]
            made[name] = echo
        yield made


@asynccontextmanager
async def edge_of(folder: Path, targets: Mapping[str, edge.Target] | None = None, **changes: Any) -> AsyncIterator[Front]:
    """Starts the edge with one server behind all routes, except for those of `targets` and `changes` of the layout."""
    needs.program("haproxy")
    routes = load_routes(ROUTES)
    async with echoes("echo") as servers:
        behind = servers["echo"].port
        everyone = {name: edge.Target(f"127.0.0.1:{behind}", behind) for name in routes.services}
        everyone |= {name: edge.Target(f"127.0.0.1:{behind}") for name in (*routes.media, "console")}
        layout = layout_for(folder, routes, {**everyone, **(targets or {})}, **changes)
        write_files(layout, routes)
        trust = ssl.create_default_context(cafile=folder / "ca.crt")
        log = folder / "log"
        front = Front(layout, log, trust, httpx.AsyncClient(), _start(layout, log))
        try:
            await _ready(layout, front.process, log)
            async with front.asking() as front.client:
                yield front
        finally:
            front.process.terminate()
            await asyncio.to_thread(front.process.wait)
