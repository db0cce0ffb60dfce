"""What must hold before numbers mean anything: each breach has its cause and its sentence."""

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


def changed(**leaves):
    """Make the right gradient with some leaves replaced by a function of them."""
    return lambda p: {k: leaves[k](v) if k in leaves else v for k, v in right(p).items()}


class Accumulating:
    """Adds to a buffer that it keeps."""

    def __init__(self):
        self.total = {"W": 0.0, "b": 0.0}

    def __call__(self, p):
        """Return the buffer."""
        self.total = {k: self.total[k] + v for k, v in right(p).items()}
        return self.total


class Reusing:
    """Returns the same buffers every time."""

    def __init__(self):
        self.buffer = {k: np.empty_like(v) for k, v in X.items()}

    def __call__(self, p):
        """Write into the buffers."""
        for k, v in right(p).items():
            self.buffer[k][...] = v
        return self.buffer


class Stale:
    """Remembers its first answer."""

    def __init__(self):
        self.answer = None

    def __call__(self, p):
        """Answer from the cache."""
        self.answer = self.answer or right(p)
        return {k: v.copy() for k, v in self.answer.items()}


def mutating(p):
    """Overwrite the input."""
    gradient = right(p)
    p["W"] *= 2
    return gradient


def raising(p):
    """Fail on purpose."""
    raise RuntimeError("no CUDA device")


def redrawing(p):
    """Draw fresh noise at every call."""
    return {k: v + 0.1 * np.random.default_rng().normal() for k, v in right(p).items()}


BREACHES = [
    pytest.param(lambda p: {"W": right(p)["W"]}, "structure",
                 "the derivative has no ['b']; it must have the same structure", id="missing-leaf"),
    pytest.param(lambda p: {**right(p), "c": 1.0}, "structure",
                 "the derivative has ['c'], which the point has not", id="surplus-leaf"),
    pytest.param(lambda p: {**right(p), "b": None}, "structure",
                 "the derivative has no ['b']", id="none-for-a-leaf"),
    pytest.param(lambda p: None, "structure",
                 "the derivative returned None, as a function without a return", id="no-return"),
    pytest.param(changed(W=np.transpose), "shape",
                 "leaf ['W'] has shape (3, 2), the leaf has (2, 3); it is transposed",
                 id="transposed-shape"),
    pytest.param(changed(W=np.ravel), "shape", "has shape (6,), the leaf has (2, 3)", id="raveled"),
    pytest.param(changed(b=lambda d: np.tile(d, (2, 1))), "missing-reduction",
                 "the sum over the broadcast axis 0 is missing", id="not-summed"),
    pytest.param(changed(b=lambda d: d.astype(str)), "dtype", "must be numbers", id="text"),
    pytest.param(changed(b=lambda d: d + 1j), "dtype", "real leaf ['b'] is complex", id="complex"),
    pytest.param(Accumulating, "accumulates", "twice as large at the second call",
                 id="accumulates"),
    pytest.param(Reusing, "aliasing", "both calls return the same buffer", id="reused-buffer"),
    pytest.param(Stale, "stale-cache", "answers from a cache of an earlier call", id="stale"),
    pytest.param(mutating, "mutated-input", "the derivative changed leaf ['W'] of its input",
                 id="mutates"),
    pytest.param(raising, "raised", "the derivative raised RuntimeError: no CUDA device at x",
                 id="raises"),
    pytest.param(redrawing, "nondeterministic", "differs between two calls at the same x",
                 id="redraws"),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "cause", "words"), BREACHES)
def test_broken_claim_fails_with_its_own_cause(claim, cause, words):
    """Never a pass, never misread as a wrong formula; the point is untouched."""
    claim = claim() if isinstance(claim, type) else claim  # with state of its own
    point = {k: v.copy() for k, v in X.items()}
    report = gradcheck.check_grad(f, claim, point)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == cause
    assert words in report.findings[0].message
    assert all(np.array_equal(point[k], X[k]) for k in X)


def test_breach_that_names_a_leaf_fails_that_leaf_alone():
    """The others were not tested, and nothing is said about them."""
    report = gradcheck.check_grad(f, changed(W=np.transpose), X)
    verdicts = {path: leaf.verdict for path, leaf in report.leaves.items()}
    assert verdicts == {"['W']": Verdict.FAIL, "['b']": Verdict.INCONCLUSIVE}


@pytest.mark.parametrize("claim", [raising, lambda p: {**right(p), "c": 1.0}])
def test_breach_that_names_no_leaf_is_of_every_leaf(claim):
    """The regression: the heading said FAIL and every leaf INCONCLUSIVE."""
    report = gradcheck.check_grad(f, claim, X)
    assert report.verdict is Verdict.FAIL
    assert {leaf.verdict for leaf in report.leaves.values()} == {Verdict.FAIL}
    assert {leaf.reason for leaf in report.leaves.values()} == {"not tested"}


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(right, id="plain"),
        pytest.param(right(X), id="given-as-arrays"),
        pytest.param(lambda p: {**right(p), "n": None}, id="none-for-what-is-carried"),
        pytest.param(changed(b=lambda d: d.copy()), id="copy"),
    ],
)
def test_right_claim_passes(claim):
    """The right twin of all of the above."""
    assert gradcheck.check_grad(f, claim, {**X, "n": 3}).ok


def test_constant_gradient_of_a_linear_function_passes():
    """The same at every point, and right: no stale cache."""
    c = np.linspace(1, 2, 5)
    assert gradcheck.check_grad(lambda x: c @ x, lambda x: c.copy(), np.linspace(-1, 1, 5)).ok


@pytest.mark.parametrize(
    ("function", "verdict", "cause", "words"),
    [
        pytest.param(lambda x: np.log(-x).sum(), Verdict.INCONCLUSIVE, "nonfinite",
                     "f(x) is nan", id="nan-at-x"),
        pytest.param(lambda x: 1 / 0, Verdict.INCONCLUSIVE, "raised",
                     "f raised ZeroDivisionError: division by zero at x", id="raises"),
        pytest.param(lambda x: np.random.default_rng().normal() * x.sum(), Verdict.INCONCLUSIVE,
                     "nondeterministic", "name it with random=rng", id="unseeded"),
        pytest.param(lambda x: np.multiply(x, 2, out=x).sum(), Verdict.FAIL, "mutated-input",
                     "f changed leaf x of its input in place", id="mutates"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_f_that_breaks_the_contract(function, verdict, cause, words):
    """Each gives a verdict that names the cause, never a pass, and x is bit-identical."""
    x = np.linspace(0.5, 1.5, 4)
    before = x.copy()
    report = gradcheck.check_grad(function, lambda x: np.ones_like(x), x)
    assert report.verdict is verdict
    assert report.findings[0].cause == cause
    assert words in report.findings[0].message
    assert report.leaves["x"].probes == 0
    assert x.tobytes() == before.tobytes()


@pytest.mark.parametrize(
    ("first", "second", "cause", "words"),
    [
        pytest.param({"a": np.ones(3)}, {"b": np.ones(3)}, "structure",
                     "f returned ['a'] and then ['b'] at the same x", id="keys"),
        pytest.param({"a": np.ones(3)}, {"a": np.ones(3), "b": np.ones(3)}, "structure",
                     "f returned ['a'] and then ['a'], ['b'] at", id="surplus"),
        pytest.param({"a": np.ones(3)}, {"a": np.ones(2)}, "nondeterministic",
                     "f gave shape (3,) and then shape (2,) at the same x", id="shape"),
        pytest.param({"a": np.arange(3.0)}, {"a": np.array([0.0, 1.0, 9.0])}, "nondeterministic",
                     "f gave 2 and then 9 at the same x", id="last-entry"),
        pytest.param({"a": np.arange(3.0)}, {"a": np.array([0.0, 1.0, 2j])}, "nondeterministic",
                     "f gave 2 and then 0+2j at the same x", id="complex"),
    ],
)  # fmt: skip
def test_output_that_changes_between_two_calls(first, second, cause, words):
    """The regression: a KeyError for the keys; 'f gave 1 and then 1' for the shapes."""
    outputs = iter([first, second])
    report = gradcheck.check_vjp(lambda x: next(outputs), lambda x, dout: x, np.ones(3))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == cause
    assert words in report.findings[0].message


def test_exception_of_the_caller_is_kept_with_its_own_frames():
    """The traceback is in the evidence, without frames of ours."""
    finding = gradcheck.check_grad(f, raising, X).findings[0]
    assert "in raising" in finding.evidence["traceback"]
    assert "execution.py" not in finding.evidence["traceback"]


def test_sums_in_changing_order_are_noise_and_no_breach():
    """Run-to-run differences of 1e-11 go into the error bar and are remarked on."""
    rng, c = np.random.default_rng(0), np.random.default_rng(1).normal(size=2000)

    def unsteady(x):
        order = rng.permutation(c.size)
        return float(
            np.add.reduce((c * np.sin(x[0] * c))[order][::-1].copy()) + 1e-11 * rng.normal()
        )

    report = gradcheck.check_grad(
        unsteady, lambda x: np.array([np.sum(c**2 * np.cos(x[0] * c))]), np.array([0.7])
    )
    assert report.ok
    assert [finding.cause for finding in report.findings] == ["nondeterministic"]


def test_coarser_dtype_of_a_claim_is_remarked_on():
    """float32 for a float64 leaf passes within its own rounding, and is said."""
    report = gradcheck.check_grad(f, changed(W=lambda d: d.astype("f4")), X)
    assert report.ok
    assert {finding.cause for finding in report.findings} == {"dtype", "precision"}
    remarks = [finding.message for finding in report.findings if finding.cause == "dtype"]
    assert remarks == ["the derivative of the float64 leaf ['W'] is only float32."]


def test_integer_buffer_is_remarked_on_and_fails():
    """A gradient written into integers loses its fractions."""
    report = gradcheck.check_grad(f, changed(W=lambda d: d.astype(int)), X)
    assert report.verdict is Verdict.FAIL
    assert any("integer dtype" in finding.message for finding in report.findings)


def test_closure_that_changes_the_callers_array_is_found_and_undone():
    """The caller's arrays are never handed out, but f may have its own way to them."""
    x = np.linspace(1.0, 2.0, 3)

    def sneaky(p):
        x[0] += 1.0
        return float(np.sum(p**2))

    report = gradcheck.check_grad(sneaky, lambda p: 2 * p, x)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "mutated-input"
    assert x.tolist() == [1.0, 1.5, 2.0]


def writing(p):
    """Overwrite a label."""
    p["y"][0] = 9


@pytest.mark.parametrize("writer", ["f", "the derivative"])
@pytest.mark.parametrize("dtype", [int, bool])
def test_labels_that_are_written_to_are_found_and_undone(writer, dtype):
    """The regression: carried arrays were the caller's own objects, and the check passed."""
    labels = np.array([0, 1, 1], dtype)
    x = {"w": np.linspace(1.0, 2.0, 3), "y": labels}

    def loss(p):
        if writer == "f":
            writing(p)
        return float(np.sum(p["w"] ** 2))

    def claim(p):
        if writer == "the derivative":
            writing(p)
        return {"w": 2 * p["w"], "y": None}

    report = gradcheck.check_grad(loss, claim, x)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "mutated-input"
    assert report.findings[0].leaf == "['y']"
    assert report.findings[0].message.startswith(f"{writer} changed leaf ['y']")
    assert x["y"] is labels
    assert labels.tolist() == np.array([0, 1, 1], dtype).tolist()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x: x.resize((3, 1), refcheck=False), id="reshapes"),
        pytest.param(lambda x: x.resize(5, refcheck=False), id="resizes"),
        pytest.param(lambda x: (np.multiply(x, 2, out=x), x.setflags(write=False)), id="locks"),
    ],
)
@pytest.mark.parametrize("who", ["f", "the derivative"])
def test_input_that_is_reshaped_or_locked_is_a_changed_input(who, change):
    """The regression: a bare ValueError of NumPy's from putting it back."""
    x = np.linspace(1.0, 2.0, 3)

    def loss(x):
        if who == "f":
            change(x)
        return float(np.sum(x**2))

    def claim(x):
        d = 2 * x
        if who == "the derivative":
            change(x)
        return d

    report = gradcheck.check_grad(loss, claim, x)
    assert report.findings[0].cause == "mutated-input"
    assert report.findings[0].message.startswith(f"{who} changed leaf x")
    assert x.tolist() == [1.0, 1.5, 2.0]


def test_change_of_the_callers_array_after_the_contract_is_found():
    """Also one that happens only later."""
    x = np.linspace(1.0, 2.0, 3)
    calls = []

    def late(p):
        calls.append(1)
        if len(calls) > 4:
            x[0] = -1.0
        return float(np.sum(p**2))

    report = gradcheck.check_grad(late, lambda p: 2 * p, x)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "mutated-input"
    assert x[0] == 1.0


def test_interrupt_leaves_the_point_as_it_was():
    """Ctrl-C goes through, and x is bit-identical."""
    x = np.linspace(1.0, 2.0, 3)

    def interrupted(p):
        x[0] = 7.0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gradcheck.check_grad(interrupted, lambda p: 2 * p, x)
    assert x.tolist() == [1.0, 1.5, 2.0]


@pytest.mark.parametrize(
    ("jvp", "cause"),
    [
        pytest.param(lambda x, v: (np.cos(x) * v)[:2], "shape", id="shape"),
        pytest.param(lambda x, v: {"y": np.cos(x) * v}, "structure", id="structure"),
        pytest.param(lambda x, v: np.cos(x) * v * np.random.default_rng().normal(),
                     "nondeterministic", id="redraws"),
        pytest.param(lambda x, v: np.multiply(x, 2, out=x) * v, "mutated-input", id="mutates"),
        pytest.param(lambda x, v: np.multiply(v, np.cos(x), out=v), "mutated-input",
                     id="mutates-tangent"),
        pytest.param(lambda x, v: np.cos(x) * v + 5j, "dtype", id="complex"),
        pytest.param(lambda x, v: None, "structure", id="none"),
        pytest.param(lambda x, v: "a", "structure", id="text"),
        pytest.param(lambda x, v: np.full(4, np.nan), "nonfinite", id="nan"),
        pytest.param(lambda x, v: np.full(4, np.inf), "nonfinite", id="inf"),
        pytest.param(lambda x, v: np.array([np.nan, 1, 1, 1]) * np.cos(x) * v, "nonfinite",
                     id="one-nan"),
    ],
)  # fmt: skip
def test_broken_jvp_fails_with_its_own_cause(jvp, cause):
    """The contract of a JVP: like the output, the same twice, inputs left alone."""
    report = gradcheck.check_jvp(np.sin, jvp, np.linspace(0, 1, 4))
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == cause


def test_right_jvp_of_a_complex_dtype_passes():
    """Complex numbers whose imaginary parts are zero are real ones."""
    x = np.linspace(0, 1, 4)
    assert gradcheck.check_jvp(np.sin, lambda x, v: np.cos(x) * v + 0j, x).ok


def test_jvp_that_stops_returning_numbers_fails():
    """The contract saw numbers; a later None is not a number, and no error of f."""
    calls = []

    def jvp(x, v):
        calls.append(1)
        return np.cos(x) * v if len(calls) <= 2 else None

    assert gradcheck.check_jvp(np.sin, jvp, np.linspace(0, 1, 4)).verdict is Verdict.FAIL


def test_claim_that_numpy_cannot_read_is_no_numbers():
    """The regression: what its __array__ raises came out of the check."""

    class Tensor:
        def __array__(self, *args, **kwargs):
            raise RuntimeError("it requires grad")

    report = gradcheck.check_grad(np.sum, lambda x: Tensor(), np.ones(3))
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "dtype"
    assert "that NumPy cannot read (RuntimeError: it requires grad)" in report.findings[0].message


@pytest.mark.parametrize(
    "nothing", [None, "outside", (1.0, 2.0, 3.0)], ids=["none", "text", "tuple"]
)
@pytest.mark.parametrize("pair", [False, True], ids=["callable", "pair"])
def test_nonsense_at_a_point_nearby_is_no_usage_error(nothing, pair):
    """The regression: refused for what f returned where only the check itself had gone."""
    x = np.array([0.0, 0.0, 1.0])

    def outside(p):
        return np.all(p != x)  # a line moves one entry, the points nearby move all

    def grad(p):
        return np.sign(p) + 0.5 * (p == 0)

    def f(p):
        if outside(p):
            return nothing
        return (np.sum(np.abs(p)), grad(p)) if pair else np.sum(np.abs(p))

    report = gradcheck.check_grad(f, True if pair else grad, x, plan=Plan.every(seed=0))
    assert report.verdict is not Verdict.FAIL
    assert report.findings[0].cause == "kink"
