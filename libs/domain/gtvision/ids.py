"""Identifiers. Everything that is made has a UUIDv7 (sorts by creation); everything derived has a UUIDv5 of what it came from."""

from __future__ import annotations

import os
import time as _time
from uuid import UUID, uuid5

NAMESPACE = UUID("6f9a2f0e-7c1d-5b60-9d53-0b6f6a3c2d11")
"""Root of every derived identifier. Changing it would make repeats look new."""


def new_id(unix_ms: int | None = None) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random.

    `unix_ms` is for tests and for rows that carry their own creation time.
    """
    ms = _time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    value = (ms & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def derived_id(*parts: object) -> UUID:
    """The same parts always give the same UUIDv5, so that a repeat of an input is recognised as one."""
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))
