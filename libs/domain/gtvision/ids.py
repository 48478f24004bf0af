"""Identifiers. Everything that is made has a UUIDv7 (sorts by creation); everything derived has a UUIDv5 of what it came from."""

from __future__ import annotations

import os
import time as _time
from threading import Lock
from uuid import UUID, uuid5

NAMESPACE = UUID("6f9a2f0e-7c1d-5b60-9d53-0b6f6a3c2d11")
"""Root of every derived identifier. Changing it would make repeats look new."""


_BELIEVED_BACK = 10_000 * 4_096
"""Ten seconds, in 4,096ths of a millisecond."""
_last = 0
_advancing = Lock()


def new_id(unix_ms: int | None = None) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, 12 of their fraction (6.2, method 3), then random.

    Ids of one process sort in the order of their creation, also within one tick of the clock and when it is set back a little: the
    outbox is read in this order. `unix_ms` is for tests and for rows that carry their own creation time; these sort by the millisecond.
    """
    ticks = _next_ticks() if unix_ms is None else (unix_ms & (1 << 48) - 1) << 12 | int.from_bytes(os.urandom(2), "big") >> 4
    chance = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    return UUID(int=(ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0x2 << 62 | chance)


def _next_ticks() -> int:
    """Returns milliseconds and 4,096ths of them, later than any before, unless the clock was set back by more than _BELIEVED_BACK."""
    global _last  # noqa: PLW0603 - state of the process
    now = _time.time_ns() * 4_096 // 1_000_000
    with _advancing:
        _last = now if now > _last or _last - now > _BELIEVED_BACK else _last + 1
        return _last


def derived_id(*parts: object) -> UUID:
    """The same parts always give the same UUIDv5, so that a repeat of an input is recognised as one."""
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))
