"""Ways to see that a process works."""

from __future__ import annotations

import asyncio

import httpx
import psutil

from servers import NotReady, children
from servers.units import Probe


class HttpProbes:
    """Probes over HTTP that share one client."""

    def __init__(self) -> None:
        # trust_env off: a proxy of the environment must not see, or break, what stays on this machine
        self._client = httpx.AsyncClient(trust_env=False, timeout=4.0)

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()

    def answers(self, url: str) -> Probe:
        """The address answers 200."""

        async def probe(_pid: int) -> None:
            answer = await self._get(url)
            if answer.status_code != 200:
                raise NotReady(f"answers {answer.status_code}: {_summary(answer)}")

        return probe

    def belongs(self, url: str, port: int, auth: tuple[str, str]) -> Probe:
        """The address speaks HTTP, and it is our process that listens there. For a server whose logins another process checks."""

        async def probe(pid: int) -> None:
            await self._get(url, auth)
            if port not in await asyncio.to_thread(listening, pid):
                raise NotReady(f"another program listens on port {port}")

        return probe

    async def _get(self, url: str, auth: tuple[str, str] | None = None) -> httpx.Response:
        try:
            return await self._client.get(url, auth=auth)
        except httpx.ConnectError:
            raise NotReady("does not listen yet") from None
        except httpx.TimeoutException:
            raise NotReady("does not answer") from None
        except httpx.HTTPError as error:
            raise NotReady(str(error) or type(error).__name__) from None


def listening(pid: int) -> set[int]:
    """TCP ports that a process, or one that it started, listens on."""
    ports = set()
    for process in children.family(pid):
        try:
            ports |= {link.laddr.port for link in process.net_connections("tcp") if link.status == psutil.CONN_LISTEN}
        except psutil.Error:
            continue
    return ports


def _summary(answer: httpx.Response) -> str:
    """Returns why a service is not ready or not alive: hung loops, or the dependencies that fail."""
    try:
        body = answer.json()
    except ValueError:
        return answer.reason_phrase
    if stale := body.get("stale"):
        return f"hung: {', '.join(stale)}"
    failed = [f"{name}: {result}" for name, result in body.get("checks", {}).items() if result != "ok"]
    return "; ".join(failed) or str(body.get("status", answer.reason_phrase))
