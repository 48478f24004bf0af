"""Names to addresses, as this machine resolves them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

from gtvision.addresses import IpAddress, literal_address
from gtvision.errors import Unavailable


class SystemNames:
    """The C library's resolver (hosts file, search list and all) on threads of its own: the loop's few are shared with every other
    connection of the process, and one look-up that is not answered holds its thread for far longer than anybody waits for it. So there are
    many: names of somebody's that nobody answers must not keep the others' from being asked.
    """

    def __init__(self, *, timeout_s: float = 3.0, most: int = 128) -> None:
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(most)

    async def addresses(self, host: str) -> list[IpAddress]:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._free.acquire()
                return await self._ask(host)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise Unavailable(f"The name is not resolved ({type(error).__name__}).") from None

    def _ask(self, host: str) -> asyncio.Future[list[IpAddress]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[IpAddress]] = loop.create_future()

        def tell(found: list[IpAddress] | OSError | UnicodeError) -> None:
            self._free.release()  # not before the thread is done, however long ago its caller left
            if answer.done():
                return
            if isinstance(found, list):
                answer.set_result(found)
            else:
                answer.set_exception(found)

        def look() -> None:
            found = _resolved(host)
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(tell, found)

        # a daemon: a dead name server must not hold up the end of the process
        threading.Thread(target=look, name="name", daemon=True).start()
        return answer


def _resolved(host: str) -> list[IpAddress] | OSError | UnicodeError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error
    places = (literal_address(str(sockaddr[0])) for *_, sockaddr in found)
    return list(dict.fromkeys(place for place in places if place is not None))
