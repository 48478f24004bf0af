"""Rows of web push to nouns and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from alerts.browsers.domain import Browser
from alerts.browsers.tables import push_keys, push_subscriptions
from chassis.db import UnitOfWork

_key, _browser = push_keys.c, push_subscriptions.c


class PostgresBrowsers:
    """Browsers of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def key(self) -> tuple[str, str] | None:
        """Returns the public key and the sealed private one."""
        row = (await self._session.execute(select(_key.public, _key.sealed).where(_key.tenant_id == self._tenant_id))).first()
        return (row.public, row.sealed) if row else None

    async def add_key(self, public: str, sealed: str, at: datetime) -> None:
        """Keeps the one that is there."""
        values = {"tenant_id": self._tenant_id, "public": public, "sealed": sealed, "created_at": at}
        await self._session.execute(insert(push_keys).values(values).on_conflict_do_nothing())

    async def add(self, browser: Browser, most: int) -> None:
        """Adds or renews a browser; of one user the newest `most` stay."""
        values = asdict(browser) | {"groups": sorted(browser.groups) if browser.groups is not None else None}
        added = insert(push_subscriptions).values(values)
        keys = [_browser.tenant_id, _browser.endpoint]
        await self._session.execute(added.on_conflict_do_update(index_elements=keys, set_=values))
        mine = (_browser.tenant_id == self._tenant_id, _browser.user_id == browser.user_id)
        newest = select(_browser.endpoint).where(*mine).order_by(_browser.created_at.desc(), _browser.endpoint).limit(most)
        await self._session.execute(delete(push_subscriptions).where(*mine, _browser.endpoint.not_in(newest)))

    async def forget(self, *, user_id: UUID | None = None, endpoints: Iterable[str] | None = None) -> None:
        """Forgets browsers: of a user, at these endpoints, or both at once."""
        gone = delete(push_subscriptions).where(_browser.tenant_id == self._tenant_id)
        if user_id is not None:
            gone = gone.where(_browser.user_id == user_id)
        if endpoints is not None:
            gone = gone.where(_browser.endpoint.in_(list(endpoints)))
        await self._session.execute(gone)

    async def list_all(self) -> list[Browser]:
        rows = await self._session.execute(select(push_subscriptions).where(_browser.tenant_id == self._tenant_id))
        return [Browser(**{**row._mapping, "groups": frozenset(row.groups) if row.groups is not None else None}) for row in rows]

    async def delete_all(self) -> None:
        """Forgets every browser, and the key."""
        await self._session.execute(delete(push_subscriptions).where(_browser.tenant_id == self._tenant_id))
        await self._session.execute(delete(push_keys).where(_key.tenant_id == self._tenant_id))
