"""`python -m gtv` is the same as `gtv`."""

from gtv.cli import main

main()
