"""The plan of a run, made before the first process starts: folder, ports, secrets, addresses."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gtv import mediaserver, ports, settings, table, tls
from gtv.composition import HOST, Composition
from gtv.credentials import Credentials, load_or_make
from gtv.edge import Files, in_url
from gtv.failures import BadCertificate, CertificateEnded, GtvError
from gtv.home import ACCOUNT, Home, default_home
from gtv.table import Table
from gtvision.time import SystemClock
from servers import ServerError, accounts
from servers.accounts import unprivileged_user
from servers.process import base_env, run_command

_READ = ("OIDC_PROVIDERS", "YOLO_MODEL", "YOLO_MODEL_PATH", "SSL_CERT_FILE")  # paths that services read


def home_of(options: settings.Settings) -> Home:
    """The data folder that the settings name."""
    return Home(options.data or default_home())


@dataclass(frozen=True)
class Plan:
    """Folder, ports, secrets and addresses of a run."""

    options: settings.Settings
    home: Home
    root: Path
    table: Table
    composition: Composition
    moved: dict[str, tuple[int, int]]
    """Ports that are not where they were expected: name -> (expected, now)."""

    @property
    def address(self) -> str:
        """Where a browser finds the console."""
        return self.composition.public_url

    @property
    def public_host(self) -> str:
        """The name under which browsers reach the edge."""
        return public_host(self.options)

    def certificate(self) -> tls.Certificate:
        """Returns the edge's certificate, made or renewed where it has to be; its anchor is written to a file for our own clients.

        Raises: BadCertificate.
        """
        certificate = _operators(self.options)
        if certificate is None:
            certificate = tls.own(self.home.tls, tls.names(self.options.edge_host, self.public_host), SystemClock().now())
        self.home.trust_file.write_text(certificate.anchor)
        return certificate

    @cached_property
    def account(self) -> str | None:
        """The account that our own programs become, None for ours: that of an ordinary user, or root's where no other can read the sources.

        Raises: BinaryMissing (set-up has not made it).
        """
        account = unprivileged_user(ACCOUNT)
        try:
            run_command([sys.executable, "-c", "import gtv"], base_env(), account, self.home.root)
        except (ServerError, OSError):
            return None
        return account

    def prepare_account(self) -> None:
        """Gives the account its folders. Raises: FolderUnreachable; GtvError (what the operator chose is closed to it)."""
        self.home.give_to(self.account)
        if self.account is None:
            return
        env, who = self.composition.inherited, f"{self.account}, as whom the services run,"
        for name, path in ((name, env.get(name, "")) for name in _READ):
            if path.startswith("/") and os.access(path, os.F_OK) and not accounts.may(self.account, "-r", path):
                remedy = f"chgrp -R {self.account} {path} && chmod -R g+rX {path}"
                raise GtvError(f"{who} cannot read {path} ({name}). Run `{remedy}`, and see that it can enter the folders above.")
        objects = urlsplit(env.get("OBJECTS_URL", ""))
        if objects.scheme == "file" and objects.path:
            folder = Path(unquote(objects.path))
            there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
            inside = [path for path in folder.glob("[!.]*") if path.is_dir() and path.name != "lost+found"]
            if closed := next((path for path in (there, *inside) if not accounts.may(self.account, "-w", path)), None):
                raise GtvError(f"{who} cannot write {closed} (OBJECTS_URL). Run `mkdir -p {folder} && chown -R {self.account}: {folder}`.")

    @property
    def secrets(self) -> Credentials:
        """The generated secrets."""
        return self.composition.secrets


def _operators(options: settings.Settings) -> tls.Certificate | None:
    if (options.tls_cert is None) != (options.tls_key is None):
        raise BadCertificate("GTV_TLS_CERT and GTV_TLS_KEY belong together.")
    if options.tls_cert is None or options.tls_key is None:
        return None
    return tls.given(options.tls_cert, options.tls_key, public_host(options), SystemClock().now())


def certificate_trouble(options: settings.Settings) -> str | None:
    """Returns what is wrong with the operator's own certificate, None where nothing is."""
    try:
        _operators(options)
    except BadCertificate as error:
        return str(error)
    return None


def make_plan(options: settings.Settings, home: Home) -> Plan:
    """Reads the files, chooses the ports, makes the secrets. The folder must be held. Raises: GtvError."""
    env = settings.environment()
    root = settings.find_root(options)
    processes = table.load(options.stack_file or root / "deploy/local/stack.toml")
    asked = settings.asked_ports(env)
    assignment = ports.assign(processes.port_requests(options.edge_host, asked), asked=asked, kept=home.ports_file)
    composition = Composition(
        home=home,
        ports=assignment.ports,
        secrets=load_or_make(home.secrets_file),
        inherited=settings.inherited(env),
        public_url=f"https://{in_url(public_host(options))}:{assignment.ports['edge']}",
    )
    plan = Plan(options, home, root, processes, composition, dict(assignment.moved))
    try:
        plan.certificate()
    except CertificateEnded:
        # a machine that starts again with no person at the terminal must record, whatever browsers say
        if not Files(home.edge).certificate.exists():
            raise
    return plan


def public_host(options: settings.Settings) -> str:
    """The name under which browsers reach the edge."""
    here = {HOST, "::1", *mediaserver.ANYWHERE}
    return options.public_host or ("localhost" if options.edge_host in here else options.edge_host)
