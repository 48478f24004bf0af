"""What cameras reads from its environment."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from cameras.domain.urls import AddressPolicy
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings, Section, ServiceSettings, VaultSettings
from gtvision.addresses import IpNetwork


class AddressSettings(Section):
    """Where cameras may be."""

    model_config = SettingsConfigDict(env_prefix="CAMERA_")

    allow_loopback: bool = Field(False, description="Accept cameras on this machine itself: for the demo only")
    allowed_networks: Annotated[tuple[IpNetwork, ...], NoDecode] = Field(
        (), description="Networks that are accepted whatever they are, comma separated CIDR"
    )
    denied_networks: Annotated[tuple[IpNetwork, ...], NoDecode] = Field(
        (), description="The installation's own service networks, where no camera is, comma separated CIDR"
    )

    @field_validator("allowed_networks", "denied_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def policy(self) -> AddressPolicy:
        """As the guard takes it."""
        return AddressPolicy(self.allow_loopback, self.allowed_networks, self.denied_networks)


class Settings(ServiceSettings):
    """The API process."""

    service_name: str = Field("cameras", description="Name in logs, metrics and the documentation's path")
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)
    addresses: AddressSettings = Field(default_factory=AddressSettings)


class MigrateSettings(Section):
    """`migrate`: PostgreSQL directly, and nothing else."""

    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
