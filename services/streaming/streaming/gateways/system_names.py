"""Names to addresses, as this machine resolves them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

from gtvision.addresses import IpAddress, literal_address
from gtvision.errors import Unavailable


class SystemNames:
    """The C library's resolver, with hosts file and search list, on threads of its own.

    A look-up without an answer holds its thread longer than its caller waits. The event loop's few threads serve every other connection
    too, so they are not used; and there are many, so that unanswered names do not hold up the others.
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
            self._free.release()  # when the thread is done, which may be long after its caller gave up
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

        # a daemon thread: a name server that does not answer must not hold up the end of the process
        threading.Thread(target=look, name="name", daemon=True).start()
        return answer


def _resolved(host: str) -> list[IpAddress] | OSError | UnicodeError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error
    addresses = (literal_address(str(sockaddr[0])) for *_, sockaddr in found)
    return list(dict.fromkeys(address for address in addresses if address is not None))
