"""Forecast: what recordings take, and how long they will be kept."""
