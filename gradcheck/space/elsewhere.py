"""Large arrays that lie where none has lain of late, without holding the earlier ones.

A function may know its point by the identity of the array, or by the address of its numbers. Of
small points the last one is kept, so that the next is another and lies elsewhere; of a large one
that would be as much memory again.
Part of `space`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from .arrays import Array

# Numbers of a spacer, which is never written to, and takes addresses and no memory: small arrays
# lie in a heap that others share, those of more than 32 MB at most each by itself.
SPACES = (2**15, 2**19, 2**22)
STEP = 2**9  # numbers by which each is longer than the one before: a page
TRIES = 32
REMEMBERED = 256  # addresses: a line is measured with fewer points
MOST_BYTES = 2**32  # addresses that are taken, and not written to, to keep an array from others


@dataclass(eq=False)
class Places:
    """Where the last arrays have lain, and which objects all of them were.

    `kept` are empty arrays that hold the place of objects that are gone.
    """

    addresses: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    objects: set[int] = field(default_factory=set)
    kept: list[Array] = field(default_factory=list)

    def another(self, like: Array) -> Array:
        """Make an array like another, its numbers not set, that none of the earlier ones was.

        It lies where none of the last ones did.
        """
        array, beside = self._another_object(like), list[Array]()
        room = MOST_BYTES // max(1, like.nbytes)
        while _address(array) in self.addresses and len(beside) < room:
            spaces = [n for n in SPACES if 2 * n < like.size]
            if len(beside) < len(spaces):
                del array  # what takes its place moves the next one
                beside.append(np.empty(spaces[len(beside)] + STEP * len(self.objects)))
            else:
                beside.append(array)  # it stays there, unwritten, for a moment
            array = self._another_object(like)
        self.addresses.append(_address(array))
        self.objects.add(id(array))
        return array

    def _another_object(self, like: Array) -> Array:
        array = np.empty_like(like)
        for _ in range(len(self.objects) + TRIES):
            if id(array) not in self.objects:
                break
            del array
            self.kept.append(np.empty(0))
            array = np.empty_like(like)
        return array


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])
