from __future__ import annotations

import pytest
from pydantic import Field, SecretStr, ValidationError

from chassis.settings import (
    DatabaseSettings,
    InvalidSettings,
    ObjectsSettings,
    RabbitSettings,
    RedisSettings,
    ServiceSettings,
    VaultSettings,
    describe,
    load,
)


class _Settings(ServiceSettings):
    db: DatabaseSettings = Field(default_factory=DatabaseSettings)
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    objects: ObjectsSettings = Field(default_factory=ObjectsSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)


ENVIRONMENT = {
    "SERVICE_NAME": "cameras",
    "HTTP_PORT": "8101",
    "PRIVATE_PORT": "8201",
    "LOG_LEVEL": "WARNING",
    "DATABASE_URL": "postgresql+asyncpg://cameras:canary@127.0.0.1:6432/gtvision",
    "MIGRATION_DATABASE_URL": "postgresql+asyncpg://gtvision_migrator:canary@127.0.0.1:5432/gtvision",
    "RABBITMQ_URL": "amqp://gtvision:canary@127.0.0.1:5672/",
    "RETRY_STEPS_S": "0.2,1,5",
    "REDIS_CACHE_URL": "redis://:canary@127.0.0.1:6379/0",
    "REDIS_STATE_URL": "redis://:canary@127.0.0.1:6380/0",
    "OBJECTS_URL": "file:///tmp/objects",
    "ENCRYPTION_KEYS": "a:canary",
    "TRACE_SAMPLE_RATIO": "",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_reads_every_name_of_the_stack() -> None:
    settings = load(_Settings)
    assert (settings.service_name, settings.http_port, settings.private_port, settings.log_level) == ("cameras", 8101, 8201, "warning")
    assert settings.db.url.get_secret_value().startswith("postgresql+asyncpg://cameras:")
    assert settings.db.migration_url is not None
    assert settings.db.migration_url.get_secret_value().endswith(":5432/gtvision")
    assert settings.rabbit.retry_steps_s == (0.2, 1.0, 5.0)
    assert settings.redis.state_url.get_secret_value().endswith(":6380/0")
    assert settings.trace_sample_ratio == 0.01, "an empty variable counts as absent"


@pytest.mark.usefixtures("environment")
def test_secrets_do_not_print() -> None:
    settings = load(_Settings)
    assert "canary" not in repr(settings)
    assert "canary" not in settings.model_dump_json()


def test_a_wrong_environment_names_the_option_and_not_its_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTP_PORT", "canary-port")
    environment.delenv("RABBITMQ_URL")
    with pytest.raises(InvalidSettings) as failure:
        load(_Settings)
    assert "HTTP_PORT: " in str(failure.value)
    assert "RABBITMQ_URL: Field required" in str(failure.value)
    assert len(str(failure.value).splitlines()) == 3
    assert "canary" not in str(failure.value)


@pytest.mark.parametrize("steps", ["", "0", "-1,5", "1,x", "1,90000"])
def test_refuses_retry_steps_out_of_bounds(steps: str) -> None:
    with pytest.raises(ValidationError):
        RabbitSettings(url=SecretStr("amqp://x"), retry_steps_s=steps)


@pytest.mark.usefixtures("environment")
def test_given_values_win_over_the_environment() -> None:
    assert DatabaseSettings(url=SecretStr("postgresql+asyncpg://given"), migration_url=None).migration_url is None
    assert RabbitSettings(url=SecretStr("amqp://given"), retry_steps_s=(0.1,)).retry_steps_s == (0.1,)


def test_describes_every_option_with_a_reason() -> None:
    options = {option.name: option for option in describe(_Settings)}
    assert set(ENVIRONMENT) <= set(options)
    assert all(option.description for option in options.values())
    assert options["DATABASE_URL"].default is None
    assert options["DATABASE_URL"].secret
    assert options["ENCRYPTION_KEYS"].secret
    assert options["RETRY_STEPS_S"].default == "1,5,25,125"
    assert not options["HTTP_PORT"].secret
