"""Random sources are held still, and left as they were found."""

import random as standard_random

import numpy as np
import pytest

import gradcheck
from gradcheck import UsageError, Verdict
from gradcheck.randomness import Held

SOURCES = {
    "generator": (np.random.default_rng(1), lambda s: s.normal()),
    "bit-generator": (np.random.PCG64(1), lambda s: np.random.Generator(s).normal()),
    "mt19937": (np.random.Generator(np.random.MT19937(1)), lambda s: s.normal()),
    "random-state": (np.random.RandomState(1), lambda s: s.normal()),
    "legacy-numpy": (np.random, lambda s: s.normal()),
    "random-object": (standard_random.Random(1), lambda s: s.gauss(0, 1)),
    "random-module": (standard_random, lambda s: s.gauss(0, 1)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_rewound_source_draws_the_same(name):
    """Also the second number of a pair of Gaussians, which some sources keep aside."""
    source, draw = SOURCES[name]
    draw(source)
    held = Held.of((source,))
    first = [draw(source) for _ in range(3)]
    held.rewind()
    assert [draw(source) for _ in range(3)] == first


def test_what_cannot_be_held_is_refused():
    """The message lists what can."""
    with pytest.raises(UsageError, match=r"random=42 cannot be held still; give a numpy\.random"):
        Held.of((42,))


@pytest.mark.parametrize("name", ["generator", "legacy-numpy", "random-module"])
def test_held_dropout_passes_and_the_source_is_as_before(name):
    """Held still, a fresh mask at every call is one mask, and nothing moves on."""
    source, draw = SOURCES[name]
    x = np.linspace(0.5, 1.5, 6)

    def mask():
        return np.array([draw(source) > 0 for _ in x]) / 0.5

    before = Held.of((source,))
    expected = draw(source)
    before.rewind()
    report = gradcheck.check_grad(
        lambda x: np.sum(x**2 * mask()), lambda x: 2 * x * mask(), x, random=source
    )
    assert report.verdict is Verdict.PASS
    assert draw(source) == expected


def test_holding_the_wrong_source_is_found_out():
    """The contract proves that holding worked, and says so where it did not."""
    rng, other = np.random.default_rng(1), np.random.default_rng(2)
    report = gradcheck.check_grad(
        lambda x: np.sum(x * rng.normal(size=3)), lambda x: x, np.ones(3), random=other
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "nondeterministic"
    assert "although the sources named by random= were held still" in report.findings[0].message


@pytest.mark.parametrize("name", SOURCES)
def test_source_knows_whether_it_was_drawn_from(name):
    """Since it was noted or rewound, and whichever state it was in."""
    source, draw = SOURCES[name]
    held = Held.of((source, np.random.default_rng(5)))
    assert held.untouched() == (True, True)
    draw(source)
    assert held.untouched() == (False, True)
    held.rewind()
    assert held.untouched() == (True, True)
