"""Hypothesis profiles: fast while developing, thorough in CI.

`HYPOTHESIS_PROFILE=thorough pytest properties` runs the thorough one.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=25, deadline=None)
settings.register_profile(
    "thorough",
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
