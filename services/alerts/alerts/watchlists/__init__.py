"""Watchlists: the plates that are looked for, why, and until when."""
