"""Settings of alerts; read by `app` only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from alerts.sightings.domain import SightingRules
from chassis.settings import (
    DatabaseSettings,
    Networks,
    ObjectsSettings,
    RabbitSettings,
    RedisSettings,
    Section,
    ServiceSettings,
    VaultSettings,
)
from gtvision.addresses import AddressPolicy


class RuleSettings(Section):
    """When a sighting becomes an alert."""

    min_confidence: float = Field(
        0.6,
        ge=0,
        le=1,
        validation_alias="WATCHLIST_MIN_CONFIDENCE",
        description="Least confidence of a plate that raises an alert, 0..1",
    )
    min_alternate: float = Field(
        0.01,
        ge=0,
        le=1,
        validation_alias="WATCHLIST_MIN_ALTERNATE",
        description="Least confidence of what else a plate may say for a possible match, 0..1",
    )
    cooldown_s: float = Field(
        60.0,
        ge=0,
        le=86_400,
        validation_alias="WATCHLIST_COOLDOWN_S",
        description="Seconds in which a plate at a camera is one alert",
    )

    @property
    def sighting(self) -> SightingRules:
        return SightingRules(self.min_confidence, self.min_alternate, timedelta(seconds=self.cooldown_s))


class NotifySettings(Section):
    """Where messages may be sent: mail servers, webhooks and gateways that administrators of a city name."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_")

    allow_loopback: bool = Field(False, description="Accept mail servers and webhooks on this machine itself: for tests only")
    allowed_networks: Networks = Field((), description="Networks that messages may be sent to whatever they are, comma separated CIDR")
    denied_networks: Networks = Field(
        (), description="The installation's own service networks, where no message goes, comma separated CIDR"
    )
    allow_http: bool = Field(False, description="Accept http:// for webhooks and gateways: within a trusted network only")
    ca_file: Path | None = Field(None, description="PEM of authorities that are trusted besides the public ones, such as the city's own")

    def policy(self) -> AddressPolicy:
        """Returns the policy that addresses are checked with."""
        return AddressPolicy(self.allow_loopback, self.allowed_networks, self.denied_networks)


class ConditionSettings(Section):
    """When what is not as it should be becomes an alert, and whose the installation's own alarms are."""

    gather_s: float = Field(
        8.0,
        ge=0,
        le=30,
        validation_alias="CAMERA_LOSS_GATHER_S",
        description="Seconds that a lost camera waits for others that are lost with it: together they are one alert",
    )
    system_tenant_id: UUID | None = Field(
        None,
        validation_alias="SYSTEM_TENANT_ID",
        description="Tenant that gets Alertmanager's alarms without a label `tenant`; empty: the first one, whose administrator runs the "
        "platform",
    )
    alertmanager_token: SecretStr | None = Field(
        None,
        validation_alias="ALERTMANAGER_TOKEN",
        description="Bearer token that Alertmanager shows at /internal/alertmanager; empty: none, the private port is closed to others",
    )

    @property
    def gather(self) -> timedelta:
        return timedelta(seconds=self.gather_s)


class ApiSettings(ServiceSettings):
    """The one process of alerts."""

    public_url: str = Field(
        "",
        validation_alias=AliasChoices("public_url", "PUBLIC_URL"),
        description="Where browsers see the console, as https://video.cidade.example: messages lead there; empty: they have no links",
        max_length=200,
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+/?)?$",
    )

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    rules: RuleSettings = Field(default_factory=RuleSettings)
    conditions: ConditionSettings = Field(default_factory=ConditionSettings)


class MigrateSettings(Section):
    """What a migration needs."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
