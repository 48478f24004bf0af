"""HTTP in: layouts of the video wall, each user's own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from cameras.layouts.domain import MOST_CAMERAS, Arrangement, Layout, Tiles
from cameras.layouts.usecases import Layouts
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.names import clean_name
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/layouts")

Viewer = Annotated[Caller, requires(Scope.LIVE_VIEW)]
LayoutsDep = Annotated[Layouts, Provided(Layouts)]


class LayoutIn(StrictModel):
    """A layout. `cameras` fill the tiles in order; null leaves one empty. With `patrol_s`, more cameras than tiles are shown in turns."""

    name: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(clean_name)]
    tiles: Tiles
    cameras: Annotated[tuple[UUID | None, ...], Field(max_length=MOST_CAMERAS)] = ()
    patrol_s: Annotated[int | None, Field(ge=5, le=600, description="Seconds that each turn lasts")] = None

    def arrangement(self) -> Arrangement:
        return Arrangement(self.name, self.tiles, self.cameras, self.patrol_s)


class LayoutOut(BaseModel):
    """A layout. A camera of it may be gone, or one that the user may not see."""

    id: UUID
    name: str
    tiles: int
    cameras: list[UUID | None]
    patrol_s: int | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, layout: Layout) -> LayoutOut:
        shown = layout.arrangement
        return cls(
            id=layout.id,
            name=shown.name,
            tiles=shown.tiles,
            cameras=list(shown.cameras),
            patrol_s=shown.patrol_s,
            created_at=layout.created_at,
            updated_at=layout.updated_at,
        )


@router.get("")
async def list_layouts(caller: Viewer, layouts: LayoutsDep) -> Page[LayoutOut]:
    """Your layouts in order of name; they are 50 at most, and all on one page."""
    return Page(items=[LayoutOut.of(layout) for layout in await layouts.list_layouts(caller)])


@router.post("", status_code=201)
async def create_layout(body: LayoutIn, caller: Viewer, layouts: LayoutsDep, once: Idempotent, response: Response) -> LayoutOut:
    """Keep a layout."""
    made = await layouts.create_layout(caller, body.arrangement(), once)
    tell_replayed(once, response)
    return LayoutOut.of(made)


@router.put("/{layout_id}")
async def replace_layout(layout_id: UUID, body: LayoutIn, caller: Viewer, layouts: LayoutsDep) -> LayoutOut:
    """Keep a layout as it is now."""
    return LayoutOut.of(await layouts.replace_layout(caller, layout_id, body.arrangement()))


@router.delete("/{layout_id}", status_code=204)
async def remove_layout(layout_id: UUID, caller: Viewer, layouts: LayoutsDep) -> None:
    """Remove a layout."""
    await layouts.remove_layout(caller, layout_id)
