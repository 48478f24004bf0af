"""What identity reads from its environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings, Section, ServiceSettings, VaultSettings
from identity.gateways.oidc import ProviderSettings, read_providers


class FederationSettings(Section):
    """Sign-in through outside OpenID providers."""

    model_config = SettingsConfigDict(env_prefix="OIDC_")

    public_url: str = Field(
        "",
        validation_alias=AliasChoices("public_url", "PUBLIC_URL"),
        description="Where browsers see the console, as https://video.cidade.example; providers send people back there, "
        "and browsers may sign in from it",
        max_length=200,
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+/?)?$",
    )
    providers: Annotated[tuple[ProviderSettings, ...], NoDecode] = Field(
        (),
        description="Outside OpenID providers: path of a TOML or JSON file, or a JSON list; it may hold secrets. deploy/keycloak/README.md",
    )
    refresh_s: float = Field(
        10.0, ge=1, le=3_600, description="Least time between two looks at a provider's keys for an unknown one, seconds"
    )

    @field_validator("providers", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        return read_providers(value) if isinstance(value, str) else value

    @field_validator("providers")
    @classmethod
    def _reachable(cls, value: tuple[ProviderSettings, ...], info: ValidationInfo) -> tuple[ProviderSettings, ...]:
        if value and not info.data.get("public_url"):
            raise ValueError("providers need PUBLIC_URL, to send people back to")
        return value


class AuditSettings(Section):
    """The ledger's keys and the pace of its anchors."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_")

    keys: SecretStr = Field(
        description="kid:base64(32 bytes), comma separated; the first makes MACs and signs anchors, all check; never in the database"
    )
    anchor_every_s: float = Field(60.0, ge=1, le=3_600, description="Time between two anchors of a ledger that grows, seconds")


class CitiesSettings(Section):
    """Ends of cities."""

    model_config = SettingsConfigDict(env_prefix="TENANT_")

    deletion_days: int = Field(
        30, ge=1, le=3_650, description="Days between the request to delete a suspended city and its deletion; until then it can be resumed"
    )


class Settings(ServiceSettings):
    """The API process."""

    service_name: str = Field("identity", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    federation: FederationSettings = Field(default_factory=FederationSettings)
    cities: CitiesSettings = Field(default_factory=CitiesSettings)


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


class AuditCommandSettings(ServiceSettings):
    """`audit`: the ledger, its keys, and the copies of its anchors."""

    service_name: str = Field("identity", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)


class MigrateSettings(Section):
    """`migrate`: PostgreSQL directly, and nothing else."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
