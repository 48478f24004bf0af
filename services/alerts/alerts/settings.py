"""Settings of alerts; read by `app` only."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from alerts.sightings.domain import SightingRules
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings, Section, ServiceSettings


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


class ApiSettings(ServiceSettings):
    """The one process of alerts."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    rules: RuleSettings = Field(default_factory=RuleSettings)


class MigrateSettings(Section):
    """What a migration needs."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
