"""Hands a configuration to a running Kong, and goes on doing so whenever identity's keys change.

Kong's open-source edition knows no JWKS: a key is a credential in its configuration. identity publishes a new key 60 s before it signs with
it, so that a poll of a few seconds is in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from gtv.failures import GtvError
from gtv.jwks import PublicKey

_TIMEOUT_S = 15.0


class KongRefused(GtvError):
    """Kong is not there, or does not take the configuration."""


def push(admin: str, text: str) -> bool:
    """Replace the whole configuration; False where Kong has exactly this one. Raises: KongRefused."""
    try:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as http:
            answer = http.post(f"{admin.rstrip('/')}/config", params={"check_hash": "1"}, json={"config": text})
    except httpx.HTTPError as error:
        raise KongRefused(f"Kong does not answer at {admin}: {error}") from error
    if answer.status_code == 304:
        return False
    if answer.status_code != 201:
        raise KongRefused(f"Kong does not take the configuration ({answer.status_code}): {answer.text[:2_000]}")
    return True


@dataclass(frozen=True, slots=True)
class Watch:
    """Polls identity's keys and pushes them to Kong. A round that fails leaves Kong as it is, and is tried again."""

    read: Callable[[], list[PublicKey]]
    render: Callable[[list[PublicKey]], str]
    admin: str
    tell: Callable[[str], None]
    out: Path | None = None
    """Where Kong reads its configuration when it starts: it must hold the current keys."""
    every_s: float = 10.0

    async def run(self) -> None:
        """Runs until cancelled. Each round pushes: a Kong that was restarted has an older configuration, one that has it says so."""
        trouble = ""
        while True:
            now = await asyncio.to_thread(self._round)
            if now and now != trouble:
                self.tell(now)
            trouble = now
            await asyncio.sleep(self.every_s)

    def _round(self) -> str:
        """Returns what went wrong, empty where nothing did."""
        try:
            keys = self.read()
            text = self.render(keys)
            if push(self.admin, text):
                self.tell(f"Kong has the keys {', '.join(key.kid for key in keys)} now.")
            if self.out is not None and not (self.out.exists() and self.out.read_text() == text):
                fresh = self.out.with_name(f"{self.out.name}.new")
                fresh.write_text(text)
                fresh.replace(self.out)
        except (GtvError, OSError) as error:
            return str(error)
        return ""
