"""`Idempotency-Key`: a creation that is sent again, because its answer was lost, creates nothing again.

    async def post_thing(body: ThingIn, caller: Writer, things: ThingsDep, once: Idempotent, response: Response) -> ThingOut:
        thing = await things.add_thing(caller, ..., once)
        tell_replayed(once, response)

`once` stands behind the caller, so that a request without a token hears of its token first. The verb claims the key first in its own
unit of work, with the id that the new thing will have:

    earlier = await claim(uow, caller, once, thing.id, now)
    if earlier is not None:
        return the thing as it is now, or raise Gone

Claim and thing commit together or not at all: a request that failed leaves the key free, and of two at once the second waits for the
first. A key belongs to one caller of one tenant, is kept for `KEPT`, and by its hash only. Of the request a digest is kept, made with the
key, so that a password or an address in it cannot be guessed from the table.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Header, Request, Response
from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid, bindparam, text

from chassis.db import UnitOfWork, UowFactory
from chassis.http import route_template
from chassis.loops import every
from gtvision.errors import Conflict, Invalid, Unavailable
from gtvision.tenancy import Caller
from gtvision.time import Clock

KEPT = timedelta(hours=24)
"""Longer than any client repeats a request."""
REPLAYED = "idempotency-replayed"
_NAME = "idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class IdempotencyKeyInvalid(Invalid):
    """The header Idempotency-Key holds one key of 1 to 255 visible ASCII characters; a random UUID is a good one."""

    code = "idempotency_key_invalid"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for another request: every creation takes a new one."""

    code = "idempotency_key_reused"


class Gone(Conflict):
    """What this Idempotency-Key made is gone: to make another, take a new one."""

    code = "idempotency_gone"


@dataclass(slots=True)
class Once:
    """One request that creates, as its client named it."""

    operation: str
    key_hash: bytes
    fingerprint: bytes
    replayed: bool = False
    """Whether `claim` found that an earlier request has created it."""


Key = Annotated[
    str | None,
    Header(
        description="A new random text for each creation (a UUID). Sent again with the same request, it answers with what the first one "
        "made and `Idempotency-Replayed: true`; kept for 24 hours",
        json_schema_extra={"minLength": 1, "maxLength": 255},
    ),
]
"""The route checks it, not its schema: a request without a token must not hear about its headers."""


async def _once(request: Request, idempotency_key: Key = None) -> Once | None:
    """Returns None where the request has no key. Raises: IdempotencyKeyInvalid."""
    if idempotency_key is None:
        return None
    if len(request.headers.getlist(_NAME)) != 1 or not _KEY.fullmatch(idempotency_key):
        raise IdempotencyKeyInvalid
    key = idempotency_key.encode()
    asked = b"\0".join((request.url.path.encode(), _canonical(await request.body())))
    operation = f"{request.method} {route_template(request.scope)}"
    return Once(operation, hashlib.sha256(key).digest(), hmac.digest(key, asked, "sha256"))


def _canonical(body: bytes) -> bytes:
    """Returns JSON with sorted keys and without white space; anything else as it is."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError):
        return body


Idempotent = Annotated[Once | None, Depends(_once)]
"""What a route that creates takes, behind its caller."""


def tell_replayed(once: Once | None, response: Response) -> None:
    """Marks the answer where an earlier request has created what it shows."""
    if once is not None and once.replayed:
        response.headers[REPLAYED] = "true"


async def claim(uow: UnitOfWork, caller: Caller, once: Once | None, resource_id: UUID, at: datetime) -> UUID | None:
    """Takes the key, as the first statement of the unit of work. Returns None where the verb has to create under that id, else the id of
    what the same request created before, and sets `once.replayed`.

    Waits for a request under the same key that is being answered at this moment. Raises: IdempotencyKeyReused, Unavailable.
    """
    if once is None:
        return None
    row = _names(caller, once) | {"operation": once.operation, "fingerprint": once.fingerprint, "resource_id": resource_id, "at": at}
    elsewhere = uow.tenant_id != caller.tenant_id  # the platform works in another tenant; the key is its own
    if elsewhere:
        await uow.session.execute(_ACT_FOR, {"tenant": str(caller.tenant_id)})
    made = (await uow.session.execute(_CLAIM, row)).first()
    # A second statement, because only that one sees what the first has waited for.
    earlier = None if made else (await uow.session.execute(_EARLIER, _names(caller, once))).first()
    if elsewhere:
        await uow.session.execute(_ACT_FOR, {"tenant": str(uow.tenant_id or "")})
    if made is not None:
        return None
    if earlier is None:  # forgotten in between
        raise Unavailable("The Idempotency-Key has just run out: try again.")
    if (earlier.operation, earlier.fingerprint) != (once.operation, once.fingerprint):
        raise IdempotencyKeyReused
    once.replayed = True
    found: UUID = earlier.resource_id
    return found


async def point(uow: UnitOfWork, caller: Caller, once: Once | None, resource_id: UUID) -> None:
    """Lets the key name another thing, where what was asked for existed already: a repeat answers with that."""
    if once is not None:
        await uow.session.execute(_POINT, _names(caller, once) | {"resource_id": resource_id})


async def release(uow: UnitOfWork, caller: Caller, once: Once | None) -> None:
    """Frees the key, where nothing was created: a repeat is decided anew."""
    if once is not None:
        await uow.session.execute(_RELEASE, _names(caller, once))


def _names(caller: Caller, once: Once) -> dict[str, Any]:
    return {"tenant_id": caller.tenant_id, "caller_id": caller.user_id, "key_hash": once.key_hash}


class KeyKeeping:
    """Forgets keys that no client sends any more; `run` is a loop that does so every hour."""

    def __init__(self, uow: UowFactory, clock: Clock) -> None:
        self._uow, self._clock = uow, clock
        self.run = every(timedelta(hours=1), self.forget)

    async def forget(self, keep: timedelta = KEPT) -> int:
        """Returns how many were older. Raises: Unavailable."""
        async with self._uow(None) as uow:
            return int(await uow.session.scalar(_FORGET, {"before": self._clock.now() - keep}) or 0)


def idempotency_table(metadata: MetaData) -> Table:
    """Keys of creations, by caller. A tenant's: `chassis.migrations.create_idempotency_keys` makes it."""
    return Table(
        "idempotency_key",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("caller_id", Uuid, primary_key=True),
        Column("key_hash", LargeBinary, primary_key=True),
        Column("operation", Text, nullable=False),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("resource_id", Uuid, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
    )


# Unqualified as in chassis.db: the role's search_path is its service's schema.
_IDS = (bindparam("tenant_id", type_=Uuid()), bindparam("caller_id", type_=Uuid()), bindparam("key_hash", type_=LargeBinary()))
_ID = bindparam("resource_id", type_=Uuid())
_MINE = "tenant_id = :tenant_id AND caller_id = :caller_id AND key_hash = :key_hash"
_CLAIM = text(
    "INSERT INTO idempotency_key (tenant_id, caller_id, key_hash, operation, fingerprint, resource_id, created_at) "
    "VALUES (:tenant_id, :caller_id, :key_hash, :operation, :fingerprint, :resource_id, :at) ON CONFLICT DO NOTHING RETURNING 1"
).bindparams(*_IDS, _ID)
_EARLIER = text(f"SELECT operation, fingerprint, resource_id FROM idempotency_key WHERE {_MINE}").bindparams(*_IDS)  # noqa: S608
_POINT = text(f"UPDATE idempotency_key SET resource_id = :resource_id WHERE {_MINE}").bindparams(*_IDS, _ID)  # noqa: S608
_RELEASE = text(f"DELETE FROM idempotency_key WHERE {_MINE}").bindparams(*_IDS)  # noqa: S608
_ACT_FOR = text("SELECT set_config('app.tenant', :tenant, true)")
_FORGET = text("SELECT forget_idempotency_keys(:before)")
