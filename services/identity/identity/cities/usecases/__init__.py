"""Usecases of cities."""
