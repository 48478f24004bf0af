"""Settings of ingest; read by `app` only."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings, Section, ServiceSettings


class StoreSettings(Section):
    """How detections are kept."""

    retention_days: int = Field(
        30, ge=1, le=3_650, validation_alias="DETECTIONS_RETENTION_DAYS", description="Detections are kept so long, days"
    )
    batch_size: int = Field(
        200, ge=1, le=5_000, validation_alias="INGEST_BATCH_SIZE", description="Frames stored in one transaction, at most"
    )
    batch_window_ms: float = Field(
        4.0, ge=0, le=1_000, validation_alias="INGEST_BATCH_WINDOW_MS", description="Wait for a batch to fill, milliseconds"
    )

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)


class LiveSettings(Section):
    """The live WebSocket."""

    connections: int = Field(
        1_000, ge=1, le=50_000, validation_alias="LIVE_MAX_CONNECTIONS", description="Open sockets of this process, at most"
    )
    topics: int = Field(300, ge=1, le=5_000, validation_alias="LIVE_MAX_TOPICS", description="Topics of one socket, at most")
    waiting_messages: int = Field(
        500,
        ge=10,
        le=100_000,
        validation_alias="LIVE_MAX_WAITING",
        description="Messages that wait for a reader before it is dropped as slow",
    )
    ping_s: float = Field(
        4.0,
        gt=0,
        le=300,
        validation_alias="LIVE_PING_S",
        description="Time between pings, seconds; a client takes a link for dead that brought none for two of them",
    )
    session_s: float = Field(
        900.0,
        gt=0,
        le=3_600,
        validation_alias="LIVE_SESSION_S",
        description="Life of a socket on one ticket, seconds; an auth message renews it",
    )


class ApiSettings(ServiceSettings):
    """The API process: REST, WebSocket, consumers, upkeep."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    live: LiveSettings = Field(default_factory=LiveSettings)


class GrabSettings(Section):
    """How frames are taken from cameras."""

    user: str = Field("", validation_alias="MEDIA_READER_USER", description="RTSP user of the grabber at the media server; empty: none")
    password: SecretStr = Field(SecretStr(""), validation_alias="MEDIA_READER_PASSWORD", description="Its password")
    keep_alive_s: float = Field(
        30.0,
        ge=1,
        le=3_600,
        validation_alias="GRABBER_KEEP_ALIVE_S",
        description="A frame is sent at least so often, motion or not, seconds",
    )
    jpeg_quality: int = Field(80, ge=30, le=100, validation_alias="GRABBER_JPEG_QUALITY", description="Quality of the pictures, 30..100")
    min_area: float = Field(
        0.001, gt=0, le=0.5, validation_alias="GRABBER_MIN_AREA", description="Least moving part of the picture that counts, share 0..1"
    )
    read_timeout_s: float = Field(
        10.0,
        ge=1,
        le=60,
        validation_alias="GRABBER_READ_TIMEOUT_S",
        description="A stream that is silent for so long is opened anew, seconds",
    )
    max_bitrate_kbps: int = Field(
        64_000, ge=100, le=1_000_000, validation_alias="GRABBER_MAX_BITRATE_KBPS", description="A stream that sends more is cut, kbit/s"
    )
    frames_waiting: int = Field(
        64,
        ge=1,
        le=10_000,
        validation_alias="GRABBER_FRAMES_WAITING",
        description="Frames that wait for the broker; then the oldest are dropped",
    )


class GrabberSettings(ServiceSettings):
    """The grabber process."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    grab: GrabSettings = Field(default_factory=GrabSettings)


class MigrateSettings(Section):
    """What a migration needs."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
