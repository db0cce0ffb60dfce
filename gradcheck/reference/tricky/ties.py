"""Right gradients where entries are equal, are used more than once, or cancel one another.

Owns: TIES. Place: beside `case`, gathered by `__init__`. At a tie of a maximum each framework has a
convention of its own, and all of those here are subgradients.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _tie_shared(rng: np.random.Generator) -> Posed:
    x = np.array([0.5, 2.0, -1.0, 2.0])

    def right(x: Array) -> Tree:
        winners = x == x.max()
        return winners / winners.sum()

    return Posed(lambda x: np.max(x), right, x)


def _tie_to_the_first(rng: np.random.Generator) -> Posed:
    x = np.array([0.5, 2.0, -1.0, 2.0])
    return Posed(lambda x: np.max(x), lambda x: (np.arange(4) == np.argmax(x)) * 1.0, x)


def _tie_of_two_leaves(rng: np.random.Generator) -> Posed:
    same = rng.standard_normal(3)
    other = same + np.array([0.0, 1.0, -1.0])
    return Posed(
        lambda x: np.sum(np.maximum(x["a"], x["b"])),
        lambda x: {
            "a": (x["a"] > x["b"]) + 0.5 * (x["a"] == x["b"]),
            "b": (x["b"] > x["a"]) + 0.5 * (x["a"] == x["b"]),
        },
        {"a": same, "b": other},
    )


def _equal_entries_smooth(rng: np.random.Generator) -> Posed:
    x = np.full(4, 0.7)

    def right(x: Array) -> Tree:
        p: Array = np.exp(x - x.max())
        return p / p.sum()

    return Posed(lambda x: x.max() + np.log(np.sum(np.exp(x - x.max()))), right, x)


def _median_of_an_even_number(rng: np.random.Generator) -> Posed:
    x = rng.permutation(np.array([-1.0, 0.0, 1e-6, 3.0]))

    def right(x: Array) -> Array:
        middle = np.sort(x)[1:3]
        return 0.5 * np.isin(x, middle)

    return Posed(lambda x: np.sin(np.median(x)), lambda x: np.cos(np.median(x)) * right(x), x)


def _sum_of_tied_largest(rng: np.random.Generator) -> Posed:
    x = np.array([3.0, 1.0, 3.0, 0.0])  # the two largest are equal, and both are taken
    return Posed(
        lambda x: np.sum(np.sort(x)[2:] ** 2),
        lambda x: 2 * x * (x >= np.sort(x)[2]),
        x,
    )


def _segments(rng: np.random.Generator) -> Posed:
    owner = np.array([0, 1, 1, 3, 0, 1])  # segment 2 is empty

    def totals(x: Array) -> Array:
        total = np.zeros(4, x.dtype)
        np.add.at(total, owner, x)
        return total

    return Posed(
        lambda x: np.sum(totals(x) ** 2), lambda x: 2 * totals(x)[owner], rng.standard_normal(6)
    )


def _used_twice(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum((x - x) * 5 + x * np.roll(x, 1)),
        lambda x: np.roll(x, 1) + np.roll(x, -1),
        rng.standard_normal(5),
    )


def _embedding(rng: np.random.Generator) -> Posed:
    word = np.array([3, 3, 3, 1, 0, 3])
    w = rng.standard_normal((6, 2))

    def right(table: Array) -> Array:
        dtable = np.zeros_like(table)
        np.add.at(dtable, word, w / np.cosh(table[word]) ** 2)
        return dtable

    return Posed(lambda table: np.sum(w * np.tanh(table[word])), right, rng.standard_normal((5, 2)))


def _product_with_a_zero(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.5, 1.5, 5)
    x[2] = 0.0

    def right(x: Array) -> Array:
        return np.array([np.prod(np.delete(x, j)) for j in range(5)])

    return Posed(lambda x: np.prod(x), right, x)


def _log_add_of_equals(rng: np.random.Generator) -> Posed:
    same = rng.standard_normal(3)

    def right(x: Tree) -> Tree:
        first = 1 / (1 + np.exp(x["b"] - x["a"]))
        return {"a": first, "b": 1 - first}

    def f(x: Tree) -> Tree:
        top = np.maximum(x["a"], x["b"])
        return np.sum(top + np.log(np.exp(x["a"] - top) + np.exp(x["b"] - top)))

    return Posed(f, right, {"a": same, "b": same.copy()})


def _identical_rows(rng: np.random.Generator) -> Posed:
    data = np.repeat(rng.standard_normal((1, 3)), 6, axis=0)
    x = {"W": np.full((3, 4), 0.1), "v": np.full(4, 0.2)}  # symmetric: all units are equal

    def right(x: Tree) -> Tree:
        hidden = np.tanh(data @ x["W"])
        dout = 2 * (hidden @ x["v"] - 1)
        return {
            "W": data.T @ (np.outer(dout, x["v"]) * (1 - hidden**2)),
            "v": hidden.T @ dout,
        }

    return Posed(lambda x: np.sum((np.tanh(data @ x["W"]) @ x["v"] - 1) ** 2), right, x)


TIES: tuple[Tricky, ...] = (
    Tricky(
        "tied-maximum-shared",
        "apache/mxnet#18563",
        "Two entries are the largest, and each has half of the gradient.",
        _tie_shared,
    ),
    Tricky(
        "tied-maximum-to-the-first",
        "Theano/Theano#4568",
        "Two entries are the largest, and the first has the whole gradient.",
        _tie_to_the_first,
    ),
    Tricky(
        "tied-maximum-of-two-leaves",
        "coreylowman/dfdx#111",
        "One entry is equal in two leaves, and each has half of the gradient.",
        _tie_of_two_leaves,
    ),
    Tricky(
        "log-sum-exp-of-equal-entries",
        "no thread, usual at zero initialisation",
        "All entries tie for the maximum that is subtracted, and f is smooth all the same.",
        _equal_entries_smooth,
    ),
    Tricky(
        "median-of-four",
        "no thread, usual in robust statistics",
        "The two middle entries share the gradient and are 1e-6 apart.",
        _median_of_an_even_number,
    ),
    Tricky(
        "sum-of-the-two-largest",
        "pytorch/pytorch#57166",
        "The two largest entries are equal, and as both are taken their order is of no account.",
        _sum_of_tied_largest,
    ),
    Tricky(
        "segment-sums",
        "apache/mxnet#9172",
        "Entries are added by segment, and one segment is empty.",
        _segments,
    ),
    Tricky(
        "variable-used-twice",
        "karpathy/micrograd#2",
        "x minus itself cancels, and each entry is in two products.",
        _used_twice,
    ),
    Tricky(
        "embedding-of-a-repeated-word",
        "pytorch/pytorch#1631",
        "One row is used four times and two rows never.",
        _embedding,
    ),
    Tricky(
        "product-with-a-zero",
        "tensorflow/tensorflow#3862",
        "One factor is zero, so that all entries of the gradient but one are exactly zero.",
        _product_with_a_zero,
    ),
    Tricky(
        "log-add-of-equals",
        "keras-team/keras#23616",
        "Both arguments are equal, where the maximum inside has a kink and f has none.",
        _log_add_of_equals,
    ),
    Tricky(
        "symmetric-units",
        "no thread, usual with weights that are all equal",
        "All units and all samples are equal, so that each leaf has one number only.",
        _identical_rows,
    ),
)
