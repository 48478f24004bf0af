"""Names of recording files: `recordPath` with %path, the time and %f, both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_FIELDS = {
    "%path": r"(?P<path>.+?)",
    "%Y": r"(?P<Y>\d{4})",
    "%m": r"(?P<m>\d{2})",
    "%d": r"(?P<d>\d{2})",
    "%H": r"(?P<H>\d{2})",
    "%M": r"(?P<M>\d{2})",
    "%S": r"(?P<S>\d{2})",
    "%f": r"(?P<f>\d{6})",
    "%z": r"(?P<z>[+-]\d{4})",
    "%s": r"(?P<s>\d{10})",
}
_FIELD = re.compile("|".join(sorted(_FIELDS, key=len, reverse=True)))


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One recording file and the moment at which it starts."""

    start: datetime
    file: Path


def encode(options: Mapping[str, Any], name: str, start: datetime) -> Path:
    """The file of a segment; times are UTC."""
    moment = start.astimezone(UTC)
    values = {
        "%path": name,
        "%f": f"{moment.microsecond:06d}",
        "%z": "+0000",
        "%s": str(int(moment.timestamp())),
        **{mark: moment.strftime(mark) for mark in ("%Y", "%m", "%d", "%H", "%M", "%S")},
    }
    return Path(_FIELD.sub(lambda found: values[found.group()], str(options["recordPath"])) + _extension(options))


def segments(options: Mapping[str, Any], name: str) -> list[Segment]:
    """Every segment of a path, oldest first. Raises FileNotFoundError if its folder is not there."""
    template = str(Path(str(options["recordPath"]).replace("%path", name)).absolute()) + _extension(options)
    folder = _fixed_part(template)
    if not folder.exists():
        raise FileNotFoundError(f"lstat {folder}: no such file or directory")
    pattern = _pattern(template)
    matches = [(pattern.fullmatch(str(file)), file) for file in folder.rglob("*")]
    return sorted(Segment(_moment(match.groupdict()), file) for match, file in matches if match)


def names(options: Mapping[str, Any], wanted: re.Pattern[str]) -> set[str]:
    """Names of all paths that have segments under a template and match."""
    template = str(Path(str(options["recordPath"])).absolute()) + _extension(options)
    pattern = _pattern(template)
    found: set[str] = set()
    for file in _fixed_part(template).rglob("*"):
        match = pattern.fullmatch(str(file))
        if match and wanted.search(match["path"]):
            found.add(match["path"])
    return found


def _extension(options: Mapping[str, Any]) -> str:
    return ".mp4" if options["recordFormat"] == "fmp4" else ".ts"


def _fixed_part(template: str) -> Path:
    """The deepest folder that no field can change."""
    return Path(template.partition("%")[0] + "x").parent


def _pattern(template: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    for found in _FIELD.finditer(template):
        parts += [re.escape(template[at : found.start()]), _FIELDS[found.group()]]
        at = found.end()
    parts.append(re.escape(template[at:]))
    return re.compile("".join(parts))


def _moment(fields: Mapping[str, str | None]) -> datetime:
    microsecond = int(fields.get("f") or 0)
    unix = fields.get("s")
    if unix:
        return datetime.fromtimestamp(int(unix), UTC).replace(microsecond=microsecond)
    year, month, day, hour, minute, second = (int(fields.get(mark) or 0) for mark in ("Y", "m", "d", "H", "M", "S"))
    zone = fields.get("z")
    offset = timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:])) if zone else timedelta()
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=timezone(offset)).astimezone(UTC)
