"""How much is asked of a worker at a time, by how long the lines have taken so far.

Part of `crew`; measures nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TARGET = 0.1  # seconds an order should take: a hundred times what it costs to send one
SHARE = 8  # of the lines that are left, the part that one order may hold: all are busy to the end
FIRST = 4  # orders sent at first; one more with each answer, for it is not known how many work
MOST = 256  # orders at most: a thousand workers would want more, and memory less
MOST_BYTES = 2**26  # of values sent back and not looked at yet
LADDER = 64  # evaluations that a line may take where a glance does not settle it
PATIENCE = 60.0  # seconds without an answer before workers are called hung, and
SLOW = 2.0  # times as long as all lines of an order could take


@dataclass
class Pace:
    """How fast lines are measured, and from that how many make an order, and how many orders.

    `bytes_a_line`: what the values of a line take up. `a_call`: seconds that a call took here.
    """

    bytes_a_line: int = 1
    a_call: float = 0.0
    seconds: float = 0.0
    lines: int = 0
    answers: int = field(default=0)

    def note(self, seconds: float, lines: int) -> None:
        """Note how long an order took."""
        self.seconds += seconds
        self.lines += lines
        self.answers += 1

    @property
    def a_line(self) -> float:
        """Seconds a line; 0 where none was measured yet."""
        return self.seconds / self.lines if self.lines else 0.0

    def size(self, left: int) -> int:
        """Return how many lines make an order, of so many that are left of a leaf."""
        if not self.lines:
            return 1
        by_time = TARGET / self.a_line if self.a_line > 0 else left
        return int(max(1, min(by_time, left / SHARE, MOST_BYTES / self.bytes_a_line)))

    @property
    def window(self) -> int:
        """How many orders may be under way or waiting to be looked at."""
        lines = self.size(MOST * SHARE)
        return int(max(1, min(FIRST + self.answers, MOST, MOST_BYTES / self.bytes_a_line / lines)))

    def patience(self, lines: int) -> float:
        """Return after how many seconds without any answer an order of so many lines is given up.

        A line that was measured so far took two evaluations or more; a ladder takes many. Before
        the first line, a worker calls f(x) once more.
        """
        return PATIENCE + SLOW * LADDER * max(self.a_line, self.a_call) * (lines + 1)
