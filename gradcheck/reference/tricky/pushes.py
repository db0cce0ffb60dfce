"""Right Jacobian-vector products that trouble checkers.

Owns: PUSHES. Place: beside `case`, gathered by `__init__`. Each claim takes x and a tangent like x,
and returns what f(x) is structured like.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _softmax(rng: np.random.Generator) -> Posed:
    def softmax(z: Array) -> Tree:
        p: Array = np.exp(z - z.max())
        return p / p.sum()

    def right(z: Array, v: Array) -> Tree:
        p = softmax(z)
        return p * (v - p @ v)

    return Posed(softmax, right, 4 * rng.standard_normal(6), "jvp")


def _log_sum_exp(rng: np.random.Generator) -> Posed:
    def f(z: Array) -> Array:
        top = z.max(axis=1)
        total: Array = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
        return total

    return Posed(
        f,
        lambda z, v: np.sum(np.exp(z - f(z)[:, None]) * v, axis=1),
        1e4 + rng.standard_normal((3, 4)),
        "jvp",
    )


def _solve(rng: np.random.Generator) -> Posed:
    x = {"A": rng.standard_normal((4, 4)) + 4 * np.eye(4), "b": rng.standard_normal(4)}

    def right(x: Tree, v: Tree) -> Array:
        y = np.linalg.solve(x["A"], x["b"])
        return np.linalg.solve(x["A"], v["b"] - v["A"] @ y)

    return Posed(lambda x: np.linalg.solve(x["A"], x["b"]), right, x, "jvp")


def _unit_vector(rng: np.random.Generator) -> Posed:
    def right(x: Array, v: Array) -> Tree:
        length = np.sqrt(x @ x)
        return v / length - x * (x @ v) / length**3

    return Posed(lambda x: x / np.sqrt(x @ x), right, 1e-3 * rng.standard_normal(4), "jvp")


def _quaternion_rotation(rng: np.random.Generator) -> Posed:
    x = {"turn": rng.standard_normal(4), "point": rng.standard_normal(3)}

    def rotated(q: Array, p: Array) -> Tree:
        return (
            (q[0] ** 2 - q[1:] @ q[1:]) * p
            + 2 * (q[1:] @ p) * q[1:]
            + 2 * q[0] * np.cross(q[1:], p)
        )

    def right(x: Tree, v: Tree) -> Tree:
        q, p, dq = x["turn"], x["point"], v["turn"]
        turned = (
            2 * (q[0] * dq[0] - q[1:] @ dq[1:]) * p
            + 2 * (dq[1:] @ p) * q[1:]
            + 2 * (q[1:] @ p) * dq[1:]
            + 2 * dq[0] * np.cross(q[1:], p)
            + 2 * q[0] * np.cross(dq[1:], p)
        )
        return turned + rotated(q, v["point"])

    return Posed(lambda x: rotated(x["turn"], x["point"]), right, x, "jvp")


def _constant_output(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: {"moving": np.sin(x), "fixed": np.full(2, 3.5)},
        lambda x, v: {"moving": np.cos(x) * v, "fixed": np.zeros(2)},
        rng.standard_normal(3),
        "jvp",
    )


def _two_sizes(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: (1e10 * np.sin(x), 1e-10 * np.cos(x)),
        lambda x, v: (1e10 * np.cos(x) * v, -1e-10 * np.sin(x) * v),
        rng.standard_normal(3),
        "jvp",
    )


def _phase(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.exp(1j * x),
        lambda x, v: 1j * np.exp(1j * x) * v,
        rng.standard_normal(4),
        "jvp",
    )


def _sorted(rng: np.random.Generator) -> Posed:
    x = rng.permutation(np.linspace(-1, 1, 6))
    return Posed(np.sort, lambda x, v: v[np.argsort(x)], x, "jvp")


def _spherical(rng: np.random.Generator) -> Posed:
    def f(x: Array) -> Array:
        across = np.hypot(x[0], x[1])
        return np.array([np.sqrt(x @ x), np.arctan2(across, x[2]), np.arctan2(x[1], x[0])])

    def right(x: Array, v: Array) -> Array:
        across, square = np.hypot(x[0], x[1]), x @ x
        outward = (x[0] * v[0] + x[1] * v[1]) / across
        return np.array(
            [
                x @ v / np.sqrt(square),
                (x[2] * outward - across * v[2]) / square,
                (x[0] * v[1] - x[1] * v[0]) / across**2,
            ]
        )

    x = np.array([1e-3, 2e-3, 1.0]) * rng.uniform(1, 2, 3)  # beside the pole
    return Posed(f, right, x, "jvp")


PUSHES: tuple[Tricky, ...] = (
    Tricky(
        "push-through-softmax",
        "no thread, usual in forward mode",
        "The outputs always sum to 1, so that those of the product sum to 0.",
        _softmax,
    ),
    Tricky(
        "push-through-log-sum-exp",
        "jax-ml/jax#6811",
        "All entries are near 10000, where exp overflows without a shift.",
        _log_sum_exp,
    ),
    Tricky(
        "push-through-solve",
        "no thread, usual in implicit differentiation",
        "The tangent of a solution takes another solve with the same matrix.",
        _solve,
    ),
    Tricky(
        "push-through-a-unit-vector",
        "HIPS/autograd#151",
        "The vector is of 1e-3, so that a step of its length turns it around.",
        _unit_vector,
    ),
    Tricky(
        "push-through-a-rotation",
        "no thread, usual in robotics",
        "A quaternion that is not of unit length rotates and scales.",
        _quaternion_rotation,
    ),
    Tricky(
        "push-to-a-constant-output",
        "no thread, usual with models of several outputs",
        "One of two outputs does not depend on x at all.",
        _constant_output,
    ),
    Tricky(
        "push-to-outputs-of-two-sizes",
        "OpenMDAO/OpenMDAO#3164",
        "One output is 1e20 times the other.",
        _two_sizes,
    ),
    Tricky(
        "push-to-a-phase",
        "no thread, usual in optics",
        "x is real and the output complex.",
        _phase,
    ),
    Tricky(
        "push-through-sort",
        "pytorch/pytorch#57166",
        "The tangent is put into the order of x.",
        _sorted,
    ),
    Tricky(
        "push-through-spherical-coordinates",
        "no thread, usual in astronomy",
        "The point is close to the pole, where the longitude turns quickly.",
        _spherical,
    ),
)
