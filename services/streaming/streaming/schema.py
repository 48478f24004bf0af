"""What the rows of all nouns have in common: the schema, the names of indexes, the columns of our types."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase

from chassis.db import NAMING_CONVENTION

SCHEMA = "streaming"


class Row(DeclarativeBase):
    """Base of every row."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name for it
        datetime: DateTime(timezone=True),
        UUID: UuidType(),
        str: Text,
        dict[str, Any]: JSONB,
        list[UUID]: ARRAY(UuidType()),
        list[str]: ARRAY(Text),
    }
