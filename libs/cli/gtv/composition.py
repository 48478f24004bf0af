"""The environment of every process, composed from ports and secrets in this one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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
    """What environments are made of."""

    home: Home
    ports: Mapping[str, int]
    secrets: Credentials
    inherited: Mapping[str, str]
    """The operator's environment, without gtv's own settings."""
    public_url: str

    def url(self, port: str, scheme: str = "http") -> str:
        """Address of a local port."""
        return f"{scheme}://{HOST}:{self.ports[port]}"

    def plain(self) -> dict[str, str]:
        """What any program of ours starts with."""
        return {
            **self.inherited,
            "TZ": "UTC",
            "LANG": self.inherited.get("LANG", "C.UTF-8"),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",  # glibc's arenas per thread otherwise hold on to memory that nobody uses
        }

    def service(self, process: Process, *, demo: bool = False) -> dict[str, str]:
        """Complete environment of a service's process."""
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
            env |= _PARTS[use](self, process)
        return env

    def migration(self, process: Process) -> dict[str, str]:
        """The service's environment and the migrator's address, which no running service knows."""
        address = f"postgresql+asyncpg://{MIGRATOR}:{self.secrets.roles[MIGRATOR]}@{HOST}:{self.ports['postgres']}/{DATABASE}"
        return {**self.service(process), "MIGRATION_DATABASE_URL": address}

    # --- what a use means ----------------------------------------------------------------------------------------------

    def _database(self, process: Process) -> dict[str, str]:
        role = process.package or ""
        return {"DATABASE_URL": f"postgresql+asyncpg://{role}:{self.secrets.roles[role]}@{HOST}:{self.ports['pgbouncer']}/{DATABASE}"}

    def _broker(self, _: Process) -> dict[str, str]:
        return {"RABBITMQ_URL": f"amqp://gtvision:{self.secrets.parts['rabbitmq']}@{HOST}:{self.ports['rabbitmq']}/"}

    def _redis(self, _: Process) -> dict[str, str]:
        return {
            "REDIS_CACHE_URL": f"redis://:{self.secrets.parts['redis_cache']}@{HOST}:{self.ports['redis-cache']}/0",
            "REDIS_STATE_URL": f"redis://:{self.secrets.parts['redis_state']}@{HOST}:{self.ports['redis-state']}/0",
        }

    def _objects(self, _: Process) -> dict[str, str]:
        return {"OBJECTS_URL": self.inherited.get("OBJECTS_URL") or _file_url(self.home.objects)}

    def _vault(self, _: Process) -> dict[str, str]:
        return {"ENCRYPTION_KEYS": self.secrets.encryption_keys}

    def _audit(self, _: Process) -> dict[str, str]:
        return {"AUDIT_KEYS": self.secrets.audit_keys}

    def _media(self, process: Process) -> dict[str, str]:
        return {
            "MEDIAMTX_API_URL": self.url("media-api"),
            "MEDIAMTX_HLS_URL": self.url("hls"),
            "MEDIAMTX_WEBRTC_URL": self.url("webrtc"),
            "MEDIAMTX_PLAYBACK_URL": self.url("playback"),
            "MEDIAMTX_API_USER": API_USER,
            "MEDIAMTX_API_PASSWORD": self.secrets.parts["media_api"],
            **self._media_reader(process),
        }

    def _media_reader(self, _: Process) -> dict[str, str]:
        return {
            "MEDIAMTX_RTSP_URL": self.url("rtsp", "rtsp"),
            "MEDIA_READER_USER": READER_USER,
            "MEDIA_READER_PASSWORD": self.secrets.parts["media_reader"],
        }

    def _recordings(self, _: Process) -> dict[str, str]:
        return {"RECORDINGS_PATH": str(self.home.recordings)}

    def _edge(self, _: Process) -> dict[str, str]:
        return {"EDGE_SOCKETS": str(Files(self.home.edge).socket), "MEDIA_NODE": MEDIA_NODE}


_PARTS: Mapping[Use, Callable[[Composition, Process], dict[str, str]]] = {
    "database": Composition._database,
    "broker": Composition._broker,
    "redis": Composition._redis,
    "objects": Composition._objects,
    "vault": Composition._vault,
    "audit": Composition._audit,
    "media": Composition._media,
    "media-reader": Composition._media_reader,
    "recordings": Composition._recordings,
    "edge": Composition._edge,
}


def _file_url(folder: Path) -> str:
    return folder.resolve().as_uri()
