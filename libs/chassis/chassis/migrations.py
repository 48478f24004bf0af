"""Schema migrations: one Alembic environment for every service, and the operations that tenancy needs.

A service has `migrations/versions/` and a `migrations/env.py` of three lines:

    from chassis.migrations import run_env
    from identity.schema import metadata
    run_env(metadata, "identity")

Its first migration says what each table is:

    def upgrade() -> None:
        create_schema_and_grants()
        create_outbox()
        create_inbox()
        op.create_table("camera", ...)
        tenant_table("camera")

Migrations run directly on PostgreSQL as `<service>_owner`, one transaction each, one process at a time; a crash leaves whole
migrations only, and the next run goes on. Unqualified names land in the service's schema.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias

from alembic import command, context, op
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import Column, Connection, MetaData, Table, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from chassis.db import inbox_table, outbox_table, unavailable_when_down
from chassis.idempotency import KEPT, idempotency_table
from chassis.logs import get_logger
from chassis.settings import DatabaseSettings, load
from gtvision.errors import Unavailable

log = get_logger(__name__)

Step: TypeAlias = Literal["day", "month"]

_URL = "gtvision_migration_url"
_ONE_AT_A_TIME = threading.Lock()
"""Alembic's context is global to the process."""
_LOCK_CLASS = 0x6774  # "gt": keeps these advisory locks apart from others in the database


def run_migrations(service: str, package_root: Path | ModuleType, migration_url: SecretStr | str | None) -> None:
    """Upgrades a service's schema to the newest version; one of a newer release is left as it is. Blocking. Raises: Unavailable.

    `package_root` is the folder that holds `migrations/`, or the service's package beside it.
    """
    if migration_url is None:
        raise Unavailable("MIGRATION_DATABASE_URL is not set; migrations run directly on PostgreSQL.")
    url = migration_url.get_secret_value() if isinstance(migration_url, SecretStr) else migration_url
    config = Config()
    config.set_main_option("script_location", str(find_migrations(package_root)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes[_URL] = url
    config.attributes["service"] = service
    with _ONE_AT_A_TIME, unavailable_when_down():
        command.upgrade(config, "head")


def find_migrations(package_root: Path | ModuleType) -> Path:
    """Returns the `migrations` folder inside or beside the given folder or package. Raises: FileNotFoundError."""
    root = Path(str(package_root.__file__)).resolve().parent if isinstance(package_root, ModuleType) else package_root
    for candidate in (root / "migrations", root.parent / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise FileNotFoundError(f"no migrations/env.py in {root} or beside it")


def run_env(metadata: MetaData | Sequence[MetaData], schema: str) -> None:
    """The body of every `env.py`. Also serves `alembic revision --autogenerate` on a development database."""
    url = context.config.attributes.get(_URL)
    if url is None:
        settings = load(DatabaseSettings)
        url = (settings.migration_url or settings.url).get_secret_value()
    asyncio.run(_migrate(str(url), metadata, schema))


async def _migrate(url: str, metadata: MetaData | Sequence[MetaData], schema: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": 10})
    try:
        # The lock has a connection and a transaction of its own: each migration commits, and a crash must free it.
        async with engine.connect() as guard, guard.begin():
            await guard.execute(text("SELECT pg_advisory_xact_lock(:class, hashtext(:schema))"), {"class": _LOCK_CLASS, "schema": schema})
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade, metadata, schema)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, metadata: MetaData | Sequence[MetaData], schema: str) -> None:
    owner = owner_role(schema)
    if connection.scalar(text("SELECT to_regnamespace(:schema)"), {"schema": schema}) is None:
        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION "{owner}"')
    connection.exec_driver_sql(f'SET ROLE "{owner}"')
    connection.exec_driver_sql(f'SET search_path = "{schema}"')
    connection.exec_driver_sql("SET lock_timeout = '20s'")  # a stuck reader must not turn a migration into an outage
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=one_metadata(metadata),
        version_table="alembic_version",
        version_table_schema=schema,
        include_schemas=True,
        include_name=lambda name, kind, _parents: name == schema if kind == "schema" else not (kind == "table" and is_partition(str(name))),
        compare_type=True,
        transaction_per_migration=True,
    )
    if _is_of_a_newer_release():
        log.warning("schema_is_of_a_newer_release", schema=schema)
        return
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


def one_metadata(metadata: MetaData | Sequence[MetaData]) -> MetaData:
    """Returns the tables of every noun in one metadata: migrations take the names of their constraints from its naming convention."""
    if isinstance(metadata, MetaData):
        return metadata
    whole = MetaData(schema=metadata[0].schema, naming_convention=metadata[0].naming_convention)
    for table in (table for part in metadata for table in part.tables.values()):
        table.to_metadata(whole)
    return whole


def _is_of_a_newer_release() -> bool:
    """An older release that is installed again finds a migration that it does not know. It ignores what was added, and must not fail."""
    ours = {migration.revision for migration in context.script.walk_revisions()}
    return not ours.issuperset(context.get_context().get_current_heads())


def is_partition(table: str) -> bool:
    """Whether the name is that of a daily or a monthly partition: `<parent>_yyyymmdd`, `<parent>_yyyymm`."""
    _, _, suffix = table.rpartition("_")
    return len(suffix) in {6, 8} and suffix.isdigit()


def owner_role(schema: str) -> str:
    """Owns the schema, cannot log in, runs the migrations."""
    return f"{schema}_owner"


def _schema() -> str:
    return str(op.get_context().opts["version_table_schema"])


def _execute(statements: Iterable[str]) -> None:
    for statement in statements:
        op.execute(text(statement.replace(":", r"\:")))


def create_schema_and_grants() -> None:
    """First line of a service's first migration: only the service's role may use its schema (which exists already)."""
    schema = _schema()
    op.execute(f'REVOKE ALL ON SCHEMA "{schema}" FROM PUBLIC')
    op.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO "{schema}"')


def enable_tenant_policy(table: str) -> None:
    """Only rows of the unit of work's tenant are seen and written. Enabled, not forced: forced, a migration would see no rows."""
    schema = _schema()
    own = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
    op.execute(f'ALTER TABLE "{schema}"."{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY tenant ON "{schema}"."{table}" USING ({own}) WITH CHECK ({own})')


def grant_dml(table: str) -> None:
    """The service's role may read and write the table. Never for a partition: a grant there shows other tenants' rows."""
    schema = _schema()
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{schema}"."{table}" TO "{schema}"')


def tenant_table(table: str) -> None:
    """Policy and grant: what every table with a `tenant_id` needs."""
    enable_tenant_policy(table)
    grant_dml(table)


def create_outbox() -> None:
    """The table of `chassis.db.outbox_table`."""
    _create(outbox_table(MetaData()))


def create_inbox() -> None:
    """The table of `chassis.db.inbox_table`."""
    _create(inbox_table(MetaData()))


def create_idempotency_keys() -> None:
    """The table of `chassis.idempotency.idempotency_table`, and what forgets its rows in every tenant."""
    table = idempotency_table(MetaData())
    op.create_table(table.name, *[column._copy() for column in table.columns], schema=_schema())
    tenant_table(table.name)
    bound_idempotency_keys()


def bound_idempotency_keys() -> None:
    """What forgets the keys leaves those that a client may still repeat, whatever it is asked for."""
    kept = f"least(before, now() - interval '{KEPT.total_seconds()} seconds')"
    gone = f"WITH gone AS (DELETE FROM idempotency_key WHERE created_at < {kept} RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608
    definer_function("forget_idempotency_keys(before timestamptz)", "bigint", gone, volatility="VOLATILE")


def _create(table: Table) -> None:
    op.create_table(table.name, *[column._copy() for column in table.columns], schema=_schema())
    for index in table.indexes:
        columns = [expression.name for expression in index.expressions if isinstance(expression, Column)]
        op.create_index(f"ix_{table.name}_{columns[0]}", table.name, columns, schema=_schema())
    grant_dml(table.name)


def create_partition_functions(parent: str, step: Step = "day", *, append_only: bool = False) -> None:
    """Functions that the service's role may call to make and drop the daily or monthly partitions of a range-partitioned table."""
    _execute(partition_function_sql(_schema(), parent, step, append_only=append_only))


def bound_partition_drops(parent: str, step: Step, latest: str) -> None:
    """The partitions of a table are dropped up to `latest` only, an SQL expression that gives a date, whatever the service asks for."""
    _execute(_drop_function_sql(_schema(), parent, step, latest))


def append_only_table(table: str) -> None:
    """A tenant's table whose rows are never changed: policy, the right to read and to add, and a trigger that refuses changes by every
    role, the owner included. Partitions are guarded by `create_partition_functions(..., append_only=True)`."""
    schema = _schema()
    enable_tenant_policy(table)
    op.execute(f'GRANT SELECT, INSERT ON "{schema}"."{table}" TO "{schema}"')
    op.execute(
        f'CREATE OR REPLACE FUNCTION "{schema}".refuse_change() RETURNS trigger LANGUAGE plpgsql AS $function$ '
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $function$"
    )
    op.execute(f'CREATE TRIGGER append_only {_REFUSED} ON "{schema}"."{table}" {_REFUSING}')


_REFUSED = "BEFORE UPDATE OR DELETE OR TRUNCATE"
_REFUSING = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"


def definer_function(signature: str, returns: str, body: str, *, language: str = "sql", volatility: str = "STABLE") -> None:
    """A function with the owner's rights, for what must happen before a tenant is known (login, API key) or across tenants.

    `signature` is `name(argument type, ...)`. Only the service's role may call it.
    """
    _execute(definer_function_sql(_schema(), signature, f"RETURNS {returns} LANGUAGE {language} {volatility}", body))


def definer_function_sql(schema: str, signature: str, options: str, body: str) -> list[str]:
    """SECURITY DEFINER with a fixed search_path; temporary tables are searched last, so that none can take a table's place."""
    name, _, arguments = signature.partition("(")
    types = ", ".join(" ".join(part.split()[1:]) for part in arguments.rstrip(")").split(",") if part.strip())
    callee = f'"{schema}"."{name}"({types})'
    head = f'CREATE OR REPLACE FUNCTION "{schema}"."{name}"({arguments} {options} SECURITY DEFINER SET search_path = "{schema}", pg_temp'
    return [
        f"{head} AS $function$\n{body}\n$function$",
        f"REVOKE ALL ON FUNCTION {callee} FROM PUBLIC",
        f'GRANT EXECUTE ON FUNCTION {callee} TO "{schema}"',
    ]


def reading_function(signature: str, columns: str, select: str) -> None:
    """A list for hot reads: the tenant is set and the statement run in one message, where a unit of work takes three.

    `signature` is `name(tenant uuid, argument type, ...)`; `select` calls them `$1`, `$2`, ..., and tables by schema. Other columns or
    arguments are a function of another name: the release before goes on calling this one.
    """
    _execute(reading_function_sql(_schema(), signature, columns, select))


def reading_function_sql(schema: str, signature: str, columns: str, select: str) -> list[str]:
    """It runs with the caller's rights, so the policy holds for the tenant that it sets first (PL/pgSQL runs one statement after the
    other), and nothing can be written. Both last to the end of the transaction, so it refuses a transaction that has a tenant already:
    the other statements of a unit of work would find another tenant.
    """
    name, _, arguments = signature.partition("(")
    body = f"""#variable_conflict use_column
BEGIN
    IF current_setting('app.tenant', true) <> '' THEN
        RAISE EXCEPTION '{name} is for hot reads: this transaction has a tenant already';
    END IF;
    PERFORM set_config('transaction_read_only', 'on', true);
    PERFORM set_config('app.tenant', tenant::text, true);
    RETURN QUERY {select};
END"""
    head = f'CREATE OR REPLACE FUNCTION "{schema}"."{name}"({arguments} RETURNS TABLE ({columns}) LANGUAGE plpgsql'
    return [
        f"{head} AS $function$\n{body}\n$function$",
        f'REVOKE ALL ON FUNCTION "{schema}"."{name}" FROM PUBLIC',
        f'GRANT EXECUTE ON FUNCTION "{schema}"."{name}" TO "{schema}"',
    ]


def partition_function_sql(schema: str, parent: str, step: Step = "day", *, append_only: bool = False) -> Sequence[str]:
    """Statements for `make_<parent>_partitions(first_day date, days integer)` and `drop_<parent>_partitions(before date)`; for a
    table partitioned by month, `make_<parent>_partitions(first_month date, months integer)`, where any day names its month.

    Both return how many partitions they made or dropped, may be repeated and run side by side. A partition is `<parent>_yyyymmdd`,
    one UTC day, or `<parent>_yyyymm`, one UTC month; its indexes come with the attachment. Nobody is granted anything on it.
    Dropped is what ended before the day or month of `before`.
    """
    name = "YYYYMMDD" if step == "day" else "YYYYMM"
    lock = f"PERFORM pg_advisory_xact_lock({_LOCK_CLASS}, hashtext('{schema}.{parent}'));"
    guard = f"EXECUTE format('CREATE TRIGGER append_only {_REFUSED} ON %I {_REFUSING}', child);" if append_only else ""
    make = f"""
DECLARE
    made integer := 0;
    child text;
    starts timestamp;
BEGIN
    {lock}
    FOR starts IN
        SELECT date_trunc('{step}', first_{step}::timestamp) + i * interval '1 {step}' FROM generate_series(0, {step}s - 1) AS i
    LOOP
        child := '{parent}_' || to_char(starts, '{name}');
        CONTINUE WHEN to_regclass(quote_ident(child)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, '{parent}');
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, %I', child, '{schema}');
        {guard}
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', '{parent}', child,
                       starts::text || '+00', (starts + interval '1 {step}')::text || '+00');
        made := made + 1;
    END LOOP;
    RETURN made;
END"""  # noqa: S608 - names from migrations, never from input
    options = "RETURNS integer LANGUAGE plpgsql SET lock_timeout = '2s'"
    return [
        *definer_function_sql(schema, f"make_{parent}_partitions(first_{step} date, {step}s integer)", options, make),
        *_drop_function_sql(schema, parent, step),
    ]


def _drop_function_sql(schema: str, parent: str, step: Step, latest: str | None = None) -> Sequence[str]:
    name = "YYYYMMDD" if step == "day" else "YYYYMM"
    bound = f"before := least(before, {latest});" if latest else ""
    drop = f"""
DECLARE
    dropped integer := 0;
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock({_LOCK_CLASS}, hashtext('{schema}.{parent}'));
    {bound}
    FOR child IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = quote_ident('{parent}')::regclass
          AND c.relname ~ '_[0-9]{{{len(name)}}}$' AND right(c.relname, {len(name)}) < to_char(before, '{name}')
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END"""  # noqa: S608
    options = "RETURNS integer LANGUAGE plpgsql SET lock_timeout = '2s'"
    return definer_function_sql(schema, f"drop_{parent}_partitions(before date)", options, drop)
