"""Operator's command line, split by noun. `app` composes what a command needs; `gtv <name> ...` calls `python -m identity <name> ...`.

Each module has `parse(arguments)`, which says what was asked for or ends with the usage, and `run(asked, ...)`, which calls one verb
and prints.
"""

from identity.cities.cli import bootstrap, read_wanted

__all__ = ["bootstrap", "read_wanted"]
