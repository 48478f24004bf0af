"""The schema that every table of identity lives in."""

from __future__ import annotations

from sqlalchemy import MetaData

from chassis.db import NAMING_CONVENTION, outbox_table
from chassis.idempotency import idempotency_table

metadata = MetaData(schema="identity", naming_convention=NAMING_CONVENTION)

outbox = outbox_table(metadata)
idempotency_key = idempotency_table(metadata)
