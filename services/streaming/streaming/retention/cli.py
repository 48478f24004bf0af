"""`gtv recordings holds` and `lift`: the legal holds of all cities, from the machine that keeps to them."""

from __future__ import annotations

import argparse
import sys
from typing import Any
from uuid import UUID

from gtvision.time import isoformat
from streaming.retention.domain import Hold
from streaming.retention.usecases import HoldsOfCities

VERBS = ("holds", "lift")


def add_to(verbs: Any) -> None:
    """Adds the verbs to those of a command (the subparsers of an `ArgumentParser`)."""
    verbs.add_parser("holds", help="list the legal holds of all cities")
    lift = verbs.add_parser("lift", help="end a hold, such as one of a deleted city, which nobody else can end")
    lift.add_argument("hold", type=UUID, help="its id, as `holds` lists it")
    lift.add_argument("--reason", required=True, help="why; on record in the city's ledger")


async def run(asked: argparse.Namespace, holds: HoldsOfCities) -> int:
    """The exit code. Raises: NotFound, HoldEnded, Unavailable."""
    if asked.verb == "lift":
        sys.stdout.write(f"Lifted: {told(await holds.lift(asked.hold, asked.reason))}")
        return 0
    found = await holds.active()
    sys.stdout.write("".join(map(told, found)) or "Nothing is held.\n")
    return 0


def told(hold: Hold) -> str:
    """A hold in a line."""
    what = f"camera {hold.camera_id}" if hold.camera_id else "all cameras"
    until = isoformat(hold.expires_at) if hold.expires_at else "it is lifted"
    span = f"{isoformat(hold.since)} to {isoformat(hold.until)}"
    return f"{hold.hold_id}  city {hold.tenant_id}  {what}  {span}, until {until}: {hold.reason!r}\n"
