"""The public checks, end to end: right ones pass, wrong ones fail, and at what price."""

import itertools

import numpy as np
import optree
import pytest

import gradcheck
from gradcheck import GradientError, Plan, Problem, UsageError, Verdict
from gradcheck.testing import Gradcheck


def mlp(rng, sizes=(7, 9, 5, 3), m=20, dtype=float):
    """Make a tanh network with a squared loss: f, its gradient, and a point of six leaves."""
    X, Y = rng.standard_normal((m, sizes[0])), rng.standard_normal((m, sizes[-1]))
    x = {}
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        x[f"W{k}"] = (rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)).astype(dtype)
        x[f"b{k}"] = (0.1 * rng.standard_normal(n_out)).astype(dtype)
    depth = len(sizes) - 1

    def forward(p):
        a = [X]
        for k in range(1, depth + 1):
            z = a[-1] @ p[f"W{k}"] + p[f"b{k}"]
            a.append(np.tanh(z) if k < depth else z)
        return a

    def f(p):
        return np.mean((forward(p)[-1] - Y) ** 2)

    def grad(p):
        a, d = forward(p), {}
        dz = 2 * (a[-1] - Y) / Y.size
        for k in range(depth, 0, -1):
            d[f"W{k}"], d[f"b{k}"] = a[k - 1].T @ dz, dz.sum(axis=0)
            dz = (dz @ p[f"W{k}"].T) * (1 - a[k - 1] ** 2)
        return d

    return f, grad, x


def scaled(grad, leaf, factor):
    """Make a copy of a gradient with one leaf multiplied."""
    return lambda p: {k: d * factor if k == leaf else d for k, d in grad(p).items()}


# --- the price ------------------------------------------------------------------------------


def test_right_direction_costs_two_evaluations():
    """Two for the contract, f(x) shared with it, and two a direction: 6 leaves, 12 directions."""
    f, grad, x = mlp(np.random.default_rng(0))
    report = gradcheck.check_grad(f, grad, x)
    assert report.verdict is Verdict.PASS
    assert report.evaluations == 2 + 2 * 12


def test_wrong_leaf_costs_at_most_26_evaluations_and_16_in_the_median():
    """A mismatch is confirmed on a second window before it may be called one."""
    f, grad, x = mlp(np.random.default_rng(0))
    right = 2 + 2 * 10  # the contract and the five other leaves
    costs = []
    for seed in range(20):
        plan = Plan.auto(seed=seed, naming=0)
        wrong = gradcheck.check_grad(f, scaled(grad, "W1", 1.01), x, plan=plan)
        assert wrong.verdict is Verdict.FAIL
        costs.append(wrong.evaluations - right)
    assert np.median(costs) <= 16
    assert max(costs) <= 26  # where the terms of <claim, v> happen to cancel


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("factor", [1.01, 1.25, -1.0, 0.0])
def test_wrong_leaf_is_named_and_the_others_pass(seed, factor):
    """Each leaf has its own probe."""
    f, grad, x = mlp(np.random.default_rng(seed))
    report = gradcheck.check_grad(f, scaled(grad, "W2", factor), x, plan=Plan.auto(seed=seed))
    failed = [path for path, leaf in report.leaves.items() if leaf.verdict is Verdict.FAIL]
    assert failed == ["['W2']"]
    assert report.findings[0].leaf == "['W2']"
    assert report.findings[0].message.startswith("['W2'] is wrong in every entry: analytic")


@pytest.mark.parametrize("seed", range(5))
def test_small_leaf_beside_large_ones_is_seen(seed):
    """A gradient a millionth of the others', wrong by 1 %, is found; right, it passes."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 40))

    def f(p):
        return float(a @ np.sin(p["large"]) + 1e-6 * (b @ np.sin(p["small"])))

    def grad(p, factor=1.0):
        return {"large": a * np.cos(p["large"]), "small": factor * 1e-6 * b * np.cos(p["small"])}

    x = {"large": rng.standard_normal(40), "small": rng.standard_normal(40)}
    assert gradcheck.check_grad(f, grad, x).ok
    report = gradcheck.check_grad(f, lambda p: grad(p, 1.01), x)
    assert report.leaves["['small']"].verdict is Verdict.FAIL
    assert report.leaves["['large']"].verdict is Verdict.PASS


# --- what is certified ------------------------------------------------------------------------


def test_pass_prints_what_it_certifies():
    """The smallest error that would have been seen, and the odds that it was not."""
    f, grad, x = mlp(np.random.default_rng(0))
    report = gradcheck.check_grad(f, grad, x, plan=Plan.auto(seed=1))
    assert all(0 < leaf.certified < 1e-2 for leaf in report.leaves.values())
    assert {leaf.miss for leaf in report.leaves.values()} == {1e-6}
    assert "would have been seen (missed with probability 1e-06 at most)" in " ".join(
        str(report).split()
    )


def test_every_entry_is_certified_without_chance():
    """With Plan.every no entry can slip through, and the mask says that none is wrong."""
    x = np.linspace(-1, 1, 7)
    leaf = gradcheck.check_grad(lambda x: np.sum(np.exp(x)), np.exp, x, plan=Plan.every()).leaves[
        "x"
    ]
    assert leaf.miss == 0
    assert leaf.certified < 1e-7
    assert leaf.wrong.tolist() == [False] * 7


def test_sample_states_the_share_that_was_not_looked_at():
    """30 of 100 entries: a single wrong one is missed with probability 0.7."""
    x = np.linspace(-1, 1, 100)
    leaf = gradcheck.check_grad(
        lambda x: np.sum(np.exp(x)), np.exp, x, plan=Plan.sample(per_leaf=30)
    ).leaves["x"]
    assert leaf.miss == pytest.approx(0.7)
    assert leaf.wrong is None


@pytest.mark.parametrize("wrong", [(0, 0), (1, 2)])
def test_every_entry_names_the_wrong_one(wrong):
    """The boolean mask is exact, and the sentence gives the gradient's own numbers."""
    x = np.linspace(0.5, 1.5, 6).reshape(2, 3)

    def claim(x):
        d = 2 * x
        d[wrong] *= 1.5
        return d

    report = gradcheck.check_grad(lambda x: np.sum(x**2), claim, x, plan=Plan.every())
    expected = np.zeros((2, 3), bool)
    expected[wrong] = True
    assert np.array_equal(report.leaves["x"].wrong, expected)
    assert (
        f"x is wrong at {list(wrong)}: analytic {3 * x[wrong]:.6g}, numeric {2 * x[wrong]:.6g} ±"
        in (report.findings[0].message)
    )
    assert report.leaves["x"].complete


def test_real_discrepancy_below_the_tolerance_is_a_pass_that_says_so():
    """A gradient with seven digits: PASS, finding precision."""
    x = np.linspace(0.5, 1.5, 6)
    report = gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x * (1 + 1e-7), x)
    assert report.ok
    assert report.findings[0].cause == "precision"
    assert "digits only; our bar is" in report.findings[0].message


def test_tolerance_is_the_plans():
    """0.1 % off is a failure by default and a pass at rtol=0.01."""
    x = np.linspace(0.5, 1.5, 6)
    claim = lambda x: 2.002 * x  # noqa: E731 - used twice
    assert not gradcheck.check_grad(lambda x: np.sum(x**2), claim, x)
    assert gradcheck.check_grad(lambda x: np.sum(x**2), claim, x, plan=Plan.auto(rtol=0.01))


# --- zero, kinks, noise ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x"),
    [
        pytest.param(lambda x: 3.7, np.ones(4), id="constant"),
        pytest.param(lambda x: 0.0, np.ones(4), id="zero"),
        pytest.param(lambda x: np.sum(x**2), np.zeros(4), id="minimum-at-0"),
        pytest.param(lambda x: 1e6 + np.sum(np.cos(x)), np.zeros(4), id="maximum-on-a-million"),
    ],
)
def test_certified_zero_is_a_pass(f, x):
    """Constant functions and minima; and a claim that is not zero there fails."""
    assert gradcheck.check_grad(f, np.zeros_like, x).ok
    assert gradcheck.check_grad(f, lambda x: np.full_like(x, 0.1), x).verdict is Verdict.FAIL


def test_unused_leaf_with_gradient_zero_passes():
    """Beside a leaf that is used."""
    x = {"used": np.linspace(1, 2, 4), "unused": np.ones(3)}
    f = lambda p: np.sum(p["used"] ** 2)  # noqa: E731 - used twice
    assert gradcheck.check_grad(f, lambda p: {"used": 2 * p["used"], "unused": np.zeros(3)}, x)
    report = gradcheck.check_grad(f, lambda p: {"used": 2 * p["used"], "unused": np.ones(3)}, x)
    assert report.leaves["['unused']"].verdict is Verdict.FAIL


def relu_sum(x):
    """Sum of ReLU."""
    return np.maximum(x, 0).sum()


AT_KINK = np.array([0.0, 1.0, -2.0, 0.5])


@pytest.mark.parametrize("convention", [0.0, 0.5, 1.0])
def test_usual_convention_at_an_exact_kink_passes_and_is_named(convention):
    """One of the two sides or their middle, exactly: a PASS with the finding and both sides."""
    report = gradcheck.check_grad(relu_sum, np.array([convention, 1.0, 0.0, 1.0]), AT_KINK)
    assert report.verdict is Verdict.PASS
    assert report.findings[0].cause == "kink"
    assert "from the left" in report.findings[0].message
    assert {"left", "right"} <= report.findings[0].evidence.keys()


@pytest.mark.parametrize("convention", [0.3, 0.99, 1.01, 7.0])
def test_any_other_array_at_an_exact_kink_is_inconclusive(convention):
    """It may lie between the two sides and still be an error; never a pass, never failed."""
    report = gradcheck.check_grad(relu_sum, np.array([convention, 1.0, 0.0, 1.0]), AT_KINK)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "kink"


@pytest.mark.parametrize("convention", [0.0, 0.5, 1.0])
def test_relu_at_an_exact_kink_is_decided_by_a_shifted_point(convention):
    """A callable claim passes by its formula, and the kink stays in the report."""
    report = gradcheck.check_grad(relu_sum, lambda x: np.where(x == 0, convention, x > 0), AT_KINK)
    assert report.verdict is Verdict.PASS
    assert report.findings[0].cause == "kink"
    assert "at a point nearby the claim agrees" in report.findings[0].message


@pytest.mark.parametrize("factor", [1.01, -1.0, 0.0])
def test_wrong_relu_at_an_exact_kink_fails(factor):
    """1 % off would lie between the one-sided derivatives at x; the shifted point sees it."""
    report = gradcheck.check_grad(relu_sum, lambda x: factor * (x > 0), AT_KINK)
    assert report.verdict is Verdict.FAIL


def test_nan_claim_at_a_kink_is_not_excused_by_a_point_nearby():
    """The gradient of |x| at 0 written as x/|x|: NaN is no convention, and never a pass."""
    with np.errstate(invalid="ignore"):
        report = gradcheck.check_grad(np.linalg.norm, lambda x: x / np.linalg.norm(x), np.zeros(3))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "kink"


@pytest.mark.parametrize("seed", range(20))
def test_kinks_that_cancel_at_x_raise_no_false_alarm(seed):
    """relu(t) - relu(-t) = t: no window shows a kink, and relu'(0) = 0 is none of the slopes.

    The regression behind it: a ReLU net whose hidden units were all dead at zero biases.
    """
    rng = np.random.default_rng(seed)
    c, x = rng.standard_normal(30), np.concatenate([np.zeros(30), rng.standard_normal(3)])

    def f(x):
        return float(c @ np.maximum(x[:30], 0) + np.sum(np.sin(x)))

    def claim(x, factor=1.0):
        return factor * (np.concatenate([c * (x[:30] > 0), np.zeros(3)]) + np.cos(x))

    plan = Plan.auto(seed=seed)
    assert gradcheck.check_grad(f, claim, x, plan=plan).verdict is Verdict.PASS
    wrong = gradcheck.check_grad(f, lambda x: claim(x, 1.01), x, plan=plan)
    assert wrong.verdict is Verdict.FAIL
    assert gradcheck.check_grad(f, claim(x), x, plan=plan).verdict is not Verdict.FAIL


def two_kinks(x):
    """Evaluate what is smooth at 0 and has a kink at a distance of 1e-7 on either side."""
    return float(np.sin(x + 0.3) + 2 * max(0.0, x - 1e-7) + 3 * max(0.0, -2e-7 - x))


def test_point_between_two_close_kinks_is_smooth():
    """Both sides are kinked at every ordinary step; closer looks find the smooth piece."""
    assert gradcheck.check_grad(two_kinks, np.cos(0.3), 0.0).verdict is Verdict.PASS
    for factor in (1.01, -1.0, 0.0):
        report = gradcheck.check_grad(two_kinks, factor * np.cos(0.3), 0.0)
        assert report.verdict is not Verdict.PASS


def test_array_claim_at_a_kink_may_be_one_side():
    """The one-sided derivatives are the evidence, and the claim's place is in the sentence."""
    report = gradcheck.check_grad(abs, 1.0, 0.0)
    assert report.findings[0].message.startswith("x: f has a kink at x: from the left -")
    assert "is one of them" in report.findings[0].message


def test_jvp_that_raises_for_a_single_leaf_fails():
    """The contract pushes a tangent of all leaves; a leaf alone may still break the claim."""

    def jvp(x, v):
        if np.all(v["b"] == 0):
            raise ZeroDivisionError("no tangent for b")
        return v["a"] + v["b"]

    x = {"a": np.ones(3), "b": np.ones(3)}
    report = gradcheck.check_jvp(lambda x: x["a"] + x["b"], jvp, x)
    assert report.verdict is Verdict.FAIL
    assert report.leaves["['a']"].cause == "raised"
    assert "no tangent for b" in report.findings[0].message


def test_budget_that_ends_within_a_leaf_keeps_what_was_measured():
    """One of two directions done: inconclusive, with the numbers of the first."""
    report = gradcheck.check_grad(
        lambda x: np.sum(np.sin(x)), np.cos, np.linspace(0, 1, 5), plan=Plan.auto(budget=5)
    )
    leaf = report.leaves["x"]
    assert (leaf.verdict, leaf.cause, leaf.probes) == (Verdict.INCONCLUSIVE, "budget", 1)
    assert np.isfinite(leaf.numeric)


def test_every_entry_at_a_kink_has_no_mask():
    """An entry that could not be decided leaves the mask unknown."""
    report = gradcheck.check_grad(relu_sum, np.array([0.3, 1, 0, 1]), AT_KINK, plan=Plan.every())
    assert report.leaves["x"].wrong is None


def test_function_that_is_nan_beside_x_is_inconclusive():
    """The cause is the domain."""
    report = gradcheck.check_grad(lambda x: 1.0 if x == 1 else np.nan, lambda x: 0.0, 1.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "domain"


def test_function_that_raises_beside_x_is_inconclusive_and_quotes_it():
    """What was raised is in the sentence."""

    def f(x):
        if x != 1:
            raise ValueError("table has no such entry")
        return 1.0

    report = gradcheck.check_grad(f, lambda x: 0.0, 1.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "f raised ValueError: table has no such entry" in report.findings[0].message


def test_claim_that_is_nan_where_f_is_smooth_fails_with_its_entry():
    """NaN never compares as agreement."""
    x = np.array([[1.0, 2.0], [0.0, 3.0]])
    report = gradcheck.check_grad(
        lambda x: np.sum(x**2), lambda x: np.where(x == 0, np.nan, 2 * x), x
    )
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "nonfinite"
    assert "x is not finite at [1, 0], where f is smooth: numeric 0" in report.findings[0].message


def test_infinite_claim_where_f_is_singular_is_inconclusive():
    """The derivative of sqrt|x| at 0 is infinite, or not there at all."""
    report = gradcheck.check_grad(lambda x: np.sqrt(abs(x)), lambda x: np.inf, 0.0)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_noisy_function_is_inconclusive_not_failed():
    """Deterministic noise of 1e-3 hides the derivative, and that is said."""

    def noisy(x):
        bits = np.random.default_rng(np.frombuffer(np.asarray(x).tobytes(), np.uint32))
        return float(np.sum(np.sin(x)) + 1e-3 * bits.standard_normal())

    report = gradcheck.check_grad(noisy, np.cos, np.linspace(0.1, 1.0, 5))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "noise"


# --- structures and dtypes ---------------------------------------------------------------------


@optree.dataclasses.dataclass(namespace="gradcheck")
class Layer:
    """A registered dataclass."""

    W: np.ndarray
    b: float


def squares(x):
    """Half the sum of squares of all leaves that are numbers, weighted by their place."""
    leaves = [v for v in optree.tree_leaves(x, namespace="gradcheck") if not isinstance(v, int)]
    return float(sum((k + 1) * np.sum(np.abs(v) ** 2) / 2 for k, v in enumerate(leaves)))


def squares_gradient(x):
    """Its gradient."""
    leaves, spec = optree.tree_flatten(x, namespace="gradcheck")
    floating = [v for v in leaves if not isinstance(v, int)]
    graded = iter([(k + 1) * v for k, v in enumerate(floating)])
    return optree.tree_unflatten(spec, [v if isinstance(v, int) else next(graded) for v in leaves])


POINTS = [
    pytest.param(1.5, id="python-float"),
    pytest.param(1.5 - 0.5j, id="python-complex"),
    pytest.param(np.array(2.0), id="0-d"),
    pytest.param([1.0, 2.0], id="list"),
    pytest.param((1.0, np.ones(3)), id="tuple"),
    pytest.param({"a": {"b": np.ones((2, 2))}, "n": 3, "k": None}, id="nested-dict"),
    pytest.param(Layer(np.linspace(1, 2, 6).reshape(2, 3), 0.5), id="dataclass"),
    pytest.param(np.asfortranarray(np.linspace(1, 2, 6).reshape(2, 3)), id="fortran"),
    pytest.param(np.linspace(1, 2, 12)[::2], id="strided"),
    pytest.param(np.linspace(1, 2, 6).astype("c16") * (1 + 2j), id="complex"),
    pytest.param(np.linspace(1, 2, 6).astype("g"), id="longdouble"),
    pytest.param([np.ones((0, 2)), np.ones(2)], id="empty-leaf"),
]


@pytest.mark.parametrize("x", POINTS)
def test_every_structure_and_memory_layout(x):
    """Right passes, 1 % off fails, on any pytree."""
    assert gradcheck.check_grad(squares, squares_gradient, x).verdict is Verdict.PASS
    wrong = gradcheck.check_grad(
        squares,
        lambda p: optree.tree_map(
            lambda d: d if isinstance(d, int) else 1.01 * d,
            squares_gradient(p),
            namespace="gradcheck",
        ),
        x,
    )
    assert wrong.verdict is Verdict.FAIL


@pytest.mark.parametrize("dtype", ["f4", "c8", "f2"])
def test_low_precision_right_never_fails_and_gross_errors_never_pass(dtype):
    """float32 and float16: what cannot be told is inconclusive."""
    x = np.linspace(0.5, 1.5, 12).astype(dtype)
    f = lambda x: np.sum(np.abs(x) ** 2) / 2  # noqa: E731 - used twice
    for seed in range(20):
        plan = Plan.auto(seed=seed)
        assert gradcheck.check_grad(f, lambda x: x, x, plan=plan).verdict is not Verdict.FAIL
        assert gradcheck.check_grad(f, lambda x: -x, x, plan=plan).verdict is Verdict.FAIL


def test_read_only_point_is_checked():
    """Nothing is ever written to the caller's arrays."""
    x = np.linspace(1, 2, 4)
    x.flags.writeable = False
    assert gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, x).ok


def test_leaf_without_entries_is_listed_and_nothing_else_is_inconclusive():
    """A report that tested nothing does not pass."""
    report = gradcheck.check_grad(lambda x: 0.0, np.zeros_like, np.ones((0, 3)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].message == "all leaves are empty: nothing was tested."


# --- VJP and JVP -------------------------------------------------------------------------------


def layer(x):
    """Evaluate a dense layer with tanh: two leaves in, two arrays out."""
    z = x["a"] @ x["W"]
    return {"z": z, "y": np.tanh(z)}


def layer_vjp(x, dout):
    """Pull cotangents back."""
    dz = dout["z"] + dout["y"] * (1 - np.tanh(x["a"] @ x["W"]) ** 2)
    return {"a": dz @ x["W"].T, "W": x["a"].T @ dz}


def layer_jvp(x, v):
    """Push tangents forward."""
    dz = v["a"] @ x["W"] + x["a"] @ v["W"]
    return {"z": dz, "y": (1 - np.tanh(x["a"] @ x["W"]) ** 2) * dz}


LAYER = {
    "a": np.linspace(-1, 1, 12).reshape(4, 3),
    "W": np.linspace(-0.8, 1.1, 15).reshape(3, 5),
}


def test_right_vjp_and_jvp_pass():
    """Pytrees in, pytrees out."""
    assert gradcheck.check_vjp(layer, layer_vjp, LAYER).ok
    assert gradcheck.check_jvp(layer, layer_jvp, LAYER).ok


def test_vjp_with_the_wrong_transpose_fails():
    """One leaf is wrong, the other right."""
    report = gradcheck.check_vjp(
        layer, lambda x, dout: {**layer_vjp(x, dout), "a": 2 * layer_vjp(x, dout)["a"]}, LAYER
    )
    assert report.leaves["['a']"].verdict is Verdict.FAIL
    assert report.leaves["['W']"].verdict is Verdict.PASS


def test_vjp_that_ignores_its_cotangent_fails():
    """Invisible with a cotangent of ones, which is why ours is drawn."""
    report = gradcheck.check_vjp(np.sin, lambda x, dout: np.cos(x), np.linspace(0, 1, 5))
    assert report.verdict is Verdict.FAIL


def test_jvp_that_forgets_a_leaf_fails_for_that_leaf():
    """Tangents move one leaf at a time."""
    report = gradcheck.check_jvp(
        layer, lambda x, v: layer_jvp(x, {**v, "W": np.zeros_like(v["W"])}), LAYER
    )
    assert report.leaves["['W']"].verdict is Verdict.FAIL
    assert report.leaves["['a']"].verdict is Verdict.PASS


def test_vjp_of_complex_output():
    """Re <cotangent, f> is the real function whose gradient is checked."""
    x = np.linspace(0.5, 1.5, 4) * (1 + 0.5j)
    assert gradcheck.check_vjp(lambda z: z**2, lambda z, u: u * np.conj(2 * z), x).ok
    assert not gradcheck.check_vjp(lambda z: z**2, lambda z, u: u * 2 * z, x).ok


def test_jvp_that_raises_fails():
    """It cannot be evaluated where f can."""

    def jvp(x, v):
        raise NotImplementedError("forward mode")

    report = gradcheck.check_jvp(np.sin, jvp, np.linspace(0, 1, 5))
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "raised"


# --- replay, options, assertions ----------------------------------------------------------------


def without_time(report):
    """Compare reports but for the clock."""
    return [line for line in report.to_json().splitlines() if '"seconds"' not in line]


@pytest.mark.parametrize("plan", [Plan.auto(seed=3), Plan.sample(per_leaf=2, seed=3)])
def test_same_seed_gives_the_same_report(plan):
    """Bit for bit."""
    f, grad, x = mlp(np.random.default_rng(0))
    first, second = (gradcheck.check_grad(f, grad, x, plan=plan) for _ in range(2))
    assert without_time(first) == without_time(second)


def test_fresh_seed_is_drawn_and_reported():
    """A miss must not be permanent, a failure must be repeatable."""
    seeds = {
        gradcheck.check_grad(lambda x: x * x, lambda x: 2 * x, 1.0).plan.seed for _ in range(5)
    }
    assert len(seeds) == 5


def test_problem_is_the_same_check():
    """What the command line and the plugin pass around."""
    problem = Problem(lambda x: x * x, lambda x: 2 * x, 1.5, name="square")
    report = gradcheck.check(problem, Plan.auto(seed=1))
    assert report.name == "square"
    assert report.ok


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"rtol": 1e-3}, r"rtol=0\.001 .*plan=Plan\.auto\(rtol=\.\.\.\)", id="plan"),
        pytest.param(
            {"eps": 1e-3}, "the options are plan, name, random, reference, progress", id="unknown"
        ),
    ],
)
def test_unknown_option_is_refused_with_the_mend(options, message):
    """A tolerance belongs to the plan."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: x, lambda x: 1.0, 1.0, **options)


def test_progress_is_told_after_every_leaf():
    """Leaf, how many are done, and what it cost so far."""
    f, grad, x = mlp(np.random.default_rng(0))
    seen = []
    report = gradcheck.check_grad(f, grad, x, progress=seen.append)
    assert [p.leaf for p in seen] == list(report.leaves)
    assert [(p.done, p.total) for p in seen] == [(k, 6) for k in range(1, 7)]
    assert seen[-1].evaluations == report.evaluations


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        pytest.param(gradcheck.assert_grad, lambda x: np.cos(x), lambda x: np.sin(x), id="grad"),
        pytest.param(gradcheck.assert_vjp, lambda x, u: u * np.cos(x), lambda x, u: u, id="vjp"),
        pytest.param(gradcheck.assert_jvp, lambda x, v: v * np.cos(x), lambda x, v: v, id="jvp"),
    ],
)
def test_assert_raises_with_the_report_as_its_message(check, right, wrong):
    """An AssertionError whose message is the table."""
    f = (lambda x: np.sum(np.sin(x))) if check is gradcheck.assert_grad else np.sin
    x = np.linspace(0.1, 1.0, 5)
    assert check(f, right, x).ok
    with pytest.raises(GradientError, match="x is wrong in every entry") as caught:
        check(f, wrong, x)
    assert isinstance(caught.value, AssertionError)
    assert caught.value.report.verdict is Verdict.FAIL


def test_report_is_true_only_for_a_pass():
    """`assert check_grad(...)` cannot pass by accident."""
    assert gradcheck.check_grad(relu_sum, lambda x: 1.0 * (x > 0), np.array([1.0, -2.0]))
    assert not gradcheck.check_grad(relu_sum, np.array([7.0, 1, 0, 1]), AT_KINK)
    assert not gradcheck.check_grad(relu_sum, lambda x: 1.0 * (x < 0), np.array([1.0, -2.0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: gradcheck.check(3), "check was given 3, but it takes a Problem",
                     id="problem"),
        pytest.param(lambda: gradcheck.check_grad(np.sin, np.cos, 1.0, plan="every"),
                     r"the plan is 'every', but it must be a Plan: Plan\.auto\(\)", id="plan-text"),
        pytest.param(lambda: gradcheck.check_grad(np.sin, np.cos, 1.0, plan=3), "the plan is 3",
                     id="plan-number"),
        pytest.param(lambda: gradcheck.check_grad(np.sin, np.cos, 1.0, progress=3),
                     "progress is 3, but it must be callable", id="progress"),
        pytest.param(lambda: Gradcheck(1)(np.sin, np.cos, 1.0, plan=3),
                     "the plan is 3", id="plan-of-the-fixture"),
        pytest.param(lambda: Gradcheck(1)(np.sin, np.cos, 1.0, plan="all"),
                     "all", id="text-of-the-fixture"),
    ],
)  # fmt: skip
def test_argument_of_another_kind_is_refused_by_name(call, message):
    """The regression: an AttributeError from inside, or no error at all."""
    with pytest.raises(UsageError, match=message):
        call()


def test_leaf_that_passes_too_coarsely_is_told_why(monkeypatch):
    """The regression: INCONCLUSIVE without a sentence, where no line would have shown 1 %."""
    monkeypatch.setattr("gradcheck.certainty.sees_a_factor", lambda *_: False)
    report = gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, np.linspace(1, 2, 5))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "no direction would have shown an error of one percent" in report.findings[0].message


@pytest.mark.parametrize(
    ("x", "claim"),
    [(2, -99.0), (2, 3), (np.array([1, 2, 3]), np.array([7.0, 7.0, 7.0])), (np.int64(2), 1.5)],
    ids=["number", "whole", "array", "scalar"],
)
def test_claim_for_a_leaf_of_whole_numbers_does_not_pass_in_silence(x, claim):
    """The regression: a derivative with respect to integers was neither tested nor mentioned."""
    p = {"a": x, "b": 0.5}
    report = gradcheck.check_grad(
        lambda p: np.sum(p["a"]) * p["b"], lambda p: {"a": claim, "b": np.sum(p["a"])}, p
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    (finding,) = report.findings
    assert finding.leaf == "['a']"
    assert "was not tested" in finding.message


@pytest.mark.parametrize("claim", [0, 0.0, None, "kept"])
def test_leaf_of_whole_numbers_for_which_nothing_is_claimed_is_carried(claim):
    """Zeros, nothing, and the leaf itself, as of `{**p, "b": db}`."""
    p = {"a": 2, "b": 0.5}

    def grad(p):
        return {"a": p["a"] if claim == "kept" else claim, "b": p["a"]}

    assert gradcheck.check_grad(lambda p: p["a"] * p["b"], grad, p).ok


def test_claim_as_an_array_for_whole_numbers_is_seen_too():
    """Where it is no callable."""
    p = {"a": 2, "b": 0.5}
    report = gradcheck.check_grad(lambda p: p["a"] * p["b"], {"a": 0.5, "b": 2.0}, p)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_error_begins_with_what_is_wrong():
    """The regression: the line of pytest's summary was empty."""
    with pytest.raises(gradcheck.GradientError) as raised:
        gradcheck.assert_grad(np.sum, lambda x: 2 * x, np.ones(3))
    assert str(raised.value).startswith("x is wrong in every entry\n\nFAIL (1 leaf, ")


def test_place_of_an_exception_is_named():
    """The line of the caller's own code, which the report would otherwise only keep."""

    def grad(x):
        return x @ np.ones((4, 4))

    report = gradcheck.check_grad(np.sum, grad, np.ones(3))
    line = grad.__code__.co_firstlineno + 1
    assert f"(test_check.py, line {line}, in grad)" in report.findings[0].message


def test_fixture_says_that_it_hides_the_module():
    """The regression: an AttributeError that left one puzzled."""
    with pytest.raises(AttributeError, match="from gradcheck import Plan"):
        _ = Gradcheck(1).Plan
    assert Gradcheck(1)(np.sin, np.cos, 1.0, plan="every").plan.mode == "every"


@pytest.mark.parametrize("seed", range(5))
def test_denormal_outputs_are_weighed_within_range(seed):
    """The regression: tanh at 0, 0, 5e-324 was said not to be finite beside x."""
    report = gradcheck.check_vjp(
        np.tanh,
        lambda x, dout: dout * (1 - np.tanh(x) ** 2),
        np.array([0.0, 0.0, 5e-324]),
        plan=Plan.auto(seed=seed),
    )
    assert report.ok, str(report)
