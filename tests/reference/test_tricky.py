"""Every tricky derivative is right: confirmed by a method that shares nothing with it.

The complex step where f allows it; differences of order 8 where f does not, with a step that stays
on one piece of f; both one-sided differences at kinks; mpmath where f itself has too few digits.
"""

import mpmath
import numpy as np
import optree
import pytest

from gradcheck.randomness import Held
from gradcheck.reference import TRICKY

from ..thoroughness import seeds

STEP = 1e-30  # of an entry; no difference is taken, so that any small step is exact
CENTRAL = {
    k: w for j, w in enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), 1) for k, w in ((j, w), (-j, -w))
}  # order 8; Fornberg (1988)
FORWARD = {0: -25 / 12, 1: 4.0, 2: -3.0, 3: 4 / 3, 4: -1 / 4}  # order 4, from one side
TOLERANCE = 1e-9  # of an entry
ROUNDING = 1e-13  # of the largest entry

# f has lost the digits that would confirm its slope: its formula, in 50 digits.
BY_MPMATH = {
    "coarse-clock": lambda x: sum(mpmath.sin(200 * mpmath.pi * (t - 1.7e9)) for t in x),
    "difference-inside-f": lambda x: sum(mpmath.cos(t) ** 2 for t in x),
    "difference-of-roots": lambda x: sum(mpmath.sqrt(t + 1) - mpmath.sqrt(t) for t in x),
    "exponential-minus-one": lambda x: sum((mpmath.exp(t) - 1) / t for t in x),
    "input-of-six-decimals": lambda x: sum(mpmath.sin(t) for t in x),
    "log-of-a-certain-share": lambda x: mpmath.log(sum(mpmath.exp(t - x[0]) for t in x)),
    "log-of-one-plus-x": lambda x: sum(mpmath.log(1 + t) / t for t in x),
    "not-analytic-with-a-large-constant": lambda x: sum(t**2 + t for t in x),
    "one-minus-cosine": lambda x: sum((1 - mpmath.cos(t)) / t**2 for t in x),
    "one-minus-tanh-squared": lambda x: sum(1 - mpmath.tanh(t) ** 2 for t in x),
    "second-difference-inside-f": lambda x: -sum(mpmath.sin(t) for t in x),
    "short-arc": lambda x: x[0] - 0.5,
    "small-root-of-a-quadratic": lambda x: (x[0] - mpmath.sqrt(x[0] ** 2 - 4 * x[1])) / 2,
    "certain-share-in-float32": lambda x: mpmath.log(sum(mpmath.exp(t - x[0]) for t in x)),
    "softplus-in-float32": lambda x: sum(mpmath.log(1 + mpmath.exp(t)) for t in x),
    "softplus-far-below-zero": lambda x: sum(mpmath.log(1 + mpmath.exp(t)) for t in x),
    "softplus-of-mixed-entries": lambda x: sum(mpmath.log(1 + mpmath.exp(t)) for t in x),
    "tiny-log-of-one-plus-x": lambda x: sum(mpmath.log(1 + t) for t in x),
    "value-of-eight-digits": lambda x: sum(mpmath.sin(t) for t in x),
    "value-of-six-decimals": lambda x: sum(mpmath.sin(t) for t in x),
    "variance-from-squares": lambda x: sum(t**2 for t in x) / 10 - (sum(x) / 10) ** 2,
}

# Where many kinks meet, a convention need not lie between the sides along an axis; it is the
# gradient just beside x, on the side named here.
BESIDE = {"all-weights-zero": ("b1", -1e-9), "first-layer-zero": ("b1", -1e-9)}

KINKED = {
    "relu-at-zero", "relu-of-a-padded-sample", "absolute-value-at-zero", "leaky-relu-at-zero",
    "hinge-on-the-margin", "l1-penalty-with-zero-weights", "huber-at-the-joint",
    "squared-relu-at-zero", "elu-at-zero", "spline-at-a-knot", "tied-maximum-shared",
    "tied-maximum-to-the-first", "tied-maximum-of-two-leaves",
    "fifty-relus-at-zero", "relu-with-half-at-zero", "relu-at-zero-given-as-an-array",
    "length-at-zero", "group-lasso-with-a-zero-group",
}  # fmt: skip

# f is not analytic as a program: it casts, compares, conjugates, calls LAPACK or reads bytes.
# The step stays within the piece of f that x is on, at most a quarter of the way to its end.
DIFFERENCED = {
    "adaptive-integrator-inside-f": 1e-2,
    "angle-beside-its-cut": 2e-10,
    "bilinear-sampling": 2e-7,
    "bisection-inside-f": 0.1,
    "cholesky": 1e-3,
    "complex-and-real-leaves": 1e-2,
    "complex-holomorphic-inside": 1e-2,
    "complex-leaf": 1e-2,
    "complex-product": 1e-2,
    "complex-to-polar": 1e-3,
    "conjugate": 1e-2,
    "counting-calls": 1e-2,
    "eigenvalues-close-together": 3e-6,
    "eigenvalues-of-the-lower-triangle": 1e-3,
    "flat-to-all-orders": 1e-3,
    "float32-leaf-computed-in-float64": 1e-2,
    "fourier-transform": 1e-2,
    "kink-beside-the-point": 1e-8,
    "leaves-of-two-precisions": 1e-2,
    "log-determinant-that-underflows": 2e-14,
    "memoised-function": 1e-2,
    "nuclear-norm-with-equal-values": 1e-2,
    "output-buffer-reused": 1e-2,
    "power-of-three-halves-at-zero": 1e-2,
    "push-through-spherical-coordinates": 2e-5,
    "push-to-a-phase": 1e-2,
    "remainder-beside-its-jump": 2e-7,
    "signed-square-at-zero": 1e-8,
    "singular-values": 2e-5,
    "sum-of-equal-eigenvalues": 1e-2,
    "table-beside-its-knots": 2e-7,
    "variance-far-from-zero": 0.5,
    "waves-without-end": 1e-8,
    "workspace-reused": 1e-2,
}

# Where the claim, or what it is held against, has fewer digits.
COARSE = {
    "adaptive-integrator-inside-f": 1e-6,
    "angle-beside-its-cut": 1e-5,
    "bisection-inside-f": 1e-6,
    "all-weights-zero": 1e-6,
    "bilinear-sampling": 1e-8,
    "first-layer-zero": 1e-6,
    "certain-share-in-float32": 1e-5,
    "claim-rounded-to-float32": 1e-6,
    "softmax-in-float16": 1e-2,
    "softplus-in-float32": 1e-5,
    "cross-entropy-in-float32": 1e-5,
    "float16-alone": 2e-3,
    "float16-with-a-reference": 2e-3,
    "float32-leaf-computed-in-float64": 1e-6,
    "float32-with-a-reference": 1e-5,
    "kink-beside-the-point": 1e-6,
    "leaves-of-two-precisions": 1e-6,
    "long-mean-in-float32": 1e-4,
    "network-in-float32": 1e-4,
    "pendulum-integrated-finer": 1e-6,
    "quadrature-inside-f": 1e-7,
    "remainder-beside-its-jump": 1e-7,
    "second-difference-inside-f": 1e-8,
    "signed-square-at-zero": 1e-6,
    "waves-without-end": 1e-6,
    "relu-in-float32-with-a-reference": 1e-4,
}

# The gradient is zero or nearly so, and what is there of it is rounding of terms of size 1 to 1000.
ZERO_TO_ROUNDING = {
    "bias-before-batch-norm", "key-bias-of-attention", "least-squares-at-its-minimum",
    "lennard-jones-beside-equilibrium",
    "perfect-fit", "scale-of-a-direction", "sum-of-batch-norm", "sum-of-softmax",
    "logistic-regression-at-its-minimum",
    "rayleigh-quotient-at-an-eigenvector",
    "divergence-from-itself",
}  # fmt: skip
SMALL = 1e-12

OTHER_STREAM = 1  # a cotangent drawn as x was drawn would lie along x

every_seed = pytest.mark.parametrize("seed", seeds([0], [0, 1, 19]))
every_case = pytest.mark.parametrize("tricky", TRICKY, ids=lambda tricky: tricky.name)


# --- the records ----------------------------------------------------------------------------


@every_case
def test_record_is_complete(tricky):
    """Names are kebab-case, sentences end, sources are there, the answer is one of two."""
    assert tricky.name == tricky.name.lower().replace(" ", "-").replace("_", "-")
    assert tricky.sentence.endswith(".")
    assert tricky.source
    assert tricky.answer in {"pass", "inconclusive"}


def test_names_are_unique_and_many():
    """A name is a test id; two hundred cases are what the corpus promises."""
    names = [tricky.name for tricky in TRICKY]
    assert len(set(names)) == len(names) >= 200


def test_tables_of_this_file_name_cases():
    """A case that was renamed would lose its method unnoticed."""
    names = {tricky.name for tricky in TRICKY}
    assert (
        BY_MPMATH.keys()
        | BESIDE.keys()
        | KINKED
        | DIFFERENCED.keys()
        | COARSE.keys()
        | ZERO_TO_ROUNDING
        <= names
    )


@every_case
def test_same_seed_poses_the_same_point(tricky):
    """Build draws from its Generator only."""
    first, second = (tricky.build(np.random.default_rng(7)).x for _ in range(2))
    for a, b in zip(optree.tree_leaves(first), optree.tree_leaves(second), strict=True):
        assert np.array_equal(a, b)


# --- their truth ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tricky",
    [tricky for tricky in TRICKY if tricky.name not in BY_MPMATH],
    ids=lambda tricky: tricky.name,
)
@every_seed
def test_right_derivative_is_right(tricky, seed):
    """The claim agrees, entry by entry, with a derivative that shares nothing with it."""
    posed = tricky.build(np.random.default_rng(seed))
    if posed.kind == "jvp":
        confirm_pushed(tricky, posed, seed)
        return
    value, claimed = scalar_and_claim(posed, seed)
    if tricky.name in BESIDE:
        leaf, shift = BESIDE[tricky.name]
        posed.x[leaf] += shift
    leaves, spec = optree.tree_flatten(posed.x)
    claims = iter(numbers(claimed))
    for i, leaf in enumerate(leaves):
        if kind(leaf) not in "fc":
            continue
        claim = np.asarray(next(claims))
        assert claim.shape == np.shape(leaf)
        if tricky.name in KINKED:
            confirm_sides(claim, *(entries(value, (leaves, spec), i, side) for side in SIDES))
            continue
        expected = entries(value, (leaves, spec), i, method_of(tricky))
        compare(tricky, claim, expected)


def compare(tricky, claim, expected):
    """Compare within the digits that both have."""
    scale = np.abs(np.asarray(expected)).max(initial=0)
    atol = SMALL if tricky.name in ZERO_TO_ROUNDING else ROUNDING * scale
    rtol = COARSE.get(tricky.name, TOLERANCE)
    if tricky.name in DIFFERENCED or tricky.name in COARSE:
        atol = max(atol, rtol * scale)
    np.testing.assert_allclose(claim, expected, rtol=rtol, atol=atol)


def confirm_sides(claim, left, right):
    """Each entry is the derivative from one side, or the middle of both."""
    nearest = np.min([np.abs(claim - side) for side in (left, right, (left + right) / 2)], axis=0)
    assert nearest.max() <= 1e-7 * max(np.abs(left).max(), np.abs(right).max())


def confirm_pushed(tricky, posed, seed):
    """Compare J v with the derivative of f along v."""
    rng = np.random.default_rng((seed, OTHER_STREAM))
    leaves, spec = optree.tree_flatten(posed.x)
    tangent = [rng.standard_normal(np.shape(leaf)) for leaf in leaves]
    pushed = numbers(posed.right(posed.x, optree.tree_unflatten(spec, tangent)))

    def along(t):
        moved = [leaf + t * v for leaf, v in zip(leaves, tangent, strict=True)]
        return numbers(posed.f(optree.tree_unflatten(spec, moved)))

    step = DIFFERENCED.get(tricky.name)
    outputs = range(len(pushed))
    if step is None:
        small = STEP * min(np.abs(leaf).min() for leaf in leaves)
        expected = [np.imag(out) / small for out in along(1j * small)]
    else:
        values = {k: along(k * step) for k in CENTRAL}
        expected = [sum(w * values[k][i] for k, w in CENTRAL.items()) / step for i in outputs]
    for i in outputs:
        compare(tricky, pushed[i], expected[i])


@pytest.mark.parametrize("name", BY_MPMATH)
@every_seed
def test_right_derivative_of_a_rounded_function_is_right(name, seed):
    """The claim agrees, entry by entry, with the formula of f in 50 digits."""
    tricky = next(tricky for tricky in TRICKY if tricky.name == name)
    posed = tricky.build(np.random.default_rng(seed))
    point = np.concatenate([np.ravel(leaf) for leaf in optree.tree_leaves(posed.x)]).astype(float)
    claim = np.concatenate([np.ravel(leaf) for leaf in optree.tree_leaves(posed.right(posed.x))])
    with mpmath.workdps(50):
        expected = [slope_in_50_digits(BY_MPMATH[name], point, i) for i in range(len(point))]
    compare(tricky, claim, expected)


def slope_in_50_digits(formula, point, i):
    """Return the derivative of a formula for one entry."""
    x = [mpmath.mpf(entry) for entry in point]

    def along(t):
        return formula([*x[:i], t, *x[i + 1 :]])

    return float(mpmath.diff(along, x[i], h=mpmath.mpf(10) ** -25))


# --- derivatives ----------------------------------------------------------------------------


def numbers(tree):
    """List the floating and complex leaves."""
    return [leaf for leaf in optree.tree_leaves(tree) if kind(leaf) in "fc"]


def kind(leaf):
    """Say of which kind the numbers of a leaf are."""
    return np.asarray(leaf).dtype.kind


def scalar_and_claim(posed, seed):
    """Return f as a function to one number, and its claimed gradient at x."""
    held = Held.of(sources(posed))

    def still(function):
        def call(*arguments):
            held.rewind()
            return function(*arguments)

        return call

    f = still(posed.options.get("reference", posed.f))
    if posed.kind == "vjp":
        rng = np.random.default_rng((seed, OTHER_STREAM))
        out = posed.f(posed.x)
        cotangent = optree.tree_map(lambda leaf: drawn_like(leaf, rng), out)
        weights = numbers(cotangent)

        def weighed(x):
            return sum(
                np.sum(w.real * part.real + w.imag * part.imag)
                if kind(w) == "c"
                else np.sum(w * part)
                for w, part in zip(weights, numbers(f(x)), strict=True)
            )

        return weighed, posed.right(posed.x, cotangent)
    if posed.right is True:
        return (lambda x: f(x)[0]), f(posed.x)[1]
    claimed = still(posed.right)(posed.x) if callable(posed.right) else posed.right
    return f, claimed


def sources(posed):
    """List the random sources of a case."""
    random = posed.options.get("random", ())
    return random if isinstance(random, tuple) else (random,)


def drawn_like(leaf, rng):
    """Draw a cotangent for one output; None for integers."""
    shape = np.shape(leaf)
    if kind(leaf) == "c":
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return np.asarray(rng.standard_normal(shape)) if kind(leaf) == "f" else None


def complex_step(value, entry):
    """Return Im value(i h) / h."""
    small = STEP * (float(abs(entry)) or 1.0)
    return np.imag(value(1j * small)) / small


def method_of(tricky):
    """Choose how the derivative for one entry is taken."""
    step = DIFFERENCED.get(tricky.name)
    return complex_step if step is None else lambda value, entry: central(value, step)


def central(value, step):
    """Take a central difference of order 8."""
    return sum(w * value(k * step) for k, w in CENTRAL.items()) / step


def one_sided(step):
    """Return the one-sided difference of order 4."""
    return lambda value, entry: sum(w * value(k * step) for k, w in FORWARD.items()) / step


SIDES = (one_sided(-1e-4), one_sided(1e-4))


def entries(value, point, i, method):
    """Return the derivative of value for every entry of leaf i; of its parts if complex."""
    leaves, spec = point
    parts = (1.0, 1j) if kind(leaves[i]) == "c" else (1.0,)
    found = np.zeros(np.shape(leaves[i]), complex if len(parts) == 2 else float)
    for index in np.ndindex(found.shape):
        for part in parts:

            def shifted(step, index=index, part=part):
                moved = [widened(leaf, step) for leaf in leaves]
                moved[i] = np.array(moved[i])
                moved[i][index] += part * step
                moved[i] = moved[i][()]
                return value(optree.tree_unflatten(spec, moved))

            found[index] += part * method(shifted, np.asarray(leaves[i])[index])
    return found


def widened(leaf, step):
    """Return a floating leaf in float64, or complex where the step is."""
    if kind(leaf) != "f":
        return leaf
    dtype = np.result_type(np.float64, type(step))
    return np.asarray(leaf).astype(dtype)[()] if np.ndim(leaf) == 0 else leaf.astype(dtype)
