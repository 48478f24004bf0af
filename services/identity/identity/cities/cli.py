"""`bootstrap` reads what is wanted as JSON on standard input, so that no secret is in an argument list."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from pydantic import ValidationError

from identity.cities.usecases.installation import BootstrapRequest, Installation

if TYPE_CHECKING:
    from identity.gateways.argon2 import Argon2Passwords
    from identity.gateways.signing import RsaKeyMaker


_MAX_INPUT = 65_536


class UnusableInput(SystemExit):
    """Standard input is not what `bootstrap` needs. Says where and never what."""


def read_wanted(source: TextIO) -> BootstrapRequest:
    """Raises: UnusableInput."""
    try:
        return BootstrapRequest.model_validate_json(source.read(_MAX_INPUT))
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'input'}: {item['msg']}" for item in error.errors(include_input=False))
        raise UnusableInput(f"bootstrap: {where}") from None


async def bootstrap(installation: Installation, wanted: BootstrapRequest, passwords: Argon2Passwords, maker: RsaKeyMaker) -> None:
    """Make the installation usable and print what is there now, as JSON."""
    made = await installation.ensure_signing_key(maker)
    done = await installation.bootstrap(wanted, passwords, made)
    sys.stdout.write(json.dumps(asdict(done), default=str) + "\n")
