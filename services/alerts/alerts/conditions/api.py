"""HTTP in: Alertmanager's webhook, on the private port."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, status
from pydantic import AliasChoices, BaseModel, Field

from alerts.conditions.domain import Alarm
from alerts.conditions.usecases import Installation
from chassis.http import Provided
from gtvision.time import Instant

hooks = APIRouter(prefix="/internal", tags=["internal"])

Texts = Annotated[dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=2_000)]], Field(max_length=60)]


class AlarmIn(BaseModel):
    """One alarm. `endsAt` means something once it is resolved."""

    status: Literal["firing", "resolved"]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]
    labels: Texts
    annotations: Texts = {}
    starts_at: Annotated[Instant, Field(validation_alias=AliasChoices("startsAt"))]
    ends_at: Annotated[datetime | None, Field(validation_alias=AliasChoices("endsAt"))] = None

    def alarm(self) -> Alarm:
        has_ended = self.status == "resolved" and self.ends_at is not None and self.ends_at.tzinfo is not None and self.ends_at.year > 1
        ends_at = self.ends_at if has_ended else None
        return Alarm(self.fingerprint, self.status == "firing", self.starts_at, ends_at, self.labels, self.annotations)


class AlarmsIn(BaseModel):
    """What Alertmanager posts, version 4. It adds fields between releases, so unknown ones are ignored."""

    version: Literal["4"]
    alerts: Annotated[list[AlarmIn], Field(max_length=1_000)]


@hooks.post("/alertmanager", summary="Alertmanager's webhook", status_code=status.HTTP_204_NO_CONTENT)
async def take_alarms(
    body: AlarmsIn, installation: Annotated[Installation, Provided(Installation)], authorization: Annotated[str, Header()] = ""
) -> None:
    await installation.take_alarms(authorization.removeprefix("Bearer "), [each.alarm() for each in body.alerts])
