"""`gtv audit ...`: the ledger, from the machine itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, TextIO
from uuid import UUID

from pydantic import TypeAdapter

from gtvision.errors import NotFound
from gtvision.time import Instant
from identity.integrity.domain import Finding
from identity.integrity.usecases.verification import Report, Span, Verification
from identity.ledger.domain.entries import instant
from identity.ledger.domain.searches import Search, file_of

if TYPE_CHECKING:
    from identity.gateways.anchor_copies import StoredAnchorCopies
    from identity.gateways.audit_keys import HmacAuditKeys
    from identity.ledger.repository import PostgresUpkeep
    from identity.ledger.usecases import Ledger

_PROGRESS_EVERY = 20_000


@dataclass(frozen=True, slots=True)
class Tools:
    """What the commands work with."""

    upkeep: PostgresUpkeep
    ledger: Ledger
    verification: Verification
    keys: HmacAuditKeys
    copies: StoredAnchorCopies


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv audit", description="What is on record.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verify = verbs.add_parser("verify", help="check every row, anchor and copy; exit code 1 where something is wrong")
    verify.add_argument("--tenant", help="name or id; default: all")
    verify.add_argument("--from", dest="since", type=_instant, metavar="TIME", help="rows recorded then or later, as 2026-01-31T12:00:00Z")
    verify.add_argument("--skip-copies", action="store_true", help="do not compare the anchors' copies in object storage")
    repair = verbs.add_parser("repair", help="put on record which entries of earlier releases hold the ends of the calendar, and are right")
    repair.add_argument("--tenant", help="name or id; default: all")
    verbs.add_parser("keys", help="print the public keys that anchors are checked with")
    export = verbs.add_parser("export", help="write a tenant's entries to standard output; the export goes on record")
    export.add_argument("--tenant", required=True, help="name or id")
    export.add_argument("--from", dest="since", type=_instant, required=True, metavar="TIME")
    export.add_argument("--to", dest="until", type=_instant, required=True, metavar="TIME")
    export.add_argument("--format", dest="form", choices=("csv", "json"), default="json")
    return parser.parse_args(arguments)


async def run(asked: argparse.Namespace, tools: Tools) -> int:
    """The exit code. Raises: NotFound, Unavailable, RangeTooLong."""
    if asked.verb == "keys":
        for kid, public in tools.keys.public_keys().items():
            sys.stdout.write(f"{kid}  ed25519 {public}\n")
        return 0
    copied = await tools.copies.tenants() if asked.verb == "verify" and not asked.skip_copies else []
    tenants = await _tenants(tools.upkeep, asked.tenant, copied)
    if asked.verb == "export":
        await export(asked, tools.ledger, tenants[0][0], sys.stdout.buffer)
        return 0
    if asked.verb == "repair":
        for tenant_id, name in tenants:
            repaired = await tools.ledger.record_repaired(tenant_id)
            sys.stdout.write(f"{name} ({tenant_id}): {len(repaired)} entries {', '.join(map(str, repaired))}\n")
        return 0
    return 0 if all([(await verify(asked, tools, tenant, sys.stdout)).right for tenant in tenants]) else 1


async def export(asked: argparse.Namespace, ledger: Ledger, tenant_id: UUID, out: BinaryIO) -> None:
    """The file, page by page."""
    async for piece in file_of(asked.form, await ledger.export(None, tenant_id, Search(asked.since, asked.until), asked.form)):
        out.write(piece)
    out.flush()


async def verify(asked: argparse.Namespace, tools: Tools, tenant: tuple[UUID, str | None], out: TextIO) -> Report:
    """One tenant's ledger, in words."""
    tenant_id, name = tenant
    told = [0]

    def show(rows: int, seq: int) -> None:  # a line that is written over
        if rows >= told[-1] + _PROGRESS_EVERY and sys.stderr.isatty():
            told.append(rows)
            print(f"\r{rows} rows, up to {seq} ", end="", file=sys.stderr, flush=True)

    report = await tools.verification.verify(tenant_id, Span(since=asked.since), show, with_copies=not asked.skip_copies)
    out.write("\n".join(_told(report, f"{name or 'tenant without a name'} ({tenant_id})")) + "\n")
    out.flush()
    return report


def _told(report: Report, tenant: str) -> list[str]:
    lines = [f"{'right' if report.right else 'WRONG'}  {tenant}"]
    lines.append(f"  rows {report.first} to {report.last}: {report.rows} right" if report.rows else "  no rows")
    lines += [f"  {'first wrong row' if not number else 'wrong too'}: {_finding(each)}" for number, each in enumerate(report.findings)]
    lines += [f"  anchors: {_finding(each)}" for each in report.anchors]
    if report.copies is not None:
        lines.append(f"  copies in object storage: {report.copies} compared")
    last = report.last_anchor
    if report.head:
        lines.append(f"  last anchor: row {last.seq}, {instant(last.anchored_at)}" if last else "  no anchor yet")
    if report.unanchored:
        first = report.head - report.unanchored + 1
        lines.append(f"  rows {first} to {report.head} lie behind the last anchor: only the MAC protects them until the next one")
    return lines


def _finding(finding: Finding) -> str:
    at = f", {instant(finding.at)}" if finding.at else ""
    return f"{finding.wrong}: row {finding.seq}{at}: {finding.says}"


async def _tenants(upkeep: PostgresUpkeep, wanted: str | None, copied: Sequence[UUID] = ()) -> list[tuple[UUID, str | None]]:
    """Those that the database knows, and those of which only the copies of anchors are left."""
    known = await upkeep.tenants()
    in_database = {tenant_id for tenant_id, _ in known}
    known += [(tenant_id, None) for tenant_id in copied if tenant_id not in in_database]
    if wanted is None:
        return known
    found = [each for each in known if wanted in {each[1], str(each[0])}]
    if not found:
        raise NotFound(f"There is no tenant '{wanted}'.")
    return found


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return TypeAdapter(Instant).validate_python(found if found.tzinfo else found.replace(tzinfo=UTC))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no time; write 2026-01-31T12:00:00Z") from None
