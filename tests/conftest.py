"""Settings for every test: how hypothesis searches for examples.

A run in CI judges the change at hand: it tries the same examples each time, and a slow example is no
failure. To search further: `pytest --hypothesis-profile=search tests/gtvision`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
