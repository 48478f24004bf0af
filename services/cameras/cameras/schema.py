"""The schema that every table of cameras lives in."""

from __future__ import annotations

from sqlalchemy import MetaData

from chassis.db import NAMING_CONVENTION, inbox_table, outbox_table
from chassis.idempotency import idempotency_table

metadata = MetaData(schema="cameras", naming_convention=NAMING_CONVENTION)

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
idempotency_key = idempotency_table(metadata)
