"""The referees: more digits, the complex step, many differences, points nearby."""

import math

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, UsageError, Verdict
from gradcheck.probing.averaging import FEWEST, interval


def report_on(f, claim, x, **options):
    """Check with a fixed seed."""
    return gradcheck.check_grad(f, claim, x, **{"plan": Plan.auto(seed=5), **options})


# --- more digits ----------------------------------------------------------------------------


def softplus_sum(x):
    """Sum of softplus, in the precision of x."""
    return np.logaddexp(0, x).sum()


def logistic(x):
    """Its gradient."""
    return 1 / (1 + np.exp(-x))


FEW_DIGITS = np.linspace(-2, 2, 12).astype(np.float32)


@pytest.mark.parametrize("factor", [1.0, 1.01, -1.0, 0.0])
def test_float32_code_is_judged_by_its_own_formula_in_float64(factor):
    """NumPy code follows the precision of its input: certified as if it were float64."""
    report = report_on(softplus_sum, lambda x: (factor * logistic(x)).astype(x.dtype), FEW_DIGITS)
    leaf = report.leaves["x"]
    assert report.verdict is (Verdict.PASS if factor == 1.0 else Verdict.FAIL)
    assert leaf.dtype == "float32"
    assert leaf.bar < 1e-6


def test_float32_claim_that_loses_digits_is_told_from_a_wrong_formula():
    """Right in float64, 0.1 % off in float32: rounding in the claim, and the report says so."""

    def claim(x):
        return (logistic(x) * (1.001 if x.dtype == np.float32 else 1.0)).astype(x.dtype)

    report = report_on(softplus_sum, claim, FEW_DIGITS)
    assert report.verdict is Verdict.PASS
    assert report.findings[0].cause == "precision"
    assert "right in more digits, but as given it is off by" in report.findings[0].message


def kernel(x):
    """Compute in float32 whatever comes in, as a compiled kernel does."""
    return float(softplus_sum(np.asarray(x, np.float32)))


def kernel_gradient(x):
    """Its gradient, in float32."""
    return logistic(np.asarray(x, np.float32))


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.01, "fail"), (0.0, "fail")])
def test_reference_in_float64_judges_a_float32_kernel(factor, verdict):
    """The caller's own float64 version of f is what the claim is compared with."""
    report = report_on(
        kernel, lambda x: factor * kernel_gradient(x), FEW_DIGITS, reference=softplus_sum
    )
    assert report.verdict == verdict
    assert report.leaves["x"].bar < 1e-6


def test_reference_of_another_function_is_refused_as_such():
    """It must agree with f at x within the rounding of f."""
    report = report_on(
        kernel, kernel_gradient, FEW_DIGITS, reference=lambda x: 1.001 * softplus_sum(x)
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "reference"
    assert "f and its reference are different functions" in report.findings[0].message


def test_reference_that_raises_is_quoted():
    """Nothing is judged without it."""

    def broken(x):
        raise RuntimeError("no float64 build")

    report = report_on(kernel, kernel_gradient, FEW_DIGITS, reference=broken)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the reference raised RuntimeError: no float64 build" in report.findings[0].message


def test_reference_must_be_callable():
    """The wrong call is named."""
    with pytest.raises(UsageError, match="reference is of type int"):
        report_on(kernel, kernel_gradient, FEW_DIGITS, reference=3)


# --- many differences -----------------------------------------------------------------------


def relu_kernel(seed):
    """Make a ReLU network that computes in float32: dense kinks and few digits at once."""
    rng = np.random.default_rng(seed)
    X, V = rng.standard_normal((32, 20)).astype("f4"), rng.standard_normal(32).astype("f4")
    W = (rng.standard_normal((20, 32)) * np.sqrt(2 / 20)).astype("f4")

    def f(W):
        return float(np.mean((np.maximum(X @ W.astype("f4"), 0) @ V) ** 2) / 20)

    def grad(W):
        hidden = X @ W.astype("f4")
        dout = (2 / len(X) / 20) * (np.maximum(hidden, 0) @ V)
        return X.T @ (dout[:, None] * V * (hidden > 0))

    return f, grad, W


@pytest.mark.parametrize("seed", range(6))
def test_relu_network_in_float32_is_decided_by_many_differences(seed):
    """No window is above rounding and below the kinks; the median of many differences is."""
    f, grad, W = relu_kernel(seed)
    right = report_on(f, grad, W)
    assert right.verdict is Verdict.PASS
    assert right.evaluations <= 2 + 3 + 6 * 128
    for factor in (1.25, -1.0, 0.0):
        assert report_on(f, lambda x, k=factor: k * grad(x), W).verdict is Verdict.FAIL
    assert report_on(f, lambda x: 1.01 * grad(x), W).verdict is not Verdict.PASS


def test_interval_holds_the_median_as_often_as_it_says():
    """Of 20,000 skewed samples 0.1 % may miss; more than 0.25 % would be 1e-9 by chance."""
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(20_000, 40))
    missed = 0
    for sample in samples:
        middle, half = interval(sample)
        missed += abs(middle - math.log(2)) > half
    assert missed <= 50


def test_fewest_values_still_give_an_interval():
    """Their extremes hold the median with 1 - 2^-11."""
    middle, half = interval(np.arange(float(FEWEST)))
    assert (middle, half) == ((FEWEST - 1) / 2, (FEWEST - 1) / 2)


# --- the complex step -----------------------------------------------------------------------


def test_complex_step_confirms_what_noise_hides():
    """The noise is real, the imaginary part has none."""
    rng = np.random.default_rng(1)
    table = rng.standard_normal(4096)

    def f(x):
        return np.sin(x) + 1e-3 * table[hash(complex(x)) % 4096]

    report = report_on(f, math.cos(0.7), 0.7)
    assert report.verdict is Verdict.PASS
    assert "the complex step agrees with the claim" in report.findings[0].message


def buried(z):
    """Exp under noise that is a hash of the real part: nothing can be measured."""
    bits = np.frombuffer(np.float64(np.real(z)).tobytes(), np.uint32)
    return 1e6 * np.random.default_rng(bits.tolist()).standard_normal()


@pytest.mark.parametrize("seed", range(10))
def test_noise_gives_the_complex_step_no_tolerance(seed):
    """The regression: a claim of zero passed, as equal to exp within 1e-5 of the noise's slope."""
    plan = Plan.auto(seed=seed)
    wrong = gradcheck.check_grad(lambda z: np.exp(z) + buried(z), lambda z: 0.0, -1.7, plan=plan)
    assert wrong.verdict is Verdict.INCONCLUSIVE
    right = gradcheck.check_grad(lambda z: np.exp(z) + buried(z), np.exp, -1.7, plan=plan)
    assert right.verdict is Verdict.PASS


@pytest.mark.parametrize("seed", range(10))
def test_complex_step_of_a_function_that_drops_the_imaginary_part_confirms_no_zero(seed):
    """np.real does so without a warning."""
    plan = Plan.auto(seed=seed)
    report = gradcheck.check_grad(
        lambda z: np.exp(np.real(z)) + buried(z), lambda z: 0.0, -1.7, plan=plan
    )
    assert report.verdict is Verdict.INCONCLUSIVE


def test_complex_step_of_zero_at_a_minimum_is_believed():
    """It is not zero beside it: a claim of zeros, given as an array, is right there."""
    noise = np.random.default_rng(1).standard_normal(4096)

    def f(x):
        return np.sum((x - 1) ** 2) + 1e-3 * noise[hash(complex(x.sum())) % 4096]

    report = report_on(f, np.zeros(2), np.ones(2))
    assert report.verdict is Verdict.PASS
    assert "the complex step agrees with the claim" in report.findings[0].message


def test_complex_step_refutes_nothing():
    """Abs drops the imaginary part: what is left is not believed against the claim."""
    table = np.random.default_rng(1).standard_normal(4096)

    def f(x):
        return np.sin(np.abs(x)) + 1e-3 * table[hash(complex(x)) % 4096]

    report = report_on(f, math.cos(0.7), 0.7)
    assert report.verdict is Verdict.INCONCLUSIVE


BREAKERS = {
    "abs": lambda z: 3 * np.abs(z),
    "hypot": lambda z: 3 * np.hypot(np.real(z), np.imag(z)),
    "norm": lambda z: 3 * np.linalg.norm(np.atleast_1d(z)),
    "vdot": lambda z: np.vdot(z, z).real,
    "conj": lambda z: 3 * np.conj(z),
    "real": lambda z: 3 * np.real(z),
    "comparison": lambda z: 3 * z if z > 0 else 0 * z,
    "where": lambda z: np.where(np.real(z) > 0, 3 * np.real(z), z),
    "float": lambda z: 3 * float(np.real(z)),
    "float64": lambda z: 3 * np.float64(z),
    "astype": lambda z: 3 * np.asarray(z).astype(float),
    "math": lambda z: 3 * math.sin(z),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BREAKERS)
def test_complex_step_that_code_breaks_confirms_nothing_wrong(name, seed):
    """It sees exp alone, as the claim does; the differences, for all their noise, see the rest."""
    noise = np.random.default_rng(seed).standard_normal(4096)

    def f(z):
        real = float(np.real(z))
        return np.exp(z) + BREAKERS[name](z) + 1e-3 * noise[hash(real) % 4096]

    report = gradcheck.check_grad(f, np.exp, 0.7, plan=Plan.auto(seed=seed))
    assert report.verdict is not Verdict.PASS


# --- points nearby --------------------------------------------------------------------------


def test_value_that_is_no_convention_at_a_kink_is_not_excused():
    """Right everywhere else, a million at the kink: no relu'(0) is that large."""
    report = report_on(
        lambda x: np.abs(x).sum(),
        lambda x: np.where(x == 0, 1e6, np.sign(x)),
        np.array([0.0, 1, 2]),
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the claim" in report.findings[0].message


@pytest.mark.parametrize("factor", [1.01, -1.0, 0.0])
def test_point_where_everything_has_died_away_decides_nothing(factor):
    """A narrow bump at a large x: nearby, f and any claim are 0, and agree."""
    centre = 1.2e8

    def f(x):
        return np.exp(-((x - centre) ** 2))

    def claim(x):
        return factor * -2 * (x - centre) * f(x)

    assert report_on(f, claim, centre + 0.5).verdict is not Verdict.PASS


def test_jump_at_x_is_named_and_never_passes_as_a_zero():
    """A pure step: its values are 0 and 1, which is no grid."""
    for claim in (0.0, 3.0):
        report = report_on(lambda x: float(x > 0), claim, 0.0)
        assert report.verdict is Verdict.INCONCLUSIVE
        assert report.findings[0].cause == "jump"


@pytest.mark.parametrize("factor", [2.0, -1.0])
def test_claim_below_the_rounding_of_f_is_not_a_zero(factor):
    """An offset hides the gradient: the sign flipped passed as "zero to rounding"."""
    x = np.linspace(0.1, 2, 20)
    for offset, dtype in ((1e14, float), (1e6, np.float32)):
        report = report_on(
            lambda x, c=offset: x.dtype.type(c) + x.dtype.type(0.1) * np.sum(np.sin(x)),
            lambda x: (factor * 0.1 * np.cos(x)).astype(x.dtype),
            x.astype(dtype),
        )
        assert report.verdict is not Verdict.PASS


def test_layer_that_pushes_forward_what_it_kept_passes():
    """Its jvp reads what the last forward pass stored, which must be that at x."""

    class Layer:
        def forward(self, x):
            self.out = np.tanh(x)
            return self.out

        def jvp(self, x, v):
            return (1 - self.out**2) * v

    layer = Layer()
    for x in (np.linspace(0.1, 1, 3), np.linspace(0.1, 1, 3).astype("f4")):
        assert gradcheck.check_jvp(layer.forward, layer.jvp, x).ok


def test_claim_at_the_edge_of_the_domain_is_compared_from_inside():
    """The steps are on one side only, and the finding says so."""

    def f(x):
        return np.exp(x) if x >= 1 else np.nan

    report = report_on(f, np.exp, 1.0)
    assert report.verdict is Verdict.PASS
    assert report.findings[0].cause == "domain"
    assert "from inside" in report.findings[0].message
    for factor in (1.01, -1.0, 0.0):
        assert report_on(f, lambda x, k=factor: k * np.exp(x), 1.0).verdict is Verdict.FAIL


def test_error_of_one_small_output_is_found():
    """A dense cotangent adds it to outputs a million times as large."""
    scale = np.array([1.0, 1.0, 1e-5, 1.0])

    def vjp(x, dout, factor=1.0):
        return dout * scale * (1 - np.tanh(x) ** 2) * np.where(scale < 1e-3, factor, 1.0)

    x = np.linspace(0.1, 1.0, 4)
    outputs = lambda x: scale * np.tanh(x)  # noqa: E731 - used twice
    assert gradcheck.check_vjp(outputs, vjp, x, plan=Plan.auto(seed=5)).ok
    report = gradcheck.check_vjp(outputs, lambda x, u: vjp(x, u, 1.01), x, plan=Plan.auto(seed=5))
    assert report.verdict is Verdict.FAIL
    assert "for all outputs, the small ones weighted up" in report.findings[0].message


def test_numbers_at_a_kink_are_those_of_the_gradient():
    """Not those of a step of its own size."""
    report = report_on(lambda x: 2 * np.maximum(x, 0.0), 0.3, 0.0)
    assert "from the left 0, from the right 2 (±" in report.findings[0].message.replace("-0", "0")
    assert "the claim 0.3 lies between them" in report.findings[0].message


def test_claim_that_includes_a_fast_ripple_does_not_fail():
    """At ordinary steps the ripple is noise around another slope; the smallest steps see it."""

    def f(x):
        return x + 1e-9 * math.sin(1e8 * x)

    def claim(x):
        return 1 + 0.1 * math.cos(1e8 * x)

    assert report_on(f, claim, 1.0).verdict is not Verdict.FAIL


@pytest.mark.parametrize("budget", [1, 2, 3, 4, 5, 6, 8, 20, 40, 100, 200, 400])
def test_budget_that_ends_inside_a_referee_is_a_finding_not_an_exception(budget):
    """Never more evaluations than allowed, and no wrong answer for lack of them."""
    f, grad, W = relu_kernel(0)
    for factor in (1.0, 1.25):
        report = report_on(
            f, lambda x, k=factor: k * grad(x), W, plan=Plan.auto(seed=5, budget=budget)
        )
        assert report.evaluations <= budget
        assert report.verdict is not (Verdict.FAIL if factor == 1.0 else Verdict.PASS)
    layer = report_on_layer(budget)
    assert layer.evaluations <= budget
    assert layer.verdict is not Verdict.FAIL


def report_on_layer(budget):
    """Check a float32 layer of two outputs, one of them linear, within a budget."""
    x = np.linspace(0.1, 1, 6).astype("f4")
    return gradcheck.check_vjp(
        lambda x: {"a": np.tanh(x), "b": 2 * x},
        lambda x, u: u["a"] * (1 - np.tanh(x) ** 2) + 2 * u["b"],
        x,
        plan=Plan.auto(seed=5, budget=budget),
    )


def test_float16_code_costs_no_more_than_float64_code():
    """A point nearby is so near that float16 does not move: that is no constant claim."""
    x = np.linspace(0.1, 1, 6).astype("f2")
    report = report_on(lambda x: np.sum(np.sin(x)), np.cos, x)
    assert report.verdict is Verdict.PASS
    assert report.evaluations <= 2 + 3 + 2 * 2


def test_every_output_is_looked_at_alone_under_plan_every():
    """And the sentence names the output."""
    A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    def vjp(x, dout):
        return A.T @ (dout * np.array([1.0, 1.0, 1.0 + 1e-3 * (np.count_nonzero(dout) == 1)]))

    report = gradcheck.check_vjp(lambda x: A @ x, vjp, np.ones(2), plan=Plan.every(seed=5))
    assert report.verdict is Verdict.FAIL
    assert "x is wrong in every entry for output [2]" in report.findings[0].message
    assert report.findings[0].evidence["output"] == "output [2]"


def test_other_cotangents_cost_one_evaluation_of_f_together():
    """The values along the line are there already; one is for what a layer keeps of x."""
    calls = []

    def f(x):
        calls.append(1)
        return {"a": np.tanh(x), "b": np.sin(x)}

    def vjp(x, dout):
        return dout["a"] * (1 - np.tanh(x) ** 2) + dout["b"] * np.cos(x)

    report = gradcheck.check_vjp(f, vjp, np.linspace(0.1, 1, 6), plan=Plan.auto(seed=5))
    assert report.ok
    assert len(calls) == report.evaluations == 2 + 2 * 2 + 1


class CachingLayer:
    """Its backward pass reads both x and what the last forward pass kept."""

    def forward(self, p):
        """Keep the hidden values."""
        self.h = np.tanh(p["W"] @ p["X"])
        return self.h

    def backward(self, p, dout):
        """Use them."""
        dh = dout * (1 - self.h**2)
        return {"W": dh @ p["X"].T, "X": p["W"].T @ dh}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("reference", [None, lambda p: np.tanh(p["W"] @ p["X"])])
def test_layer_that_caches_its_forward_pass_passes(seed, reference):
    """In every view of its output, and beside a reference, it must have seen x itself last."""
    rng = np.random.default_rng(seed)
    p = {"W": rng.standard_normal((3, 4)), "X": rng.standard_normal((4, 2))}
    layer = CachingLayer()
    options = {} if reference is None else {"reference": reference}
    plan = Plan.auto(seed=seed)
    report = gradcheck.check_vjp(layer.forward, layer.backward, p, plan=plan, **options)
    assert report.verdict is Verdict.PASS


@pytest.mark.parametrize("plan", [Plan.auto(seed=1), Plan.every(seed=1), Plan.sample(5, seed=1)])
@pytest.mark.parametrize("n", [2, 20])
def test_strict_plan_sees_what_the_default_sees(plan, n):
    """Small outputs weighted up along a direction, also where every entry is looked at alone."""

    def vjp(x, dout):
        c = np.cos(x)
        c[n // 2 :] = 0
        return dout[:n] + 1e-5 * c * dout[n:]

    x = np.linspace(0.1, 1, n)
    f = lambda x: np.concatenate([x, 1e-5 * np.sin(x)])  # noqa: E731 - used once, but not short
    assert gradcheck.check_vjp(f, vjp, x, plan=plan).verdict is Verdict.FAIL


def test_float16_output_has_weights_that_float16_can_hold():
    """A small output weighted up a million times is infinite there."""
    x = np.array([0.0, 1, -2, 0.5, 3])
    report = gradcheck.check_vjp(
        lambda x: (2 * x).astype(np.float16), lambda x, u: (2 * u).astype(x.dtype), x
    )
    assert report.verdict is not Verdict.FAIL


def test_integer_beside_floating_outputs_is_not_differentiated():
    """Nor does its size drown the others."""
    x = np.linspace(0.1, 1, 5)
    report = gradcheck.check_vjp(
        lambda x: (np.sin(x), 2**50 + int(np.argmax(x))), lambda x, u: u[0] * np.cos(x), x
    )
    assert report.verdict is Verdict.PASS
    assert report.leaves["x"].certified < 1e-4


def test_empty_output_is_nothing_tested():
    """No pass without a number."""
    report = gradcheck.check_vjp(lambda x: x[:0] * 2, lambda x, u: 0 * x, np.ones(3))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "nothing was tested" in report.findings[0].message


@pytest.mark.parametrize("budget", range(1, 20))
def test_budget_of_a_jvp_ends_without_an_exception(budget):
    """Also in the views of its output."""
    plan = Plan.auto(budget=budget, seed=1)
    report = gradcheck.check_jvp(
        np.sin, lambda x, v: np.cos(x) * v, np.linspace(0, 1, 5), plan=plan
    )
    assert report.verdict is not Verdict.FAIL
    assert report.evaluations <= budget


@pytest.mark.parametrize("seed", range(4))
def test_float32_layer_that_caches_its_forward_pass_is_not_failed(seed):
    """The claim half-way between two values must be that of the half-way point."""
    f, grad, W = relu_kernel(seed)
    kept = {}

    def forward(x):
        kept["x"] = np.array(x)
        return f(x)

    def backward(x):
        return (grad(x) + grad(kept["x"])) / 2  # partly from x, partly from what was kept

    assert report_on(forward, backward, W).verdict is not Verdict.FAIL
    report = report_on(forward, lambda x: 1.25 * backward(x), W)
    assert report.verdict is not Verdict.PASS


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_of_a_normalised_single_number_is_not_called_wrong(seed):
    """It is zero; what the backward pass computes of it is the rounding of x, not of the weights.

    As of torch's layer_norm of one number. An error of its size is one where nothing is rounded.
    """

    def backward(p, dout, left=0.0):
        rest = 0.1 * p["x"] + 0.9 * p["x"] - p["x"]
        return {"w": dout * (316 * rest + left), "x": 0.0 * p["x"]}

    def normalised(p):
        return p["w"] * (p["x"] - p["x"]) * 316

    rng = np.random.default_rng(seed)
    point = {"w": rng.normal(size=3), "x": 10 * rng.normal(size=3)}
    plan = Plan.auto(seed=seed)
    report = gradcheck.check_vjp(normalised, backward, point, plan=plan)
    assert report.verdict is not Verdict.FAIL
    report = gradcheck.check_vjp(normalised, lambda p, u: backward(p, u, 1e-3), point, plan=plan)
    assert report.leaves["['w']"].verdict is Verdict.FAIL


@pytest.mark.parametrize("seed", range(12))
def test_jump_far_from_a_flat_entry_makes_it_no_staircase(seed):
    """The regression: of a jump, noise in larger windows does not grow either."""
    x = np.random.default_rng(seed).standard_normal(100)
    report = gradcheck.check_grad(
        lambda x: float(np.sum(np.where(np.abs(x) > 2, x**3, 0))),
        lambda x: np.where(np.abs(x) > 2, 3 * x**2, 0.0),
        x,
        plan=Plan.every(seed=1),
    )
    assert report.ok
