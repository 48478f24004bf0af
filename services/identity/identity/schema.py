"""The schema that every table of identity lives in, and how a row becomes a noun and back: columns are named as the noun's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import MetaData, Table, insert

from chassis.db import NAMING_CONVENTION, UnitOfWork, outbox_table
from chassis.idempotency import idempotency_table

Noun = TypeVar("Noun")

metadata = MetaData(schema="identity", naming_convention=NAMING_CONVENTION)

outbox = outbox_table(metadata)
idempotency_key = idempotency_table(metadata)


_adapters: dict[Any, TypeAdapter[Any]] = {}


class Repository:
    """Rows of one transaction."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session = uow.session

    async def _first(self, kind: type[Noun], statement: Any, **parameters: object) -> Noun | None:
        row = (await self._session.execute(statement, parameters)).first()
        return None if row is None else noun_of(kind, row._mapping)

    async def _all(self, kind: type[Noun], statement: Any, **parameters: object) -> list[Noun]:
        return [noun_of(kind, row._mapping) for row in await self._session.execute(statement, parameters)]

    async def _add(self, table: Table, noun: object) -> None:
        await self._session.execute(insert(table).values(values_of(table, noun)))


def noun_of(kind: type[Noun], row: Mapping[Any, Any]) -> Noun:
    """Returns the noun that the row's columns describe."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    noun: Noun = _adapters[kind].validate_python(dict(row))
    return noun


def values_of(table: Table, noun: object) -> dict[str, Any]:
    """Returns the columns of the table that the noun has fields for."""
    return {name: _column(getattr(noun, name)) for name in table.columns.keys() if hasattr(noun, name)}  # noqa: SIM118 - a collection


def _column(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value
