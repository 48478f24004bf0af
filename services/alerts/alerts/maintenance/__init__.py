"""Maintenance: planned work during which nobody is told of what it breaks, and the city's holidays."""
