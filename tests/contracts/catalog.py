"""A service's schema, read from PostgreSQL's catalogs, and a row for each of its tables, so that a new table is covered by existing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import make_url

from chassis.settings import DatabaseSettings
from gtvision.ids import new_id

_TABLES = """
    SELECT c.oid, c.relname AS name, c.relkind = 'p' AS partitioned, c.relispartition AS is_partition, c.relrowsecurity AS secured,
           pg_get_userbyid(c.relowner) AS owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'm', 'f') ORDER BY c.relname
"""
_COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, a.attnotnull AS required
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum
"""
_CONSTRAINTS = """
    SELECT contype::text AS kind, pg_get_constraintdef(oid) AS says, confrelid::regclass::text AS target,
           (SELECT array_agg(attname::text ORDER BY n) FROM unnest(conkey) WITH ORDINALITY AS k (num, n)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = num) AS ours,
           (SELECT array_agg(attname::text ORDER BY n) FROM unnest(confkey) WITH ORDINALITY AS k (num, n)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = num) AS theirs
    FROM pg_constraint WHERE conrelid = $1
"""
_CHOICE = re.compile(r"\(?(\w+) = ANY \(\(?ARRAY\['([^']*)'")
_ONE = re.compile(r"\((\w+) = '([^']*)'::text\)")
_LENGTH = re.compile(r"octet_length\((\w+)\) = (\d+)")
Row = dict[str, Any]


@dataclass
class Table:
    """One table with its columns and constraints."""

    name: str
    partitioned: bool
    is_partition: bool
    secured: bool
    owner: str
    columns: dict[str, tuple[str, bool]]
    """Column -> its type, and whether a row needs a value there."""
    checks: list[str] = field(default_factory=list)
    parents: list[tuple[str, list[str], list[str]]] = field(default_factory=list)

    @property
    def of_a_tenant(self) -> bool:
        return "tenant_id" in self.columns

    def row(self, tenant: UUID, rows: dict[str, Row]) -> Row:
        """Returns a row of the tenant that fulfils the constraints; `rows` are those of the tables that it refers to."""
        made = {name: _value(name, kind) for name, (kind, required) in self.columns.items() if required}
        for check in self.checks:
            for column, value in [*_CHOICE.findall(check), *_ONE.findall(check)]:
                made[column] = value if self.columns.get(column, ("",))[0] == "text" else made.get(column)
            made |= {column: b"\x01" * int(length) for column, length in _LENGTH.findall(check) if column in made}
        if self.of_a_tenant:
            made["tenant_id"] = tenant
        for parent, ours, theirs in self.parents:
            made |= {mine: rows[parent][its] for mine, its in zip(ours, theirs, strict=True)}
        return {name: value for name, value in made.items() if name in self.columns}


def _value(name: str, kind: str) -> Any:
    """Returns a value of that type, unique where a constraint may ask for it."""
    values: dict[str, Any] = {
        "uuid": new_id(),
        "text": f"{name} {new_id()}",
        "character varying": f"{name} {new_id()}"[:20],
        "bytea": new_id().bytes * 2,
        "jsonb": "{}",
        "boolean": False,
        "smallint": 1,
        "integer": 1,
        "bigint": 1,
        "real": 0.5,
        "double precision": 0.5,
        "numeric": 1,
        "inet": "203.0.113.9",
    }
    if kind.endswith("[]"):
        return [0.1, 0.1, 0.5, 0.5] if kind in {"real[]", "double precision[]"} else []
    return values.get(kind, _NOW)


_NOW = "now"
"""A placeholder of date and time columns, replaced by the transaction's time."""


async def tables_of(connection: Any, schema: str) -> list[Table]:
    """Returns every table of the schema, each after the tables that it refers to."""
    found = []
    for record in await connection.fetch(_TABLES, schema):
        columns = {row["name"]: (row["type"], row["required"]) for row in await connection.fetch(_COLUMNS, record["oid"])}
        table = Table(columns=columns, **{name: record[name] for name in ("name", "partitioned", "is_partition", "secured", "owner")})
        for constraint in await connection.fetch(_CONSTRAINTS, record["oid"]):
            if constraint["kind"] == "c":
                table.checks.append(constraint["says"])
            elif constraint["kind"] == "f":
                table.parents.append((constraint["target"].rpartition(".")[2].strip('"'), constraint["ours"], constraint["theirs"]))
        found.append(table)
    return sorted(found, key=lambda table: _depth(table, {each.name: each for each in found}))


def _depth(table: Table, known: dict[str, Table]) -> int:
    return 1 + max((_depth(known[parent], known) for parent, *_ in table.parents if parent != table.name), default=0)


async def insert(connection: Any, schema: str, table: str, row: Row) -> None:
    """Inserts a row, with the rights of the connection's role."""
    names, values = list(row), [value for value in row.values() if value != _NOW]
    numbers = iter(range(1, len(values) + 1))
    holders = ["now()" if value == _NOW else f"${next(numbers)}" for value in row.values()]
    await connection.execute(f'INSERT INTO "{schema}"."{table}" ({", ".join(map(_quoted, names))}) VALUES ({", ".join(holders)})', *values)


def _quoted(name: str) -> str:
    return f'"{name}"'


@asynccontextmanager
async def acting(settings: DatabaseSettings, tenant: UUID | None) -> AsyncIterator[Any]:
    """Yields a connection in a transaction of the service's own role, through PgBouncer, with the tenant set; it is rolled back."""
    url = make_url(settings.url.get_secret_value()).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"SELECT set_config('app.tenant', '{tenant or ''}', true)")
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()
