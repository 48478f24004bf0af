"""A layout of the video wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from gtvision.errors import Conflict

MOST_LAYOUTS = 50
MOST_CAMERAS = 25

Tiles = Literal[1, 4, 9, 16, 25]


class TooManyLayouts(Conflict):
    """You have 50 layouts: remove one first."""

    code = "too_many_layouts"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a user sets of a layout. A camera that is None leaves its place empty; with `patrol_s` the wall shows its cameras in turns."""

    name: str
    tiles: Tiles
    cameras: tuple[UUID | None, ...] = ()
    patrol_s: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout of one user. Its cameras may be gone, or be ones that the user may not see: a layout gives no right to them."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    arrangement: Arrangement
    created_at: datetime
    updated_at: datetime
