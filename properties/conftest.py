"""Hypothesis profiles: fast while developing, thorough in CI, search to find what neither does.

`HYPOTHESIS_PROFILE=thorough pytest properties` runs the thorough one. The first two draw the same
examples at every run, so that a failure is one of the change at hand; `search` draws fresh ones.
"""

import os

from hypothesis import HealthCheck, settings

slow = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fast", max_examples=25, derandomize=True, **slow)
settings.register_profile("thorough", max_examples=500, derandomize=True, **slow)
settings.register_profile("search", max_examples=2000, **slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
