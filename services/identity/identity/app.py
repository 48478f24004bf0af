"""Composition root."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from chassis.auth import AuthRuntime
from chassis.bus import BatchConsumer, Bus
from chassis.db import Database
from chassis.idempotency import KeyKeeping
from chassis.loops import Loop, every
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.pictures import check_picture
from chassis.redis import connect_redis
from chassis.service import Service, create_app, run
from chassis.settings import load
from chassis.storage import ObjectStore
from chassis.topology import event_queue
from chassis.vault import Vault
from gtvision.errors import GTVisionError, Unavailable
from gtvision.events import AuditRecorded, KeysRotated, SessionRevoked, TenantCreated, TenantUpdated, UserDisabled
from gtvision.time import Clock, SystemClock
from identity import cli
from identity.cities import api as cities
from identity.cities.domain import LOGO_MAX_PIXELS
from identity.cities.usecases.installation import Bootstrap
from identity.cities.usecases.tenants import Announcements, Founding, Making, Tenants
from identity.federation import api as federation
from identity.federation.usecases.external_accounts import ExternalAccounts
from identity.federation.usecases.federation import Federation, Outside
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
from identity.jobs import Jobs
from identity.keys import cli as keys
from identity.keys.api import api_keys, signing
from identity.keys.usecases.api_keys import ApiKeys
from identity.keys.usecases.signing import KeyRotation, Publication
from identity.ledger import api as ledgers
from identity.ledger.consumers import AuditEvents
from identity.ledger.repository import PostgresLedger, PostgresUpkeep
from identity.ledger.usecases import Ledger
from identity.people import cli as users
from identity.people.api import second_factors as second_factor
from identity.people.api import users as people
from identity.people.usecases.doors import Doors
from identity.people.usecases.passwords import PasswordChanges
from identity.people.usecases.second_factors import SecondFactors
from identity.people.usecases.users import Users
from identity.repository.store import SqlStore
from identity.sessions.api import exchanges, logins, sessions, tickets
from identity.sessions.usecases.exchanges import Exchanges
from identity.sessions.usecases.logins import Logins
from identity.sessions.usecases.opening import Ending, Opening
from identity.sessions.usecases.sessions import Sessions
from identity.sessions.usecases.tickets import Tickets
from identity.settings import AuditCommandSettings, BootstrapSettings, CommandSettings, MigrateSettings, Settings


def create_api(settings: Settings, clock: Clock | None = None) -> Service:
    """REST, the outbox and the registry that every service reads, in one small process."""
    clock = clock or SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    bus.receives(AuditRecorded)
    bus.publishes(AuditRecorded, TenantCreated, TenantUpdated, UserDisabled, SessionRevoked, KeysRotated)
    state = connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    tokens, registry, vault = JoseTokens(clock), RedisRegistry(state), Vault(settings.vault)
    opening, ending = Opening(SqlStore, tokens, clock, os.urandom), Ending(SqlStore, registry, clock)
    doors = Doors(RedisThrottle(state), Argon2Passwords(), os.urandom, vault)
    publication = Publication(db.uow, SqlStore, tokens, registry, clock)
    board = RedisTenantBoard(state)
    jobs = Jobs(publication, Announcements(db.uow, SqlStore, board), vault, clock)
    ledger_loops, ledger_verbs = _ledger(settings, db, clock)
    issuers = HttpIssuers(settings.federation.providers, clock, settings.federation.refresh_s)
    outside = Outside(issuers.by_name, RedisLoginStates(state), doors.throttle, os.urandom, settings.federation.public_url)
    check_logo = partial(check_picture, max_pixels=LOGO_MAX_PIXELS)

    @asynccontextmanager
    async def published() -> AsyncIterator[None]:
        """Before our own copy is read: at the very first start there is nothing to read yet."""
        with suppress(Unavailable):
            await jobs.publish_if_needed()
        yield

    return create_app(
        settings,
        title="GT-Vision identity",
        lifespan_parts=(lambda: db, lambda: state, published, lambda: auth, lambda: bus, lambda: issuers),
        routers=tuple(
            part.router
            for parts in (
                (logins, sessions, second_factor, exchanges, federation, tickets),
                (people, signing, api_keys, cities),
                (ledgers, integrity),
            )
            for part in parts
        ),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "registry": jobs.keep_registry,
            "forget": jobs.forget,
            "idempotency": KeyKeeping(db.uow, clock).run,
            "tenants": jobs.announce,
            **ledger_loops,
        },
        provides=ledger_verbs,
        state={
            "authenticator": auth.authenticator,
            "logins": Logins(db.uow, SqlStore, opening, doors, clock),
            "sessions": Sessions(db.uow, SqlStore, opening, ending, clock),
            "passwords": PasswordChanges(db.uow, SqlStore, opening, ending, doors),
            "second_factors": SecondFactors(db.uow, SqlStore, doors, ending, clock),
            "exchanges": Exchanges(db.uow, SqlStore, opening, doors.throttle, clock),
            "federation": Federation(outside, ExternalAccounts(db.uow, SqlStore, ending, clock), opening),
            "tickets": Tickets(db.uow, tokens),
            "users": Users(db.uow, SqlStore, doors.passwords, ending, clock),
            "publication": publication,
            "api_keys": ApiKeys(db.uow, SqlStore, ending, clock, os.urandom),
            "tenants": Tenants(db.uow, SqlStore, board, ObjectStore(settings.objects), check_logo),
            "founding": Founding(db.uow, SqlStore, board, Making(doors.passwords, os.urandom), clock),
        },
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
        "months": every(timedelta(hours=6), sealing.keep_months, retry=timedelta(seconds=5)),
        "inbox": db.forget_handled,
    }
    return loops, (ledger, sealing, Verification(db.uow, PostgresLedger, keys, copies))


async def bootstrap(settings: BootstrapSettings) -> None:
    """The first tenant, its administrator, the tools' key and the signing key, from JSON on standard input."""
    clock = SystemClock()
    wanted = cli.read_wanted(sys.stdin)
    async with Database(settings.db, clock) as db:
        await cli.bootstrap(Bootstrap(db.uow, SqlStore, clock), wanted, Argon2Passwords(), RsaKeyMaker(), Vault(settings.vault))


async def _users(arguments: Sequence[str]) -> None:
    asked, settings, clock = users.parse(arguments), load(CommandSettings), SystemClock()
    async with Database(settings.db, clock) as db, connect_redis(settings.redis.state_url) as state:
        ending = Ending(SqlStore, RedisRegistry(state), clock)
        doors = Doors(RedisThrottle(state), Argon2Passwords(), os.urandom, Vault(settings.vault))
        opening = Opening(SqlStore, JoseTokens(clock), clock, os.urandom)
        passwords = PasswordChanges(db.uow, SqlStore, opening, ending, doors)
        factors = SecondFactors(db.uow, SqlStore, doors, ending, clock)
        await users.run(asked, passwords, factors, Users(db.uow, SqlStore, doors.passwords, ending, clock))


async def _keys(arguments: Sequence[str]) -> None:
    asked, settings, clock = keys.parse(arguments), load(CommandSettings), SystemClock()
    vault = Vault(settings.vault)
    async with Database(settings.db, clock) as db, connect_redis(settings.redis.state_url) as state:
        registry = RedisRegistry(state)
        publication = Publication(db.uow, SqlStore, JoseTokens(clock), registry, clock)
        desk = keys.Desk(KeyRotation(db.uow, SqlStore, registry, clock), publication, RsaKeyMaker(), vault)
        await keys.run(asked, desk)


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
