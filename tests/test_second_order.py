"""Whole matrices of derivatives: Jacobians, dense, sparse and in blocks; Hessians."""

import mpmath
import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, UsageError, Verdict, check_hessian, check_hvp, check_jacobian

PLAN = Plan.auto(seed=7)
RNG = np.random.default_rng(3)
WIDE, SQUARE = RNG.standard_normal((5, 4)), RNG.standard_normal((4, 4))
X = RNG.standard_normal(4)


def waves(x):
    """Five outputs of four inputs."""
    return np.sin(WIDE @ x)


def jac(x):
    """Its Jacobian."""
    return np.cos(WIDE @ x)[:, None] * WIDE


def turns(x):
    """As many outputs as inputs."""
    return np.sin(SQUARE @ x)


def square_jac(x):
    """Its Jacobian."""
    return np.cos(SQUARE @ x)[:, None] * SQUARE


def wrong_at(matrix, *places):
    """Set entries of a matrix that a function returns to 9."""

    def changed(x):
        claimed = matrix(x)
        for place in places:
            claimed[place] = 9
        return claimed

    return changed


class Sparse:
    """As little of a sparse matrix as is asked for; SciPy's own are in tests/frameworks."""

    def __init__(self, dense):
        self.dense, self.shape, self.dtype = np.asarray(dense), np.shape(dense), dense.dtype

    def tocsr(self):
        """Return the one format that there is."""
        return self

    def copy(self):
        """Copy it."""
        return Sparse(self.dense.copy())

    def astype(self, dtype):
        """Convert it."""
        return Sparse(self.dense.astype(dtype))

    def conj(self):
        """Conjugate it."""
        return Sparse(self.dense.conj())

    def toarray(self):
        """Return it as an array."""
        return self.dense

    @property
    def T(self):
        """Transpose it."""
        return Sparse(self.dense.T)

    def __matmul__(self, v):
        return self.dense @ v


# --- Jacobians ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim", [jac, jac(X), lambda x: Sparse(jac(x)), Sparse(jac(X))], ids=["f", "a", "s", "sa"]
)
def test_right_jacobian_passes(claim):
    """As a function, as numbers, and sparse; the point stays what it was."""
    before = X.copy()
    assert check_jacobian(waves, claim, X, plan=PLAN).ok
    assert np.array_equal(X, before)


@pytest.mark.parametrize("sparse", [False, True])
def test_wrong_entries_are_named(sparse):
    """By output and input, with what was measured."""
    wrong = wrong_at(jac, (3, 1), (0, 2))
    claim = (lambda x: Sparse(wrong(x))) if sparse else wrong
    report = check_jacobian(waves, claim, X, plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].evidence["pairs"] == [[3, 1], [0, 2]]
    assert "in the Jacobian, [3, 1] is 9 and measured" in report.findings[0].message
    assert report.leaves["x"].wrong.tolist() == [False, True, True, False]
    assert check_jacobian(waves, wrong(X), X, plan=PLAN).verdict is Verdict.FAIL


def test_transposed_square_jacobian_is_named():
    """Its transpose is tried; the guess at entries is left out."""
    report = check_jacobian(turns, lambda x: square_jac(x).T, X, plan=PLAN)
    assert report.leaves["x"].cause is Cause.TRANSPOSE
    assert report.findings[0].cause is Cause.TRANSPOSE
    assert "No usual cause" not in str(report)


def test_square_jacobian_that_is_wrong_elsewise_is_not_called_transposed():
    """The twin: one entry is wrong."""
    report = check_jacobian(turns, wrong_at(square_jac, (0, 1)), X, plan=PLAN)
    assert report.findings[0].evidence["pairs"] == [[0, 1]]
    assert "transpose" not in str(report)


@pytest.mark.parametrize(
    ("f", "claim", "cause", "text"),
    [
        (waves, lambda x: jac(x).T, Cause.TRANSPOSE, "has shape (4, 5), but f(x) has (5,)"),
        (np.exp, np.exp, Cause.SHAPE, "if that is its diagonal, return np.diag of it"),
        (waves, lambda x: jac(x)[:3], Cause.SHAPE, "so it must have (5, 4)."),
        (waves, lambda _: None, Cause.STRUCTURE, "is no array"),
        (waves, lambda _: np.array(["a"]), Cause.DTYPE, "must be numbers"),
        (waves, lambda _: {"a": 1.0}, Cause.STRUCTURE, "return one"),
        (waves, lambda _: 1 / 0, Cause.RAISED, "ZeroDivisionError"),
        (waves, lambda x: jac(x) * np.nan, Cause.NONFINITE, ""),
    ],
    ids=["transposed", "diagonal", "cut", "none", "text", "tree", "raises", "nan"],
)
def test_what_is_no_jacobian_fails_and_is_described(f, claim, cause, text):
    """In the words of the caller, not in those of a backward pass."""
    report = check_jacobian(f, claim, X, plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause is cause
    assert text in report.findings[0].message
    assert report.leaves["x"].cause is cause


def chain(x):
    """Each output depends on two inputs that stand beside each other."""
    out = x**3
    out[1:] -= x[:-1] * x[1:]
    return out


def chain_jac(x):
    """Its Jacobian, of two diagonals."""
    return np.diag(3 * x**2 - np.r_[0, x[:-1]]) - np.diag(x[1:], -1)


CHAIN = X + 3
BAND = np.tril(np.triu(np.ones((4, 4), bool), -1))


@pytest.mark.parametrize("pattern", [BAND, BAND * 1.0, Sparse(BAND)], ids=["b", "f", "s"])
def test_right_pattern_passes(pattern):
    """Also one that is wider than need be."""
    assert check_jacobian(chain, chain_jac, CHAIN, pattern=pattern, plan=PLAN).ok
    assert check_jacobian(chain, chain_jac, CHAIN, pattern=np.ones((4, 4)), plan=PLAN).ok


def test_claim_outside_of_the_pattern_fails():
    """A wrong index of a sparse matrix: both places are named."""

    def shifted(x):
        claimed = chain_jac(x)
        claimed[2, 0], claimed[2, 1] = claimed[2, 1], 0
        return Sparse(claimed)

    report = check_jacobian(chain, shifted, CHAIN, pattern=BAND, plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause is Cause.STRUCTURE
    assert report.findings[0].evidence["outside"] == [[2, 0]]
    assert report.findings[1].evidence["pairs"] == [[2, 0], [2, 1]]


def test_pattern_that_is_too_narrow_fails():
    """Whether the claim follows it or not."""
    narrow = BAND.copy()
    narrow[2, 1] = False
    right = check_jacobian(chain, chain_jac, CHAIN, pattern=narrow, plan=PLAN)
    assert right.verdict is Verdict.FAIL
    assert "it is the pattern that leaves them out" in right.findings[0].message
    obedient = check_jacobian(
        chain, lambda x: chain_jac(x) * narrow, CHAIN, pattern=narrow, plan=PLAN
    )
    assert obedient.verdict is Verdict.FAIL
    assert obedient.findings[0].evidence["outside"] == [[2, 1]]
    assert "widen it" in obedient.findings[0].message


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (np.eye(3), "has shape (3, 3), but the Jacobian has (4, 4)"),
        ("band", "must be an array of bool"),
    ],
)
def test_bad_pattern_is_refused(pattern, text):
    """By name."""
    with pytest.raises(UsageError) as caught:
        check_jacobian(chain, chain_jac, CHAIN, pattern=pattern, plan=PLAN)
    assert text in str(caught.value)


@pytest.mark.parametrize("claim", [None, "2-point", True], ids=str)
def test_what_cannot_be_a_matrix_is_refused(claim):
    """Of both kinds."""
    with pytest.raises(UsageError, match="must be a callable jac"):
        check_jacobian(waves, claim, X)
    with pytest.raises(UsageError, match="must be a callable hess"):
        check_hessian(np.sum, claim, X)


TREE = {"W": RNG.standard_normal((3, 2)), "b": RNG.standard_normal(3), "steps": 2}
INPUT = RNG.standard_normal(2)


def layer(p):
    """One layer, its parameters by name."""
    return np.tanh(p["W"] @ INPUT + p["b"])


def layer_jac(p):
    """Its Jacobian, a block for each parameter."""
    slope = 1 - layer(p) ** 2
    return {"W": np.einsum("i,ij,k->ijk", slope, np.eye(3), INPUT), "b": np.diag(slope)}


def test_jacobian_in_blocks():
    """A block for each leaf, and for each output where there are several; entries by name."""
    assert check_jacobian(layer, layer_jac, TREE, plan=PLAN).ok

    def both(p):
        return {"out": layer(p), "sum": layer(p).sum()}

    def both_jac(p):
        blocks = layer_jac(p)
        return {"out": blocks, "sum": {k: block.sum(axis=0) for k, block in blocks.items()}}

    assert check_jacobian(both, both_jac, TREE, plan=PLAN).ok

    def wrong(p):
        blocks = layer_jac(p)
        blocks["W"][1, 2, 0] = 9
        return blocks

    report = check_jacobian(layer, wrong, TREE, plan=PLAN)
    assert report.leaves["['b']"].verdict is Verdict.PASS
    assert "d f[1] / d ['W'][2, 0] is 9 and measured 0" in report.findings[0].message
    lacking = check_jacobian(layer, lambda p: {"W": layer_jac(p)["W"]}, TREE)
    assert "has no ['b']" in lacking.findings[0].message
    with pytest.raises(UsageError, match="a pattern is for"):
        check_jacobian(layer, layer_jac, TREE, pattern=np.eye(3))
    listed = check_jacobian(lambda x: np.array(x) ** 2, lambda x: np.diag(x), [1.0, 2.0])
    assert "np.asarray(x, float), if it is a list" in listed.findings[0].message


def test_float32_and_complex():
    """In few digits, right and wrong; a holomorphic function, and its conjugate."""
    x32 = X.astype(np.float32)
    narrow = WIDE.astype(np.float32)

    def f32(x):
        return np.sin(narrow @ x)

    def jac32(x):
        return np.cos(narrow @ x)[:, None] * narrow

    assert check_jacobian(f32, jac32, x32, plan=PLAN).ok
    wrong = check_jacobian(f32, lambda x: jac32(x) * np.float32(1.1), x32, plan=PLAN)
    assert wrong.verdict is Verdict.FAIL
    z = X + 1j * X[::-1]

    def holomorphic(z):
        return np.exp(1j * z)

    assert check_jacobian(holomorphic, lambda z: np.diag(1j * np.exp(1j * z)), z, plan=PLAN).ok
    conjugated = check_jacobian(holomorphic, lambda z: np.diag(-1j * np.exp(1j * z).conj()), z)
    assert conjugated.verdict is Verdict.FAIL


def test_numbers_between_the_sides_of_a_kink_are_inconclusive():
    """As for a gradient that is given as numbers."""
    x = np.array([1.0, 0.0])
    report = check_jacobian(np.abs, np.diag([1.0, 0.5]), x, plan=PLAN)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_random_sources_come_back():
    """Also where wrong pairs were looked for."""
    rng = np.random.default_rng(1)

    def noisy(x):
        return waves(x) + rng.standard_normal(5)

    before = rng.bit_generator.state
    report = check_jacobian(noisy, wrong_at(jac, (3, 1)), X, plan=PLAN, random=rng)
    assert report.findings[0].evidence["pairs"] == [[3, 1]]
    assert rng.bit_generator.state == before


# --- Hessians ----------------------------------------------------------------------------------


def bowl(x):
    """Return one number, with a dense Hessian."""
    return np.sum(x**4) / 4 + x[0] * x[1] * x[2] + np.exp(x[0] * x[3])


def bowl_grad(x):
    """Its gradient."""
    e = np.exp(x[0] * x[3])
    return x**3 + np.array([x[1] * x[2] + x[3] * e, x[0] * x[2], x[0] * x[1], x[0] * e])


def bowl_hess(x):
    """Its Hessian."""
    a, b, c, d = x
    e = np.exp(a * d)
    full = np.array(
        [
            [d * d * e, c, b, e + a * d * e],
            [c, 0, a, 0],
            [b, a, 0, 0],
            [e + a * d * e, 0, 0, a * a * e],
        ]
    )
    return full + np.diag(3 * x**2)


GRADIENTS = [bowl_grad, lambda x: (bowl(x), bowl_grad(x)), None]


def test_the_hessian_of_these_tests_is_right():
    """Against derivatives in fifty digits."""

    def exact(*x):
        return sum(v**4 for v in x) / 4 + x[0] * x[1] * x[2] + mpmath.exp(x[0] * x[3])

    orders = np.eye(4, dtype=int)
    with mpmath.workdps(50):
        expected = [
            [float(mpmath.diff(exact, tuple(X), tuple(map(int, a + b)))) for b in orders]
            for a in orders
        ]
    assert np.allclose(bowl_hess(X), expected, rtol=1e-13)


@pytest.mark.parametrize("grad", GRADIENTS, ids=["grad", "pair", "none"])
def test_right_hessian_passes(grad):
    """With a gradient, with one that returns the value too, and from f alone."""
    assert check_hessian(bowl, bowl_hess, X, grad=grad, plan=PLAN).ok
    assert check_hessian(bowl, bowl_hess(X), X, grad=grad, plan=PLAN).ok
    assert check_hessian(bowl, lambda x: Sparse(bowl_hess(x)), X, grad=grad, plan=PLAN).ok
    assert check_hvp(bowl, lambda x, v: bowl_hess(x) @ v, X, grad=grad, plan=PLAN).ok


def test_true_gradient():
    """As SciPy's jac=True."""
    both = check_hessian(lambda x: (bowl(x), bowl_grad(x)), bowl_hess, X, grad=True, plan=PLAN)
    assert both.ok
    assert set(both.leaves) == {"gradient", "Hessian"}


def without_block(x):
    """Forget how two of the variables bend the others."""
    full = bowl_hess(x)
    full[:2, 2:] = full[2:, :2] = 0
    return full


def half_diagonal(x):
    """Forget a factor 2 on the diagonal."""
    return bowl_hess(x) - np.diag(np.diag(bowl_hess(x))) / 2


FAULTS = {
    "block": without_block,
    "half": half_diagonal,
    "double": lambda x: bowl_hess(x) + np.diag(np.diag(bowl_hess(x))),
    "upper": lambda x: np.triu(bowl_hess(x)),
    "lower": lambda x: np.tril(bowl_hess(x)),
    "scale": lambda x: 2 * bowl_hess(x),
}


@pytest.mark.parametrize("grad", [bowl_grad, None], ids=["grad", "none"])
@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_hessian_fails(fault, grad):
    """Whole and as a product."""
    wrong = FAULTS[fault]
    assert check_hessian(bowl, wrong, X, grad=grad, plan=PLAN).verdict is Verdict.FAIL
    product = check_hvp(bowl, lambda x, v: wrong(x) @ v, X, grad=grad, plan=PLAN)
    assert product.verdict is Verdict.FAIL


def test_missing_block_is_named():
    """By entries, each with what was measured."""
    report = check_hessian(bowl, without_block, X, grad=bowl_grad, plan=PLAN)
    named = report.findings[0].evidence["pairs"]
    assert named
    assert all((i < 2) != (j < 2) for i, j in named)


@pytest.mark.parametrize(("fault", "word"), [("half", "half"), ("double", "twice")])
def test_factor_on_the_diagonal_is_named(fault, word):
    """The mended one is tried."""
    report = check_hessian(bowl, FAULTS[fault], X, grad=bowl_grad, plan=PLAN)
    assert report.findings[0].cause is Cause.SCALE
    assert f"the diagonal of the Hessian is {word} of" in report.findings[0].message


@pytest.mark.parametrize("fault", ["upper", "lower"])
@pytest.mark.parametrize("grad", [bowl_grad, None], ids=["grad", "none"])
def test_one_triangle_is_named(fault, grad):
    """Without a difference."""
    report = check_hessian(bowl, FAULTS[fault], X, grad=grad, plan=PLAN)
    assert report.findings[0].cause is Cause.ASYMMETRIC
    empty = {"upper": "lower", "lower": "upper"}[fault]
    assert f"the {empty} triangle is empty" in report.findings[0].message
    product = check_hvp(bowl, lambda x, v: FAULTS[fault](x) @ v, X, grad=grad, plan=PLAN)
    assert product.findings[0].cause is Cause.ASYMMETRIC


def test_hessian_that_is_symmetric_within_rounding_is_not_blamed():
    """Nor one that is made of differences."""
    noise = 1e-9 * np.random.default_rng(0).standard_normal((4, 4))
    report = check_hessian(bowl, lambda x: bowl_hess(x) + noise, X, grad=bowl_grad, plan=PLAN)
    assert report.verdict is Verdict.PASS
    assert all(finding.cause is not Cause.ASYMMETRIC for finding in report.findings)


def test_gradient_comes_first():
    """A Hessian is not held against a gradient that is wrong."""
    report = check_hessian(bowl, bowl_hess, X, grad=lambda x: 2 * bowl_grad(x), plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert set(report.leaves) == {"gradient"}
    assert report.findings[-1].cause is Cause.UPSTREAM
    assert "the Hessian was not looked at" in report.findings[-1].message


def test_hessian_in_blocks():
    """As JAX returns it; an asymmetric pair of blocks is named."""
    point = {"a": np.array([1.0, 2.0]), "b": np.array([0.5, 1.5, -1.0])}

    def f(p):
        return np.sum(p["a"] ** 2) * np.sum(p["b"] ** 2)

    def grad(p):
        a, b = p["a"], p["b"]
        return {"a": 2 * a * np.sum(b**2), "b": 2 * b * np.sum(a**2)}

    def hess(p):
        a, b = p["a"], p["b"]
        return {
            "a": {"a": 2 * np.eye(2) * np.sum(b**2), "b": 4 * np.outer(a, b)},
            "b": {"a": 4 * np.outer(b, a), "b": 2 * np.eye(3) * np.sum(a**2)},
        }

    def wrong(p):
        blocks = hess(p)
        blocks["a"]["b"] *= 0
        return blocks

    for options in ({"grad": grad}, {}):
        assert check_hessian(f, hess, point, plan=PLAN, **options).ok
        report = check_hessian(f, wrong, point, plan=PLAN, **options)
        assert report.verdict is Verdict.FAIL
        assert report.findings[0].cause is Cause.ASYMMETRIC
        assert "d2 f / d ['a'][1] d ['b'][1] is 0 and d2 f" in report.findings[0].message
        assert report.leaves["Hessian of ['b']"].verdict is Verdict.FAIL


def test_few_digits_need_a_gradient():
    """From f alone a Hessian has no digits left there, and the report or the error says so."""
    x = X.astype(np.float32)

    def f(x):
        return np.float32(np.sum(x**4))

    def hess(x):
        return np.diag(12 * x**2)

    assert check_hessian(f, hess, x, grad=lambda x: 4 * x**3, plan=PLAN).ok
    wrong = check_hessian(f, lambda x: hess(x) * 2, x, grad=lambda x: 4 * x**3, plan=PLAN)
    assert wrong.verdict is Verdict.FAIL
    with pytest.raises(UsageError, match="give grad, or a float64 point"):
        check_hessian(f, hess, x)
    coarse = check_hessian(lambda x: float(f(x.astype(np.float32))), hess, X, plan=PLAN)
    assert coarse.verdict is Verdict.INCONCLUSIVE
    assert coarse.findings[0].cause is Cause.PRECISION
    assert "give grad" in coarse.findings[0].message


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: check_hessian(bowl, bowl_hess, X, grad=bowl_grad(X)), "grad is a ndarray"),
        (lambda: check_hvp(bowl, bowl_hess(X), X), "hvp is a ndarray"),
        (lambda: check_hessian(bowl, bowl_hess, X * 1j), "is complex"),
        (lambda: check_hessian(bowl, bowl_hess, X, plan=3), "the plan is 3"),
        (lambda: check_hessian(bowl, bowl_hess, X, rtol=3), "rtol=3 is not an option"),
        (lambda: check_jacobian(bowl, bowl_hess, X, rtol=3), "rtol=3 is not an option"),
    ],
)
def test_bad_call_is_refused(call, text):
    """With what was given, and what to do."""
    with pytest.raises(UsageError) as caught:
        call()
    assert text in str(caught.value)


def test_budget_is_one_for_all_parts():
    """The Hessian has what the gradient has left."""
    plan = Plan.auto(seed=1, budget=9)
    report = check_hessian(bowl, bowl_hess, X, grad=bowl_grad, plan=plan)
    assert report.evaluations <= 10
    assert not report.ok
    assert gradcheck.Report.from_json(report.to_json()).verdict is report.verdict
