"""Usecases of federation."""
