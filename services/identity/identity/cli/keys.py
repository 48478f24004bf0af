"""`gtv keys ...`: the keys that tokens are signed with."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv keys", description="The keys that tokens are signed with.")
    parser.add_subparsers(dest="verb", required=True)
    return parser.parse_args(arguments)


async def run(_asked: argparse.Namespace) -> None:
    """Nothing to do yet."""
