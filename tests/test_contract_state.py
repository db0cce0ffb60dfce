"""State that f or a claim keeps between calls, and layers that keep it legally."""

import random

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict

X = {"W": np.linspace(0.5, 1.5, 6).reshape(2, 3), "b": np.linspace(-1.0, 1.0, 3)}


def f(p):
    """Evaluate a smooth function of two leaves."""
    return float(np.sum(np.sin(p["W"] + p["b"])))


def right(p):
    """Its gradient."""
    d = np.cos(p["W"] + p["b"])
    return {"W": d, "b": d.sum(axis=0)}


class Counting:
    """A claim that knows how often it was called."""

    def __init__(self):
        self.calls = 0

    def __call__(self, p):
        """Count, and answer."""
        self.calls += 1
        return self.answer(p)


# --- the claim: the same twice, elsewhere, and back -------------------------------------------


class Momentum(Counting):
    """Returns a running sum, by reference."""

    velocity = 0.0

    def answer(self, p):
        """Decay, and add."""
        gradient = right(p)
        self.velocity = 0.9 * self.velocity + gradient["W"]
        return {**gradient, "W": self.velocity}


class OneLeaf(Counting):
    """Adds up one leaf in place, and starts the other from zero."""

    total = 0.0

    def answer(self, p):
        """Add the bias up."""
        gradient = right(p)
        self.total = self.total + gradient["b"]
        return {**gradient, "b": self.total}


class OneRow(Counting):
    """Starts all rows but the first from zero."""

    def answer(self, p):
        """Add the first row up."""
        gradient = right(p)
        gradient["W"][0] *= self.calls
        return gradient


class FirstIsRight(Counting):
    """The second call gives something else, and so do all others."""

    def answer(self, p):
        """Forget a factor the first time."""
        return {k: v * (1.0 if self.calls == 1 else 1.5) for k, v in right(p).items()}


class InTurn(Counting):
    """Two buffers that are swapped."""

    def answer(self, p):
        """Look into one of them."""
        return {k: v * (1.0 if self.calls % 2 else 1.5) for k, v in right(p).items()}


class SecondRaises(Counting):
    """Its saved indexes are used up, as in a max-pooling that adds to a view of them."""

    def answer(self, p):
        """Fail the second time."""
        if self.calls > 1:
            raise IndexError("index 12 is out of bounds")
        return right(p)


class ThirdRaises(Counting):
    """The same, later."""

    def answer(self, p):
        """Fail the fourth time: at x again, after the visit elsewhere."""
        if self.calls > 3:
            raise IndexError("index 12 is out of bounds")
        return right(p)


class ByIdentity(Counting):
    """Keeps answers by the identity of the weights."""

    def __init__(self):
        super().__init__()
        self.known = {}

    def answer(self, p):
        """Answer for the array, whatever it holds now."""
        if id(p["W"]) not in self.known:
            self.known[id(p["W"])] = p["W"], right(p)
        return {k: v.copy() for k, v in self.known[id(p["W"])][1].items()}


class NewestOnly(Counting):
    """Keeps the answer for the newest point it has seen, and does not notice an old one."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def answer(self, p):
        """Compute for points not seen before."""
        key = p["W"].tobytes()
        if key not in self.seen:
            self.seen.add(key)
            self.last = right(p)
        return {k: v.copy() for k, v in self.last.items()}


class LeftBehind(Counting):
    """A visit to another point leaves something behind."""

    offset = 0.0

    def answer(self, p):
        """Remember how far from x it was called."""
        if not np.array_equal(p["W"], X["W"]):
            self.offset = 0.1
        return {k: v + self.offset for k, v in right(p).items()}


class HiddenLayerKept(Counting):
    """Keeps its first forward pass: one leaf is stale, the other partly."""

    kept = None

    def answer(self, p):
        """Mix what was kept with what is given."""
        now = np.cos(p["W"] + p["b"])
        self.kept = now if self.kept is None else self.kept
        return {"W": self.kept.copy(), "b": now.sum(axis=0)}


WRONG = [
    pytest.param(Momentum, "accumulates", "then at each call by 0.9 times as much", id="momentum"),
    pytest.param(OneLeaf, "accumulates", "leaf ['b'] is twice as large", id="one-leaf"),
    pytest.param(OneRow, "accumulates", "then at each call by the same amount", id="one-row"),
    pytest.param(FirstIsRight, "hidden-state", "the first call left something behind",
                 id="first-is-right"),
    pytest.param(InTurn, "hidden-state", "the two come in turn", id="in-turn"),
    pytest.param(SecondRaises, "raised", "at its first call at the same x it did not",
                 id="second-raises"),
    pytest.param(ThirdRaises, "raised", "before it was called at another point it did not",
                 id="third-raises"),
    pytest.param(ByIdentity, "stale-cache", "by the identity of the array", id="by-identity"),
    pytest.param(NewestOnly, "stale-cache", "what it computed at the other point", id="newest"),
    pytest.param(LeftBehind, "hidden-state", "left something behind that it reads", id="left"),
    pytest.param(HiddenLayerKept, "stale-cache", "answers from a cache of an earlier call",
                 id="one-leaf-stale"),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "cause", "words"), WRONG)
def test_claim_with_state_fails_by_that_name(claim, cause, words):
    """Never misread as a wrong formula."""
    report = gradcheck.check_grad(f, claim(), X)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == cause
    assert words in report.findings[0].message


@pytest.mark.parametrize("dtype", ["c8", "c16", "f4"])
def test_running_sum_of_any_dtype_is_told_from_random_numbers(dtype):
    """The regression: increments of complex claims were cast to real, with a warning."""
    total = np.zeros(3, dtype)

    def claim(z):
        total[...] = 0.9 * total + 2 * z
        return total.copy()

    z = np.array([1.0 + 0.5j, -0.3 + 2.0j, 0.7 - 1.0j])
    x = z.astype(dtype) if dtype[0] == "c" else z.real.astype(dtype)
    report = gradcheck.check_grad(lambda z: np.sum(z.real**2 + z.imag**2), claim, x)
    assert report.findings[0].cause == "accumulates"


@pytest.mark.parametrize("second", [1, 2])
def test_answer_that_is_real_only_once_is_told_apart(second):
    """Whichever call it is. The regression: increments had the dtype of the first answer."""
    calls = []

    def claim(z):
        calls.append(1)
        return np.float16(z.real) if len(calls) == second else np.sin(z)

    report = gradcheck.check_grad(
        lambda z: np.sin(z).real, claim, np.complex64(0.126 - 0.132j), plan=Plan.auto(seed=0)
    )
    assert report.verdict is Verdict.FAIL


class ByValue(ByIdentity):
    """The right twin of caches: by what the arrays hold."""

    def answer(self, p):
        """Look the values up."""
        key = p["W"].tobytes() + p["b"].tobytes()
        if key not in self.known:
            self.known[key] = right(p)
        return {k: v.copy() for k, v in self.known[key].items()}


class Zeroed(Counting):
    """The right twin of buffers: one that is set to zero, and copied."""

    total = np.zeros((2, 3))

    def answer(self, p):
        """Start from zero."""
        self.total[...] = 0.0
        self.total += right(p)["W"]
        return {**right(p), "W": self.total.copy()}


@pytest.mark.parametrize("claim", [ByValue, Zeroed])
def test_claim_with_state_that_does_no_harm_passes(claim):
    """Without a remark."""
    report = gradcheck.check_grad(f, claim(), X)
    assert report.ok
    assert report.findings == ()


def test_random_numbers_in_a_claim_of_one_number_are_no_running_sum():
    """Increments of a single number are always proportional; those of a sum are so in a row."""
    for seed in range(50):
        rng = np.random.default_rng(seed)
        report = gradcheck.check_grad(np.sin, lambda x, r=rng: np.cos(x) + r.normal(), 1.0)
        assert report.findings[0].cause == "nondeterministic"


def test_contract_costs_two_evaluations_and_five_calls_of_the_claim():
    """The point is called at once, elsewhere and back; f is not called for it."""
    claim, calls = Zeroed(), []

    def counted(p):
        calls.append(1)
        return f(p)

    report = gradcheck.check_grad(counted, claim, X, plan=Plan.auto(budget=2))
    assert report.evaluations == len(calls) == 2
    assert claim.calls == 5


# --- layers: what f keeps for the claim -------------------------------------------------------


class Layer:
    """Its backward pass reads what its forward pass kept."""

    def forward(self, p):
        """Keep the input, by reference, and the output."""
        self.X, self.W, self.h = p["X"], p["W"], np.tanh(p["W"] @ p["X"])
        return self.h.copy()

    def backward(self, p, dout):
        """Use both."""
        dh = dout * (1 - self.h**2)
        return {"W": dh @ self.X.T, "X": self.W.T @ dh}


class Popping(Layer):
    """A layer that can go back once for each time it went forward."""

    def backward(self, p, dout):
        """Use the output up."""
        gradient = super().backward(p, dout)
        del self.h
        return gradient


class Overwriting(Layer):
    """A layer that saves memory: the gradient is computed where the output was."""

    def backward(self, p, dout):
        """Overwrite the output."""
        self.h *= -self.h
        self.h += 1
        self.h *= dout
        return {"W": self.h @ self.X.T, "X": self.W.T @ self.h}


def point_of_layer(seed=0):
    """Draw weights and inputs."""
    rng = np.random.default_rng(seed)
    return {"W": rng.standard_normal((3, 4)), "X": rng.standard_normal((4, 2))}


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("reference", [None, lambda p: np.tanh(p["W"] @ p["X"])])
@pytest.mark.parametrize("kind", [Layer, Popping])
def test_layer_that_reads_or_uses_up_what_f_kept_passes(kind, reference, dtype):
    """It is called after f from then on, in every view of its output; the regression: raised."""
    layer = kind()
    options = {} if reference is None else {"reference": reference}
    p = {k: v.astype(dtype) for k, v in point_of_layer().items()}
    report = gradcheck.check_vjp(
        layer.forward, layer.backward, p, plan=Plan.auto(seed=1), **options
    )
    assert report.verdict is Verdict.PASS
    assert report.findings == ()


@pytest.mark.parametrize("kind", [Layer, Popping, Overwriting])
def test_layer_that_is_wrong_fails_as_a_formula(kind):
    """Its state is no excuse."""
    layer = kind()

    def backward(p, dout):
        gradient = layer.backward(p, dout)
        return {**gradient, "W": 1.01 * gradient["W"]}

    report = gradcheck.check_vjp(layer.forward, backward, point_of_layer())
    assert report.verdict is Verdict.FAIL
    assert report.leaves["['W']"].verdict is Verdict.FAIL
    assert report.leaves["['X']"].verdict is Verdict.PASS


def test_layer_that_overwrites_what_f_kept_passes_with_a_remark():
    """Right once after each call of f, and silently wrong the second time."""
    layer = Overwriting()
    report = gradcheck.check_vjp(layer.forward, layer.backward, point_of_layer())
    assert report.ok
    assert [finding.cause for finding in report.findings] == ["hidden-state"]
    assert "right only once after each call of f" in report.findings[0].message


def test_layer_that_uses_up_what_f_kept_may_push_forward():
    """The same for a Jacobian-vector product, which a line calls f for."""
    layer = Layer()

    def jvp(p, v):
        out = (1 - layer.h**2) * (v["W"] @ p["X"] + p["W"] @ v["X"])
        del layer.h
        return out

    assert gradcheck.check_jvp(layer.forward, jvp, point_of_layer()).ok


# --- f ----------------------------------------------------------------------------------------


class Weights:
    """A model that holds its own scale; the claim may or may not touch it."""

    def __init__(self):
        self.scale = np.array(1.0)
        self.calls = 0

    def f(self, p):
        """Use the scale."""
        self.calls += 1
        return float(self.scale * f(p)) + self.offset()

    def offset(self):
        """Depend on the arguments alone."""
        return 0.0

    def claim(self, p):
        """Return the gradient."""
        return {k: self.scale * v for k, v in right(p).items()}


class UpdatedTooEarly(Weights):
    """Updates before it goes backward."""

    def claim(self, p):
        """Step, and then compute."""
        self.scale *= 0.99
        return super().claim(p)


class Rising(Weights):
    """Counts its calls."""

    def offset(self):
        """Rise."""
        return 0.1 * self.calls


class Alternating(Weights):
    """Takes batches in turn."""

    def offset(self):
        """Come and go."""
        return 0.1 * (self.calls % 2)


class WarmingUp(Weights):
    """Is another one at its first call."""

    def offset(self):
        """Start elsewhere."""
        return 0.1 * (self.calls == 1)


@pytest.mark.parametrize(
    ("model", "verdict", "words"),
    [
        pytest.param(UpdatedTooEarly, Verdict.FAIL, "the derivative changes what f reads",
                     id="claim-updates"),
        pytest.param(Rising, Verdict.INCONCLUSIVE, "its value moves the same way with every call",
                     id="counts"),
        pytest.param(Alternating, Verdict.INCONCLUSIVE, "its value comes back after 2 calls",
                     id="in-turn"),
        pytest.param(WarmingUp, Verdict.INCONCLUSIVE, "at its first call and", id="first-call"),
    ],
)  # fmt: skip
def test_f_with_state_says_who_changed_it(model, verdict, words):
    """The claim, or f itself; and not: it draws random numbers."""
    subject = model()
    report = gradcheck.check_grad(subject.f, subject.claim, X)
    assert report.verdict is verdict
    assert report.findings[0].cause == "hidden-state"
    assert words in report.findings[0].message


def test_f_with_state_that_nobody_changes_passes():
    """The right twin."""
    subject = Weights()
    report = gradcheck.check_grad(subject.f, subject.claim, X)
    assert report.ok
    assert report.findings == ()


class CachedByIdentity:
    """Keeps its value by the identity of the weights, and does not see another bias."""

    def __init__(self):
        self.known = {}

    def f(self, p):
        """Answer for the array."""
        if id(p["W"]) not in self.known:
            self.known[id(p["W"])] = p["W"], f(p)
        return self.known[id(p["W"])][1]


def test_f_that_goes_by_the_identity_of_an_array_is_blamed_and_not_the_claim():
    """The regression: the right bias gradient was wrong, numeric 0."""
    report = gradcheck.check_grad(CachedByIdentity().f, right, X)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "stale-cache"
    assert "by the identity of an array" in report.findings[0].message


def test_f_that_does_not_depend_on_a_leaf_is_not_blamed_for_a_claim_that_does():
    """The right twin: numeric 0, because it is 0."""
    report = gradcheck.check_grad(lambda p: float(np.sum(np.sin(p["W"]))), right, X)
    assert report.verdict is Verdict.FAIL
    assert "stale-cache" not in {finding.cause for finding in report.findings}


def test_claim_that_draws_from_a_global_state_says_which():
    """The global state that it draws from is named."""
    report = gradcheck.check_grad(
        f, lambda p: {k: v + random.random() for k, v in right(p).items()}, X
    )
    assert report.findings[0].cause == "nondeterministic"
    assert "it draws from the global state of random" in report.findings[0].message


@pytest.mark.parametrize("seed", range(200))
def test_noise_of_f_is_not_blamed_on_the_claim(seed):
    """Noise at the limit of what is let pass: two values close, the others not, by chance."""
    rng = np.random.default_rng(seed)

    def f(x):
        return float(np.sum(x**2) * (1 + 1e-8 * rng.standard_normal()))

    report = gradcheck.check_grad(f, lambda x: 2 * x, np.array([0.5, 0.8]), plan=Plan.auto(seed=1))
    assert report.verdict is not Verdict.FAIL
