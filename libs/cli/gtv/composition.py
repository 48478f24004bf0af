"""The environment of every process, composed from ports and secrets in this one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gtv.credentials import Credentials
from gtv.edge import MEDIA_NODE, Files
from gtv.home import Home
from gtv.table import Process, Use
from servers import DATABASE, MIGRATOR

HOST = "127.0.0.1"
API_USER = "streaming"
READER_USER = "reader"


@dataclass(frozen=True)
class Composition:
    """Ports, secrets and folders, from which the environment of each process is composed."""

    home: Home
    ports: Mapping[str, int]
    secrets: Credentials
    inherited: Mapping[str, str]
    """The operator's environment, without gtv's own settings."""
    public_url: str

    def url(self, port: str, scheme: str = "http") -> str:
        """Returns the address of a local port."""
        return f"{scheme}://{HOST}:{self.ports[port]}"

    def plain(self) -> dict[str, str]:
        """Returns the environment that every program of ours starts with."""
        return {
            **self.inherited,
            "TZ": "UTC",
            "LANG": self.inherited.get("LANG", "C.UTF-8"),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",  # glibc's arenas per thread otherwise keep memory that is not in use
        }

    def service(self, process: Process, *, demo: bool = False) -> dict[str, str]:
        """Returns the complete environment of a service's process."""
        env = {**process.env, **(process.demo_env if demo else {}), **self.plain()}
        env |= {
            "SERVICE_NAME": process.service_name,
            "HTTP_HOST": HOST,
            "PRIVATE_PORT": str(self.ports[f"{process.name}-private"]),
            "LOG_FORMAT": "json",
            "LOG_LEVEL": self.inherited.get("LOG_LEVEL", "info"),
            "TRACE_SAMPLE_RATIO": self.inherited.get("TRACE_SAMPLE_RATIO", "0.01"),
            "PUBLIC_URL": self.public_url,
        }
        if process.has_api:
            env["HTTP_PORT"] = str(self.ports[process.name])
        for use in process.uses:
            env |= self._parts(process.package or "")[use]()
        return env

    def migration(self, process: Process) -> dict[str, str]:
        """Returns the service's environment and the migrator's address, which no running service knows."""
        address = f"postgresql+asyncpg://{MIGRATOR}:{self.secrets.roles[MIGRATOR]}@{HOST}:{self.ports['postgres']}/{DATABASE}"
        return {**self.service(process), "MIGRATION_DATABASE_URL": address}

    def _parts(self, package: str) -> Mapping[Use, Callable[[], dict[str, str]]]:
        """Returns the variables of each use that the table of processes may name."""
        parts = self.secrets.parts
        return {
            "database": lambda: {
                "DATABASE_URL": f"postgresql+asyncpg://{package}:{self.secrets.roles[package]}@{HOST}:{self.ports['pgbouncer']}/{DATABASE}"
            },
            "broker": lambda: {"RABBITMQ_URL": f"amqp://gtvision:{parts['rabbitmq']}@{HOST}:{self.ports['rabbitmq']}/"},
            "redis": lambda: {
                "REDIS_CACHE_URL": f"redis://:{parts['redis_cache']}@{HOST}:{self.ports['redis-cache']}/0",
                "REDIS_STATE_URL": f"redis://:{parts['redis_state']}@{HOST}:{self.ports['redis-state']}/0",
            },
            "objects": lambda: {"OBJECTS_URL": self.inherited.get("OBJECTS_URL") or self.home.objects.as_uri()},
            "vault": lambda: {"ENCRYPTION_KEYS": self.secrets.encryption_keys},
            "audit": lambda: {"AUDIT_KEYS": self.secrets.audit_keys},
            "media": lambda: {
                "MEDIAMTX_API_URL": self.url("media-api"),
                "MEDIAMTX_HLS_URL": self.url("hls"),
                "MEDIAMTX_WEBRTC_URL": self.url("webrtc"),
                "MEDIAMTX_PLAYBACK_URL": self.url("media-playback"),
                "MEDIAMTX_API_USER": API_USER,
                "MEDIAMTX_API_PASSWORD": parts["media_api"],
                **self._media_reader(),
            },
            "media-reader": self._media_reader,
            "recordings": lambda: {"RECORDINGS_PATH": str(self.home.recordings)},
            "edge": lambda: {"EDGE_SOCKETS": str(Files(self.home.edge).socket), "MEDIA_NODE": MEDIA_NODE},
        }

    def _media_reader(self) -> dict[str, str]:
        password = self.secrets.parts["media_reader"]
        return {"MEDIAMTX_RTSP_URL": self.url("rtsp", "rtsp"), "MEDIA_READER_USER": READER_USER, "MEDIA_READER_PASSWORD": password}
