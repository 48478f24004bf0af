"""Settings of ai-detect; read by `app` only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field

from chassis.settings import ObjectsSettings, RabbitSettings, RedisSettings, Section, ServiceSettings


class DetectorSettings(Section):
    """Which provider reads, and how."""

    backend: Literal["cpu", "gpu", "aws", "hybrid"] = Field(
        "cpu", validation_alias="AI_BACKEND", description="Provider: cpu, gpu, aws or hybrid"
    )
    model_path: Path | None = Field(
        None,
        validation_alias=AliasChoices("YOLO_MODEL", "YOLO_MODEL_PATH"),
        description="Vehicle detector, exported for OpenVINO (folder or .xml); empty: plates only, inside the motion box",
    )
    threads: int = Field(1, ge=1, le=64, validation_alias="AI_THREADS", description="Threads of the CPU provider")
    batch_size: int = Field(8, ge=1, le=256, validation_alias="BATCH_SIZE", description="Most pictures in one batch")
    batch_timeout_ms: float = Field(
        20.0, ge=0, le=1000, validation_alias="BATCH_TIMEOUT", description="Wait for more pictures after the first, milliseconds"
    )
    picture_timeout_s: float = Field(
        10.0,
        gt=0,
        le=120,
        validation_alias="AI_PICTURE_TIMEOUT_S",
        description="Longest time for one picture, seconds; then the reader is replaced",
    )
    max_picture_bytes: int = Field(
        5_000_000, ge=10_000, le=100_000_000, validation_alias="AI_MAX_PICTURE_BYTES", description="Largest picture that is accepted, bytes"
    )
    max_picture_pixels: int = Field(
        12_000_000,
        ge=100_000,
        le=50_000_000,
        validation_alias="AI_MAX_PICTURE_PIXELS",
        description="Most pixels of a picture that is accepted",
    )


class WorkerSettings(ServiceSettings):
    """The process that reads the cameras' frames."""

    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
    prefetch: int = Field(8, ge=1, le=500, validation_alias="AI_PREFETCH", description="Frames taken from the queue at once")


class ApiSettings(ServiceSettings):
    """The process that answers `POST /detect/frame`."""

    redis: RedisSettings = Field(default_factory=RedisSettings)
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
