"""`gtv`, the operator's command line, and the supervisor of the stack that needs no Docker. It imports no service."""

__version__ = "0.1.0"
