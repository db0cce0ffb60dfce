"""Right vector-Jacobian products of layers that trouble checkers.

Owns: PULLBACKS. Place: beside `case`, gathered by `__init__`. Each f returns arrays, and each claim
takes x and a cotangent like f(x). Letters: m = rows, k = columns or classes.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

PICKED = np.array([0, 2, 2, 4, 2, 0])  # row 2 three times, row 0 twice, rows 1 and 3 never


def _softmax(z: Array) -> Tree:
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


def _softmax_back(p: Array, dout: Array) -> Array:
    dz: Array = p * (dout - (dout * p).sum(axis=-1, keepdims=True))
    return dz


def _normalisation(axis: int, rng: np.random.Generator) -> Posed:
    """Pose a normalisation along an axis, with a gain and a bias for each column."""
    x = {
        "x": 3 + rng.standard_normal((6, 5)),
        "gain": rng.uniform(0.5, 1.5, 5),
        "bias": rng.standard_normal(5),
    }

    def normed(x: Array) -> tuple[Array, Array]:
        centred = x - x.mean(axis=axis, keepdims=True)
        inverse = 1 / np.sqrt((centred**2).mean(axis=axis, keepdims=True) + 1e-5)
        return centred * inverse, inverse

    def right(x: Tree, dout: Array) -> Tree:
        y, inverse = normed(x["x"])
        dy = dout * x["gain"]
        mean = dy.mean(axis=axis, keepdims=True)
        along = (dy * y).mean(axis=axis, keepdims=True)
        return {
            "x": inverse * (dy - mean - y * along),
            "gain": (dout * y).sum(axis=0),
            "bias": dout.sum(axis=0),
        }

    return Posed(lambda x: normed(x["x"])[0] * x["gain"] + x["bias"], right, x, "vjp")


def _layer_norm(rng: np.random.Generator) -> Posed:
    return _normalisation(1, rng)


def _batch_norm(rng: np.random.Generator) -> Posed:
    return _normalisation(0, rng)


def _rms_norm(rng: np.random.Generator) -> Posed:
    def right(x: Array, dout: Array) -> Array:
        inverse = 1 / np.sqrt((x**2).mean(axis=1, keepdims=True))
        y = x * inverse
        dx: Array = inverse * (dout - y * (dout * y).mean(axis=1, keepdims=True))
        return dx

    return Posed(
        lambda x: x / np.sqrt((x**2).mean(axis=1, keepdims=True)),
        right,
        1e-6 * rng.standard_normal((4, 5)),
        "vjp",
    )


def _softmax_layer(rng: np.random.Generator) -> Posed:
    z = 5 * rng.standard_normal((4, 6))
    return Posed(_softmax, lambda z, dout: _softmax_back(_softmax(z), dout), z, "vjp")


def _attention(rng: np.random.Generator) -> Posed:
    x = {name: rng.standard_normal((5, 3)) for name in ("query", "key", "value")}
    future = np.triu(np.full((5, 5), -1e30), 1)  # no row looks ahead

    def weights(x: Tree) -> Tree:
        return _softmax(x["query"] @ x["key"].T / np.sqrt(3) + future)

    def right(x: Tree, dout: Array) -> Tree:
        p = weights(x)
        dscores = _softmax_back(p, dout @ x["value"].T) / np.sqrt(3)
        return {"query": dscores @ x["key"], "key": dscores.T @ x["query"], "value": p.T @ dout}

    return Posed(lambda x: weights(x) @ x["value"], right, x, "vjp")


def _convolution(rng: np.random.Generator) -> Posed:
    x = {"image": rng.standard_normal((7, 8)), "kernel": rng.standard_normal((3, 3))}
    corners = [(i, j) for i in range(3) for j in range(3)]

    def patch(image: Array, i: int, j: int) -> Array:
        return image[i : i + 5 : 2, j : j + 6 : 2]  # stride 2

    def f(x: Tree) -> Tree:
        return sum(x["kernel"][i, j] * patch(x["image"], i, j) for i, j in corners)

    def right(x: Tree, dout: Array) -> Tree:
        dimage, dkernel = np.zeros_like(x["image"]), np.zeros_like(x["kernel"])
        for i, j in corners:
            dkernel[i, j] = np.sum(dout * patch(x["image"], i, j))
            patch(dimage, i, j)[...] += x["kernel"][i, j] * dout
        return {"image": dimage, "kernel": dkernel}

    return Posed(f, right, x, "vjp")


def _gather(rng: np.random.Generator) -> Posed:
    def right(x: Array, dout: Array) -> Array:
        dx = np.zeros_like(x)
        np.add.at(dx, PICKED, dout)
        return dx

    return Posed(lambda x: x[PICKED], right, rng.standard_normal((5, 3)), "vjp")


def _running_sum(rng: np.random.Generator) -> Posed:
    return Posed(
        np.cumsum, lambda x, dout: np.cumsum(dout[::-1])[::-1], rng.standard_normal(7), "vjp"
    )


def _running_product_with_zeros(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.5, 1.5, 6)
    x[[2, 4]] = 0.0

    def right(x: Array, dout: Array) -> Array:
        dx = np.zeros_like(x)
        for j in range(6):
            others = x.copy()
            others[j] = 1.0
            dx[j] = np.sum((dout * np.cumprod(others))[j:])
        return dx

    return Posed(np.cumprod, right, x, "vjp")


def _overlapping_pool(rng: np.random.Generator) -> Posed:
    windows = np.arange(4)[:, None] * 2 + np.arange(3)  # (4, 3): windows of 3 at stride 2

    def right(x: Array, dout: Array) -> Array:
        dx = np.zeros_like(x)
        winners = windows[np.arange(4), np.argmax(x[windows], axis=1)]
        np.add.at(dx, winners, dout)
        return dx

    x = rng.permutation(np.linspace(-1, 1, 9))
    return Posed(lambda x: x[windows].max(axis=1), right, x, "vjp")


def _fourier(rng: np.random.Generator) -> Posed:
    def right(x: Array, dout: Array) -> Array:
        dx: Array = 8 * np.fft.ifft(dout).real  # the adjoint of fft, for a real x
        return dx

    return Posed(np.fft.fft, right, rng.standard_normal(8), "vjp")


def _complex_product(rng: np.random.Generator) -> Posed:
    x = {
        name: rng.standard_normal((3, 2)) + 1j * rng.standard_normal((3, 2)) for name in ("a", "b")
    }
    return Posed(
        lambda x: x["a"] * x["b"],
        lambda x, dout: {"a": dout * x["b"].conj(), "b": dout * x["a"].conj()},
        x,
        "vjp",
    )


def _outputs_in_a_dict(rng: np.random.Generator) -> Posed:
    def right(x: Array, dout: Tree) -> Array:
        dx: Array = dout["sine"] * np.cos(x) + dout["parts"][0] * 2 * x + dout["parts"][1]
        return dx

    return Posed(
        lambda x: {"sine": np.sin(x), "parts": (np.sum(x**2), np.sum(x))},
        right,
        rng.standard_normal(4),
        "vjp",
    )


def _outputs_of_two_sizes(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: {"large": 1e8 * np.exp(x), "small": 1e-8 * np.sin(x)},
        lambda x, dout: 1e8 * dout["large"] * np.exp(x) + 1e-8 * dout["small"] * np.cos(x),
        rng.standard_normal(4),
        "vjp",
    )


def _indices_beside_values(rng: np.random.Generator) -> Posed:
    def right(x: Array, dout: Tree) -> Array:
        dx = np.zeros_like(x)
        dx[np.argsort(x)[-2:]] = dout["values"]
        return dx

    return Posed(
        lambda x: {"values": np.sort(x)[-2:], "indices": np.argsort(x)[-2:]},
        right,
        rng.permutation(np.linspace(-1, 1, 6)),
        "vjp",
    )


def _upstream_handed_on(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: x + 1, lambda x, dout: dout, rng.standard_normal((4, 3)), "vjp")


def _distances(rng: np.random.Generator) -> Posed:
    upper = np.triu_indices(4, 1)

    def right(x: Array, dout: Array) -> Array:
        gap = x[upper[0]] - x[upper[1]]
        pull = (dout / np.sqrt(np.sum(gap**2, axis=1)))[:, None] * gap
        dx = np.zeros_like(x)
        np.add.at(dx, upper[0], pull)
        np.add.at(dx, upper[1], -pull)
        return dx

    return Posed(
        lambda x: np.sqrt(np.sum((x[upper[0]] - x[upper[1]]) ** 2, axis=1)),
        right,
        rng.standard_normal((4, 3)),
        "vjp",
    )


def _complex(rng: np.random.Generator) -> Array:
    return rng.standard_normal(4) + 1j * rng.standard_normal(4)


def _conjugate(rng: np.random.Generator) -> Posed:
    return Posed(np.conj, lambda z, dout: np.conj(dout), _complex(rng), "vjp")


def _polar(rng: np.random.Generator) -> Posed:
    def right(z: Array, dout: Tree) -> Tree:
        length, angle = dout
        return length * z / np.abs(z) + angle * 1j * z / np.abs(z) ** 2

    return Posed(lambda z: (np.abs(z), np.angle(z)), right, _complex(rng), "vjp")


PULLBACKS: tuple[Tricky, ...] = (
    Tricky(
        "layer-norm",
        "FlagGems#5392",
        "Each row is centred and scaled, so that a cotangent of ones would see nothing.",
        _layer_norm,
    ),
    Tricky(
        "batch-norm",
        "facebookresearch/CrypTen#143",
        "Each entry acts on its whole column by the mean and the variance.",
        _batch_norm,
    ),
    Tricky(
        "rms-norm-of-small-rows",
        "karpathy/llm.c#763",
        "Rows of 1e-6 are scaled to 1, so that the Jacobian is of 1e6.",
        _rms_norm,
    ),
    Tricky(
        "softmax-layer",
        "HomericIntelligence/Odyssey#2134",
        "Most probabilities are close to 0 or 1, and rows of the gradient sum to zero.",
        _softmax_layer,
    ),
    Tricky(
        "causal-attention",
        "picotron#37",
        "Scores of the future are -1e30, and the first row attends to itself alone.",
        _attention,
    ),
    Tricky(
        "strided-convolution",
        "Kulbear/deep-learning-coursera#34",
        "The windows have a stride of two and overlap.",
        _convolution,
    ),
    Tricky(
        "gather-with-duplicates",
        "pytorch/pytorch#1631",
        "One row is taken three times and two rows never.",
        _gather,
    ),
    Tricky(
        "running-sum",
        "no thread, usual in scans",
        "The first entry acts on every output and the last on one.",
        _running_sum,
    ),
    Tricky(
        "running-product-with-zeros",
        "tinygrad/tinygrad#17404",
        "Two factors are zero, so that most of the gradient is exactly zero.",
        _running_product_with_zeros,
    ),
    Tricky(
        "overlapping-max-pool",
        "FluxML/NNlib.jl#205",
        "An entry may win two windows, and its gradient is the sum of both.",
        _overlapping_pool,
    ),
    Tricky(
        "fourier-transform",
        "no thread, usual with spectral losses",
        "x is real and the output complex, and so is the cotangent.",
        _fourier,
    ),
    Tricky(
        "complex-product",
        "FluxML/Zygote.jl#160",
        "Both factors are complex, and each gradient has the conjugate of the other.",
        _complex_product,
    ),
    Tricky(
        "conjugate",
        "FluxML/Zygote.jl#160",
        "Conjugation is linear over the reals only, and so is its backward pass.",
        _conjugate,
    ),
    Tricky(
        "complex-to-polar",
        "FluxML/Zygote.jl#160",
        "Length and angle of a complex number are real, have a kink at 0 and a cut.",
        _polar,
    ),
    Tricky(
        "outputs-in-a-dict",
        "no thread, usual with heads of several tasks",
        "f returns a dict of an array and a tuple of two scalars.",
        _outputs_in_a_dict,
    ),
    Tricky(
        "outputs-of-1e8-and-1e-8",
        "OpenMDAO/OpenMDAO#3164",
        "One output is 1e16 times the other and hides it in any sum.",
        _outputs_of_two_sizes,
    ),
    Tricky(
        "indices-beside-values",
        "no thread, usual with top-k",
        "f returns the two largest entries with their indices, which have no gradient.",
        _indices_beside_values,
    ),
    Tricky(
        "upstream-returned-as-gradient",
        "unslothai/unsloth#4550, axolotl#3892",
        "The gradient is the very array of the cotangent, as most backward passes of a shift do.",
        _upstream_handed_on,
    ),
    Tricky(
        "pairwise-distances",
        "pytorch/pytorch#37154",
        "The distances have a kink where two points meet, and none do.",
        _distances,
    ),
)
