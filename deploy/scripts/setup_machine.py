"""Makes a machine able to run GT-Vision: Debian packages, then Python packages in `.venv`. Standard library only; safe to repeat.

    python3 deploy/scripts/setup_machine.py [--test]      what `make setup` and `make test` call
    python3 deploy/scripts/setup_machine.py --packages-only

A Debian package of a server starts that server and enables it at boot, and RabbitMQ's installation even fails where port 5672 is
taken. We start our own instances, so packages are installed with every start forbidden (`policy-rc.d`, which is put back exactly as
it was), no default PostgreSQL cluster is made, and what the installation enabled is disabled again. Servers that were installed
before are not touched.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / ".gtvision-setup.json"
OLDEST_PYTHON = (3, 11)

RUN_PACKAGES = (
    "python3-venv",
    # servers
    *("postgresql", "pgbouncer", "rabbitmq-server", "redis-server", "haproxy"),
    # nginx serves the console's files
    "nginx-light",
    # pictures: ffmpeg for clips, GStreamer and the system's Python bindings for the demo cameras, letters on their plates
    *(
        "ffmpeg",
        "fonts-dejavu-core",
        "fonts-dejavu-extra",
        "python3-gi",
        "python3-gst-1.0",
        "gstreamer1.0-rtsp",
        "gir1.2-gst-rtsp-server-1.0",
    ),
    *("gir1.2-gst-plugins-base-1.0", "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good"),
    *("gstreamer1.0-plugins-bad", "gstreamer1.0-plugins-ugly"),
    "procps",
)
TEST_PACKAGES = (
    *("chromium", "chromium-headless-shell"),
    "curl",
    # tests the Lua functions of Kong's configuration
    "luajit",
)

ACCOUNT = "gtvision"
"""The account of our own programs where root starts them (gtv.home.ACCOUNT)."""
SERVERS = ("epmd", "haproxy", "nginx", "pgbouncer", "postgresql", "rabbitmq", "redis")
"""First parts of the names of units that are disabled again; units of other packages (a timer of logrotate) stay enabled."""

POLICY = "#!/bin/sh\n# made by GT-Vision's setup for the time of one installation; safe to delete\nexit 101\n"
NO_CLUSTER = "# made by GT-Vision's setup for the time of one installation; safe to delete\ncreate_main_cluster = false\n"

PARTS = ("libs/*", "services/*", "mediamtx/standin", "deploy/local")
SETUPTOOLS = "setuptools"


class SetupFailed(SystemExit):
    """Ends the program with a message that tells the operator what to do."""


# --- Debian packages ------------------------------------------------------------------------------------------------


def missing_packages(wanted: Iterable[str]) -> list[str]:
    """Returns the packages of `wanted` that dpkg does not report as installed."""
    names = list(wanted)
    if shutil.which("dpkg-query") is None:
        raise SetupFailed("This is not Debian or Ubuntu. Install these by your own package manager: " + " ".join(names))
    query = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\\n", *names]
    shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def install_packages(packages: Sequence[str]) -> None:
    """Installs packages as root, or through sudo where it asks for no password. Raises: SetupFailed, with the commands to type."""
    if not packages:
        return
    if os.geteuid() == 0:
        install_as_root(packages)
        return
    say(f"Debian packages are missing: {' '.join(packages)}")
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        again = ["sudo", "-n", "python3", str(Path(__file__).resolve()), "--packages-only", *packages]
        if subprocess.run(again, check=False).returncode != 0:
            raise SetupFailed("The packages could not be installed.")
        return
    raise SetupFailed(instructions(packages))


def instructions(packages: Sequence[str]) -> str:
    """Returns the commands that a user with the right to install packages has to type."""
    install = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    script = shlex.quote(str(Path(__file__).resolve()))
    return (
        f"Please have an administrator run this line, then try again:\n\n    {install}\n\n"
        f"That starts and enables the servers among them, and RabbitMQ's fails where port 5672 is taken. To install them at rest:\n\n"
        f"    python3 {script} --packages-only {' '.join(packages)}\n"
    )


def install_as_root(packages: Sequence[str], root: Path = Path("/")) -> None:
    """Installs packages as root, without starting or enabling the servers among them."""
    say(f"installing {len(packages)} Debian packages: {' '.join(packages)}")
    with no_service_starts(root), no_default_cluster(root), new_servers_disabled(root):
        apt_get("update", "-qq")
        apt_get("install", "-y", "-qq", "--no-install-recommends", *packages)


def apt_get(*arguments: str) -> None:
    """Runs apt-get without questions. It waits for locks, retries the network and keeps the machine's configuration files."""
    options = ["Acquire::Retries=3", "DPkg::Lock::Timeout=300", "Dpkg::Use-Pty=0", "Dpkg::Options::=--force-confold"]
    argv = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *(part for option in options for part in ("-o", option)), *arguments]
    # in a session of its own, so that Ctrl-C neither interrupts dpkg nor leaves it running after the policy is put back
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        say("apt-get is finishing what it began")
        process.communicate()
        raise
    if process.returncode != 0:
        sys.stderr.write(output)
        raise SetupFailed(f"apt-get {arguments[0]} failed, see above.")


def make_account() -> None:
    """Makes a system account without shell and home, where there is none yet."""
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        run(shlex.split(f"useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin {ACCOUNT}"))


@contextlib.contextmanager
def no_service_starts(root: Path) -> Iterator[None]:
    """Keeps `invoke-rc.d` from starting services inside the block. A former policy is moved aside and back, which keeps its times.

    The next run repairs what a run that was killed inside has left.
    """
    policy = root / "usr/sbin/policy-rc.d"
    saved = policy.with_name("policy-rc.d.before-gtvision")
    policy.parent.mkdir(parents=True, exist_ok=True)
    with locked(root), ended_by_signals():
        put_back(policy, saved)
        if exists(policy):
            policy.rename(saved)
        try:
            write_executable(policy, POLICY)
            yield
        finally:
            put_back(policy, saved)


def put_back(policy: Path, saved: Path) -> None:
    """Removes the temporary policy, never another one, and puts the former one back."""
    if exists(policy) and not policy.is_symlink() and policy.read_bytes() == POLICY.encode():
        policy.unlink()
    if exists(saved) and not exists(policy):
        saved.rename(policy)


@contextlib.contextmanager
def no_default_cluster(root: Path) -> Iterator[None]:
    """Keeps PostgreSQL, installed inside, from making the cluster `main`, by a separate file: dpkg asks about changed files."""
    folder = root / "etc/postgresql-common/createcluster.d"
    folder.mkdir(parents=True, exist_ok=True)
    setting = folder / "gtvision-setup.conf"
    setting.write_text(NO_CLUSTER)
    try:
        yield
    finally:
        setting.unlink(missing_ok=True)


@contextlib.contextmanager
def new_servers_disabled(root: Path) -> Iterator[None]:
    """Disables at the end what was enabled of the servers inside the block, also after an error; older links stay."""
    before = enabled_links(root)
    try:
        yield
    finally:
        for link in sorted(enabled_links(root) - before):
            disable(link)
        if (root / "run/systemd/system").is_dir():
            subprocess.run(["systemctl", "daemon-reload"], check=False)


def enabled_links(root: Path) -> set[Path]:
    """Returns the links by which systemd or SysV init starts one of the servers at boot."""
    systemd = root / "etc/systemd/system"
    found = [*systemd.glob("*.wants/*"), *systemd.glob("*.requires/*"), *systemd.glob("*.service"), *systemd.glob("*.socket")]
    units = {link for link in found if link.is_symlink() and link.name.startswith(SERVERS)}
    starts = {link for link in root.glob("etc/rc[0-6S].d/S[0-9][0-9]*") if link.name[3:].startswith(SERVERS)}
    return units | starts


def disable(link: Path) -> None:
    """Disables a server like `systemctl disable` and `update-rc.d disable`: a SysV start link becomes a kill link, which upgrades keep."""
    if link.parent.name.startswith("rc"):
        link.rename(link.with_name("K" + link.name[1:]))
    else:
        link.unlink()


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Holds a lock inside the block, so that one installation runs at a time."""
    folder = root / "run"
    folder.mkdir(exist_ok=True)
    with (folder / "gtvision-setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise inside the block as Ctrl-C does, so that everything is put back."""

    def unwind(number: int, _frame: object) -> None:
        raise SetupFailed(128 + number)

    former = {number: signal.signal(number, unwind) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def exists(path: Path) -> bool:
    """Returns whether the path exists, also as a dangling link."""
    return os.path.lexists(path)


def write_executable(path: Path, text: str) -> None:
    """Writes an executable file atomically."""
    fresh = path.with_name(path.name + ".gtvision-new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(path)


# --- Python packages ------------------------------------------------------------------------------------------------


def install_python_packages(*, test: bool) -> None:
    """Installs all Python packages by constraints.txt and the local parts editable, unless nothing changed since the last time."""
    wanted = fingerprint()
    done = read_stamp()
    if done.get("fingerprint") == wanted and (done.get("test") or not test) and (VENV / "bin/python").exists():
        return
    test = test or bool(done.get("test"))
    make_venv()
    say("installing Python packages into .venv (some minutes the first time)")
    pip = [str(VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    run([*pip, SETUPTOOLS])
    locals_ = [argument for part in local_parts() for argument in ("-e", installable(part))]
    # without build isolation, which would fetch an unpinned build tool
    run([*pip, "--no-build-isolation", *locals_, *(dependency_group("test") if test else [])])
    STAMP.write_text(json.dumps({"fingerprint": wanted, "test": test}))


def local_parts() -> list[Path]:
    """Returns the folders of our distributions, libraries first."""
    return [path for pattern in PARTS for path in sorted(ROOT.glob(pattern)) if (path / "pyproject.toml").is_file()]


def installable(part: Path) -> str:
    """Returns pip's argument for a part: its folder, with those of `EXTRAS` (as in `make run EXTRAS=gpu`) that it has."""
    wanted = set(chosen_extras().replace(",", " ").split())
    known = project(part).get("project", {}).get("optional-dependencies", {})
    extras = sorted(wanted & set(known))
    return f"{part}[{','.join(extras)}]" if extras else str(part)


def chosen_extras() -> str:
    """Returns the operator's `EXTRAS`."""
    return os.environ.get("EXTRAS", "")  # noqa: TID251 - nothing of ours is installed yet


def dependency_group(name: str) -> list[str]:
    """Returns a dependency group of the root pyproject.toml."""
    groups = project(ROOT).get("dependency-groups", {})
    return [str(requirement) for requirement in groups.get(name, [])]


def project(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the content of a folder's pyproject.toml."""
    import tomllib  # here, as the module is new in Python 3.11 and an older interpreter has to load this file

    with (folder / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def fingerprint() -> str:
    """Returns a hash of everything that decides what is installed."""
    digest = hashlib.sha256(chosen_extras().encode())
    for path in [ROOT / "constraints.txt", ROOT / "pyproject.toml", Path(__file__), *(part / "pyproject.toml" for part in local_parts())]:
        digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict[str, object]:
    """Returns what the last successful run recorded; empty where there was none."""
    with contextlib.suppress(OSError, ValueError):
        stamp = json.loads(STAMP.read_text())
        return stamp if isinstance(stamp, dict) else {}
    return {}


def make_venv() -> None:
    """Makes `.venv`, also again where it is broken (by an interrupted run, or as its interpreter was removed)."""
    with contextlib.suppress(OSError):
        if subprocess.run([VENV / "bin/python", "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return
    run([find_python(), "-m", "venv", "--clear", str(VENV)])


def find_python() -> str:
    """Returns the system's Python if it is new enough, as Debian tests its packages together; else the newest on PATH."""
    names = ["/usr/bin/python3", *(f"python3.{minor}" for minor in range(20, OLDEST_PYTHON[1] - 1, -1)), "python3"]
    for name in names:
        found = shutil.which(name)
        if found and new_enough(found):
            return found
    raise SetupFailed(f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed.")


def new_enough(python: str) -> bool:
    """Returns whether the interpreter is new enough and can make virtual environments."""
    question = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return subprocess.run([python, "-c", question], capture_output=True, check=False).returncode == 0


def run(argv: Sequence[str]) -> None:
    """Runs a command with its output shown; ends the program where it fails."""
    if subprocess.run(argv, check=False).returncode != 0:
        raise SetupFailed(f"This failed: {shlex.join(argv)}")


def say(text: str) -> None:
    """Prints one line of progress."""
    sys.stdout.write(f"setup: {text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Installs Debian packages first, as one of them can make virtual environments, then Python packages."""
    parser = argparse.ArgumentParser(description="Install what GT-Vision needs.")
    parser.add_argument("--test", action="store_true", help="also what only tests and checks need")
    parser.add_argument("--packages-only", action="store_true", help="Debian packages only; needs root")
    parser.add_argument("packages", nargs="*", help="with --packages-only: these instead of all that are missing")
    options = parser.parse_args(arguments)
    wanted = options.packages or [*RUN_PACKAGES, *(TEST_PACKAGES if options.test else ())]
    install_packages(missing_packages(wanted))
    if os.geteuid() == 0:
        make_account()
    if not options.packages_only:
        install_python_packages(test=options.test)


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        newer = find_python()
        os.execv(newer, [newer, *sys.argv])  # noqa: S606 - an argument list, as it should be
    main(sys.argv[1:])
