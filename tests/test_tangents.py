"""Admissible directions: nothing is asked across them, right claims pass, planted faults do not.

Each function notes the points that are none of its domain; a check must not call it there.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, UsageError, Verdict

RNG = np.random.default_rng(0)
SEEDS = range(12)


@dataclass
class Subject:
    """A function on a domain, its right gradient, and the wrong ones that must not pass."""

    f: object
    grad: object
    x: object
    tangent: object
    holds: object
    faults: dict
    retraction: object = None
    outside: list = field(default_factory=list)

    def value(self, x):
        """Evaluate f, and note a point that is outside."""
        if not self.holds(x):
            self.outside.append(x)
        return self.f(x)

    def check(self, grad=None, **options):
        """Check a gradient along admissible directions."""
        if self.retraction is not None:
            options["retraction"] = self.retraction
        return gradcheck.check_grad(
            self.value, grad or self.grad, self.x, tangent=self.tangent, **options
        )


def symmetric_part(v):
    """Project onto symmetric matrices."""
    return (v + v.T) / 2


def hermitian_part(v):
    """Project onto Hermitian matrices."""
    return (v + v.conj().T) / 2


def doubled_off_diagonal(s):
    """Count entries off the diagonal twice, as of a derivative by the lower triangle alone."""
    inverse = np.linalg.inv(s)
    return 2 * inverse - np.diag(np.diag(inverse))


def log_determinant():
    """On symmetric matrices: the gradient is the inverse, and not that by the lower triangle."""
    a = RNG.standard_normal((4, 4))
    return Subject(
        lambda s: np.linalg.slogdet(s)[1], np.linalg.inv, a @ a.T + 4 * np.eye(4), symmetric_part,
        lambda s: np.allclose(s, s.T, rtol=0, atol=1e-14),
        {
            "doubled": doubled_off_diagonal,
            "negative": lambda s: -np.linalg.inv(s),
            "one percent": lambda s: 1.01 * np.linalg.inv(s),
            "one pair": lambda s: np.linalg.inv(s) + 1e-3 * np.eye(4)[[1, 0, 3, 2]],
        },
    )  # fmt: skip


def hermitian():
    """On Hermitian matrices, complex."""
    b = RNG.standard_normal((3, 3)) + 1j * RNG.standard_normal((3, 3))
    c = hermitian_part(RNG.standard_normal((3, 3)) + 1j * RNG.standard_normal((3, 3)))

    def f(h):
        return np.linalg.slogdet(h)[1] + np.sum(c.conj() * h).real

    return Subject(
        f, lambda h: np.linalg.inv(h) + c, b @ b.conj().T + 2 * np.eye(3), hermitian_part,
        lambda h: np.allclose(h, h.conj().T, rtol=0, atol=1e-14),
        {
            "conjugated": lambda h: (np.linalg.inv(h) + c).conj(),
            "real part": lambda h: (np.linalg.inv(h) + c).real,
            "imaginary part off": lambda h: np.linalg.inv(h) + c.real + 1.01j * c.imag,
        },
    )  # fmt: skip


def simplex():
    """Cross-entropy of probabilities, that sum to 1 each; the gradient up to a constant a row."""
    y = RNG.dirichlet(np.ones(5), 3)
    return Subject(
        lambda p: -np.sum(y * np.log(p)), lambda p: 0.7 - y / p, RNG.dirichlet(3 * np.ones(5), 3),
        lambda v: v - v.mean(axis=1, keepdims=True),
        lambda p: np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-14) and p.min() > 0,
        {
            "of another label": lambda p: -np.roll(y, 1, axis=1) / p,
            "one entry": lambda p: -y / p + 1e-3 * np.eye(5)[:3],
            "mean for sum": lambda p: -y / p / 3,
        },
    )  # fmt: skip


def triangular():
    """Take a Cholesky factor; what is claimed above its diagonal may be anything."""
    s = RNG.standard_normal((4, 4))
    data = s @ s.T

    def grad(low):
        inverse = np.linalg.inv(low)
        d = -(inverse.T @ inverse) @ data @ inverse.T @ inverse @ low + np.diag(1 / np.diag(low))
        return d + np.triu(np.full((4, 4), np.nan), 1)

    def f(low):
        inverse = np.linalg.inv(low)
        return np.sum((inverse @ data) * inverse) / 2 + np.sum(np.log(np.diag(low)))

    def one_entry(low):
        d = grad(low)
        d[2, 1] *= 1.02
        return d

    return Subject(
        f, grad, np.tril(RNG.standard_normal((4, 4))) / 3 + 2 * np.eye(4), np.tril,
        lambda low: not np.triu(low, 1).any(),
        {
            "one entry": one_entry,
            "without the logarithm": lambda low: grad(low) - np.diag(1 / np.diag(low)),
        },
    )  # fmt: skip


def sphere():
    """Take the Rayleigh quotient, by its Euclidean gradient."""
    m = symmetric_part(RNG.standard_normal((6, 6)))
    x = RNG.standard_normal(6)
    x /= np.linalg.norm(x)
    return Subject(
        lambda x: x @ m @ x, lambda x: 2 * m @ x, x, lambda v: v - x * (x @ v),
        lambda x: abs(np.linalg.norm(x) - 1) < 1e-14,
        {
            "half": lambda x: m @ x,
            "one percent": lambda x: 2.02 * m @ x,
            "one entry": lambda x: 2 * m @ x + 1e-3 * np.eye(6)[2],
        },
        lambda x, v: (x + v) / np.linalg.norm(x + v),
    )  # fmt: skip


def riemannian():
    """Take the same by its Riemannian gradient."""
    subject = sphere()
    tangent, grad = subject.tangent, subject.grad
    subject.grad = lambda x: tangent(grad(x))
    subject.faults = {"half": lambda x: tangent(grad(x)) / 2}
    return subject


def stiefel():
    """Orthonormal columns, with the retraction by QR."""
    a, b = symmetric_part(RNG.standard_normal((6, 6))), np.diag([1.0, 2.0, 3.0])
    x = np.linalg.qr(RNG.standard_normal((6, 3)))[0]

    def retraction(x, v):
        q, r = np.linalg.qr(x + v)
        return q * np.sign(np.diag(r))

    return Subject(
        lambda x: np.trace(x.T @ a @ x @ b), lambda x: 2 * a @ x @ b, x,
        lambda v: v - x @ symmetric_part(x.T @ v),
        lambda x: np.allclose(x.T @ x, np.eye(3), rtol=0, atol=1e-13),
        {"half": lambda x: a @ x @ b, "unweighted": lambda x: 2 * a @ x},
        retraction,
    )  # fmt: skip


SUBJECTS = {
    make.__name__: make()
    for make in (log_determinant, hermitian, simplex, triangular, sphere, riemannian, stiefel)
}
PLANS = {"auto": Plan.auto, "every": Plan.every}
FAULTS = [(name, fault) for name, subject in SUBJECTS.items() for fault in subject.faults]


@pytest.fixture(params=SUBJECTS)
def subject(request):
    """Each function in turn, with nothing noted yet."""
    SUBJECTS[request.param].outside.clear()
    return SUBJECTS[request.param]


@pytest.mark.parametrize("plan", PLANS)
def test_right_gradient_passes_and_nothing_is_asked_outside(subject, plan):
    """For many seeds, the canary included."""
    before = subject.x.tobytes()
    for seed in SEEDS:
        report = subject.check(plan=PLANS[plan](seed=seed, canary=True))
        assert report.ok, report
        assert list(report.leaves) == ["x"]
    assert subject.outside == []
    assert subject.x.tobytes() == before


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_planted_fault_fails_and_nothing_is_asked_outside(name, fault, plan):
    """Also where the culprit is looked for."""
    subject = SUBJECTS[name]
    subject.outside.clear()
    for seed in SEEDS:
        report = subject.check(subject.faults[fault], plan=PLANS[plan](seed=seed))
        assert report.verdict is Verdict.FAIL, report
    assert subject.outside == []


def test_what_is_claimed_across_admissible_directions_is_not_compared():
    """An antisymmetric part is nothing that f could tell."""
    subject, across = SUBJECTS["log_determinant"], RNG.standard_normal((4, 4))
    for seed in SEEDS:
        grad = lambda s: np.linalg.inv(s) + 1e3 * (across - across.T)  # noqa: E731
        assert subject.check(grad, plan=Plan.auto(seed=seed)).ok


def test_cause_is_named_where_it_explains_all_admissible_directions():
    """And no entry, which nothing says of a projection."""
    subject = SUBJECTS["log_determinant"]
    report = subject.check(lambda s: np.linalg.inv(s) / 2, plan=Plan.auto(seed=1))
    assert report.leaves["x"].cause is Cause.SCALE
    assert report.leaves["x"].wrong is None
    assert "along a random admissible direction" in report.findings[0].message


def test_one_admissible_direction_explains_nothing():
    """Of a rank of one, any factor fits every line."""
    x = np.array([0.4, 0.6])
    report = gradcheck.check_grad(
        lambda p: p[0] ** 2 + 3 * p[1], lambda p: np.array([2 * p[0] + 0.1, 3.0]), x,
        tangent=lambda v: v - v.mean(), plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.verdict is Verdict.FAIL
    assert "No usual cause fits" in report.findings[0].message


def test_entries_of_a_triangle_are_named():
    """A projection that holds entries still is read as that."""
    subject = SUBJECTS["triangular"]
    report = subject.check(subject.faults["one entry"], plan=Plan.auto(seed=1))
    assert np.argwhere(report.leaves["x"].wrong).tolist() == [[2, 1]]
    right = subject.check(plan=Plan.every(seed=1))
    assert right.leaves["x"].probes == 10
    assert right.leaves["x"].miss == 0
    assert "6 of 16 entries of x are held still" in right.findings[0].message


def test_remark_says_how_many_directions_are_admissible():
    """Once a leaf has passed."""
    report = SUBJECTS["log_determinant"].check(plan=Plan.auto(seed=1))
    remark = next(f for f in report.findings if f.cause is Cause.SETUP)
    assert remark.evidence["rank"] == 10
    assert SUBJECTS["stiefel"].check(plan=Plan.every(seed=1)).leaves["x"].probes == 12


@pytest.mark.parametrize("seed", SEEDS)
def test_products_are_compared_along_admissible_directions_too(seed):
    """A backward and a forward product, and a whole Jacobian; of a curved domain as well."""
    a, plan = RNG.standard_normal((3, 6)), Plan.auto(seed=seed)
    for name in ("sphere", "simplex"):
        subject = SUBJECTS[name]
        subject.outside.clear()
        options = {"tangent": subject.tangent, "plan": plan}
        if subject.retraction is not None:
            options["retraction"] = subject.retraction
        n = subject.x.shape[-1]

        def f(x, subject=subject, n=n):
            if not subject.holds(x):
                subject.outside.append(x)
            return np.sin(a[:, :n] @ x.reshape(-1, n).T)

        def vjp(x, u, factor=1.0, n=n):
            return factor * ((a[:, :n].T @ (u * np.cos(a[:, :n] @ x.reshape(-1, n).T))).T).reshape(
                x.shape
            )

        def jvp(x, v, factor=1.0, n=n):
            assert np.allclose(SUBJECTS[name].tangent(v), v, atol=1e-9)  # noqa: B023
            return factor * np.cos(a[:, :n] @ x.reshape(-1, n).T) * (a[:, :n] @ v.reshape(-1, n).T)

        assert gradcheck.check_vjp(f, vjp, subject.x, **options).ok
        assert gradcheck.check_jvp(f, jvp, subject.x, **options).ok
        wrong = gradcheck.check_vjp(f, lambda x, u: vjp(x, u, 1.01), subject.x, **options)
        assert wrong.verdict is Verdict.FAIL
        wrong = gradcheck.check_jvp(f, lambda x, v: jvp(x, v, 1.01), subject.x, **options)
        assert wrong.verdict is Verdict.FAIL
        assert subject.outside == []


@pytest.mark.parametrize("wrong", [False, True])
def test_jacobian_is_compared_along_admissible_directions(wrong):
    """Pairs are named on none."""
    subject, a = SUBJECTS["sphere"], RNG.standard_normal((3, 6))
    report = gradcheck.check_jacobian(
        lambda x: a @ x, lambda x: a * (1.1 if wrong else 1.0), subject.x,
        tangent=subject.tangent, retraction=subject.retraction, plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.verdict is (Verdict.FAIL if wrong else Verdict.PASS)


def test_leaves_are_projected_each_by_itself():
    """Beside leaves that are free, and those that are carried along."""
    point = {"s": SUBJECTS["log_determinant"].x, "b": np.array([0.5, 0.7, 2.0]), "n": 3}

    def tangent(v):
        assert v["n"] == 3
        return {"s": symmetric_part(v["s"]), "b": v["b"], "n": None}

    def f(p):
        assert np.allclose(p["s"], p["s"].T, rtol=0, atol=1e-14)
        return np.linalg.slogdet(p["s"])[1] + np.sum(p["b"] ** 3)

    def grad(p):
        return {"s": np.linalg.inv(p["s"]), "b": 3 * p["b"] ** 2, "n": None}

    assert gradcheck.check_grad(f, grad, point, tangent=tangent).ok
    report = gradcheck.check_grad(
        f, lambda p: {**grad(p), "b": 3 * p["b"]}, point, tangent=tangent, plan=Plan.every(seed=1)
    )
    assert report.leaves["['b']"].wrong.all()
    assert report.leaves["['s']"].verdict is Verdict.PASS


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
def test_other_precisions_are_compared_too(dtype):
    """In more digits where f follows."""
    for name in ("log_determinant", "sphere"):
        subject = SUBJECTS[name]
        x = subject.x.astype(dtype)
        options = {"tangent": subject.tangent, "plan": Plan.auto(seed=1)}
        if subject.retraction is not None:
            options["retraction"] = subject.retraction
        m = np.linspace(-1, 2, x.size).reshape(x.shape)
        for factor, verdict in ((1.0, Verdict.PASS), (1.05, Verdict.FAIL)):
            report = gradcheck.check_grad(
                lambda x, m=m: np.sum(m.astype(x.dtype) * x**2),
                lambda x, m=m, k=factor: (k * 2 * m.astype(x.dtype) * x).astype(x.dtype),
                x,
                **options,
            )
            assert report.verdict is verdict, report


def at_an_eigenvector(seed, grad):
    """Check a claim where f is least on the sphere."""
    m = symmetric_part(np.random.default_rng(seed).standard_normal((6, 6)))
    x = np.linalg.eigh(m)[1][:, 0]
    return gradcheck.check_grad(
        lambda x: x @ m @ x, lambda x: grad(m, x), x, tangent=lambda v: v - x * (x @ v),
        retraction=SUBJECTS["sphere"].retraction, plan=Plan.auto(seed=seed),
    ).verdict  # fmt: skip


ZEROS = {
    "Euclidean": lambda m, x: 2 * m @ x,
    "Riemannian": lambda m, x: 2 * (m @ x - x * (x @ m @ x)),
}


@pytest.mark.parametrize("zero", ZEROS)
def test_claim_that_is_rounding_of_what_lies_across_is_a_zero(zero):
    """Where f is least; the noise of f hides a few."""
    verdicts = [at_an_eigenvector(seed, ZEROS[zero]) for seed in SEEDS]
    assert Verdict.FAIL not in verdicts
    assert verdicts.count(Verdict.PASS) >= len(SEEDS) - 2


@pytest.mark.parametrize("seed", SEEDS)
def test_claim_that_is_not_zero_fails_where_f_is_least(seed):
    """However small."""
    wrong = at_an_eigenvector(seed, lambda m, x: 2 * m @ x + 1e-6 * np.arange(6))
    assert wrong is Verdict.FAIL


def test_kink_on_a_manifold_is_left_open_with_advice_that_helps():
    """No point nearby has the same tangents."""
    x = np.array([0.6, 0.0, 0.8])
    report = gradcheck.check_grad(
        lambda x: np.sum(np.abs(x)), lambda x: np.sign(x) + np.array([0, 0.3, 0]), x,
        tangent=lambda v: v - x * (x @ v), retraction=SUBJECTS["sphere"].retraction,
        plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "move x, as on a manifold no point nearby decides" in report.findings[0].message


def test_claim_that_never_changes_on_a_manifold_is_said_not_to_be_tested_elsewhere():
    """It may be of an old cache, or of a linear f."""
    x, a = np.array([0.6, 0.0, 0.8]), np.array([1.0, 2.0, 3.0])
    report = gradcheck.check_grad(
        lambda x: a @ x, lambda x: a, x, tangent=lambda v: v - x * (x @ v),
        retraction=SUBJECTS["sphere"].retraction, plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.ok
    assert any("a stale cache if not; on a manifold" in f.message for f in report.findings)


def test_direction_that_lay_nearly_across_is_not_rounded_across():
    """A right claim failed: what was left of a direction was rounding of what was taken away."""
    for seed in range(120):
        p = np.abs(np.random.default_rng(seed).standard_normal(3))
        report = gradcheck.check_grad(
            np.sum, lambda p: np.ones(3), p / p.sum(), tangent=lambda v: v - v.mean(),
            plan=Plan.directions(5, seed=seed),
        )  # fmt: skip
        assert report.ok, report


@pytest.mark.parametrize("wrong", [1e-1, 1e-5])
def test_wrong_claim_fails_where_f_is_constant_on_the_manifold(wrong):
    """Rounding beside x was taken for waves, of which no second step could say anything."""
    x, retraction = SUBJECTS["sphere"].x, SUBJECTS["sphere"].retraction
    along = SUBJECTS["sphere"].tangent(np.arange(6.0))
    for seed in SEEDS:
        right, other = (
            gradcheck.check_grad(
                lambda x: x @ x, lambda x, k=k: 2 * x + k * along, x, plan=Plan.auto(seed=seed),
                tangent=SUBJECTS["sphere"].tangent, retraction=retraction,
            )
            for k in (0.0, wrong)
        )  # fmt: skip
        assert right.ok, right
        assert other.verdict is Verdict.FAIL, other
        assert "lacks a factor" not in str(other)


@pytest.mark.parametrize("plan", PLANS)
def test_stacks_hold_admissible_points_too(plan):
    """Of a manifold, and of a point with entries held."""
    subject, m = SUBJECTS["sphere"], np.arange(36.0).reshape(6, 6)
    free = np.array([1, 0, 1, 1, 0, 1], bool)

    def f(xs):
        assert np.allclose(np.linalg.norm(xs, axis=1), 1, rtol=0, atol=1e-13)
        return np.einsum("bi,ij,bj->b", xs, m, xs)

    def held(xs):
        assert (xs[:, ~free] == subject.x[~free]).all()
        return np.sum(xs**3, axis=1)

    for factor, verdict in ((1.0, Verdict.PASS), (1.1, Verdict.FAIL)):
        curved = gradcheck.check_grad(
            f, lambda x, k=factor: k * (m + m.T) @ x, subject.x, tangent=subject.tangent,
            retraction=subject.retraction, batched=True, plan=PLANS[plan](seed=1),
        )  # fmt: skip
        masked = gradcheck.check_grad(
            held, lambda x, k=factor: 3 * k * x**2, subject.x, tangent=free, batched=True,
            plan=PLANS[plan](seed=1),
        )  # fmt: skip
        assert curved.verdict is masked.verdict is verdict


def test_workers_draw_the_same_admissible_directions():
    """In threads; and the numbers are those of a check without."""
    subject = SUBJECTS["log_determinant"]
    plan = Plan.directions(4, seed=1)
    with ThreadPoolExecutor(2) as executor:
        spread = subject.check(plan=plan, executor=executor)
    alone = subject.check(plan=plan)
    assert spread.ok
    assert spread.leaves["x"].numeric == alone.leaves["x"].numeric


def test_journal_is_of_one_projection_and_one_retraction(tmp_path):
    """Code and data of both count; the same call goes on from there."""
    subject, path = SUBJECTS["sphere"], tmp_path / "run.sqlite"
    options = {"plan": Plan.directions(3, seed=3), "journal": path}
    first, second = subject.check(**options), subject.check(**options)
    assert first.leaves["x"].numeric == second.leaves["x"].numeric
    other = replace(subject, retraction=lambda x, v: x + v / np.sqrt(1 + v @ v))
    with pytest.raises(UsageError, match=r"not the same are .*the retraction"):
        other.check(**options)
    with pytest.raises(UsageError, match=r"not the same are .*the tangent"):
        replace(subject, tangent=lambda v: v - (subject.x @ v) * subject.x).check(**options)


# --- what breaks a law --------------------------------------------------------------------------


def drifting(v, calls=[]):  # noqa: B006
    """Remember calls."""
    calls.append(1)
    return v * (1 + 1e-3 * len(calls))


def in_place(v):
    """Write to the argument."""
    v -= v.mean()
    return v


def raising(v):
    """Raise."""
    raise KeyError("W")


BROKEN = {
    "scaled": (lambda v: 2 * v, "no projection: applied twice to a direction of leaf x"),
    "few digits": (lambda v: (v - v.mean()).astype(np.float32), "so little is rounding: compute"),
    "cone": (lambda v: np.maximum(v, 0), r"for leaf x it is not linear: P\(-2 r \+ s/2\)"),
    "threshold": (
        lambda v: np.where(np.abs(v) > 1e-3, v, 0),
        r"it is not linear: P\(r / 2\^20\) is not",
    ),
    "affine": (lambda v: v - v.mean() + 1, "tangent is no projection"),
    "nothing": (lambda v: 0 * v, "tangent admits no direction"),
    "shape": (lambda v: v[:2], r"tangent returned shape \(2,\) for leaf x of shape \(3,\)"),
    "none": (lambda v: None, "tangent returned nothing for leaf x"),
    "text": (lambda v: np.array(["a", "b", "c"]), "tangent returned dtype <U1 for leaf x"),
    "complex": (lambda v: 1j * v, "tangent returned complex numbers for the real leaf x"),
    "nan": (lambda v: v / np.array([1, 0, 1]), "tangent returned -?inf at .1. for leaf x"),
    "drifting": (drifting, "tangent gives another answer when it is called again, by"),
    "in place": (in_place, "tangent changed leaf x of its argument in place"),
    "raising": (raising, "tangent raised KeyError: 'W', where it was given a direction"),
    "mask of numbers": (np.ones(3), "for leaf x it has float64; convert it with mask.astype"),
    "mask of another shape": (np.ones(2, bool), r"of shape \(3,\) it has shape \(2,\)"),
    "mask of nothing": (np.zeros(3, bool), "tangent admits no direction"),
    "number": (3, "for leaf x it has int64"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_tangent_that_is_no_projection_is_refused(broken):
    """With the law that it breaks, and the numbers."""
    tangent, message = BROKEN[broken]
    x = np.array([0.5, 1.0, 1.5])
    with np.errstate(all="ignore"), pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, x, tangent=tangent)
    assert x.tolist() == [0.5, 1.0, 1.5]


def test_tangent_that_couples_leaves_is_refused():
    """Leaves are tested one by one."""
    point = {"a": np.ones(2), "b": np.ones(2)}

    def tangent(v):
        half = (v["a"] - v["b"]) / 2
        return {"a": half, "b": -half}

    with pytest.raises(UsageError, match=r"moves leaf \['b'\] where leaf \['a'\] alone"):
        gradcheck.check_grad(lambda p: np.sum(p["a"]), lambda p: p, point, tangent=tangent)


@pytest.mark.parametrize("plan", PLANS)
def test_tangent_that_treats_single_entries_in_another_way_is_refused(plan):
    """Of six numbers, 15 were said to be independent."""

    def tangent(v):
        return (v - v.mean()) * (3 if np.count_nonzero(v) == 1 else 1)

    x = np.linspace(-1, 1, 6)
    with pytest.raises(UsageError, match="not linear: what it gives for single entries does not"):
        gradcheck.check_grad(
            lambda x: np.sum(np.exp(x)), np.exp, x, tangent=tangent, plan=PLANS[plan](seed=1)
        )


@pytest.mark.parametrize("who", ["tangent", "retraction"])
def test_domain_that_writes_to_x_itself_is_named(who):
    """And not f, which has left it alone."""
    x = np.array([0.5, 1.0, 1.5])
    before = x.copy()

    def tangent(v):
        x[0] += who == "tangent"
        return v - v.mean()

    def retraction(x0, v):
        x[0] += who == "retraction"
        return x0 + v

    options = {} if who == "tangent" else {"retraction": retraction}
    with pytest.raises(UsageError, match=f"{who} changed leaf x of x itself"):
        gradcheck.check_grad(lambda x: x @ x, lambda x: 2 * x, x, tangent=tangent, **options)
    assert x.tolist() == before.tolist()


UNIT = np.array([0.6, 0.0, 0.8])
ROUND = {"tangent": lambda v: v - UNIT * (UNIT @ v)}
NO_RETRACTION = {
    "elsewhere": (lambda x, v: x + v + 1, r"retraction\(x, 0\) is not x: in leaf x it is off by"),
    "too fast": (lambda x, v: x + 2 * v, "does not start in the direction that it is given"),
    "shape": (lambda x, v: (x + v)[:1], "retraction returned shape"),
    "raising": (lambda x, v: raising(v), "retraction raised KeyError: 'W', where it was given a"),
    "in place": (lambda x, v: np.multiply(x + v, 1 + 2.0**-50, out=x), "retraction changed leaf x"),
    "random": (lambda x, v: x + v + 1e-12 * np.random.default_rng().random(3), "called again, by"),
}


@pytest.mark.parametrize("broken", NO_RETRACTION)
def test_retraction_that_breaks_a_law_is_refused(broken):
    """With the numbers."""
    retraction, message = NO_RETRACTION[broken]
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(
            lambda x: np.sum(x**2), lambda x: 2 * x, UNIT, retraction=retraction, **ROUND
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retraction": lambda x, v: x + v}, "retraction= needs tangent="),
        ({"retraction": 3, "tangent": lambda v: v}, "retraction is of type int"),
        ({"tangent": lambda v: v, "bounds": (0, 1)}, "do not go together"),
        ({"tangent": lambda v: v - v.mean(), "plan": Plan.every()}, "use Plan.directions"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    """With what to do."""
    x = np.full(1000, 0.5)
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, x, **options)


@pytest.mark.parametrize("option", ["bounds", "tangent", "retraction"])
def test_hessians_know_of_no_domain(option):
    """Lines beside lines would have to know, too."""
    with pytest.raises(UsageError, match=f"{option}= is not an option of check_hessian"):
        gradcheck.check_hessian(lambda x: x @ x, lambda x: 2 * np.eye(2), np.ones(2), **{option: 0})
    with pytest.raises(UsageError, match=f"{option}= is not an option of check_hvp"):
        gradcheck.check_hvp(lambda x: x @ x, lambda x, v: 2 * v, np.ones(2), **{option: 0})
