"""Composition root."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from chassis.auth import AuthRuntime
from chassis.bus import BatchConsumer, Bus
from chassis.db import Database
from chassis.idempotency import KeyKeeping
from chassis.loops import Loop, every
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, create_app, run
from chassis.settings import load
from chassis.storage import ObjectStore
from chassis.topology import event_queue
from chassis.vault import Vault
from gtvision.errors import GTVisionError, Unavailable
from gtvision.events import (
    AuditRecorded,
    KeysRotated,
    SessionRevoked,
    TenantCreated,
    TenantRemoved,
    TenantUpdated,
    UserDisabled,
    UserRightsChanged,
)
from gtvision.time import Clock, SystemClock
from identity.cities import api as cities
from identity.cities import cli as bootstrapping
from identity.cities.usecases.installation import Installation
from identity.cities.usecases.suspensions import Suspensions
from identity.cities.usecases.tenants import Tenants
from identity.federation import api as federation
from identity.federation.usecases import ExternalAccounts, Federation, ProviderTools
from identity.gateways.anchor_copies import StoredAnchorCopies
from identity.gateways.argon2 import Argon2Passwords
from identity.gateways.audit_keys import HmacAuditKeys
from identity.gateways.login_states import RedisLoginStates
from identity.gateways.oidc import HttpIssuers
from identity.gateways.redis import RedisRegistry, RedisThrottle
from identity.gateways.signing import JoseTokens, RsaKeyMaker
from identity.gateways.tenant_board import RedisTenantBoard
from identity.integrity import api as integrity
from identity.integrity import cli as audit
from identity.integrity.usecases.sealing import Sealing
from identity.integrity.usecases.verification import Verification
from identity.keys import api as keys
from identity.keys import cli as keys_cli
from identity.keys.usecases import ApiKeys, SigningKeys
from identity.ledger import api as ledgers
from identity.ledger.consumers import AuditEvents
from identity.ledger.repository import PostgresLedger, PostgresUpkeep
from identity.ledger.usecases import Ledger
from identity.people import api as people
from identity.people import cli as users_cli
from identity.people.usecases.accounts import Accounts
from identity.people.usecases.credentials import CredentialChecker, Credentials
from identity.people.usecases.users import Users
from identity.repository import PostgresRows
from identity.second_factors import api as second_factors
from identity.second_factors.usecases import SecondFactors
from identity.sessions import api as sessions
from identity.sessions.usecases.issuing import SessionIssuer, SessionRevoker
from identity.sessions.usecases.logins import Logins
from identity.sessions.usecases.sessions import Sessions
from identity.settings import AuditCommandSettings, BootstrapSettings, CommandSettings, MigrateSettings, Settings

_LOOK_EVERY = timedelta(seconds=1)
"""How often what every service reads in Redis is looked after."""


def create_api(settings: Settings, clock: Clock | None = None) -> Service:
    """REST, the outbox and the registry that every service reads, in one small process."""
    clock = clock or SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    bus.receives(AuditRecorded)
    bus.publishes(AuditRecorded, TenantCreated, TenantUpdated, TenantRemoved, UserDisabled, UserRightsChanged, SessionRevoked, KeysRotated)
    state = connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    tokens, registry, vault = JoseTokens(clock), RedisRegistry(state), Vault(settings.vault)
    issuer, revoker = SessionIssuer(PostgresRows, tokens, clock, os.urandom), SessionRevoker(PostgresRows, registry, clock)
    checker = CredentialChecker(RedisThrottle(state), Argon2Passwords(), os.urandom, vault)
    accounts = Accounts(db.uow, PostgresRows)
    signing_keys = SigningKeys(db.uow, PostgresRows, tokens, registry, vault, clock)
    tenants = Tenants(db.uow, PostgresRows, RedisTenantBoard(state), ObjectStore(settings.objects), checker, clock)
    suspensions = Suspensions(db.uow, PostgresRows, revoker, clock, timedelta(days=settings.cities.deletion_days))
    logins = Logins(db.uow, PostgresRows, issuer, revoker, checker, clock)
    issuers = HttpIssuers(settings.federation.providers, clock, settings.federation.refresh_s)
    tools = ProviderTools(issuers.by_name, RedisLoginStates(state), checker.throttle, os.urandom, settings.federation.public_url)
    ledger_loops, ledger_verbs = _ledger(settings, db, clock)

    @asynccontextmanager
    async def published() -> AsyncIterator[None]:
        """Before this process reads its own copy: at the very first start nothing is written yet."""
        with suppress(Unavailable):
            await signing_keys.publish_if_needed()
        yield

    return create_app(
        settings,
        title="GT-Vision identity",
        lifespan_parts=(lambda: db, lambda: state, published, lambda: auth, lambda: bus, lambda: issuers),
        routers=tuple(part.router for part in (sessions, people, second_factors, federation, keys, cities, ledgers, integrity)),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "registry": every(_LOOK_EVERY, signing_keys.publish_if_needed),
            "forget": every(timedelta(hours=1), signing_keys.forget_ended_sessions, lasting=True),
            "idempotency": KeyKeeping(db.uow, clock).run,
            "tenants": every(_LOOK_EVERY, tenants.announce_if_needed, lasting=True),
            "deletions": every(timedelta(minutes=1), suspensions.delete_due, lasting=True),
            **ledger_loops,
        },
        provides=(
            auth.authenticator,
            logins,
            sessions.PublicSite(settings.federation.public_url),
            Sessions(db.uow, PostgresRows, issuer, revoker, tokens, clock),
            Credentials(db.uow, PostgresRows, accounts, revoker, checker),
            SecondFactors(db.uow, PostgresRows, accounts, revoker, checker, clock),
            Users(db.uow, PostgresRows, checker.passwords, revoker, clock),
            Federation(tools, ExternalAccounts(db.uow, PostgresRows, revoker, clock), issuer, logins),
            signing_keys,
            ApiKeys(db.uow, PostgresRows, revoker, clock, os.urandom),
            tenants,
            suspensions,
            *ledger_verbs,
        ),
    )


def _ledger(settings: Settings, db: Database, clock: Clock) -> tuple[dict[str, Loop], tuple[object, ...]]:
    """The loops that keep the audit ledger, and what its routes ask for."""
    keys, upkeep = HmacAuditKeys(settings.audit.keys), PostgresUpkeep(db.uow)
    copies = StoredAnchorCopies(ObjectStore(settings.objects))
    ledger = Ledger(db.uow, PostgresLedger, upkeep, keys, clock)
    sealing = Sealing(db.uow, PostgresLedger, upkeep, keys, copies, clock)
    records = BatchConsumer(
        settings.rabbit,
        queue=event_queue(settings.service_name, AuditRecorded),
        key=AuditRecorded.key,
        handler=AuditEvents(ledger).on_audit_recorded,
        prefetch=1_000,
        batch_size=500,
    )
    loops: dict[str, Loop] = {
        "audit": records.run,
        "seal": every(timedelta(seconds=settings.audit.anchor_every_s), sealing.seal_ledgers, lasting=True),
        "months": every(timedelta(hours=6), sealing.keep_months, retry=timedelta(seconds=5), lasting=True),
        "inbox": db.forget_handled,
    }
    return loops, (ledger, sealing, Verification(db.uow, PostgresLedger, keys, copies))


async def bootstrap(settings: BootstrapSettings) -> None:
    """The first tenant, its administrator, the tools' key and the signing key, from JSON on standard input."""
    clock = SystemClock()
    wanted = bootstrapping.read_wanted(sys.stdin)
    async with Database(settings.db, clock) as db:
        installation = Installation(db.uow, PostgresRows, Vault(settings.vault), clock)
        await bootstrapping.bootstrap(installation, wanted, Argon2Passwords(), RsaKeyMaker())


async def _users(arguments: Sequence[str]) -> None:
    asked, settings, clock = users_cli.parse(arguments), load(CommandSettings), SystemClock()
    async with Database(settings.db, clock) as db, connect_redis(settings.redis.state_url) as state:
        revoker = SessionRevoker(PostgresRows, RedisRegistry(state), clock)
        checker = CredentialChecker(RedisThrottle(state), Argon2Passwords(), os.urandom, Vault(settings.vault))
        users = Users(db.uow, PostgresRows, checker.passwords, revoker, clock)
        accounts = Accounts(db.uow, PostgresRows)
        credentials = Credentials(db.uow, PostgresRows, accounts, revoker, checker)
        factors = SecondFactors(db.uow, PostgresRows, accounts, revoker, checker, clock)
        await users_cli.run(asked, credentials, factors, users)


async def _keys(arguments: Sequence[str]) -> None:
    asked, settings, clock = keys_cli.parse(arguments), load(CommandSettings), SystemClock()
    async with Database(settings.db, clock) as db, connect_redis(settings.redis.state_url) as state:
        vault = Vault(settings.vault)
        signing_keys = SigningKeys(db.uow, PostgresRows, JoseTokens(clock), RedisRegistry(state), vault, clock)
        await keys_cli.run(asked, signing_keys, RsaKeyMaker())


async def _audit(arguments: Sequence[str]) -> None:
    asked, settings, clock = audit.parse(arguments), load(AuditCommandSettings), SystemClock()
    audit_keys, copies = HmacAuditKeys(settings.audit.keys), StoredAnchorCopies(ObjectStore(settings.objects))
    async with Database(settings.db, clock) as db:
        upkeep = PostgresUpkeep(db.uow)
        ledger = Ledger(db.uow, PostgresLedger, upkeep, audit_keys, clock)
        verification = Verification(db.uow, PostgresLedger, audit_keys, copies)
        code = await audit.run(asked, audit.Tools(upkeep, ledger, verification, audit_keys, copies))
    if code:
        sys.exit(code)


COMMANDS: dict[str, Callable[[Sequence[str]], Coroutine[Any, Any, None]]] = {"users": _users, "keys": _keys, "audit": _audit}
"""`gtv <name> ...`, as registered in pyproject.toml."""


def main() -> None:
    """Start the role, or run the command, that the command line names."""
    role, *arguments = sys.argv[1:] or [""]
    if role in COMMANDS:
        _command(role, COMMANDS[role](arguments))
    elif role == "api" and not arguments:
        run(create_api(load(Settings)))
    elif role == "migrate" and not arguments:
        run_migrations("identity", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    elif role == "bootstrap" and not arguments:
        _command(role, bootstrap(load(BootstrapSettings)))
    else:
        sys.exit(f"usage: python -m identity api|migrate|bootstrap|{'|'.join(COMMANDS)}")


def _command(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except GTVisionError as error:
        sys.exit(f"{name}: {error.message}")
