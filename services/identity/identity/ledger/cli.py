"""`gtv audit ...`: the ledger, from the machine itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, TextIO
from uuid import UUID

from pydantic import TypeAdapter

from gtvision.errors import NotFound
from gtvision.time import Instant
from identity.ledger.domain.exports import Form, file_of
from identity.ledger.domain.ledger import Chained, instant
from identity.ledger.domain.searches import Sought
from identity.ledger.domain.verification import Finding
from identity.ledger.ports import AnchorCopies, AuditKeys, Upkeep
from identity.ledger.usecases.auditing import Auditing
from identity.ledger.usecases.verification import Report, Span, Verification


@dataclass(frozen=True, slots=True)
class Tools:
    """What the commands work with."""

    upkeep: Upkeep
    auditing: Auditing
    verification: Verification
    keys: AuditKeys
    copies: AnchorCopies


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv audit", description="What is on record.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verify = verbs.add_parser("verify", help="check every row, anchor and copy; exit code 1 where something is wrong")
    verify.add_argument("--tenant", help="name or id; default: all")
    verify.add_argument("--from", dest="since", type=_instant, metavar="TIME", help="rows recorded then or later, as 2026-01-31T12:00:00Z")
    verify.add_argument("--skip-copies", action="store_true", help="do not compare the anchors' copies in object storage")
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
    if asked.verb == "export":
        ((tenant_id, _), *_rest) = await _tenants(tools.upkeep, asked.tenant)
        await export(asked, tools.auditing, tenant_id, sys.stdout.buffer)
        return 0
    copied = [] if asked.skip_copies else await tools.copies.tenants()
    tenants = await _tenants(tools.upkeep, asked.tenant, copied)
    reports = [await verify(asked, tools, tenant, sys.stdout) for tenant in tenants]
    return 0 if all(report.is_right for report in reports) else 1


async def export(asked: argparse.Namespace, auditing: Auditing, tenant_id: UUID, out: BinaryIO) -> None:
    """The file, page by page."""
    form: Form = asked.form
    pages: AsyncIterator[list[Chained]] = await auditing.export(None, tenant_id, Sought(asked.since, asked.until), form)
    async for piece in file_of(form, pages):
        out.write(piece)
    out.flush()


async def verify(asked: argparse.Namespace, tools: Tools, tenant: tuple[UUID, str | None], out: TextIO) -> Report:
    """One tenant's ledger, in words."""
    tenant_id, name = tenant
    report = await tools.verification.verify(tenant_id, Span(since=asked.since), _Progress(sys.stderr))
    if not asked.skip_copies:
        report = await tools.verification.compare_copies(report, tools.copies)
    out.write("\n".join(_told(report, f"{name or 'tenant without a name'} ({tenant_id})")) + "\n")
    out.flush()
    return report


def _told(report: Report, tenant: str) -> list[str]:
    lines = [f"{'right' if report.is_right else 'WRONG'}  {tenant}"]
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


class _Progress:
    """A line that is written over, on a terminal only."""

    def __init__(self, out: TextIO, every: int = 20_000) -> None:
        self._out, self._every, self._next = out, every, every

    def __call__(self, rows: int, seq: int) -> None:
        if rows >= self._next and self._out.isatty():
            self._next = rows + self._every
            self._out.write(f"\r{rows} rows, up to {seq} ")
            self._out.flush()


async def _tenants(upkeep: Upkeep, wanted: str | None, copied: Sequence[UUID] = ()) -> list[tuple[UUID, str | None]]:
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
