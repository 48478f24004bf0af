"""The edge of this stack: its files in the data folder, and its layout from ports and settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from gtv import edge, tls
from gtv.composition import HOST
from gtv.failures import BadCertificate, BadTable
from gtv.plan import Plan
from gtv.routes import CONSOLE, Routes, load_routes
from servers.accounts import make_folder
from servers.files import write_private

PASSAGES = {"edge-rtsp": "rtsp", "edge-rtmp": "rtmp"}
"""Ports that exist only where they are asked for, and the media server's behind them."""
_LONGEST_SOCKET = 96
"""A Unix socket's path has 108 bytes, and HAProxy makes it under a longer name first."""


def prepare(
    plan: Plan, files: edge.Files, private: int, *, user: str | None = None, becomes: str | None = None, group: int | None = None
) -> None:
    """Writes everything that HAProxy reads at its start, for the `user` that starts it and the one that it `becomes`.

    `group` may use its socket: streaming's, where that is another account.

    Raises: BadTable, BadCertificate, FolderUnreachable.
    """
    if len(str(files.socket)) > _LONGEST_SOCKET:
        raise BadTable(f"{files.socket} is too long for a socket: choose a shorter data folder with GTV_DATA.")
    for path in (files.folder, plan.root):
        if re.search(r"[\s\"'\\#$,()]", str(path)):
            raise BadTable(f"HAProxy cannot be told of {path}: choose a folder without blanks and punctuation (GTV_DATA, GTV_ROOT).")
    # it makes its socket in here; what is secret in it is closed by itself
    make_folder(files.folder, user, 0o755)
    if bundle := fresh_certificate(plan, files):
        write_private(files.certificate, bundle, user)
    write_private(files.page, (plan.root / "haproxy/maintenance.html").read_text(), user)
    # streaming fills it again
    write_private(files.nodes, "", user)
    if not files.flags.exists():
        write_private(files.flags, "", user)
    routes = load_routes(plan.root / "deploy/routes.yml").only(plan.composition.ports)
    template = (plan.root / "haproxy/haproxy.cfg.j2").read_text()
    whole = replace(layout(plan, files, routes, private), user=becomes)
    if group is not None:
        whole = replace(whole, socket_access=f"mode 660 gid {group}")
    write_private(files.config, edge.render(template, routes, whole), user)


def fresh_certificate(plan: Plan, files: edge.Files) -> str | None:
    """Returns the certificate that HAProxy should serve from now on, None where it serves that one already.

    Raises: BadCertificate where there is nothing at all to serve: one that has ended meanwhile is better than none.
    """
    served = files.certificate.read_text() if files.certificate.exists() else None
    try:
        bundle = plan.certificate().bundle
    except BadCertificate as error:
        if served is None:
            raise
        print(f"The edge goes on with the certificate that it had. {error}", flush=True)
        return None
    return bundle if bundle != served else None


def layout(plan: Plan, files: edge.Files, routes: Routes, private: int) -> edge.Layout:
    """Returns the layout of this stack."""
    numbers, options = plan.composition.ports, plan.options
    targets = {name: edge.Target(f"{HOST}:{numbers[name]}", numbers[f"{name}-private"]) for name in routes.services}
    return edge.Layout(
        edge=_listen(options.edge_host, numbers["edge"]),
        plain=_listen(options.edge_host, numbers["edge-http"]),
        private=f"{HOST}:{private}",
        files=files,
        maintenance_page=files.page,
        stats_password=plan.secrets.parts["edge_stats"],
        targets=targets | {CONSOLE: edge.Target(f"{HOST}:{numbers[CONSOLE]}")},
        nodes={edge.MEDIA_NODE: {name: edge.Target(f"{HOST}:{numbers[name]}") for name in routes.media}},
        kong=_kong(options.kong_url, options.kong_status_port),
        public_host=plan.public_host,
        hosts=tls.names(options.edge_host, plan.public_host),
        public_port=numbers["edge"],
        tls_min=options.tls_min_version,
        trusted_proxies=[str(network) for network in options.edge_trusted_proxies],
        limits=edge.Limits(
            options.edge_rate_per_minute,
            options.edge_login_per_minute,
            options.edge_admin_per_minute,
            options.edge_ingest_per_minute,
        ),
        passages=list(_passages(numbers, options.edge_host, send_proxy=options.edge_send_proxy)),
    )


def _passages(numbers: Mapping[str, int], host: str, *, send_proxy: bool) -> list[edge.Passage]:
    for name, behind in PASSAGES.items():
        if name in numbers and behind not in numbers:
            raise BadTable(f"The media server of this stack has no port {behind} that {name} could be carried to.")
    return [
        edge.Passage(behind, _listen(host, numbers[name]), (f"{HOST}:{numbers[behind]}",), send_proxy)
        for name, behind in PASSAGES.items()
        if name in numbers and behind in numbers
    ]


def _kong(url: str | None, status_port: int) -> edge.Target | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise BadTable(f"GTV_KONG_URL is no address like http://127.0.0.1:8000: {url}")
    return edge.Target(_listen(parts.hostname, parts.port or 80), status_port, "/status/ready")


def _listen(host: str, port: int) -> str:
    return f"{edge.in_url(host)}:{port}"
