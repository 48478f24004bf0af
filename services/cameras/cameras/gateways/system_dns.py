"""Names to addresses, as the machine resolves them."""

from __future__ import annotations

import asyncio
import socket

from gtvision.addresses import IpAddress, literal_address
from gtvision.errors import InvalidCameraUrl

_TIMEOUT_S = 3.0


async def resolve(host: str, port: int) -> list[IpAddress]:
    """Returns the host's addresses, none for an unknown name. Raises: InvalidCameraUrl, where no answer comes in time."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise InvalidCameraUrl("The camera's host name was not resolved in time.") from None
    except (OSError, UnicodeError):
        return []
    addresses = (literal_address(str(sockaddr[0])) for *_, sockaddr in found)
    return [address for address in addresses if address is not None]
