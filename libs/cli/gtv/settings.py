"""Settings of gtv itself, and the environment that it hands on. The services' own options are documented in `.env.example`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from chassis.settings import Section
from gtv.failures import BadTable

PORTS_PREFIX = "GTV_PORTS_"


class Settings(Section):
    """Options of the stack without Docker. Ports: `GTV_PORTS_<NAME>`, for example `GTV_PORTS_EDGE=80`; `gtv status --ports` names them."""

    model_config = SettingsConfigDict(env_prefix="GTV_")

    data: Path | None = Field(None, description="Data folder; empty: /var/lib/gtvision for root, else ~/.local/share/gtvision")
    root: Path | None = Field(None, description="Folder of the sources (deploy/, haproxy/, console/); empty: where gtv lies or is called")
    stack_file: Path | None = Field(None, description="Table of processes; empty: deploy/local/stack.toml")
    edge_host: str = Field("127.0.0.1", description="Address that the console, the API and WebRTC listen on; 0.0.0.0 for the whole network")
    public_host: str | None = Field(
        None, description="Host name or address that browsers use; empty: the edge host, or localhost where that is this machine"
    )
    edge_trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (), description="Networks of proxies or of a CDN in front of the edge, comma separated, whose X-Forwarded-For is believed"
    )
    edge_rate_per_minute: int = Field(1_000, ge=1, le=10_000_000, description="API requests per minute and address; video is not counted")
    edge_login_per_minute: int = Field(30, ge=1, le=10_000_000, description="Logins and token exchanges per minute and address")
    edge_admin_per_minute: int = Field(30, ge=1, le=10_000_000, description="Changes of users, tenants and keys per minute and address")
    edge_ingest_per_minute: int = Field(
        600_000, ge=1, le=100_000_000, description="Posts of frames and detections per minute and address; 100 a second and camera"
    )
    edge_send_proxy: bool = Field(False, description="Tell the media server a publishing camera's address by the PROXY protocol")
    kong_url: str | None = Field(None, description="Kong's proxy, as http://127.0.0.1:8000; empty: the edge speaks to the services itself")
    kong_status_port: int = Field(8100, ge=1, le=65_535, description="Port of Kong's status API, on the same host; the edge's health check")
    tls_cert: Path | None = Field(None, description="The edge's certificate with its chain, PEM; empty: one of the stack's own authority")
    tls_key: Path | None = Field(None, description="The key of that certificate, PEM, without a passphrase")
    tls_min_version: Literal["1.2", "1.3"] = Field(
        "1.3", description="Oldest TLS that the edge speaks; 1.2 for old telephones and recorders"
    )
    admin_email: str = Field("admin@gtvision.local", description="First administrator's e-mail")
    admin_password: SecretStr | None = Field(None, min_length=12, description="First administrator's password; empty: generated")
    tenant: str = Field("Prefeitura de Demonstração", min_length=1, max_length=200, description="First tenant's name")
    log_max_mb: float = Field(10.0, gt=0, le=1_000, description="A log file is rotated at this size, megabytes")
    log_keep: int = Field(3, ge=0, le=100, description="Rotated files kept per process")
    ready_timeout_s: float = Field(180.0, gt=0, le=3_600, description="How long `gtv up` waits for everything to be ready, seconds")
    demo_cameras: Annotated[tuple[str, ...], NoDecode] = Field((), description="Demo cameras to register, comma separated; empty: all")

    @field_validator("demo_cameras", "edge_trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value


def environment() -> dict[str, str]:
    """A copy of the environment that gtv was called with."""
    return dict(os.environ)  # noqa: TID251 - processes inherit it, and the names of ports are not known beforehand


def asked_ports(env: Mapping[str, str]) -> dict[str, int]:
    """Ports asked for by `GTV_PORTS_<NAME>`. Raises: BadTable."""
    asked = {}
    for key, value in env.items():
        if key.startswith(PORTS_PREFIX) and value:
            if not value.isdigit() or not 0 < int(value) < 65_536:
                raise BadTable(f"{key} is no port: {value!r}")
            asked[key.removeprefix(PORTS_PREFIX).lower().replace("_", "-")] = int(value)
    return asked


def inherited(env: Mapping[str, str]) -> dict[str, str]:
    """What a process may inherit: everything but gtv's own settings, one of which is a password."""
    return {key: value for key, value in env.items() if not key.startswith("GTV_")}


def find_root(settings: Settings) -> Path:
    """The folder with the stack's files. Raises: BadTable."""
    near = [*Path(__file__).resolve().parents, Path.cwd(), *Path.cwd().parents]
    candidates = near if settings.root is None else [settings.root]
    for candidate in candidates:
        if (candidate / "deploy/local/stack.toml").is_file():
            return candidate
    raise BadTable("deploy/local/stack.toml was not found; call gtv inside the sources or set GTV_ROOT")
