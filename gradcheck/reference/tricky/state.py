"""Right gradients of functions and claims that keep something between calls, as they may.

Owns: STATE. Place: beside `case`, gathered by `__init__`. Each looks like a breach of contract,
such as a stale cache or an aliased buffer, and is none.
"""

import functools

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _identity(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: 0.5 * np.sum(x**2), lambda x: x, rng.standard_normal(4))


def _swapped(rng: np.random.Generator) -> Posed:
    x = {"a": rng.standard_normal(4), "b": rng.standard_normal(4)}
    return Posed(lambda x: x["a"] @ x["b"], lambda x: {"a": x["b"], "b": x["a"]}, x)


def _same_weights_each_time(rng: np.random.Generator) -> Posed:
    w = rng.standard_normal(4)
    return Posed(lambda x: w @ x, lambda x: w, rng.standard_normal(4))


def _one_array_for_two_leaves(rng: np.random.Generator) -> Posed:
    def right(x: Tree) -> Tree:
        slope = np.cos(x["a"] + x["b"])
        return {"a": slope, "b": slope}

    x = {"a": rng.standard_normal(3), "b": rng.standard_normal(3)}
    return Posed(lambda x: np.sum(np.sin(x["a"] + x["b"])), right, x)


def _broadcast_claim(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sin(np.sum(x)),
        lambda x: np.broadcast_to(np.cos(np.sum(x)), x.shape),
        rng.standard_normal((3, 4)),
    )


def _read_only_claim(rng: np.random.Generator) -> Posed:
    def right(x: Array) -> Array:
        dx: Array = np.exp(x)
        dx.flags.writeable = False
        return dx

    return Posed(lambda x: np.sum(np.exp(x)), right, rng.standard_normal(4))


def _memoised(rng: np.random.Generator) -> Posed:
    @functools.lru_cache(maxsize=2)
    def of_bytes(data: bytes) -> float:
        return float(np.sum(np.cosh(np.frombuffer(data))))

    return Posed(lambda x: of_bytes(x.tobytes()), np.sinh, rng.standard_normal(4))


def _cache_with_its_key(rng: np.random.Generator) -> Posed:
    kept: dict[bytes, Array] = {}
    w = rng.standard_normal((3, 3))

    def hidden(x: Array) -> Array:
        key = x.tobytes()
        if key not in kept:
            kept.clear()
            kept[key] = np.tanh(w @ x)
        return kept[key]

    return Posed(
        lambda x: np.sum(hidden(x) ** 2),
        lambda x: w.T @ (2 * hidden(x) * (1 - hidden(x) ** 2)),
        rng.standard_normal(3),
    )


def _layer_that_runs_forward_first(rng: np.random.Generator) -> Posed:
    class Layer:
        """Keeps its last output; its backward runs the forward pass first."""

        def forward(self, x: Array) -> Array:
            self.out: Array = np.tanh(x)
            return self.out

        def backward(self, x: Array) -> Tree:
            self.forward(x)
            return w * (1 - self.out**2)

    w, layer = rng.standard_normal(4), Layer()
    return Posed(lambda x: w @ layer.forward(x), layer.backward, rng.standard_normal(4))


def _counting(rng: np.random.Generator) -> Posed:
    calls: list[float] = []

    def f(x: Array) -> Tree:
        calls.append(float(np.sum(x**2)))
        return np.log(1 + calls[-1])

    return Posed(f, lambda x: 2 * x / (1 + np.sum(x**2)), rng.standard_normal(4))


def _workspace(rng: np.random.Generator) -> Posed:
    buffer = np.empty(4)

    def f(x: Array) -> Tree:
        np.multiply(x, x, out=buffer)
        np.exp(-buffer, out=buffer)
        return buffer.sum()

    return Posed(f, lambda x: -2 * x * np.exp(-(x**2)), rng.standard_normal(4))


def _output_buffer(rng: np.random.Generator) -> Posed:
    out = np.empty(4)

    def f(x: Array) -> Array:
        np.sin(x, out=out)
        return out  # the same memory at every call, as kernels with a fixed output do

    return Posed(f, lambda x, dout: dout * np.cos(x), rng.standard_normal(4), "vjp")


def _made_at_first_call(rng: np.random.Generator) -> Posed:
    made: dict[str, Array] = {}
    nodes = rng.standard_normal(5)

    def table() -> Array:
        if "table" not in made:
            made["table"] = np.vander(nodes, 3)
        return made["table"]

    return Posed(
        lambda x: np.sum((table() @ x) ** 2),
        lambda x: 2 * table().T @ (table() @ x),
        rng.standard_normal(3),
    )


def _scratch_of_its_own_copy(rng: np.random.Generator) -> Posed:
    def f(x: Array) -> Tree:
        y = x.copy()
        y *= 2
        y += 1
        return np.sum(y**3)

    def right(x: Array) -> Array:
        dy = x.copy()
        dy *= 2
        dy += 1
        dy **= 2
        dy *= 6
        return dy

    return Posed(f, right, rng.standard_normal(4))


def _views_of_one_vector(rng: np.random.Generator) -> Posed:
    def right(x: Tree) -> Tree:
        flat = np.exp(np.concatenate([x["W"].ravel(), x["b"]]))  # one buffer, cut into leaves
        return {"W": flat[:6].reshape(2, 3), "b": flat[6:]}

    x = {"W": rng.standard_normal((2, 3)), "b": rng.standard_normal(3)}
    return Posed(lambda x: np.sum(np.exp(x["W"])) + np.sum(np.exp(x["b"])), right, x)


def _cotangent_passed_on(rng: np.random.Generator) -> Posed:
    x = {"x": rng.standard_normal((2, 3)), "skip": rng.standard_normal((2, 3))}
    return Posed(
        lambda x: np.tanh(x["x"]) + x["skip"],
        lambda x, dout: {"x": dout * (1 - np.tanh(x["x"]) ** 2), "skip": dout},
        x,
        "vjp",
    )


STATE: tuple[Tricky, ...] = (
    Tricky(
        "claim-returns-its-argument",
        "JuliaDiff/ChainRules.jl#588",
        "The gradient of half a squared norm is x itself, and the claim returns that very array.",
        _identity,
    ),
    Tricky(
        "claim-swaps-its-arguments",
        "JuliaDiff/ChainRules.jl#588",
        "The gradient of a dot product is the other factor, returned without a copy.",
        _swapped,
    ),
    Tricky(
        "claim-returns-the-same-weights",
        "pytorch/pytorch#181723",
        "A linear function has one gradient everywhere, and the claim returns one array always.",
        _same_weights_each_time,
    ),
    Tricky(
        "one-array-for-two-leaves",
        "no thread, usual with the gradient of a sum",
        "Both leaves of a sum have the same gradient, and the claim returns one array twice.",
        _one_array_for_two_leaves,
    ),
    Tricky(
        "claim-is-a-broadcast-view",
        "no thread, usual with the gradient of a sum",
        "All entries of the claim share one memory, for they are equal.",
        _broadcast_claim,
    ),
    Tricky(
        "claim-is-read-only",
        "no thread, usual with arrays from jax",
        "The claim cannot be written to.",
        _read_only_claim,
    ),
    Tricky(
        "memoised-function",
        "qiskit-machine-learning#213",
        "f keeps its last values by the bytes of x, so that it is never stale.",
        _memoised,
    ),
    Tricky(
        "cache-with-its-key",
        "qiskit-machine-learning#213",
        "f and the claim share a cache whose key is the content of x.",
        _cache_with_its_key,
    ),
    Tricky(
        "backward-runs-forward-first",
        "karpathy/micrograd#53",
        "A layer keeps its output on itself, and its backward pass computes it anew.",
        _layer_that_runs_forward_first,
    ),
    Tricky(
        "counting-calls",
        "no thread, usual with a history of losses",
        "f appends each value to a list.",
        _counting,
    ),
    Tricky(
        "workspace-reused",
        "pytorch/pytorch#181723",
        "f computes in one buffer that is overwritten at every call.",
        _workspace,
    ),
    Tricky(
        "output-buffer-reused",
        "pytorch/pytorch#181723",
        "f returns the same buffer at every call, so that its outputs must be read at once.",
        _output_buffer,
    ),
    Tricky(
        "made-at-the-first-call",
        "no thread, usual with lazily built tables",
        "A table is built at the first call and used in all later ones.",
        _made_at_first_call,
    ),
    Tricky(
        "in-place-on-its-own-copy",
        "NVIDIA/warp#1726",
        "f and the claim work in place, each on a copy of x.",
        _scratch_of_its_own_copy,
    ),
    Tricky(
        "views-of-one-vector",
        "no thread, usual with parameters kept in one flat vector",
        "The leaves of the claim are views of one buffer that do not overlap.",
        _views_of_one_vector,
    ),
    Tricky(
        "cotangent-passed-on",
        "no thread, usual with residual connections",
        "The gradient of the skip path is the cotangent, returned without a copy.",
        _cotangent_passed_on,
    ),
)
