"""Bodies, pages and cursors."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict

from gtvision.errors import InvalidCursor
from gtvision.time import isoformat, utc

T = TypeVar("T")


class StrictModel(BaseModel):
    """A request's body: an unknown field is refused, so that a typing error is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


async def _not_stored(response: Response) -> None:
    response.headers["cache-control"] = "no-store"


NoStore = [Depends(_not_stored)]
"""`dependencies=NoStore`: for answers that hold a secret."""


class Page(BaseModel, Generic[T]):
    """One page of a list. `next` is the cursor of the one after; null at the end."""

    items: list[T]
    next: str | None = None


def encode_cursor(**values: datetime | UUID | str | int | float) -> str:
    """Returns an opaque text that says where the next page begins."""
    packed = [[name, *_pack(value)] for name, value in values.items()]
    return base64.urlsafe_b64encode(orjson.dumps(packed)).rstrip(b"=").decode()


def decode_cursor(text: str, **expected: type) -> dict[str, Any]:
    """Returns what `encode_cursor` was given, in the same types.

    Name the expected values to have them checked: `decode_cursor(text, captured_at=datetime, id=UUID)`. Raises: InvalidCursor.
    """
    if len(text) > 1_000:
        raise InvalidCursor
    try:
        rows = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values = {str(name): _unpack(tag, value) for name, tag, value in rows}
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        raise InvalidCursor from error
    if expected and (values.keys() != expected.keys() or any(type(values[name]) is not kind for name, kind in expected.items())):
        raise InvalidCursor
    return values


def _pack(value: datetime | UUID | str | float) -> tuple[str, object]:
    if isinstance(value, datetime):
        return "t", isoformat(value)
    if isinstance(value, UUID):
        return "u", str(value)
    return "v", value


def _unpack(tag: str, value: Any) -> object:
    if tag == "t" and isinstance(value, str):
        return utc(datetime.fromisoformat(value))
    if tag == "u" and isinstance(value, str):
        return UUID(value)
    if tag != "v" or not isinstance(value, str | int | float):
        raise ValueError("not a cursor's value")
    return value
