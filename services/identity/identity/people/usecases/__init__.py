"""Usecases of people."""
