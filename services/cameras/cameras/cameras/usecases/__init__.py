"""Verbs of cameras."""
