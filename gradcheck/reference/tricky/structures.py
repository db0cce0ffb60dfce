"""Right gradients of unusual structure, memory layout or number type.

Owns: STRUCTURES. Place: beside `case`, gathered by `__init__`. The numbers are easy; a checker that
flattens, copies or casts without care gets them wrong.
"""

from typing import NamedTuple

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


class Layer(NamedTuple):
    """A dense layer as a namedtuple."""

    W: Array
    b: Array


def _nested(rng: np.random.Generator) -> Posed:
    x = {
        "layers": [{"W": rng.standard_normal((2, 2))}, {"W": rng.standard_normal(2)}],
        "rest": (np.array(0.5), [rng.standard_normal(1)]),
    }

    def right(x: Tree) -> Tree:
        first, second = (layer["W"] for layer in x["layers"])
        scale, (shift,) = x["rest"]
        return {
            "layers": [
                {"W": scale * np.cos(first) * second},
                {"W": scale * np.sin(first).sum(axis=0)},
            ],
            "rest": (np.sum(np.sin(first) * second), [2 * shift]),
        }

    def f(x: Tree) -> Tree:
        first, second = (layer["W"] for layer in x["layers"])
        scale, (shift,) = x["rest"]
        return scale * np.sum(np.sin(first) * second) + np.sum(shift**2)

    return Posed(f, right, x)


def _namedtuples(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal((5, 2))
    x = [Layer(rng.standard_normal((2, 3)), rng.standard_normal(3))]

    def right(x: Tree) -> Tree:
        dz = 1 / np.cosh(data @ x[0].W + x[0].b) ** 2
        return [Layer(data.T @ dz, dz.sum(axis=0))]

    return Posed(lambda x: np.sum(np.tanh(data @ x[0].W + x[0].b)), right, x)


def _python_floats(rng: np.random.Generator) -> Posed:
    x = {"a": float(rng.uniform(1, 2)), "b": float(rng.uniform(1, 2))}
    return Posed(
        lambda x: x["a"] ** 2 * x["b"],
        lambda x: {"a": 2 * x["a"] * x["b"], "b": x["a"] ** 2},
        x,
    )


def _zero_dimensional(rng: np.random.Generator) -> Posed:
    x = (np.array(rng.uniform(1, 2)), np.float64(rng.uniform(1, 2)))
    return Posed(lambda x: np.sin(x[0]) * x[1], lambda x: (np.cos(x[0]) * x[1], np.sin(x[0])), x)


def _empty_leaf(rng: np.random.Generator) -> Posed:
    x = {"W": rng.standard_normal(3), "extra": np.zeros((0, 4))}
    return Posed(
        lambda x: np.sum(x["W"] ** 3) + np.sum(x["extra"]),
        lambda x: {"W": 3 * x["W"] ** 2, "extra": np.ones((0, 4))},
        x,
    )


def _carried_labels(rng: np.random.Generator) -> Posed:
    x = {"scores": rng.standard_normal((4, 3)), "labels": np.array([2, 0, 1, 1]), "mode": "mean"}

    def f(x: Tree) -> Tree:
        z = x["scores"]
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[range(4), x["labels"]])

    def right(x: Tree) -> Tree:
        dz = np.exp(x["scores"]) / np.exp(x["scores"]).sum(axis=1, keepdims=True)
        dz[range(4), x["labels"]] -= 1
        return {"scores": dz / 4, "labels": None, "mode": None}

    return Posed(f, right, x)


def _complex(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def _complex_leaf(rng: np.random.Generator) -> Posed:
    return Posed(lambda z: np.sum(np.abs(z) ** 2), lambda z: 2 * z, _complex(rng, 4))


def _complex_holomorphic(rng: np.random.Generator) -> Posed:
    w = _complex(rng, 4)
    return Posed(
        lambda z: np.sum(w * np.exp(z)).real, lambda z: np.conj(w * np.exp(z)), _complex(rng, 4)
    )


def _complex_matched_filter(rng: np.random.Generator) -> Posed:
    a, target = _complex(rng, 5, 3), _complex(rng, 5)

    def right(x: Tree) -> Tree:
        residual = x["gain"] * (a @ x["z"]) - target
        return {
            "z": 2 * x["gain"] * a.conj().T @ residual,
            "gain": 2 * np.sum((np.conj(residual) * (a @ x["z"])).real),
        }

    return Posed(
        lambda x: np.sum(np.abs(x["gain"] * (a @ x["z"]) - target) ** 2),
        right,
        {"z": _complex(rng, 3), "gain": np.array(0.7)},
    )


def _weighted_sine(rng: np.random.Generator, x: Array) -> Posed:
    """Pose f = sum(w sin x), whose gradient is plain, at an array that is not."""
    w = rng.uniform(1, 2, x.shape)
    return Posed(lambda x: np.sum(w * np.sin(x)), lambda x: w * np.cos(x), x)


def _fortran_order(rng: np.random.Generator) -> Posed:
    return _weighted_sine(rng, np.asfortranarray(rng.standard_normal((3, 5))))


def _strided_view(rng: np.random.Generator) -> Posed:
    return _weighted_sine(rng, rng.standard_normal((6, 8))[::-2, 1::3])


def _transposed_view(rng: np.random.Generator) -> Posed:
    return _weighted_sine(rng, rng.standard_normal((4, 2, 3)).transpose(2, 0, 1))


def _broadcast_view(rng: np.random.Generator) -> Posed:
    return _weighted_sine(rng, np.broadcast_to(rng.standard_normal(3), (4, 3)))


def _read_only(rng: np.random.Generator) -> Posed:
    x = rng.standard_normal((2, 3))
    x.flags.writeable = False
    return _weighted_sine(rng, x)


def _extended(rng: np.random.Generator) -> Posed:
    return _weighted_sine(rng, rng.standard_normal(4).astype(np.longdouble))


def _claim_as_array(rng: np.random.Generator) -> Posed:
    x = rng.standard_normal((3, 2))
    return Posed(lambda x: np.sum(x**4), 4 * x**3, x)


def _claim_as_tree(rng: np.random.Generator) -> Posed:
    x = {"W": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}
    out = np.tanh(x["W"] + x["b"])
    dz = 1 - out**2
    return Posed(lambda x: np.sum(np.tanh(x["W"] + x["b"])), {"W": dz, "b": dz.sum(axis=0)}, x)


def _value_and_gradient(rng: np.random.Generator) -> Posed:
    def f(x: Tree) -> Tree:
        e = np.exp(-(x["a"] ** 2))
        return np.sum(e * x["b"]), {"a": -2 * x["a"] * e * x["b"], "b": e}

    claim = True  # f returns both
    return Posed(f, claim, {"a": rng.standard_normal(3), "b": rng.standard_normal(3)})


def _tied_weights(rng: np.random.Generator) -> Posed:
    shared = rng.standard_normal((3, 3))  # one array, twice in x: two leaves of equal values
    data = rng.standard_normal((4, 3))

    def right(x: Tree) -> Tree:
        code = np.tanh(data @ x["encoder"])
        dout = 2 * (code @ x["decoder"].T - data)
        return {"encoder": data.T @ (dout @ x["decoder"] * (1 - code**2)), "decoder": dout.T @ code}

    return Posed(
        lambda x: np.sum((np.tanh(data @ x["encoder"]) @ x["decoder"].T - data) ** 2),
        right,
        {"encoder": shared, "decoder": shared},
    )


def _keys_in_another_order(rng: np.random.Generator) -> Posed:
    x = {"b": rng.standard_normal(2), "W": rng.standard_normal(2), "a": rng.standard_normal(2)}
    return Posed(
        lambda x: np.sum(x["a"] * np.sin(x["b"]) * x["W"]),
        lambda x: {
            "W": x["a"] * np.sin(x["b"]),
            "a": np.sin(x["b"]) * x["W"],
            "b": x["a"] * np.cos(x["b"]) * x["W"],
        },
        x,
    )


STRUCTURES: tuple[Tricky, ...] = (
    Tricky(
        "nested-containers",
        "twitter/torch-autograd#10",
        "x is a dict of a list of dicts and of a tuple with a list.",
        _nested,
    ),
    Tricky(
        "namedtuples",
        "no thread, usual with layers as namedtuples",
        "x is a list of namedtuples, and so is its gradient.",
        _namedtuples,
    ),
    Tricky(
        "python-floats",
        "no thread, usual with hand-written physics",
        "The leaves are Python floats, not arrays.",
        _python_floats,
    ),
    Tricky(
        "zero-dimensional-arrays",
        "no thread, usual with learned temperatures",
        "One leaf is an array without dimensions and the other a NumPy scalar.",
        _zero_dimensional,
    ),
    Tricky(
        "empty-leaf",
        "no thread, usual with models that have no extra features",
        "One leaf has no entries at all.",
        _empty_leaf,
    ),
    Tricky(
        "labels-carried-along",
        "no thread, usual with batches kept beside the parameters",
        "x holds integer labels and a word, which have no gradient.",
        _carried_labels,
    ),
    Tricky(
        "complex-leaf",
        "FluxML/Zygote.jl#160",
        "The leaf is complex and f real, and the gradient follows PyTorch's convention.",
        _complex_leaf,
    ),
    Tricky(
        "complex-holomorphic-inside",
        "FluxML/Zygote.jl#160",
        "f is the real part of a holomorphic function, whose gradient is the conjugate slope.",
        _complex_holomorphic,
    ),
    Tricky(
        "complex-and-real-leaves",
        "no thread, usual in signal processing",
        "A complex leaf is multiplied by a real one, and only the first has a complex gradient.",
        _complex_matched_filter,
    ),
    Tricky(
        "fortran-order",
        "no thread, usual with arrays from LAPACK or MATLAB",
        "The leaf is in Fortran order, so that ravel() need not return a view.",
        _fortran_order,
    ),
    Tricky(
        "strided-view",
        "chainer/chainer#2062",
        "The leaf is a view with steps, one of them backwards.",
        _strided_view,
    ),
    Tricky(
        "transposed-view",
        "no thread, usual with images whose channels were moved",
        "The leaf is a view with permuted axes.",
        _transposed_view,
    ),
    Tricky(
        "broadcast-view",
        "no thread, usual with np.broadcast_to",
        "All rows of the leaf share one memory, and each entry has a gradient of its own.",
        _broadcast_view,
    ),
    Tricky(
        "read-only-array",
        "no thread, usual with memory maps and with arrays from jax",
        "The leaf cannot be written to, so that it cannot be changed in place.",
        _read_only,
    ),
    Tricky(
        "longdouble-leaf",
        "no thread, usual in celestial mechanics",
        "The leaf has more digits than float64, where the platform has such a type.",
        _extended,
    ),
    Tricky(
        "claim-given-as-an-array",
        "no thread, usual with gradients that were computed elsewhere",
        "The claim is the gradient at x itself, which cannot be asked at another point.",
        _claim_as_array,
    ),
    Tricky(
        "claim-given-as-a-dict",
        "no thread, usual with gradients that were saved to a file",
        "The claim is a dict of arrays at x, for two leaves of different shapes.",
        _claim_as_tree,
    ),
    Tricky(
        "value-and-gradient",
        "no thread, usual with jac=True in SciPy",
        "f returns its value and its gradient together.",
        _value_and_gradient,
    ),
    Tricky(
        "one-array-in-two-leaves",
        "no thread, usual with tied weights",
        "The same array is two leaves of x, and each has a gradient of its own.",
        _tied_weights,
    ),
    Tricky(
        "keys-in-another-order",
        "no thread, usual with dicts",
        "The claim lists its leaves in another order than x.",
        _keys_in_another_order,
    ),
)
