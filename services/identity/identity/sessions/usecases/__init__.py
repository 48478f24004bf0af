"""Usecases of sessions."""
