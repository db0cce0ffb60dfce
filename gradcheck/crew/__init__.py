"""Lines measured on other processors: the values of `f` come back, and are judged here.

Workers measure lines ahead; the parent then goes through the lines in their order, as if there were
no workers, and finds the values there. So a report does not depend on how many workers there were,
nor on who was done first; what a worker could not do, the parent does itself.
Reading order: `orders` (what is asked of a worker), `payload` (what travels to it once), `worker`
(what it does), `trail` (where it was, should it die), `chunks` (how much at a time), `hands` (the
executor), `dispatch` (orders under way, and what goes wrong), `crew` (who waits for whom).
Sixth layer: uses `probing`; `examine` asks for the lines of a leaf, `flow` opens and closes it.
"""

from .crew import Crew

__all__ = ["Crew"]
