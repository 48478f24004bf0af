"""People, and the names they log in with."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Table, Text, Uuid, false
from sqlalchemy.dialects.postgresql import ARRAY

from gtvision.tenancy import Role
from identity.schema import metadata

_ROLES = ", ".join(f"'{role}'" for role in Role)
_AT = DateTime(timezone=True)

account = Table(
    "account",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("role", Text, CheckConstraint(f"role IN ({_ROLES})", name="role"), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("camera_groups", ARRAY(Uuid), nullable=True),
    Column("created_at", _AT, nullable=False),
    Column("disabled_at", _AT, nullable=True),
    Column("name", Text, nullable=True),
    Column("must_change_password", Boolean, nullable=False, server_default=false()),
    Column("factor_sealed", Text, nullable=True),
    Column("factor_confirmed_at", _AT, nullable=True),
    Column("factor_last_step", BigInteger, nullable=False, server_default="0"),
    Column("last_login_at", _AT, nullable=True),
)

login_name = Table(
    "login_name",
    metadata,
    Column("email_key", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
)
"""One address, one account, whatever the tenant. The service's role cannot read it: only the functions that look one name up can."""
