"""`gtv users ...`: people, from the machine itself."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv users", description="People of this installation.")
    parser.add_subparsers(dest="verb", required=True)
    return parser.parse_args(arguments)


async def run(_asked: argparse.Namespace) -> None:
    """Nothing to do yet."""
