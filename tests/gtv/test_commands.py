"""Tests that gtv runs the commands of services: found by name, with the stack's environment, and with their exit status."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtv import commands, credentials, table
from gtv.failures import BadTable, GtvError, NotRunning
from gtv.home import Home
from gtv.settings import Settings
from servers.files import write_json

ROOT = Path(__file__).parents[2]
PORTS = {"postgres": 1, "pgbouncer": 2, "redis-cache": 3, "redis-state": 4, "rabbitmq": 5, "identity": 6, "identity-private": 7}


@pytest.fixture
def running(home: Home) -> Iterator[Home]:
    """A data folder that is locked as by a running supervisor."""
    with home.held():
        credentials.load_or_make(home.secrets_file)
        write_json(home.state_file, {"pid": 1, "address": "http://127.0.0.1:8080", "ports": PORTS})
        yield home


def test_every_command_of_identity_is_registered() -> None:
    found = commands.registered()
    assert {name: found.get(name) for name in ("users", "keys", "audit")} == dict.fromkeys(("users", "keys", "audit"), "identity")


def test_the_environment_is_the_services_own(running: Home) -> None:
    env = commands.environment(running, Settings(), "identity")
    known = credentials.load_or_make(running.secrets_file)
    assert env["DATABASE_URL"] == f"postgresql+asyncpg://identity:{known.roles['identity']}@127.0.0.1:2/gtvision"
    assert env["ENCRYPTION_KEYS"] == known.encryption_keys
    assert env["AUDIT_KEYS"] == known.audit_keys
    assert env["SERVICE_NAME"] == "identity"


def test_a_command_of_streaming_knows_the_recordings_of_its_agent(running: Home) -> None:
    processes = [process for process in table.load(ROOT / "deploy/local/stack.toml").process if process.package == "streaming"]
    names = [f"{process.name}{kind}" for process in processes for kind in ("", "-private")]
    ports = PORTS | dict.fromkeys(["media-api", "hls", "webrtc", "media-playback", "rtsp", *names], 9)
    write_json(running.state_file, {"pid": 1, "address": "http://127.0.0.1:8080", "ports": ports})
    env = commands.environment(running, Settings(), "streaming")
    assert env["RECORDINGS_PATH"] == str(running.recordings)
    assert env["DATABASE_URL"].startswith("postgresql+asyncpg://streaming:")
    assert env["SERVICE_NAME"] == "streaming"


def test_a_folder_without_a_stack_is_told(tmp_path: Path, home: Home) -> None:
    with pytest.raises(NotRunning, match=r"No stack was ever started on .*GTV_DATA"):
        commands.environment(Home(tmp_path / "nothing"), Settings(), "identity")
    credentials.load_or_make(home.secrets_file)
    with pytest.raises(NotRunning, match="Nothing runs on"):
        commands.environment(home, Settings(), "identity")
    home.secrets_file.write_text("torn")
    with pytest.raises(GtvError, match="cannot be read"):
        commands.environment(home, Settings(), "identity")


def test_a_package_without_a_process_is_told(running: Home) -> None:
    with pytest.raises(BadTable, match="No process of the stack belongs to strangers"):
        commands.environment(running, Settings(), "strangers")


def test_input_output_arguments_and_the_end_pass_through(running: Home, tmp_path: Path) -> None:
    """Runs gtv in a process of its own, with a small package in place of a service."""
    package = tmp_path / "echo_service"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        textwrap.dedent("""\
        import json, os, sys
        print(json.dumps({"arguments": sys.argv[1:], "input": sys.stdin.read(), "service": os.environ["SERVICE_NAME"]}))
        sys.exit(7)
        """)
    )
    info = tmp_path / "echo-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[gtvision.commands]\necho = echo_service.cli:run\nup = echo_service.cli:run\n")
    table = tmp_path / "stack.toml"
    table.write_text('[[process]]\nname = "identity"\nkind = "service"\npackage = "echo_service"\n')
    env = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(tmp_path),
        "GTV_DATA": str(running.root),
        "GTV_STACK_FILE": str(table),
        "GTV_ROOT": str(ROOT),
    }
    argv = [sys.executable, "-m", "gtv", "echo", "say", "--loud", "-x"]
    ended = subprocess.run(argv, env=env, input="secret\n", capture_output=True, text=True, check=False)
    assert ended.returncode == 7, ended.stderr
    assert json.loads(ended.stdout) == {"arguments": ["echo", "say", "--loud", "-x"], "input": "secret\n", "service": "identity"}
    own = subprocess.run([sys.executable, "-m", "gtv", "up", "--help"], env=env, capture_output=True, text=True, check=False)
    assert "Start the installation" in own.stdout, "a registered name takes nothing of gtv's own"
