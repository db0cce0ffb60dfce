"""A file in which a long check writes down what it has measured, to go on there after its end.

Reading order: `code` (which version of a function it is), `identity` (of which problem, plan and
version the file is), `store` (the file, which can be read after a kill at any moment).
Fourth layer: uses `execution`; `flow` opens it where the caller gives a path.
"""

from .store import Journal

__all__ = ["Journal"]
