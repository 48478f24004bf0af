"""Sightings: stored plates that are compared with the watchlists."""
