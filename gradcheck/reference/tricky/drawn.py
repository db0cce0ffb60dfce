"""Right gradients of functions that draw random numbers, held still by `random`.

Owns: DRAWN. Place: beside `case`, gathered by `__init__`. The gradient is for the very numbers
that f drew; fresh numbers at each call make any gradient look wrong.
"""

import random

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

KEPT = 0.8  # probability that a unit is kept


def _dropout_by_generator(rng: np.random.Generator) -> Posed:
    source = np.random.default_rng(rng.integers(2**32))
    w = rng.standard_normal((4, 6))

    def mask() -> Array:
        return (source.uniform(size=(4, 6)) < KEPT) / KEPT

    return Posed(
        lambda x: np.sum(w * mask() * np.tanh(x)),
        lambda x: w * mask() / np.cosh(x) ** 2,
        rng.standard_normal((4, 6)),
        options={"random": source},
    )


def _dropout_by_global_state(rng: np.random.Generator) -> Posed:
    def mask() -> Array:
        return (np.random.rand(5) < KEPT) / KEPT  # noqa: NPY002 - what much course code does

    return Posed(
        lambda x: np.sum(mask() * x**2),
        lambda x: 2 * mask() * x,
        rng.standard_normal(5),
        options={"random": np.random},
    )


def _dropout_by_legacy_state(rng: np.random.Generator) -> Posed:
    source = np.random.RandomState(int(rng.integers(2**31)))
    return Posed(
        lambda x: np.sum(source.normal(size=5) * np.sin(x)),
        lambda x: source.normal(size=5) * np.cos(x),
        rng.standard_normal(5),
        options={"random": source},
    )


def _batch_by_standard_random(rng: np.random.Generator) -> Posed:
    source = random.Random(int(rng.integers(2**31)))
    data = rng.standard_normal((30, 3))

    def batch() -> Array:
        return data[source.sample(range(30), 8)]

    def right(w: Array) -> Tree:
        chosen = batch()
        return -chosen.T @ np.sin(chosen @ w) / 8

    return Posed(
        lambda w: np.mean(np.cos(batch() @ w)),
        right,
        rng.standard_normal(3),
        options={"random": source},
    )


def _noise_by_module_random(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum(np.exp(x) * random.gauss(1, 0.1)),
        lambda x: np.exp(x) * random.gauss(1, 0.1),
        rng.standard_normal(3),
        options={"random": random},
    )


def _reparameterised(rng: np.random.Generator) -> Posed:
    source = np.random.default_rng(rng.integers(2**32))
    x = {"mean": rng.standard_normal(3), "log_width": rng.uniform(-1, 0, 3)}

    def right(x: Tree) -> Tree:
        draw = source.standard_normal((10, 3))
        width = np.exp(x["log_width"])
        slope = np.cos(x["mean"] + width * draw) / 10
        return {"mean": slope.sum(axis=0), "log_width": (slope * draw * width).sum(axis=0)}

    def f(x: Tree) -> Tree:
        draw = source.standard_normal((10, 3))
        return np.sum(np.sin(x["mean"] + np.exp(x["log_width"]) * draw)) / 10

    return Posed(f, right, x, options={"random": source})


def _two_sources(rng: np.random.Generator) -> Posed:
    first, second = (np.random.default_rng(s) for s in rng.integers(2**32, size=2))

    def factor() -> Tree:
        return first.uniform(0.5, 1.5, 4) * second.choice([-1.0, 1.0], 4)

    return Posed(
        lambda x: np.sum(factor() * x**3),
        lambda x: 3 * factor() * x**2,
        rng.standard_normal(4),
        options={"random": (first, second)},
    )


def _seeded_inside(rng: np.random.Generator) -> Posed:
    seed = int(rng.integers(2**31))

    def noise() -> Array:
        return np.random.default_rng(seed).normal(1, 0.3, 4)

    return Posed(
        lambda x: np.sum(np.cos(x * noise())),
        lambda x: -noise() * np.sin(x * noise()),
        rng.standard_normal(4),
    )


def _mask_kept_by_the_layer(rng: np.random.Generator) -> Posed:
    mask = (rng.uniform(size=6) < KEPT) / KEPT  # drawn once, when the layer was made
    return Posed(
        lambda x: np.sum(mask * np.exp(x)), lambda x: mask * np.exp(x), rng.standard_normal(6)
    )


def _sum_in_changing_order(rng: np.random.Generator) -> Posed:
    source = np.random.default_rng(rng.integers(2**32))  # as threads do, and not to be held
    data = rng.standard_normal((2000, 3))

    def shuffled() -> Array:
        return data[source.permutation(2000)]

    def right(w: Array) -> Tree:
        rows = shuffled()
        return rows.T @ (1 - np.tanh(rows @ w) ** 2)

    return Posed(lambda w: np.sum(np.tanh(shuffled() @ w)), right, rng.standard_normal(3))


DRAWN: tuple[Tricky, ...] = (
    Tricky(
        "dropout-by-a-generator",
        "pytorch/pytorch#13818",
        "f draws a dropout mask at every call, and the claim draws the same one.",
        _dropout_by_generator,
    ),
    Tricky(
        "dropout-by-the-global-state",
        "no thread, usual in course exercises",
        "The mask comes from the global state of numpy.random.",
        _dropout_by_global_state,
    ),
    Tricky(
        "weights-by-a-random-state",
        "no thread, usual in code older than NumPy 1.17",
        "The weights come from a RandomState object.",
        _dropout_by_legacy_state,
    ),
    Tricky(
        "batch-by-random-sample",
        "no thread, usual in stochastic gradient descent",
        "Each call draws a mini-batch by a random.Random object.",
        _batch_by_standard_random,
    ),
    Tricky(
        "noise-by-the-module-random",
        "no thread, usual in small simulations",
        "The noise comes from the state of Python's own module random.",
        _noise_by_module_random,
    ),
    Tricky(
        "reparameterised-draws",
        "Kingma & Welling (2013), arXiv 1312.6114",
        "f draws normal numbers and differentiates through their mean and width.",
        _reparameterised,
    ),
    Tricky(
        "two-random-sources",
        "no thread, usual with data augmentation beside dropout",
        "f draws from two generators, and both must be held still.",
        _two_sources,
    ),
    Tricky(
        "generator-seeded-inside-f",
        "apache/mxnet#13915",
        "f makes a generator of a fixed seed at each call, so that nothing need be held.",
        _seeded_inside,
    ),
    Tricky(
        "mask-kept-by-the-layer",
        "no thread, usual with variational dropout",
        "The mask was drawn once, so that some entries have a gradient of exactly zero.",
        _mask_kept_by_the_layer,
    ),
    Tricky(
        "sum-in-changing-order",
        "CharlesShang/DCNv2#8",
        "Two calls at the same x differ in the last digits, as sums of many threads do.",
        _sum_in_changing_order,
    ),
)
