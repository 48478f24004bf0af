"""`python -m alerts api|migrate`."""

from alerts.app import main

main()
