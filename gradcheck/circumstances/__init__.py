"""Circumstances of a check that hide bugs: a right verdict here that would be wrong elsewhere.

Owns one small function per circumstance, what it hides and what to do. Judges no derivative:
remarks are made about leaves that pass, and change no verdict. A remark that always appears is
noise, so each must be certain: an ordinary set-up gets none.
Fourth layer: uses `records`, `space`, `execution`; `flow` appends what it finds.
"""

from .remarks import remarks

__all__ = ["remarks"]
