"""The running configuration: a file at start, then changes through the control API that live in memory only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from media_standin.options import (
    InvalidOption,
    Options,
    check_path,
    check_path_name,
    checked,
    global_defaults,
    name_pattern,
    path_defaults,
)

log = logging.getLogger("media_standin.configuration")

_NOT_DONE = {"rtmp", "srt", "moq", "pprof", "apiEncryption", "hlsEncryption", "webrtcEncryption", "hlsAlwaysRemux"}
"""Switched on in a file, these are accepted and nothing comes of it; the log says so."""


class PathNotFound(LookupError):
    """path not found"""


class Configuration:
    """Global options, path defaults and paths. `changed` is called after each accepted change."""

    def __init__(self, options: Options, defaults: Options, given: Mapping[str, Mapping[str, Any]]) -> None:
        self.options = options
        self.defaults = defaults
        self.changed: Callable[[], None] = lambda: None
        self._given: dict[str, Options] = {}
        self._accepted: dict[str, Options] = {}
        for name, changes in given.items():
            self._given[name] = checked(changes, self.defaults)
        self._accept(self._given)

    @property
    def paths(self) -> Mapping[str, Options]:
        """Complete path configurations by name, sorted."""
        return self._accepted

    def find(self, name: str) -> Options:
        """The configuration that a stream of this name falls under. Raises InvalidOption in MediaMTX's words."""
        try:
            check_path_name(name)
        except InvalidOption as error:
            raise InvalidOption(f"invalid path name: {error} ({name})") from error
        if name in self._accepted and name_pattern(name) is None:
            return self._accepted[name]
        for key, options in self._accepted.items():
            pattern = name_pattern(key)
            if pattern is not None and pattern.search(name):
                return options
        raise InvalidOption(f"path '{name}' is not configured")

    def add(self, name: str, changes: Mapping[str, Any]) -> None:
        """A new path. Raises InvalidOption if it exists."""
        fresh = checked(changes, self.defaults)
        if name in self._given:
            raise InvalidOption("path already exists")
        self._accept({**self._given, name: fresh})

    def replace(self, name: str, changes: Mapping[str, Any]) -> None:
        """The path with exactly these options, whether it existed or not."""
        self._accept({**self._given, name: checked(changes, self.defaults)})

    def patch(self, name: str, changes: Mapping[str, Any]) -> None:
        """Only the given options change.

        A refused patch stays behind and makes every later change fail until the path is patched right, replaced or deleted:
        so does MediaMTX 1.20.1, whose copy of the configuration shares its paths.
        """
        fresh = checked(changes, self.defaults)
        if name not in self._given:
            raise PathNotFound("path not found")
        self._given[name].update(fresh)
        self._accept(self._given)

    def delete(self, name: str) -> None:
        """Raises PathNotFound."""
        if name not in self._given:
            raise PathNotFound("path not found")
        self._accept({key: value for key, value in self._given.items() if key != name})

    def _accept(self, given: dict[str, Options]) -> None:
        complete: dict[str, Options] = {}
        for name in sorted(given):
            options = {**self.defaults, **given[name], "name": name}
            check_path(name, options, playback=bool(self.options["playback"]))
            complete[name] = options
        self._given = given
        self._accepted = complete
        self.changed()


def load(path: Path) -> Configuration:
    """Reads a MediaMTX YAML file. Raises InvalidOption for names that MediaMTX does not have, as it refuses to start."""
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(document, dict):
        raise InvalidOption("the configuration file is not a mapping")
    given_defaults = _section(document, "pathDefaults")
    given_paths = _section(document, "paths")
    defaults = path_defaults()
    defaults.update(checked(_plain(given_defaults), defaults))
    options = global_defaults()
    options.update(checked(_plain(document), options))
    for name in sorted(_NOT_DONE & set(document)):
        if options[name]:
            log.warning("option %s is accepted and has no effect in the stand-in", name)
    return Configuration(options, defaults, {name: _plain(changes or {}) for name, changes in given_paths.items()})


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    section = document.pop(name, None) or {}
    if not isinstance(section, dict):
        raise InvalidOption(f"{name} is not a mapping")
    return section


def _plain(changes: Mapping[str, Any]) -> Options:
    """YAML is looser than JSON: `rtspEncryption: no` means the string."""
    words = {"rtspEncryption", "rtmpEncryption"}
    return {name: ("no" if value is False else value) if name in words else value for name, value in changes.items()}
