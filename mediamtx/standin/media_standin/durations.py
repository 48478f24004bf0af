"""Durations as MediaMTX writes them: days first ("90d"), then Go's form ("1m0s", "200ms"), zero as the empty string."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAYS = re.compile(r"^(-?\d+)d")
_TERM = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse(text: str) -> timedelta:
    """Accepts "60s", "2160h", "90d", "1d2h" and "". Raises ValueError with Go's words."""
    days = _DAYS.match(text)
    rest = text[days.end() :] if days else text
    total = timedelta(days=int(days.group(1))) if days else timedelta()
    if not rest:
        return total
    sign = -1 if rest.startswith("-") else 1
    body = rest[1:] if rest[0] in "+-" else rest
    if body == "0":
        return total
    if not body or _TERM.sub("", body):
        reason = "missing unit in duration" if re.fullmatch(r"[\d.]+", body) else "invalid duration"
        raise ValueError(f'time: {reason} "{rest}"')
    seconds = sum(float(number) * _UNITS_S[unit] for number, unit in _TERM.findall(body))
    return total + sign * timedelta(seconds=seconds)


def normal_form(value: timedelta) -> str:
    """ "1m0s" for sixty seconds, "90d" for 2160 hours, "" for zero."""
    if value < timedelta():
        return "-" + normal_form(-value)
    rest = timedelta(seconds=value.seconds, microseconds=value.microseconds)
    return (f"{value.days}d" if value.days else "") + (_go_form(rest) if rest else "")


def _go_form(value: timedelta) -> str:
    microseconds = value.seconds * 1_000_000 + value.microseconds
    if microseconds < 1_000:
        return f"{microseconds}µs"
    if microseconds < 1_000_000:
        return f"{_number(microseconds / 1_000)}ms"
    minutes, seconds = divmod(microseconds / 1_000_000, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{_number(seconds)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
