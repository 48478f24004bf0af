"""Names to addresses, as the machine resolves them."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from gtvision.addresses import IpAddress, literal_address
from gtvision.errors import InvalidCameraUrl

_TIMEOUT_S = 3.0
_THREADS = ThreadPoolExecutor(16, "camera names")
"""Not the event loop's own few: a name without an answer holds its thread for long, and the database could not be reached meanwhile."""


async def resolve(host: str, port: int) -> list[IpAddress]:
    """Returns the host's addresses, none for an unknown name. Raises: InvalidCameraUrl, where no answer comes in time."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            found = await asyncio.get_running_loop().run_in_executor(_THREADS, look_up)
    except TimeoutError:
        raise InvalidCameraUrl("The camera's host name was not resolved in time.") from None
    except (OSError, UnicodeError):
        return []
    addresses = (literal_address(str(sockaddr[0])) for *_, sockaddr in found)
    return [address for address in addresses if address is not None]
