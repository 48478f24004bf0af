"""Settings of streaming; read by `app` only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from chassis.settings import (
    CameraAddressSettings,
    DatabaseSettings,
    ObjectsSettings,
    RabbitSettings,
    RedisSettings,
    Section,
    ServiceSettings,
    VaultSettings,
)


class MediaSettings(Section):
    """Where the media server is and which credentials the auth hook knows."""

    api_url: str = Field(validation_alias="MEDIAMTX_API_URL", description="Control API of the media server, without /v3")
    rtsp_url: str = Field(validation_alias="MEDIAMTX_RTSP_URL", description="RTSP address under which readers find the camera paths")
    api_user: str = Field("streaming", validation_alias="MEDIAMTX_API_USER", description="User of control API, metrics and playback")
    api_password: SecretStr = Field(validation_alias="MEDIAMTX_API_PASSWORD", description="Its password")
    reader_user: str = Field("reader", validation_alias="MEDIA_READER_USER", description="User of RTSP readers such as the frame grabber")
    reader_password: SecretStr = Field(validation_alias="MEDIA_READER_PASSWORD", description="Its password")
    check_interval_s: float = Field(
        2.0, ge=0.2, le=60, validation_alias="CHECK_INTERVAL", description="Seconds between two looks at the media server"
    )
    stall_after_s: float = Field(
        10.0, ge=1, le=60, validation_alias="STREAM_STALL_AFTER_S", description="Seconds without progress after which a camera is offline"
    )
    names_every_s: float = Field(
        60.0, ge=5, le=3_600, validation_alias="CAMERA_NAMES_EVERY_S", description="Seconds between two look-ups of a camera's host name"
    )


class EdgeSettings(Section):
    """The edges that are told which media node has a camera."""

    sockets: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias="EDGE_SOCKETS",
        description="HAProxy's runtime sockets, comma separated: paths, or host:port in a network of their own; empty: none",
    )
    node: str = Field(
        "media-1",
        validation_alias="MEDIA_NODE",
        pattern=r"^[a-z][a-z0-9-]{0,40}$",
        description="Name of the media node, as the edge knows it",
    )
    interval_s: float = Field(
        10.0, ge=0.2, le=300, validation_alias="EDGE_RESYNC_S", description="Seconds between two complete looks at an edge's map"
    )

    @field_validator("sockets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("sockets")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not address.startswith("/") and not address.rpartition(":")[2].isdigit():
                raise ValueError(f"{address} is neither a path nor host:port")
        return value


class RecordingSettings(Section):
    """The recordings folder and what may stay in it."""

    path: Path = Field(validation_alias="RECORDINGS_PATH", description="Folder that the media server records into")
    max_gb: float = Field(
        500.0, gt=0, le=10_000_000, validation_alias="RECORDINGS_MAX_GB", description="Space for recordings, gigabytes; oldest go first"
    )
    free_floor: float = Field(
        0.1, ge=0, le=0.9, validation_alias="RECORDINGS_FREE_FLOOR", description="Share of the disk that is kept free, 0..1"
    )
    scan_interval_s: float = Field(
        3.0, ge=0.2, le=300, validation_alias="RECORDINGS_SCAN_INTERVAL_S", description="Seconds between two looks at the folder"
    )
    idle_after_s: float = Field(
        20.0,
        ge=2,
        le=600,
        validation_alias=AliasChoices("RECORDINGS_IDLE_AFTER_S"),
        description="Seconds without a write after which a file counts as finished",
    )
    node: str = Field(
        "media-1",
        validation_alias="MEDIA_NODE",
        pattern=r"^[a-z][a-z0-9-]{0,40}$",
        description="Name of the media node, as the edge knows it",
    )
    low_free: float = Field(
        0.15, ge=0, le=0.9, validation_alias="STORAGE_LOW_FREE", description="Share of the disk that is free below which it is low, 0..1"
    )
    low_days: float = Field(
        7.0,
        ge=0,
        le=365,
        validation_alias="STORAGE_LOW_DAYS",
        description="Days until recordings go for want of room below which the disk is low",
    )
    thumbnails_per_s: float = Field(
        10.0,
        ge=0.1,
        le=100,
        validation_alias="THUMBNAILS_PER_S",
        description="Most thumbnails of recordings that are made in a second (250 cameras need 4.2); one takes 20 to 40 ms of a core",
    )


class ClipSettings(Section):
    """What may be asked for as a clip, and how it is fetched."""

    longest_s: int = Field(7_200, ge=60, le=86_400, validation_alias="CLIPS_LONGEST_S", description="Longest range of a clip, seconds")
    waiting: int = Field(20, ge=1, le=1_000, validation_alias="CLIPS_WAITING", description="Clips of one city that may wait at once")
    city_gb: float = Field(
        20.0, gt=0, le=100_000, validation_alias="CLIPS_CITY_GB", description="Most that the clips of one city take, gigabytes"
    )
    public_endpoint: str | None = Field(
        None,
        validation_alias="CLIPS_S3_PUBLIC_ENDPOINT",
        description="S3 endpoint of the object store as browsers reach it; empty: AWS, or streaming sends the file itself",
    )


class ClipMakingSettings(Section):
    """How clips are made."""

    max_gb: float = Field(4.0, gt=0, le=1_000, validation_alias="CLIPS_MAX_GB", description="Largest file of a clip, gigabytes")
    keep_days: float = Field(7.0, gt=0, le=3_650, validation_alias="CLIPS_KEEP_DAYS", description="Days that a clip can be fetched")
    work_path: Path | None = Field(
        None,
        validation_alias="CLIPS_WORK_PATH",
        description="Folder for unfinished clips, of this agent alone; empty: .clips beside the recordings",
    )


class ArchiveSettings(ObjectsSettings):
    """The bucket of the off-site copies; without a URL there are none."""

    model_config = SettingsConfigDict(env_prefix="ARCHIVE_")

    url: str = Field("", description="Off-site copies of marked cameras: s3://bucket[/prefix]; empty: none")
    s3_access_key_id: SecretStr | None = Field(None, description="Access key; the archive needs one")
    storage_class: str = Field(
        "GLACIER_IR",
        pattern=r"^[A-Z][A-Z0-9_]{1,40}$",
        description="S3's storage class of copies: STANDARD, GLACIER_IR, GLACIER, DEEP_ARCHIVE, or another that the store knows",
    )
    max_mbps: float = Field(0.0, ge=0, le=100_000, description="Most that uploads take, megabits a second; 0: no limit")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,62}(/.*)?", self.url):
            raise ValueError("ARCHIVE_URL must be s3://bucket[/prefix]")
        if self.url and not (self.s3_access_key_id and self.s3_secret_access_key):
            raise ValueError("ARCHIVE_URL needs ARCHIVE_S3_ACCESS_KEY_ID and ARCHIVE_S3_SECRET_ACCESS_KEY")
        return self


class ApiSettings(ServiceSettings):
    """The process with the API, the auth hook and the reconciler."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    addresses: CameraAddressSettings = Field(default_factory=CameraAddressSettings)
    edge: EdgeSettings = Field(default_factory=EdgeSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    clips: ClipSettings = Field(default_factory=ClipSettings)


class AgentSettings(ServiceSettings):
    """The recorder agent beside a media server."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    recording: RecordingSettings = Field(default_factory=RecordingSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    clips: ClipMakingSettings = Field(default_factory=ClipMakingSettings)
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)


class CommandSettings(Section):
    """What a command beside the recordings needs."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    recording: RecordingSettings = Field(default_factory=RecordingSettings)


class MigrateSettings(Section):
    """What a migration needs."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
