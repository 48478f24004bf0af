"""Tests that MediaMTX's configuration file is read by MediaMTX's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from media_standin.auth import Authorizer
from media_standin.configuration import load
from media_standin.options import InvalidOption, global_defaults

PRODUCTION = Path(__file__).parents[2] / "mediamtx" / "mediamtx.yml"


def written(folder: Path, text: str) -> Path:
    file = folder / "media.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_production_file_is_understood() -> None:
    configuration = load(PRODUCTION)
    assert configuration.options["authMethod"] == "http"
    assert configuration.defaults["recordDeleteAfter"] == ""


def test_listeners_are_on_loopback_by_default() -> None:
    assert all(
        value.startswith("127.0.0.1:") for name, value in global_defaults().items() if name.endswith("Address") and value.count(":") == 1
    )


def test_yaml_is_looser_than_json(tmp_path: Path) -> None:
    configuration = load(written(tmp_path, "api: yes\nrtspEncryption: no\npaths:\n  cam:\n    source: rtsp://h/1\n  empty:\n"))
    assert configuration.options["api"] is True
    assert configuration.options["rtspEncryption"] == "no"
    assert list(configuration.paths) == ["cam", "empty"]


@pytest.mark.parametrize("text", ["nonsense: 1", "- list", "pathDefaults: [1]", "paths:\n  cam:\n    source: ftp://x", "readTimeout: soon"])
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidOption):
        load(written(tmp_path, text))


def test_names_find_their_configuration(tmp_path: Path) -> None:
    configuration = load(written(tmp_path, "paths:\n  cam:\n  '~^old/(.+)$':\n"))
    assert configuration.find("cam")["name"] == "cam"
    assert configuration.find("old/cam")["name"] == "~^old/(.+)$"
    with pytest.raises(InvalidOption, match="path 'new' is not configured"):
        configuration.find("new")
    with pytest.raises(InvalidOption, match="invalid path name"):
        configuration.find("../etc")


def test_a_regular_expression_cannot_pull_all_the_time(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="sourceOnDemand"):
        load(written(tmp_path, "paths:\n  '~^x':\n    source: rtsp://h/1\n"))


@pytest.mark.parametrize("options", [{"authMethod": "jwt"}, {"authMethod": "http", "authHTTPAddress": ""}])
def test_what_cannot_be_checked_is_not_started(options: dict[str, str]) -> None:
    with pytest.raises(InvalidOption):
        Authorizer({**global_defaults(), **options})
