"""What identity reads from its environment."""

from __future__ import annotations

from pydantic import Field

from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings, Section, ServiceSettings, VaultSettings


class Settings(ServiceSettings):
    """The API process."""

    service_name: str = Field("identity", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)


class BootstrapSettings(ServiceSettings):
    """The command that makes a fresh installation usable: no broker, no Redis."""

    service_name: str = Field("identity", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)


class CommandSettings(ServiceSettings):
    """The operator's commands: the database, what every service reads about tokens, and the vault."""

    service_name: str = Field("identity", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)


class MigrateSettings(Section):
    """`migrate`: PostgreSQL directly, and nothing else."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
