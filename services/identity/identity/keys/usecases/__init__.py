"""Usecases of keys."""
