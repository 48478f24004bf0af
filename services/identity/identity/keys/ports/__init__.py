"""Ports of keys."""
