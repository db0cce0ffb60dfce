"""A single wrong entry read off the weights of lines, and none where that is not what is wrong."""

import numpy as np
import pytest

from gradcheck.localise.decode import FEW, candidates
from gradcheck.localise.reading import Reading

N = 10_000


class Lines:
    """Readings of a leaf in which some entries are wrong, each off by less than a bar."""

    def __init__(self, wrong, bar, seed=0):
        self.wrong, self.bar = wrong, bar
        self.rng = np.random.default_rng(seed)
        self.read = 0

    def another(self):
        """Read one more."""
        self.read += 1
        v = self.rng.uniform(0.5, 1.5, N) * self.rng.choice([-1.0, 1.0], N)
        off = sum(error * v[k] for k, error in self.wrong.items())
        numeric = off + self.bar * self.rng.uniform(-1, 1)
        return Reading(v, 0.0, numeric, self.bar, 1.0), self.bar

    def decoded(self, count=3):
        """Read so many, and decode; returns the entries, and how many lines were read more."""
        readings, bars = zip(*(self.another() for _ in range(count)), strict=True)
        found = candidates(readings, bars, self.another)
        return found, self.read - count


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("bar", "most"), [(1e-9, 0), (1e-4, 0), (1e-3, 2), (1e-2, 6)])
def test_wrong_entry_is_among_the_few(bar, most, seed):
    """The wider the bars, the more lines it takes."""
    k = 1234 + seed
    found, more = Lines({k: 1.0}, bar, seed).decoded()
    assert k in found
    assert len(found) <= FEW
    assert more <= most


@pytest.mark.parametrize("wrong", [{5: 1.0, 6000: 1.0}, {5: 1.0, 6000: -0.3, 77: 0.2}, {}])
def test_several_wrong_entries_are_not_taken_for_one(wrong):
    """Nor none at all, where lines show nothing."""
    found, _ = Lines(wrong, 1e-9).decoded(4)
    assert found == () or not wrong


def test_wide_bars_are_left_to_the_search():
    """Nothing can be told from lines that hardly show the error."""
    found, more = Lines({5: 1.0}, 0.3).decoded()
    assert (found, more) == ((), 0)


def test_line_that_cannot_be_read_ends_the_decoding():
    """What is left is too much to look at."""
    lines = Lines({5: 1.0}, 1e-2)
    readings, bars = zip(*(lines.another() for _ in range(2)), strict=True)
    assert candidates(readings, bars, lambda: None) == ()


@pytest.mark.parametrize("unit", [1e-300, 1e200])
def test_unit_of_f_changes_nothing(unit):
    """The regression: squares of such bars overflow."""
    assert Lines({1234: unit}, 1e-9 * unit).decoded()[0] == (1234,)


def test_bars_of_zero_do_no_harm():
    """Where everything is exact."""
    assert Lines({1234: 1.0}, 0.0).decoded()[0] in ((1234,), ())
