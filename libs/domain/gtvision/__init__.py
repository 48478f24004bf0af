"""The language of GT-Vision: nouns, events and errors that every service shares. Standard library and pydantic only."""

__version__ = "0.1.0"
