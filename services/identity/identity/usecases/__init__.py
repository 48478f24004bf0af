"""Verbs, by noun: sessions, users, and the installation as a whole."""
