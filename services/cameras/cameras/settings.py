"""What cameras reads from its environment."""

from __future__ import annotations

from pydantic import Field

from chassis.settings import (
    CameraAddressSettings,
    DatabaseSettings,
    RabbitSettings,
    RedisSettings,
    Section,
    ServiceSettings,
    VaultSettings,
)


class Settings(ServiceSettings):
    """The API process."""

    service_name: str = Field("cameras", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)
    addresses: CameraAddressSettings = Field(default_factory=CameraAddressSettings)


class MigrateSettings(Section):
    """`migrate`: PostgreSQL directly, and nothing else."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
