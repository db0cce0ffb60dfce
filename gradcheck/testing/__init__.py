"""What tests are handed: checks that assert, with the session's seed, and one test a law.

Owns nothing of pytest, so it can be used in other test runners as well; `_gradcheck_pytest` is what
pytest loads, and calls it.
Twelfth layer: uses `check`, `laws` and `render`.
"""

from ..laws import parametrize as parametrize_with_laws
from .asserting import Gradcheck, InconclusiveWarning, fail, skip, warn

__all__ = ["Gradcheck", "InconclusiveWarning", "fail", "parametrize_with_laws", "skip", "warn"]
