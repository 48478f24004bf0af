"""Which addresses a camera may have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cameras import metrics
from gtvision.addresses import AddressPolicy, IpAddress, literal_address
from gtvision.camera_urls import CameraUrl, check_places, parse_camera_url
from gtvision.errors import InvalidCameraUrl

Resolve = Callable[[str, int], Awaitable[list[IpAddress]]]
"""Addresses of a host name (and a port); empty for an unknown name. Raises: InvalidCameraUrl, where no answer comes in time."""


@dataclass(frozen=True, slots=True)
class UrlGuard:
    """Decides whether the server may connect to a camera address."""

    resolve: Resolve
    policy: AddressPolicy

    async def check(self, text: str) -> CameraUrl:
        """Raises: InvalidCameraUrl."""
        try:
            url = parse_camera_url(text)
            literal = literal_address(url.host)
            found = [literal] if literal is not None else await self.resolve(url.host, url.port)
            check_places(self.policy, found)
        except InvalidCameraUrl:
            metrics.URLS_REFUSED.inc()
            raise
        return url
