"""`python -m media_standin --config mediamtx.yml`"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import uvloop
import yaml

from media_standin.app import serve
from media_standin.configuration import load
from media_standin.options import InvalidOption


def main() -> int:
    """Reads the configuration and runs; 1 where it is refused or a port is taken."""
    parser = argparse.ArgumentParser(prog="media_standin", description="A stand-in for MediaMTX 1.20: one machine, demos and tests.")
    parser.add_argument("--config", type=Path, required=True, help="a mediamtx.yml")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).3s %(message)s", stream=sys.stdout)
    for library in ("httpx", "httpcore", "uvicorn", "aioice", "aiortc"):
        logging.getLogger(library).setLevel(logging.WARNING)
    log = logging.getLogger("media_standin")
    try:
        configuration = load(arguments.config)
        uvloop.run(serve(configuration))
    except (InvalidOption, OSError, yaml.YAMLError) as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
