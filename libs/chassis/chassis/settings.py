"""Settings from the environment, in sections that a service composes; the one place that reads it.

    class Settings(ServiceSettings):
        db: DatabaseSettings = Field(default_factory=DatabaseSettings)

    settings = load(Settings)

Every field has a description (with its unit where it has one) and bounds: `describe` lists them for `.env.example`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gtvision.addresses import AddressPolicy, IpNetwork


def _networks(value: object) -> object:
    return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Networks = Annotated[tuple[IpNetwork, ...], NoDecode, BeforeValidator(_networks)]
"""Networks, comma separated CIDR; an address alone is a network of one."""


class Section(BaseSettings):
    """A group of options. Empty variables count as absent, so that a template may list every name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, populate_by_name=True)


class ServiceSettings(Section):
    """What every process needs: its name, its two ports, its logs."""

    service_name: str = Field("gtvision", description="Name in logs and in the documentation's path", pattern=r"^[a-z][a-z0-9-]{0,40}$")
    http_host: str = Field("127.0.0.1", description="Address that both ports listen on")
    http_port: int = Field(8000, ge=0, le=65535, description="Port of the API; 0 takes a free one")
    private_port: int = Field(8001, ge=0, le=65535, description="Port of health, metrics and internal hooks; not for the edge")
    trusted_proxies: Networks = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Networks of the edge and of Kong, whose X-Forwarded-For and X-Forwarded-Proto are believed, comma separated CIDR",
    )
    http_max_body_bytes: int = Field(10_000_000, ge=1_000, le=1_000_000_000, description="Largest request body, bytes")
    shutdown_grace_s: float = Field(10.0, ge=0, le=300, description="Time for requests and loops to end after SIGTERM, seconds")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line that is written")
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for a terminal")
    trace_sample_ratio: float = Field(0.01, ge=0, le=1, description="Share of requests that are traced, 0..1")
    otel_exporter_otlp_endpoint: str | None = Field(None, description="OTLP/HTTP collector, as http://127.0.0.1:4318; empty: no traces")

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _not_all(cls, value: tuple[IpNetwork, ...]) -> tuple[IpNetwork, ...]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("a network of all addresses would let clients choose theirs")
        return value


class DatabaseSettings(Section):
    """PostgreSQL: through PgBouncer for the service, directly for migrations."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_")

    url: SecretStr = Field(description="postgresql+asyncpg://<service>:<password>@host:<pgbouncer>/gtvision")
    migration_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("migration_url", "MIGRATION_DATABASE_URL"),
        description="postgresql+asyncpg://gtvision_migrator:<password>@host:<postgres>/gtvision, directly; only migrations read it",
    )
    pool_size: int = Field(5, ge=1, le=100, description="Connections kept per process")
    timeout_s: float = Field(2.0, gt=0, le=60, description="Longest wait for a connection, seconds")


class RabbitSettings(Section):
    """RabbitMQ and how failed messages are tried again."""

    model_config = SettingsConfigDict(env_prefix="RABBITMQ_")

    url: SecretStr = Field(description="amqp://<user>:<password>@host:<port>/<vhost>")
    retry_steps_s: Annotated[tuple[float, ...], NoDecode] = Field(
        (1.0, 5.0, 25.0, 125.0),
        validation_alias=AliasChoices("retry_steps_s", "RETRY_STEPS_S"),
        description="Delays before a failed message is tried again, seconds, comma separated; then it is dead-lettered",
        min_length=1,
        max_length=10,
    )
    publish_timeout_s: float = Field(5.0, gt=0, le=60, description="Longest wait for a publisher confirm, seconds")

    @field_validator("retry_steps_s", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split(",")) if isinstance(value, str) else value

    @field_validator("retry_steps_s")
    @classmethod
    def _positive(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < step <= 86_400 for step in value):
            raise ValueError("each step lies between 0 and 86400 seconds")
        return value


class RedisSettings(Section):
    """Two servers: the cache may forget anything, the state is durable."""

    model_config = SettingsConfigDict(env_prefix="REDIS_")

    cache_url: SecretStr = Field(description="redis://:<password>@host:<port>/0; live messages and caches")
    state_url: SecretStr = Field(description="redis://:<password>@host:<port>/0; keys, revocations, throttles")


class ObjectsSettings(Section):
    """Where evidence, snapshots and anchors are stored."""

    model_config = SettingsConfigDict(env_prefix="OBJECTS_")

    url: str = Field(description="file:///folder or s3://bucket[/prefix]")
    s3_endpoint: str | None = Field(None, description="S3-compatible endpoint such as MinIO's; empty: AWS")
    s3_region: str = Field("us-east-1", description="Region of the bucket")
    s3_access_key_id: SecretStr | None = Field(None, description="Access key; empty: the machine's own credentials")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret key")
    timeout_s: float = Field(10.0, gt=0, le=300, description="Longest wait for one operation, seconds")


class VaultSettings(Section):
    """Keys for secrets at rest, such as camera passwords."""

    model_config = SettingsConfigDict(env_prefix="ENCRYPTION_")

    keys: SecretStr = Field(description="kid:base64(32 bytes), comma separated; the first encrypts, all decrypt")


class CameraAddressSettings(Section):
    """Where cameras may be: the same in cameras, which accepts addresses, and in streaming, which connects to them."""

    model_config = SettingsConfigDict(env_prefix="CAMERA_")

    allow_loopback: bool = Field(False, description="Accept cameras on this machine itself: for the demo only")
    allowed_networks: Networks = Field((), description="Networks that are accepted whatever they are, comma separated CIDR")
    denied_networks: Networks = Field((), description="The installation's own service networks, where no camera is, comma separated CIDR")

    def policy(self) -> AddressPolicy:
        """Returns the policy that addresses are checked with."""
        return AddressPolicy(self.allow_loopback, self.allowed_networks, self.denied_networks)


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class InvalidSettings(SystemExit):
    """The environment is not usable. Ends the process with the names of the options and never their values."""


def load(settings_class: type[SettingsT]) -> SettingsT:
    """Reads the environment. Raises: InvalidSettings."""
    try:
        return settings_class()
    except ValidationError:
        raise InvalidSettings("Settings are missing or wrong:\n" + "\n".join(f"  {line}" for line in _failures(settings_class))) from None


def _failures(settings_class: type[BaseSettings]) -> Iterator[str]:
    """Returns one line for each wrong option: pydantic alone would stop at the first section and name no variable."""
    sections: dict[str, Any] = {name: info.annotation for name, info in settings_class.model_fields.items() if _is_section(info.annotation)}
    for section in sections.values():
        yield from _failures(section)
    names = {field: _env_name(settings_class, field, info) for field, info in settings_class.model_fields.items()}
    try:
        settings_class(**{name: section.model_construct() for name, section in sections.items()})
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            field = str(item["loc"][0]) if item["loc"] else ""
            yield f"{names.get(field, field)}: {item['msg']}"


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseSettings)


@dataclass(frozen=True, slots=True)
class Option:
    """One environment variable: what `.env.example` prints."""

    name: str
    description: str
    default: str | None
    """None where the option is required."""
    secret: bool


def describe(settings_class: type[BaseSettings]) -> Iterator[Option]:
    """Returns every environment variable that the settings read, sections included, in order of declaration."""
    for field_name, info in settings_class.model_fields.items():
        if _is_section(info.annotation):
            yield from describe(cast("type[BaseSettings]", info.annotation))
        else:
            yield Option(
                _env_name(settings_class, field_name, info), info.description or "", _default(info), "SecretStr" in str(info.annotation)
            )


def _env_name(settings_class: type[BaseSettings], field_name: str, info: FieldInfo) -> str:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[-1])
    prefix = settings_class.model_config.get("env_prefix") or ""
    return alias if isinstance(alias, str) else (prefix + field_name).upper()


def _default(info: FieldInfo) -> str | None:
    value = info.get_default(call_default_factory=False)
    if value is PydanticUndefined:
        return None
    if isinstance(value, tuple):
        return ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
    return "" if value is None else str(value)
