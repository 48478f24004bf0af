"""Fakes, tokens and real-server fixtures for tests."""
