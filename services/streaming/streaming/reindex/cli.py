"""`gtv recordings ...`: the index of recordings, from the machine that has them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from streaming.recordings.domain import Look, SegmentFile
from streaming.reindex.domain import MOST_CHANGED, Differences, IndexedFile
from streaming.reindex.usecases import Reindexing
from streaming.retention import cli as holds_cli

_LISTED = 10


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv recordings", description="The index of recordings, and what is held.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    reindex = verbs.add_parser("reindex", help="hold the index against the disk, both ways; changes nothing without --apply")
    how = reindex.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only say what differs, as without --apply")
    how.add_argument("--apply", action="store_true", help="bring the index to what the disk says")
    reindex.add_argument("--force", action="store_true", help=f"also where more than {MOST_CHANGED:.0%}% of the rows would go or change")
    holds_cli.add_to(verbs)
    return parser.parse_args(arguments)


async def run(asked: argparse.Namespace, reindexing: Reindexing, look: Look) -> int:
    """The exit code. Raises: Unavailable."""
    found = await reindexing.differences(look)
    sys.stdout.write(told(found))
    if not asked.apply:
        sys.stdout.write("Nothing was changed; --apply brings the index to what the disk says.\n")
        return 0
    if found.is_too_much and not asked.force:
        sys.stdout.write("Nothing was changed: that is too much. Is the disk with the recordings there? --force does it all the same.\n")
        return 1
    done = await reindexing.apply(look, found, force=asked.force)
    sys.stdout.write(f"{done.added} files added, {done.removed} rows removed, {len(done.refused)} files not indexed.\n")
    sys.stdout.write(_listed([f"{path}: {reason}" for path, reason in done.refused]))
    return 0


def told(found: Differences) -> str:
    """The differences in words, with the first paths of each kind."""
    lines: tuple[tuple[str, int, Sequence[SegmentFile] | Sequence[IndexedFile]], ...] = (
        ("files on disk", found.files, ()),
        ("rows in the index", found.rows, ()),
        ("files without a row", len(found.unindexed), found.unindexed),
        ("rows without a file", len(found.missing), found.missing),
        ("files of another size", len(found.changed), found.changed),
    )
    said = "".join(f"{name:<22}{count:>12,}\n{_listed([str(each.path) for each in paths])}" for name, count, paths in lines)
    return f"{said}{found.share:.2%} of the rows would go or change.\n"


def _listed(items: Sequence[str]) -> str:
    """The first ones, a line each."""
    more = [f"... and {len(items) - _LISTED:,} more"] if len(items) > _LISTED else []
    return "".join(f"  {item}\n" for item in [*items[:_LISTED], *more])
