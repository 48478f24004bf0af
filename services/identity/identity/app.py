"""Composition root."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from chassis.auth import AuthRuntime
from chassis.bus import Bus
from chassis.db import Database
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, create_app, run
from chassis.settings import load
from chassis.vault import Vault
from gtvision.errors import GTVisionError, Unavailable
from gtvision.events import SessionRevoked, TenantCreated, UserDisabled
from gtvision.time import Clock, SystemClock
from identity import cli
from identity.api import sessions as sessions_api
from identity.api import signing as signing_api
from identity.api import users as users_api
from identity.cli import audit, keys, users
from identity.gateways.argon2 import Argon2Passwords
from identity.gateways.redis import RedisRegistry, RedisThrottle
from identity.gateways.signing import JoseTokens, RsaKeyMaker
from identity.jobs import Jobs
from identity.repository.store import SqlStore
from identity.settings import BootstrapSettings, MigrateSettings, Settings
from identity.usecases.installation import Bootstrap, Publication
from identity.usecases.sessions import Doors, Sessions
from identity.usecases.users import Users


def create_api(settings: Settings, clock: Clock | None = None) -> Service:
    """REST, the outbox and the registry that every service reads, in one small process."""
    clock = clock or SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    bus.publishes(TenantCreated, UserDisabled, SessionRevoked)
    state = connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    tokens, registry, passwords = JoseTokens(clock), RedisRegistry(state), Argon2Passwords()
    publication = Publication(db.uow, SqlStore, tokens, registry, clock)
    jobs = Jobs(publication, Vault(settings.vault), clock)

    @asynccontextmanager
    async def published() -> AsyncIterator[None]:
        """Before our own copy is read: at the very first start there is nothing to read yet."""
        with suppress(Unavailable):
            await jobs.publish_if_needed()
        yield

    return create_app(
        settings,
        title="GT-Vision identity",
        lifespan_parts=(lambda: db, lambda: state, published, lambda: auth, lambda: bus),
        routers=(sessions_api.router, users_api.router, signing_api.router),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={"outbox": OutboxRelay(db, bus.publisher, clock).run, "registry": jobs.keep_registry, "forget": jobs.forget},
        state={
            "authenticator": auth.authenticator,
            "sessions": Sessions(db.uow, SqlStore, tokens, registry, clock),
            "users": Users(db.uow, SqlStore, passwords, registry, clock),
            "doors": Doors(RedisThrottle(state), passwords, os.urandom),
            "publication": publication,
        },
    )


async def bootstrap(settings: BootstrapSettings) -> None:
    """The first tenant, its administrator, the tools' key and the signing key, from JSON on standard input."""
    clock = SystemClock()
    wanted = cli.read_wanted(sys.stdin)
    async with Database(settings.db, clock) as db:
        await cli.bootstrap(Bootstrap(db.uow, SqlStore, clock), wanted, Argon2Passwords(), RsaKeyMaker(), Vault(settings.vault))


async def _users(arguments: Sequence[str]) -> None:
    await users.run(users.parse(arguments))


async def _keys(arguments: Sequence[str]) -> None:
    await keys.run(keys.parse(arguments))


async def _audit(arguments: Sequence[str]) -> None:
    await audit.run(audit.parse(arguments))


COMMANDS: dict[str, Callable[[Sequence[str]], Coroutine[Any, Any, None]]] = {"users": _users, "keys": _keys, "audit": _audit}
"""`gtv <name> ...`, as registered in pyproject.toml."""


def main() -> None:
    """Start the role, or run the command, that the command line names."""
    role, *arguments = sys.argv[1:] or [""]
    if role in COMMANDS:
        _command(role, arguments)
    elif role == "api" and not arguments:
        run(create_api(load(Settings)))
    elif role == "migrate" and not arguments:
        run_migrations("identity", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    elif role == "bootstrap" and not arguments:
        _bootstrap()
    else:
        sys.exit(f"usage: python -m identity api|migrate|bootstrap|{'|'.join(COMMANDS)}")


def _command(name: str, arguments: Sequence[str]) -> None:
    try:
        asyncio.run(COMMANDS[name](arguments))
    except GTVisionError as error:
        sys.exit(f"{name}: {error.message}")


def _bootstrap() -> None:
    settings = load(BootstrapSettings)
    try:
        asyncio.run(bootstrap(settings))
    except GTVisionError as error:
        sys.exit(f"bootstrap: {error.message}")
