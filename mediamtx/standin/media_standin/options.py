"""MediaMTX's options: their names, defaults, types and the rules that path configurations must keep.

Values are held in the form in which the control API prints them, so that a round trip through it changes nothing.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any, cast
from urllib.parse import urlsplit

from media_standin import durations

Options = dict[str, Any]

_NAME = re.compile(r"^[0-9a-zA-Z_\-/.~]+$")
_CATCH_ALL = {"all", "all_others"}
_TRANSPORTS = {"automatic", "udp", "multicast", "tcp"}
_FORMATS = {"fmp4", "mpegts"}
_USERINFO = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%@-]*")
"""What Go's net/url takes before the host."""
_PULLED = re.compile(r"(rtsps?|rtmps?|https?|udp|udp\+mpegts|udp\+rtp|srt|whep)://")
_DURATION_NAMES = re.compile(r"(Timeout|CloseAfter|DeleteAfter|PartDuration|SegmentDuration)$")
_GO_TYPES = {bool: "bool", str: "string", int: "int", float: "float64", list: "[]interface {}", dict: "map[string]interface {}"}
_JSON_TYPES = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}


class InvalidOption(ValueError):
    """A value that MediaMTX would refuse; the text is the one that it answers with."""


@cache
def _defaults() -> dict[str, Options]:
    return cast("dict[str, Options]", json.loads(files("media_standin").joinpath("defaults.json").read_text(encoding="utf-8")))


def global_defaults() -> Options:
    """Every global option of MediaMTX 1.20 with its default; listeners are bound to loopback here."""
    return copy.deepcopy(_defaults()["global"])


def path_defaults() -> Options:
    """Every path option of MediaMTX 1.20 with its default."""
    return copy.deepcopy(_defaults()["path"])


def checked(changes: Mapping[str, Any], known: Mapping[str, Any]) -> Options:
    """The changes in normal form. Raises InvalidOption for an unknown name, a wrong type or a value outside its list."""
    result: Options = {}
    for name, value in changes.items():
        if name not in known:
            raise InvalidOption(f'json: unknown field "{name}"')
        if value is not None:  # null means: as if it had not been given
            result[name] = _checked_value(name, value, known[name])
    return result


def _checked_value(name: str, value: Any, default: Any) -> Any:
    expected = type(default)
    if expected is float and type(value) is int:
        value = float(value)
    if type(value) is not expected:
        raise InvalidOption(f"json: cannot unmarshal {_JSON_TYPES.get(type(value), 'value')} into Go value of type {_GO_TYPES[expected]}")
    if _DURATION_NAMES.search(name):
        try:
            return durations.normal_form(durations.parse(value))
        except ValueError as error:
            raise InvalidOption(str(error)) from error
    if name == "rtspTransport" and value not in _TRANSPORTS:
        raise InvalidOption(f"invalid transport '{value}'")
    if name == "recordFormat" and value not in _FORMATS:
        raise InvalidOption(f"invalid record format '{value}'")
    return value


def duration(options: Mapping[str, Any], name: str) -> timedelta:
    """A duration option as a timedelta."""
    return durations.parse(str(options[name]))


def check_path_name(name: str) -> None:
    """Raises InvalidOption unless the name may be used for a stream."""
    if not name:
        raise InvalidOption("cannot be empty")
    if name.startswith("/"):
        raise InvalidOption("can't begin with a slash")
    if name.endswith("/"):
        raise InvalidOption("can't end with a slash")
    if not _NAME.match(name):
        raise InvalidOption("can contain only alphanumeric characters, underscore, dot, minus, slash")
    if any(segment in {".", ".."} for segment in name.split("/")):
        raise InvalidOption("can't contain dot path segments")


def name_pattern(name: str) -> re.Pattern[str] | None:
    """The regular expression of a path configuration's name, None for a plain name."""
    if name in _CATCH_ALL:
        return re.compile("^.*$")
    if not name.startswith("~"):
        return None
    try:
        return re.compile(name[1:])
    except re.error as error:
        raise InvalidOption(f"invalid regular expression: {name[1:]}") from error


def check_path(name: str, options: Mapping[str, Any], *, playback: bool) -> None:
    """Raises InvalidOption for a path configuration that MediaMTX would refuse."""
    pattern = name_pattern(name)
    if pattern is None:
        try:
            check_path_name(name)
        except InvalidOption as error:
            raise InvalidOption(f"invalid path name '{name}': {error}") from error
    _check_source(options, static_name=pattern is None)
    _check_recording(options, playback=playback)


def _check_source(options: Mapping[str, Any], *, static_name: bool) -> None:
    source = str(options["source"])
    if source in {"publisher", "redirect"}:
        if options["sourceOnDemand"] and source == "publisher":
            raise InvalidOption("'sourceOnDemand' is useless when source is 'publisher'")
        return
    if not _PULLED.match(source):
        raise InvalidOption(f"invalid source: '{source}'")
    try:
        parts = urlsplit(source)
        _ = parts.port
    except ValueError as error:
        raise InvalidOption(f"'{source}' is not a valid URL") from error
    userinfo = parts.netloc.rpartition("@")[0]
    if not parts.hostname or not _USERINFO.fullmatch(userinfo):
        raise InvalidOption(f"'{source}' is not a valid URL")
    if bool(parts.username) != bool(parts.password):
        raise InvalidOption("username and password must be both provided")
    if not static_name and not options["sourceOnDemand"]:
        raise InvalidOption(
            "a path with a regular expression (or path 'all_others') and a static source must have 'sourceOnDemand' set to true"
        )


def _check_recording(options: Mapping[str, Any], *, playback: bool) -> None:
    path = str(options["recordPath"])
    if "%path" not in path:
        raise InvalidOption("'recordPath' must contain %path")
    if "%s" not in path and any(mark not in path for mark in ("%Y", "%m", "%d", "%H", "%M", "%S")):
        raise InvalidOption("'recordPath' must contain either %s or %Y %m %d %H %M %S")
    if playback and "%f" not in path:
        raise InvalidOption("'recordPath' must contain %f")
    segment, delete_after = duration(options, "recordSegmentDuration"), duration(options, "recordDeleteAfter")
    if segment > timedelta(days=1):
        raise InvalidOption("maximum segment duration is 1 day")
    if delete_after and delete_after < segment:
        raise InvalidOption("'recordDeleteAfter' cannot be lower than 'recordSegmentDuration'")
