"""`python -m identity api|migrate|bootstrap`."""

from identity.app import main

if __name__ == "__main__":
    main()
