"""What holds for every test: how hypothesis searches.

A run in CI says something about the change that it judges: it tries the same examples each time, and however long one takes is no
failure. Whoever wants to look further does: `pytest --hypothesis-profile=search tests/gtvision`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
