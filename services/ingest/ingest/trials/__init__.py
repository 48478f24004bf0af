"""Trials: what a rule would have raised, had it been on."""
