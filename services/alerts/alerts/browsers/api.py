"""HTTP in: browsers that want to be told of alerts. A person's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, Field

from alerts.browsers.usecases import Browsers
from chassis.auth import requires
from chassis.http import Provided, StrictModel
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/channels", tags=["channels"])

Person = Annotated[Caller, requires(Scope.ALERTS_READ)]
BrowsersDep = Annotated[Browsers, Provided(Browsers)]
Endpoint = Annotated[str, Field(pattern=r"^https://[!-~]{1,1000}$")]


class PushKeyOut(BaseModel):
    """The `applicationServerKey` of the Push API."""

    public_key: str


class PushKeys(StrictModel):
    """The keys of a browser's subscription."""

    p256dh: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{80,100}=*$")]
    auth: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,40}=*$")]


class PushSubscriptionIn(StrictModel):
    """A browser, as `PushSubscription.toJSON()` describes it."""

    endpoint: Endpoint
    keys: PushKeys
    expiration_time: Annotated[float | None, Field(alias="expirationTime")] = None


@router.get("/push-key", summary="The key with which browsers subscribe")
async def get_push_key(caller: Person, browsers: BrowsersDep) -> PushKeyOut:
    return PushKeyOut(public_key=await browsers.public_key(caller))


@router.post("/push-subscriptions", status_code=status.HTTP_204_NO_CONTENT, summary="Tell this browser of alerts")
async def post_subscription(body: PushSubscriptionIn, caller: Person, browsers: BrowsersDep) -> None:
    await browsers.subscribe(caller, body.endpoint, body.keys.p256dh, body.keys.auth)


@router.delete("/push-subscriptions", status_code=status.HTTP_204_NO_CONTENT, summary="Tell this browser of nothing any more")
async def remove_subscription(caller: Person, browsers: BrowsersDep, endpoint: Annotated[Endpoint, Query()]) -> None:
    await browsers.unsubscribe(caller, endpoint)
