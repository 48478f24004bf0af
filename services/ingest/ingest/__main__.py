"""`python -m ingest api|grabber|migrate`."""

from ingest.app import main

main()
