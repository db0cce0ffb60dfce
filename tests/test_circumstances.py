"""Set-ups that hide bugs are remarked upon; their silent twins are not.

That ordinary set-ups get no remark is seen by test_embedded, where the reference network gets no
finding, and by test_planted_faults, where no right twin does.
"""

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, Report, Verdict

RNG = np.random.default_rng(1)
X, R, W, A = (RNG.standard_normal(shape) for shape in [(5, 4), (5, 4), (4, 4), (4, 4)])
V, IMAGES = RNG.standard_normal(4), RNG.standard_normal((2, 3, 4))


def remarks(report):
    """List the messages about the set-up."""
    return [finding.message for finding in report.findings if finding.cause is Cause.SETUP]


def check(f, gradient, x, **plan):
    """Pose a check of a right gradient, to be run later."""
    return lambda: gradcheck.check_grad(f, gradient, x, plan=Plan.auto(seed=1, **plan))


def weights_of(x):
    """Give every entry a weight of its own."""
    return np.sqrt(2.0 + np.arange(x.size)).reshape(x.shape)


def smooth(x, **plan):
    """Pose an f that is smooth, and weights every entry differently."""
    return check(
        lambda x: np.sum(np.sin(x) * weights_of(x)), lambda x: np.cos(x) * weights_of(x), x, **plan
    )


def layer(weight):
    """Pose f(W) = <R, tanh(X W)>."""
    return check(
        lambda p: np.sum(R * np.tanh(X @ p["W"])),
        lambda p: {"W": X.T @ (R * (1 - np.tanh(X @ p["W"]) ** 2))},
        {"W": weight},
    )


def layer_with_bias(dout):
    """Pose f = <dout, tanh(X W) + b>."""
    return check(
        lambda p: np.sum(dout * (np.tanh(X @ p["W"]) + p["b"])),
        lambda p: {
            "W": X.T @ (dout * (1 - np.tanh(X @ p["W"]) ** 2)),
            "b": dout.sum(axis=0),
        },
        {"W": W, "b": V},
    )


def product(first, second):
    """Pose f = <R, X U V>."""
    return check(
        lambda p: np.sum(R * (X @ p["U"] @ p["V"])),
        lambda p: {"U": X.T @ R @ p["V"].T, "V": (X @ p["U"]).T @ R},
        {"U": first, "V": second},
    )


def apart(first, second):
    """Pose an f that treats two leaves alike, and a third entry of a scalar."""
    return check(
        lambda p: sum(np.sum(np.sin(w) * weights_of(w)) for w in p.values()),
        lambda p: {name: np.cos(w) * weights_of(w) for name, w in p.items()},
        {"U": first, "V": second},
    )


def squares(z):
    """Pose f(z) = sum w |z|^2 of complex z."""
    return check(
        lambda z: np.sum(weights_of(z) * np.abs(z) ** 2), lambda z: 2 * weights_of(z) * z, z
    )


def of_matrix(f, gradient):
    """Pose an f of a positive definite matrix."""
    return check(f, gradient, A @ A.T + np.eye(4))


def refusing_skew(S):
    """Compute sum S^2 where S is symmetric, or nearly so."""
    if np.abs(S - S.T).max() > 0.1:
        raise ValueError("not symmetric")
    return np.sum(S**2)


def second_leaf(coefficient, b):
    """Pose an f that hardly uses its second leaf, or not at all."""
    return check(
        lambda p: np.sum(np.sin(p["a"])) + coefficient * (p["b"] @ R[0]),
        lambda p: {"a": np.cos(p["a"]), "b": coefficient * R[0]},
        {"a": V, "b": b},
    )


def normalised(dout):
    """Pose f(x) = 1 + <dout, (x - mean) / std>."""

    def gradient(x):
        y = (x - x.mean()) / x.std()
        return (dout - dout.mean() - y * np.mean(dout * y)) / x.std()

    return check(lambda x: 1 + np.sum(dout * ((x - x.mean()) / x.std())), gradient, V)


def regularised(data, coefficient):
    """Pose a data term beside an L2 term."""
    return check(
        lambda w: data * np.sum(R[0] * np.sin(w)) + coefficient / 2 * np.sum(w**2),
        lambda w: data * R[0] * np.cos(w) + coefficient * w,
        V,
    )


SETUPS = {
    "zero-weights": (
        layer(np.zeros((4, 4))),
        layer(W),
        "['W'] is all zero: whatever is multiplied by it vanishes, and an error in it cannot show; "
        "draw it at random.",
    ),
    "nothing-but-zeros": (
        smooth(np.zeros(4)),
        apart(V, np.zeros(4)),  # a zero bias is fine
        "x is all zero: ",
    ),
    "gain-of-ones": (smooth(np.ones(3)), smooth(np.array([1.0, 1.0, 1.5])), "x is all ones: "),
    "identity": (layer(np.eye(4)), layer(np.eye(4) + np.eye(4, k=1)), "['W'] is the identity: "),
    "equal-columns": (
        layer(np.repeat(V[:, None], 4, axis=1)),
        smooth(V[:, None]),
        "the rows of ['W'] are all equal, or the columns: ",
    ),
    "equal-rows": (
        layer(np.tile(V, (4, 1))),
        smooth(V[None, :]),
        "the rows of ['W'] are all equal, or the columns: ",
    ),
    "symmetric": (
        layer(A @ A.T),
        layer(A - A.T),  # its transpose is its negative
        "['W'] is symmetric: a transpose that is missing, or one too many, gives the same",
    ),
    "symmetric-by-chance": (
        of_matrix(lambda S: np.linalg.slogdet(S)[1], np.linalg.inv),  # right for such S alone
        of_matrix(lambda S: np.linalg.slogdet((S + S.T) / 2)[1], np.linalg.inv),
        "x is symmetric: ",
    ),
    "symmetric-in-all-entries": (
        of_matrix(lambda S: np.sum(S**2), lambda S: 2 * S),
        of_matrix(  # as LAPACK's symmetric solvers do, it reads one triangle
            lambda S: np.sum(np.tril(S) ** 2), lambda S: 2 * np.tril(S)
        ),
        "x is symmetric: ",
    ),
    "symmetric-not-by-law": (
        of_matrix(lambda S: np.sum(S**3), lambda S: 3 * S**2),
        of_matrix(refusing_skew, lambda S: 2 * S),
        "x is symmetric: ",
    ),
    "hermitian": (
        squares(np.array([[1.0, 2 + 1j], [2 - 1j, 3.0]])),
        squares(np.array([[1.0, 2 + 1j], [2 - 2j, 3.0]])),
        "x is symmetric: ",
    ),
    "unused-leaf": (
        second_leaf(0, V),
        second_leaf(1e-9, V),
        "the gradient of ['b'] is zero to rounding: an error that scales with it cannot show; f is",
    ),
    "sum-of-normalised": (
        normalised(np.ones(4)),
        normalised(R[0]),
        "the gradient of x is zero to rounding: ",
    ),
    "sum-as-loss": (
        layer_with_bias(np.ones((5, 4))),
        layer_with_bias(R),
        "the gradient of ['b'] is one number in every entry, as where f just sums its outputs: ",
    ),
    "drowned-by-a-regulariser": (
        regularised(1.0, 1e5),
        regularised(1.0, 1.0),
        "the gradient of x is proportional to it but for a share of ",
    ),
    "regulariser-with-data": (
        regularised(1.0, 1e4),
        regularised(0.0, 1.0),  # nothing to be drowned
        "an error of one percent of that share would pass; check with a smaller coefficient too.",
    ),
    "twins": (
        apart(W, W.copy()),
        product(W, W.copy()),  # the gradients differ
        "['U'] and ['V'] hold the same numbers, and so do their gradients: ",
    ),
    "batch-of-one": (
        smooth(IMAGES[:1]),
        smooth(IMAGES),
        "x has shape (1, 3, 4): if its first axis is the batch, a sum or a mean over it",
    ),
    "wide-tolerance": (
        smooth(V, rtol=0.05),
        smooth(V, rtol=1e-2),
        "with rtol=0.05 a gradient that is 5% off passes",
    ),
}


def forgetting(weight):
    """Forget the last factor: d sum(w^3 s) = 3 w^2 s, of which w s 3 is left."""
    return gradcheck.check_grad(
        lambda w: np.sum(w**3 * weights_of(w)), lambda w: 3 * w * weights_of(w), weight
    )


def transposing(weight):
    """Forget a transpose: dU = X' R V, not X' R V'."""
    return gradcheck.check_grad(
        lambda p: np.sum(R * (X @ p["U"] @ p["V"])),
        lambda p: {"U": X.T @ R @ p["V"], "V": (X @ p["U"]).T @ R},
        {"U": W, "V": weight},
    )


def permuting(weight):
    """Use the units in the wrong order."""
    return gradcheck.check_grad(
        lambda p: np.sum(R * (X @ p["U"] @ p["V"])),
        lambda p: {"U": X.T @ R @ p["V"][:, ::-1].T, "V": (X @ p["U"]).T @ R},
        {"U": W, "V": weight},
    )


def shifting(dout):
    """Roll the gradient of the bias by one."""
    return gradcheck.check_grad(
        lambda b: np.sum(dout * (X @ W + b)), lambda b: np.roll(dout.sum(axis=0), 1), V
    )


def decaying(weight):
    """Forget the term of the regulariser."""
    return gradcheck.check_grad(
        lambda w: np.sum(np.sin(w) * weights_of(w)) + np.sum(w**2) / 2,
        lambda w: np.cos(w) * weights_of(w),
        weight,
    )


def missing_digits(coefficient):
    """Get the data term wrong by one percent."""
    return gradcheck.check_grad(
        lambda w: np.sum(R[0] * np.sin(w)) + coefficient / 2 * np.sum(w**2),
        lambda w: 1.01 * R[0] * np.cos(w) + coefficient * w,
        V,
    )


def summing(batch):
    """Take one sample for the sum over the batch."""
    return gradcheck.check_vjp(
        lambda p: p["x"] @ p["W"] + p["b"],
        lambda p, dout: {"x": dout @ p["W"].T, "W": p["x"].T @ dout, "b": dout[0]},
        {"x": X[:batch], "W": W, "b": V},
    )


def scaling(leaf):
    """Double a gradient."""
    return gradcheck.check_grad(
        lambda x: np.sum(np.cos(x) * weights_of(x)), lambda x: -2 * np.sin(x) * weights_of(x), leaf
    )


def swapping(second):
    """Give each leaf the gradient of the other."""
    return gradcheck.check_grad(
        lambda p: sum(np.sum(np.sin(w) * weights_of(w)) for w in p.values()),
        lambda p: {
            "U": np.cos(p["V"]) * weights_of(p["V"]),
            "V": np.cos(p["U"]) * weights_of(p["U"]),
        },
        {"U": W, "V": second},
    )


HIDDEN = {
    "zero": (decaying, np.zeros((2, 3)), IMAGES[0, :2, :3]),
    "ones": (forgetting, np.ones(4), V),
    "identity": (transposing, np.eye(4), W),
    "symmetric": (transposing, A @ A.T, A),
    "uniform": (permuting, np.tile(V[:, None], (1, 4)), A),
    "gradient-zero": (scaling, np.zeros(1), V),
    "gradient-constant": (shifting, np.ones((5, 4)), R),
    "drowned": (missing_digits, 1e5, 1.0),
    "twins": (swapping, W.copy(), A),
    "batch-of-one": (summing, 1, 2),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_wrong_gradient_passes_where_the_setup_hides_it(name):
    """Which is why the set-up is remarked upon; the advice taken, it fails."""
    wrong, hiding, showing = HIDDEN[name]
    assert wrong(hiding).verdict is Verdict.PASS
    assert remarks(wrong(hiding)) != []
    assert wrong(showing).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", SETUPS)
def test_setup_that_hides_bugs_is_remarked_upon(name):
    """One sentence, about the set-up, and the verdict stays a pass."""
    report = SETUPS[name][0]()
    assert report.verdict is Verdict.PASS
    (message,) = remarks(report)
    assert SETUPS[name][2] in message
    assert message.endswith(".")


@pytest.mark.parametrize("name", SETUPS)
def test_ordinary_twin_gets_no_remark(name):
    """Nearly the same, and nothing is hidden."""
    report = SETUPS[name][1]()
    assert report.verdict is Verdict.PASS
    assert remarks(report) == []


@pytest.mark.parametrize("name", SETUPS)
def test_remark_survives_json(name):
    """With its evidence."""
    report = SETUPS[name][0]()
    assert Report.from_json(report.to_json()).findings == report.findings


def test_same_remark_on_several_leaves_is_one_sentence():
    """The leaves are enumerated, and those beyond a few are counted."""
    names = [f"W{k}" for k in range(6)]
    report = check(
        lambda p: sum(np.sum(np.sin(p[n]) * weights_of(p[n])) for n in names),
        lambda p: {n: np.cos(p[n]) * weights_of(p[n]) for n in names},
        {n: np.zeros((2, 3)) for n in names},
    )()
    (finding,) = report.findings
    assert finding.message == (
        "['W0'], ['W1'], ['W2'] and 3 more are all zero: whatever is multiplied by them vanishes, "
        "and an error in it cannot show; draw them at random."
    )
    assert finding.leaf is None
    assert finding.evidence["leaves"] == [f"['{n}']" for n in names]


def dense(p):
    """Apply the layer, x W + b."""
    return p["x"] @ p["W"] + p["b"]


def dense_vjp(p, dout):
    """Its backward pass."""
    return {"x": dout @ p["W"].T, "W": p["x"].T @ dout, "b": dout.sum(axis=0)}


def dense_jvp(p, v):
    """Its forward derivative."""
    return v["x"] @ p["W"] + p["x"] @ v["W"] + v["b"]


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("check", "claim"),
    [(gradcheck.check_vjp, dense_vjp), (gradcheck.check_jvp, dense_jvp)],
    ids=["vjp", "jvp"],
)
def test_batch_of_one_hides_a_missing_sum(check, claim, batch):
    """Seen by the output and a leaf that came in; two samples are enough."""
    report = check(dense, claim, {"x": X[:batch], "W": W, "b": V}, plan=Plan.auto(seed=1))
    assert report.ok
    expected = "the output has shape (1, 4): if its first axis is the batch, "
    assert [message.startswith(expected) for message in remarks(report)] == [True] * (batch == 1)


def test_mean_that_keeps_its_axis_is_no_batch_of_one():
    """Nor is a gain of shape (1, C)."""
    mean = gradcheck.check_vjp(
        lambda x: x.mean(axis=0, keepdims=True),
        lambda x, dout: np.broadcast_to(dout, x.shape) / len(x),
        X,
    )
    gain = gradcheck.check_vjp(
        lambda g: X * g, lambda g, dout: (dout * X).sum(axis=0, keepdims=True), V[None, :]
    )
    assert mean.ok
    assert gain.ok
    assert remarks(mean) == remarks(gain) == []


def dropout_report(f_draws, plan=None):
    """Check a dropout layer with its masks held; with dropout off, f draws none."""
    masks, other = np.random.default_rng(3), np.random.default_rng(4)

    def mask():
        return masks.random(4) < 0.5 if f_draws else np.ones(4)

    return gradcheck.check_grad(
        lambda x: np.sum(x**2 * mask() + x * other.random(4)),
        lambda x: 2 * x * mask() + other.random(4),
        V,
        random=(other, masks),
        plan=plan or Plan.auto(seed=1),
    )


def test_dropout_that_is_off_is_remarked_upon():
    """The source from which nothing was drawn is named by its place."""
    assert remarks(dropout_report(f_draws=True)) == []
    (message,) = remarks(dropout_report(f_draws=False))
    assert message.startswith("f draws nothing from random[1]: dropout is off, or ")


def test_the_look_at_sources_is_counted_and_keeps_the_budget():
    """One evaluation; without one left there is no remark, and no other verdict."""
    report = dropout_report(f_draws=False)
    spent = report.evaluations - 1
    tight = dropout_report(f_draws=False, plan=Plan.auto(seed=1, budget=spent))
    assert tight.verdict is Verdict.PASS
    assert tight.evaluations == spent
    assert remarks(tight) == []


def test_remarks_come_last_and_not_on_what_fails():
    """A leaf that fails hides nothing; the one beside it may."""
    report = gradcheck.check_grad(
        lambda p: np.sum(R * np.tanh(X @ p["W"])) + np.sum(np.sin(p["Z"]) * weights_of(p["Z"])),
        lambda p: {"W": 0 * p["W"], "Z": np.cos(p["Z"]) * weights_of(p["Z"])},
        {"W": np.zeros((4, 4)), "Z": np.zeros((2, 3))},
    )
    assert report.verdict is Verdict.FAIL
    assert [finding.leaf for finding in report.findings if finding.cause is Cause.SETUP] == [
        "['Z']"
    ]
    assert report.findings[-1].cause is Cause.SETUP
    assert report.findings[0].leaf == "['W']"


def test_broken_contract_gets_no_remark():
    """Nothing was tested."""

    def overwriting(x):
        x *= 2
        return x

    report = gradcheck.check_grad(lambda x: np.sum(x**2), overwriting, np.ones(4))
    assert report.verdict is Verdict.FAIL
    assert remarks(report) == []


def test_gradient_of_integers_is_read():
    """After the remark of the contract about them."""
    report = gradcheck.check_grad(np.sum, lambda x: np.ones(4, dtype=int), V)
    (message,) = remarks(report)
    assert message.startswith("the gradient of x is one number in every entry")


def test_zero_at_a_kink_is_said_once():
    """By the kink, where zero is a convention."""
    relu = gradcheck.check_grad(
        lambda p: np.maximum(p["x"], 0) + p["y"] ** 2,
        lambda p: {"x": 1.0 * (p["x"] > 0), "y": 2 * p["y"]},
        {"x": 0.0, "y": 1.5},
    )
    assert [finding.cause for finding in relu.findings] == [Cause.KINK]


@pytest.mark.parametrize("power", [-200, 200])
def test_size_of_x_is_no_circumstance(power):
    """Numbers whose squares under- or overflow are looked at without an exception."""
    x = V * 10.0**power
    report = gradcheck.check_grad(lambda x: x @ R[0], lambda x: R[0], x)
    assert report.ok
    assert remarks(report) == []


# --- complex numbers: which convention --------------------------------------------------------

Z = np.array([0.3 + 0.7j, -1.1 + 0.2j, 0.5 - 0.4j])


def conventions(report):
    """List what is said of them."""
    return [f.message for f in report.findings if "convention" in f.evidence]


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [(lambda z: 2 * z, "pass"), (lambda z: 2 * z.conj(), "fail")],
    ids=["ours", "JAX's"],
)
def test_convention_is_named_of_a_complex_leaf(claim, verdict):
    """Also where the gradient is conjugated, as that of JAX, and fails."""
    report = gradcheck.check_grad(
        lambda z: float(np.sum(np.abs(z) ** 2)), claim, Z, plan=Plan.auto(seed=1)
    )
    assert conventions(report) == [
        "x is complex, and the gradient g is that of df = Re sum conj(g) dx: the convention of "
        "PyTorch; in JAX neither is conjugated."
    ]
    assert report.verdict == verdict


def test_convention_is_named_of_a_complex_output():
    """A holomorphic function: the product is that with the conjugate of its derivative."""
    right = gradcheck.check_vjp(
        np.exp, lambda z, u: np.conj(np.exp(z)) * u, Z, plan=Plan.auto(seed=1)
    )
    assert right.ok
    assert "a cotangent u stands for Re sum conj(u) f(x)" in conventions(right)[0]
    wrong = gradcheck.check_vjp(np.exp, lambda z, u: np.exp(z) * u, Z, plan=Plan.auto(seed=1))
    assert wrong.verdict is Verdict.FAIL
    pushed = gradcheck.check_jvp(np.exp, lambda z, v: np.exp(z) * v, Z, plan=Plan.auto(seed=1))
    assert pushed.ok
    assert conventions(pushed) == []  # a product that is pushed forward has but one meaning


def test_complex_output_of_a_real_point_names_its_cotangent_alone():
    """The gradient is real, and needs no convention."""
    report = gradcheck.check_vjp(
        lambda x: np.exp(1j * x), lambda x, u: np.real(np.conj(1j * np.exp(1j * x)) * u),
        np.linspace(0.1, 1, 4), plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.ok
    assert conventions(report)[0].startswith("The output is complex")
