"""`python -m streaming api|agent|migrate`."""

from streaming.app import main

main()
