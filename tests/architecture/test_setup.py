"""Tests of setup_machine.py: it never starts, stops, enables, disables or overwrites the user's own servers, and pins every version."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from tests.fixtures import needs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy/scripts/setup_machine.py"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_machine", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup = load_script()


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Returns a root folder like that of a Debian, with one of the user's servers enabled for systemd and for SysV init."""
    for folder in ("usr/sbin", "run", "etc/systemd/system/multi-user.target.wants", "etc/rc3.d", "etc/rc0.d"):
        (tmp_path / folder).mkdir(parents=True)
    enable(tmp_path, "redis-server")
    (tmp_path / "etc/systemd/system/redis.service").symlink_to("/lib/systemd/system/redis-server.service")
    return tmp_path


def enable(machine: Path, server: str) -> None:
    """Writes the links that installing a server's Debian package leaves behind."""
    (machine / f"etc/systemd/system/multi-user.target.wants/{server}.service").symlink_to(f"/lib/systemd/system/{server}.service")
    (machine / f"etc/rc3.d/S01{server}").symlink_to(f"../init.d/{server}")
    (machine / f"etc/rc0.d/K01{server}").symlink_to(f"../init.d/{server}")


def policy(machine: Path) -> Path:
    return machine / "usr/sbin/policy-rc.d"


def leftovers(machine: Path) -> list[str]:
    return sorted(path.name for path in (machine / "usr/sbin").iterdir())


class TestServiceStarts:
    def test_are_forbidden_inside_where_no_policy_exists_and_the_file_is_gone_afterwards(self, machine: Path) -> None:
        with setup.no_service_starts(machine):
            assert subprocess.run([policy(machine), "postgresql", "start"], check=False).returncode == 101
        assert leftovers(machine) == []

    def test_put_a_policy_back_exactly_as_it_was(self, machine: Path) -> None:
        policy(machine).write_text("#!/bin/sh\nexit 104\n")
        policy(machine).chmod(0o711)
        os.utime(policy(machine), (1_000_000_000, 1_000_000_000))
        before = policy(machine).stat()
        with setup.no_service_starts(machine):
            assert subprocess.run([policy(machine)], check=False).returncode == 101
        after = policy(machine).stat()
        assert (after.st_ino, after.st_mode, after.st_mtime) == (before.st_ino, before.st_mode, before.st_mtime)
        assert leftovers(machine) == ["policy-rc.d"]

    def test_put_a_dangling_link_back(self, machine: Path) -> None:
        policy(machine).symlink_to("/etc/alternatives/policy-rc.d")
        with setup.no_service_starts(machine):
            assert not policy(machine).is_symlink()
        assert str(policy(machine).readlink()) == "/etc/alternatives/policy-rc.d"

    @pytest.mark.parametrize("existed", [True, False])
    def test_put_back_when_the_installation_fails(self, machine: Path, existed: bool) -> None:
        if existed:
            policy(machine).write_text("theirs")
        with pytest.raises(RuntimeError), setup.no_service_starts(machine):
            raise RuntimeError("apt-get failed")
        assert leftovers(machine) == (["policy-rc.d"] if existed else [])
        assert not existed or policy(machine).read_text() == "theirs"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_put_back_when_a_signal_ends_it(self, machine: Path, number: signal.Signals) -> None:
        policy(machine).write_text("theirs")
        process = self.hold(machine)
        process.send_signal(number)
        assert process.wait(120) != 0
        assert policy(machine).read_text() == "theirs"
        assert leftovers(machine) == ["policy-rc.d"]

    @pytest.mark.parametrize("existed", [True, False])
    def test_put_back_by_the_next_run_after_sigkill(self, machine: Path, existed: bool) -> None:
        if existed:
            policy(machine).write_text("theirs")
        process = self.hold(machine)
        process.kill()
        process.wait(120)
        assert "gtvision" in " ".join(leftovers(machine)) or not existed
        with setup.no_service_starts(machine):
            pass
        assert leftovers(machine) == (["policy-rc.d"] if existed else [])
        assert not existed or policy(machine).read_text() == "theirs"

    def test_never_remove_a_policy_that_was_made_meanwhile(self, machine: Path) -> None:
        with setup.no_service_starts(machine):
            policy(machine).write_text("made by the administrator just now")
        assert policy(machine).read_text() == "made by the administrator just now"

    @staticmethod
    def hold(machine: Path) -> subprocess.Popen[str]:
        """Starts another process that is inside the block that forbids services to start, and stays there."""
        code = (
            # a shell starts background jobs with SIGINT ignored, and their children inherit that
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "import sys, time; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import setup_machine\n"
            "with setup_machine.no_service_starts(Path(sys.argv[2])):\n    print('inside', flush=True)\n    time.sleep(600)"
        )
        argv = [sys.executable, "-B", "-c", code, str(SCRIPT.parent), str(machine)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        process.stdout.close()
        return process


class TestEnabledServers:
    def test_that_the_installation_added_are_disabled_and_older_ones_stay(self, machine: Path) -> None:
        with setup.new_servers_disabled(machine):
            enable(machine, "rabbitmq-server")
            enable(machine, "haproxy")
            (machine / "etc/systemd/system/sockets.target.wants").mkdir()
            (machine / "etc/systemd/system/sockets.target.wants/epmd.socket").symlink_to("/lib/systemd/system/epmd.socket")
        links = sorted(str(path.relative_to(machine / "etc")) for path in (machine / "etc").rglob("*") if path.is_symlink())
        assert links == [
            "rc0.d/K01haproxy",
            "rc0.d/K01rabbitmq-server",
            "rc0.d/K01redis-server",
            "rc3.d/K01haproxy",
            "rc3.d/K01rabbitmq-server",
            "rc3.d/S01redis-server",
            "systemd/system/multi-user.target.wants/redis-server.service",
            "systemd/system/redis.service",
        ]

    def test_are_disabled_even_if_the_installation_failed(self, machine: Path) -> None:
        with pytest.raises(RuntimeError), setup.new_servers_disabled(machine):
            enable(machine, "postgresql")
            raise RuntimeError("a later package failed")
        assert not (machine / "etc/systemd/system/multi-user.target.wants/postgresql.service").is_symlink()

    def test_other_units_that_come_along_stay_enabled(self, machine: Path) -> None:
        with setup.new_servers_disabled(machine):
            enable(machine, "dbus")
        assert (machine / "etc/systemd/system/multi-user.target.wants/dbus.service").is_symlink()


def test_no_default_cluster_is_made_and_the_setting_goes_away(machine: Path) -> None:
    folder = machine / "etc/postgresql-common/createcluster.d"
    with setup.no_default_cluster(machine):
        [setting] = folder.iterdir()
        assert "create_main_cluster = false" in setting.read_text()
    assert list(folder.iterdir()) == []


def test_an_account_that_may_not_install_is_told_the_exact_line() -> None:
    assert "\n    apt-get install -y --no-install-recommends postgresql redis-server\n" in setup.instructions(
        ["postgresql", "redis-server"]
    )


def test_missing_packages_are_those_that_dpkg_does_not_know() -> None:
    if not Path("/usr/bin/dpkg-query").exists():
        needs.lacks("dpkg")
    assert setup.missing_packages(["dpkg", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}


def test_constraints_are_exact_sorted_and_name_no_index() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    assert lines == sorted(lines, key=str.lower)


def test_every_installed_package_is_pinned_to_what_is_installed() -> None:
    """Every installed package is in constraints.txt, so that the next machine gets the tested versions."""
    bundled = {"pip", "setuptools", "wheel"}
    installed = {canonical(item.metadata["Name"]): item.version for item in importlib.metadata.distributions()}
    ours = {name for name in installed if name.startswith("gtvision-")}
    pinned = pins()
    assert {name: version for name, version in installed.items() if name not in ours | bundled and pinned.get(name) != version} == {}


def test_every_dependency_of_every_part_is_pinned_and_local_parts_pin_each_other() -> None:
    for part in setup.local_parts():
        project = tomllib.loads((part / "pyproject.toml").read_text())["project"]
        optional = [item for group in project.get("optional-dependencies", {}).values() for item in group]
        for requirement in [*project.get("dependencies", []), *optional]:
            name = canonical(re.match(r"[A-Za-z0-9._-]+", requirement).group())  # type: ignore[union-attr]
            if name.startswith("gtvision-"):
                assert requirement.endswith(f"=={project['version']}"), f"{part.name} must pin {name}"
            elif requirement not in project.get("optional-dependencies", {}).get("gpu", []):
                assert name in pins(), f"{part.name} needs {name}, which constraints.txt does not pin"


def test_every_part_with_a_pyproject_is_installed_by_the_setup() -> None:
    found = {path.parent for path in ROOT.glob("*/**/pyproject.toml") if ".venv" not in path.parts}
    assert found == set(setup.local_parts())
