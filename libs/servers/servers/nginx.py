"""nginx, for the console's files and for recorded video: what it answers and its headers are in the templates of `nginx/` alone."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from pathlib import Path

import httpx

from servers.accounts import make_folder
from servers.children import end_leftovers
from servers.failures import NotReady
from servers.files import write_private
from servers.ports import LOOPBACK
from servers.process import LocalServer, ProcessSpec, base_env, find_binary

ANSWER_TIMEOUT_S = 3.0
VERSION_MARK = "@VERSION@"
"""Stands in the page for the version, in `/app/@VERSION@/main.js`."""


def version_of(folder: Path) -> str:
    """Returns 12 hexadecimal digits that change with the name or content of any file below the folder."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


class _Nginx(LocalServer):
    """Any nginx. `user` is the account that it runs as where we are root; it must be able to read the files."""

    def __init__(self, name: str, data: Path, port: int, *, template: Path, user: str | None = None) -> None:
        self.name = name
        self.data = data
        self.port = port
        self._template = template
        self._user = user

    def values(self) -> dict[str, str]:
        """Returns what the template is filled in with, after a preparation of its own."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        find_binary("nginx", package="nginx-light")
        end_leftovers(self.data)
        make_folder(self.data, self._user)
        values = self.values()
        # as envsubst does it: `$name` without braces is nginx's own variable
        write_private(self._config, re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], self._template.read_text()), self._user)

    def spec(self) -> ProcessSpec:
        # started as root, its workers would become another account, which may not read our files
        workers = " user root;" if self._user is None and os.geteuid() == 0 else ""
        argv = [str(find_binary("nginx", package="nginx-light")), "-p", str(self.data), "-c", str(self._config), "-e", "/dev/stderr"]
        return ProcessSpec(
            argv=[*argv, "-g", f"daemon off;{workers}"],
            cwd=self.data,
            env=base_env(self.data),
            user=self._user,
            stop_signal=signal.SIGQUIT,  # answers that are on their way are ended first
        )

    async def ready(self) -> None:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_TIMEOUT_S, verify=False) as client:  # noqa: S501 - plain HTTP; to read the authorities takes 27 ms
                answer = await client.get(f"{self.url}/health/live")
        except httpx.HTTPError as problem:
            raise NotReady(f"{self.name} on port {self.port}: {problem or type(problem).__name__}") from problem
        if answer.text != "live\n":
            raise NotReady(f"{self.name} on port {self.port} answers {answer.status_code}")

    @property
    def _config(self) -> Path:
        return self.data / "nginx.conf"


class Nginx(_Nginx):
    """Serves the files of `console`."""

    def __init__(self, name: str, data: Path, port: int, *, template: Path, console: Path, user: str | None = None) -> None:
        super().__init__(name, data, port, template=template, user=user)
        self._console = console

    def values(self) -> dict[str, str]:
        # at each start, so that a restart serves what was edited or installed meanwhile
        version = version_of(self._console)
        page = (self._console / "index.html").read_text()
        write_private(self.data / "index.html", page.replace(VERSION_MARK, version), self._user)
        values = {"NGINX_PORT": f"{LOOPBACK}:{self.port}", "NGINX_CONSOLE": str(self._console), "NGINX_RUN": str(self.data)}
        return values | {"NGINX_VERSION": version}


class NodeNginx(_Nginx):
    """Sends the files of `recordings`, as the agent at `agent` (host:port) allows."""

    def __init__(  # noqa: PLR0913 - what the template is filled in with
        self, name: str, data: Path, port: int, *, template: Path, recordings: Path, agent: str, user: str | None = None
    ) -> None:
        super().__init__(name, data, port, template=template, user=user)
        self._recordings, self._agent = recordings, agent

    def values(self) -> dict[str, str]:
        here = {"NODE_PORT": f"{LOOPBACK}:{self.port}", "NODE_RUN": str(self.data)}
        return here | {"NODE_RECORDINGS": str(self._recordings), "NODE_AGENT": self._agent}
