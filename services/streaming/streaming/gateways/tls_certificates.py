"""The certificate of a camera that speaks `rtsps`, checked against its name at the address that was judged."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import ssl

from gtvision.addresses import IpAddress
from gtvision.errors import Unavailable


@functools.cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


class TlsCertificates:
    """Checks certificates against the machine's authorities, as the media server would; `SSL_CERT_FILE` names others to both."""

    def __init__(self, trust: ssl.SSLContext | None = None, *, timeout_s: float = 5.0) -> None:
        self._trust, self._timeout_s = trust, timeout_s

    async def fingerprint(self, address: IpAddress, port: int, name: str) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                trust = self._trust or _system_trust()
                _, writer = await asyncio.open_connection(str(address), port, ssl=trust, server_hostname=name)
        except (OSError, ValueError, TimeoutError) as error:
            raise Unavailable(f"There is no certificate of the name ({type(error).__name__}).") from None
        try:
            return hashlib.sha256(writer.get_extra_info("ssl_object").getpeercert(binary_form=True)).hexdigest()
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError, TimeoutError):
                await writer.wait_closed()
