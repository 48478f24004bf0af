"""A path's source: one RTSP camera, pulled for ever with five seconds between attempts, as MediaMTX does it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gtvision.time import Clock
from media_standin.rtsp.client import CameraConnection

if TYPE_CHECKING:
    from media_standin.paths import Path

log = logging.getLogger("media_standin.source")

RETRY_S = 5.0
"""MediaMTX's pause, which does not grow."""


async def pull(path: Path, clock: Clock) -> None:
    """Never returns; cancel it. Every failure is logged once and retried."""
    url = str(path.options["source"])
    if not url.startswith("rtsp://"):
        log.error("[path %s] the stand-in pulls rtsp:// only; this source will never be available", path.name)
        await asyncio.Event().wait()
    while True:
        connection = CameraConnection(url, path.read_timeout_s, lambda: clock.now().timestamp())
        try:
            await connection.run(path.set_available)
        except (OSError, TimeoutError) as error:
            log.warning("[path %s] [RTSP source] %s", path.name, str(error) or type(error).__name__)
        except Exception:
            log.exception("[path %s] [RTSP source] failed", path.name)
        finally:
            path.set_unavailable()
        await asyncio.sleep(RETRY_S)
