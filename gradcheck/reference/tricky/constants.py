"""Right gradients that are exactly zero because nothing depends on a leaf, or nothing there.

Owns: CONSTANTS. Place: beside `case`, gathered by `__init__`. A zero that is right must pass, and
must not be taken for a detached leaf.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _unused_leaf(rng: np.random.Generator) -> Posed:
    x = {"used": rng.standard_normal(3), "unused": rng.standard_normal(2)}
    return Posed(
        lambda x: np.sum(np.sin(x["used"])),
        lambda x: {"used": np.cos(x["used"]), "unused": np.zeros(2)},
        x,
    )


def _constant_function(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: 3.25, np.zeros_like, rng.standard_normal((2, 3)))


def _zero_function(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: 0.0 * np.sum(x), np.zeros_like, rng.standard_normal(4))


def _flat_clip(rng: np.random.Generator) -> Posed:
    x = rng.choice([-1.0, 1.0], 4) * rng.uniform(2, 3, 4)
    return Posed(lambda x: np.sum(np.clip(x, -1, 1)), lambda x: (np.abs(x) < 1) * 1.0, x)


def _dead_layer(rng: np.random.Generator) -> Posed:
    data = rng.uniform(0, 1, (6, 3))
    x = {
        "W1": rng.standard_normal((3, 4)),
        "b1": np.full(4, -20.0),
        "W2": rng.standard_normal((4, 1)),
        "b2": rng.standard_normal(1),
    }

    def f(x: Tree) -> Tree:
        hidden = np.maximum(data @ x["W1"] + x["b1"], 0)
        return np.sum((hidden @ x["W2"] + x["b2"]) ** 2)

    def right(x: Tree) -> Tree:
        z = data @ x["W1"] + x["b1"]
        hidden = np.maximum(z, 0)
        dout = 2 * (hidden @ x["W2"] + x["b2"])
        dz = dout @ x["W2"].T * (z > 0)
        return {
            "W1": data.T @ dz,
            "b1": dz.sum(axis=0),
            "W2": hidden.T @ dout,
            "b2": dout.sum(axis=0),
        }

    return Posed(f, right, x)


def _low_rank_at_start(rng: np.random.Generator) -> Posed:
    data, target = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
    x = {"A": rng.standard_normal((4, 2)), "B": np.zeros((2, 3))}

    def right(x: Tree) -> Tree:
        dout = data @ x["A"] @ x["B"] - target
        return {"A": data.T @ dout @ x["B"].T, "B": (data @ x["A"]).T @ dout}

    return Posed(lambda x: 0.5 * np.sum((data @ x["A"] @ x["B"] - target) ** 2), right, x)


def _masked_entries(rng: np.random.Generator) -> Posed:
    mask = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
    return Posed(lambda x: np.sum(mask * np.exp(x)), lambda x: mask * np.exp(x), rng.normal(size=5))


def _ignored_rows(rng: np.random.Generator) -> Posed:
    label = np.array([2, -100, 0, -100, 1])
    kept = np.flatnonzero(label >= 0)

    def f(z: Array) -> Tree:
        rows = z[kept]
        return np.mean(np.log(np.exp(rows).sum(axis=1)) - rows[range(3), label[kept]])

    def right(z: Array) -> Array:
        dz = np.zeros_like(z)
        dz[kept] = np.exp(z[kept]) / np.exp(z[kept]).sum(axis=1, keepdims=True)
        dz[kept, label[kept]] -= 1
        return dz / 3

    return Posed(f, right, rng.standard_normal((5, 3)))


def _rounded_part(rng: np.random.Generator) -> Posed:
    x = np.array([0.2, 1.7, -0.4]) + 0.05 * rng.standard_normal(3)
    return Posed(lambda x: np.sum(np.round(x) + 0.5 * x**2), lambda x: x + 0.0, x)


def _accuracy(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal((20, 3))
    label = rng.integers(0, 2, 20)
    return Posed(lambda w: np.mean((data @ w > 0) == label), np.zeros_like, rng.standard_normal(3))


def _index_from_argmax(rng: np.random.Generator) -> Posed:
    x = {"scores": np.array([0.1, 2.0, -1.0]), "values": rng.standard_normal(3)}

    def right(x: Tree) -> Tree:
        chosen = np.arange(3) == np.argmax(x["scores"])
        return {"scores": np.zeros(3), "values": 2 * x["values"] * chosen}

    return Posed(lambda x: x["values"][np.argmax(x["scores"])] ** 2, right, x)


def _zero_steps(rng: np.random.Generator) -> Posed:
    x = {"start": rng.standard_normal(3), "rate": np.array(0.0)}

    def right(x: Tree) -> Tree:
        moved = x["start"] - x["rate"] * np.sin(x["start"])
        return {
            "start": 2 * moved * (1 - x["rate"] * np.cos(x["start"])),
            "rate": -2 * np.sum(moved * np.sin(x["start"])),
        }

    return Posed(lambda x: np.sum((x["start"] - x["rate"] * np.sin(x["start"])) ** 2), right, x)


CONSTANTS: tuple[Tricky, ...] = (
    Tricky(
        "unused-leaf",
        "no thread, usual with parameters that are frozen",
        "A parameter is not used at all, and its gradient of zeros is right.",
        _unused_leaf,
    ),
    Tricky(
        "constant-function",
        "no thread, usual in first tests of a checker",
        "f is the same number everywhere, a Python float that never touches x.",
        _constant_function,
    ),
    Tricky(
        "zero-function",
        "no thread, usual with a loss whose weight is set to zero",
        "f is exactly zero everywhere, so that neither value nor gradient has a size.",
        _zero_function,
    ),
    Tricky(
        "flat-region-of-a-clip",
        "tenstorrent/tt-metal#48201",
        "All entries are clipped, so that f is flat and its gradient zero.",
        _flat_clip,
    ),
    Tricky(
        "dead-relu-layer",
        "no thread, usual after a step that was too long",
        "No unit of the hidden layer is active, and three leaves have zero gradients.",
        _dead_layer,
    ),
    Tricky(
        "low-rank-adapter-at-its-start",
        "Hu et al. (2021), LoRA, arXiv 2106.09685",
        "B starts at zero, so that the gradient of A is exactly zero though A is in use.",
        _low_rank_at_start,
    ),
    Tricky(
        "masked-entries",
        "Theano/Theano#144",
        "Entries of one leaf are masked: zeros that are exactly right beside numbers that are not.",
        _masked_entries,
    ),
    Tricky(
        "ignored-rows",
        "PaddlePaddle/Paddle#28622",
        "Rows with the label -100 are ignored and have zero gradients.",
        _ignored_rows,
    ),
    Tricky(
        "rounded-part",
        "no thread, usual with quantised inputs",
        "A rounded copy of x is added, whose slope is zero between its jumps.",
        _rounded_part,
    ),
    Tricky(
        "accuracy",
        "no thread, usual as a second output of a loss",
        "The accuracy is constant between jumps, so that its gradient is zero.",
        _accuracy,
        answer="inconclusive",
    ),
    Tricky(
        "index-from-argmax",
        "no thread, usual with hard attention",
        "One leaf only decides which entry of the other is taken.",
        _index_from_argmax,
    ),
    Tricky(
        "scalar-leaf-of-zero",
        "no thread, usual with learning rates that start at zero",
        "A scalar leaf is exactly zero, so that it has no size to take a step from.",
        _zero_steps,
    ),
)
