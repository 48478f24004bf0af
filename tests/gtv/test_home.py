"""Tests of the data folder: one supervisor locks it, and other accounts cannot read it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gtv import credentials
from gtv.failures import AlreadyRunning, GtvError
from gtv.home import Home
from servers.files import read_json, write_json


def test_a_second_stack_is_refused_with_what_to_do(home: Home) -> None:
    write_json(home.state_file, {"pid": 4711, "address": "http://127.0.0.1:8080"})
    with home.held():
        assert home.is_held()
        with pytest.raises(AlreadyRunning, match=r"supervisor 4711 at http://127.0.0.1:8080.*\n.*gtv down"), Home(home.root).held():
            pass
    assert not home.is_held()
    with home.held():
        pass


def test_secrets_are_made_once_and_readable_by_their_owner_only(home: Home) -> None:
    first = credentials.load_or_make(home.secrets_file)
    again = credentials.load_or_make(home.secrets_file)
    assert first == again
    assert stat.S_IMODE(home.secrets_file.stat().st_mode) == 0o600
    every = [*first.roles.values(), *first.parts.values(), first.encryption_keys, first.audit_keys, first.tool_key]
    assert len(set(every)) == len(every)
    assert first.tool_key not in repr(first)


def test_a_new_part_gets_a_secret_and_the_old_ones_stay(home: Home) -> None:
    before = credentials.load_or_make(home.secrets_file)
    stored = read_json(home.secrets_file)
    del stored["parts"]["media_api"], stored["audit_keys"]
    write_json(home.secrets_file, stored)
    after = credentials.load_or_make(home.secrets_file)
    assert after.parts["media_api"]
    assert after.parts["rabbitmq"] == before.parts["rabbitmq"]
    assert after.audit_keys.startswith("k1:")
    assert after.encryption_keys == before.encryption_keys
    assert credentials.load_or_make(home.secrets_file) == after


def test_secrets_that_cannot_be_read_are_not_made_anew(home: Home) -> None:
    for torn in ("", '{"roles": {'):
        home.secrets_file.write_text(torn)
        with pytest.raises(GtvError, match="cannot be read"):
            credentials.load_or_make(home.secrets_file)
        assert home.secrets_file.read_text() == torn


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in ("status", "up", "maintenance"):
        env = {"GTV_DATA": str(tmp_path / "file/data"), "PATH": "/usr/bin:/bin"}
        said = subprocess.run(
            [sys.executable, "-m", "gtv", command, *(["on"] if command == "maintenance" else [])],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 1
        assert "Traceback" not in said.stderr
        assert "/file/data" in said.stderr.replace("\n", "")


def test_a_torn_file_reads_as_empty(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"pid": 1')
    assert read_json(tmp_path / "torn.json") == {}
    assert read_json(tmp_path / "missing.json") == {}
