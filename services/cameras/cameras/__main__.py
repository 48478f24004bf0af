"""`python -m cameras api|migrate`."""

from cameras.app import main

if __name__ == "__main__":
    main()
