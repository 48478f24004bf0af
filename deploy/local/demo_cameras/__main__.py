"""Entry point; see `demo_cameras.cli`."""

import sys

from demo_cameras.cli import main

if __name__ == "__main__":
    sys.exit(main())
