"""What the rooms of every noun share: the transaction they live in, and how camera groups are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from chassis.db import UnitOfWork


class SqlRows:
    """Rows of one transaction."""

    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session

    async def _one(self, statement: Any, parameters: Mapping[str, object] | None = None) -> Row[Any] | None:
        return (await self._session.execute(statement, parameters)).first()


def listed(groups: frozenset[UUID] | None) -> list[UUID] | None:
    """As a column."""
    return None if groups is None else sorted(groups)


def grouped(column: list[UUID] | None) -> frozenset[UUID] | None:
    """And back."""
    return None if column is None else frozenset(column)
