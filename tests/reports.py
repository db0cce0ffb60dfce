"""Reports to show, to write and to read: real ones of every kind, and made-up ones."""

import functools
import math
from dataclasses import replace

import numpy as np

import gradcheck
from gradcheck import Cause, Finding, LawReport, LeafReport, Plan, Report, Verdict, laws

HOSTILE = "<script>alert(1)</script>"
ROW = 7  # the planted wrong row


def leaf(path, verdict=Verdict.PASS, **fields):
    """Make a leaf's report."""
    numbers = {"analytic": 0.5, "numeric": 0.5, "error_bar": 1e-9, "scale": 1.0, "certified": 2e-6}
    plain = LeafReport(path, (4, 3), "float64", verdict, probes=2, **numbers)
    return replace(plain, **fields)


def report(*leaves, findings=(), laws=(), verdict=Verdict.PASS, plan=None, name="net"):
    """Make a report."""
    return Report(
        name=name,
        verdict=verdict,
        leaves={item.path: item for item in leaves},
        findings=tuple(findings),
        evaluations=41,
        seconds=0.0123,
        plan=plan or Plan.auto(seed=1729),
        laws={law.name: law for law in laws},
    )


X = np.random.default_rng(0).standard_normal((50, 12))


def loss(p):
    """Return something smooth of a matrix and a vector."""
    return float(np.sum(np.tanh(X @ p["W"]) ** 2) + np.sum(p["b"] ** 3))


def grad(p):
    """Return its gradient."""
    hidden = np.tanh(X @ p["W"])
    return {"W": X.T @ (2 * hidden * (1 - hidden**2)), "b": 3 * p["b"] ** 2}


def wrong_row(p):
    """Return a gradient with one wrong row."""
    dp = grad(p)
    dp["W"][ROW] += np.linspace(0.1, 0.3, dp["W"].shape[1]) * (1 + p["W"][ROW] ** 2)
    return dp


def point():
    """Draw a point."""
    rng = np.random.default_rng(1)
    return {"W": 0.3 * rng.standard_normal((12, 9)), "b": rng.standard_normal(5)}


class HalfDropout:
    """Forgets to divide by keep_prob."""

    def dropout(self, x, keep_prob, rng):
        """Drop."""
        mask = rng.random(x.shape) < keep_prob
        return x * mask, lambda dout: dout * mask


def _real(name):
    auto, every = Plan.auto(seed=1), Plan.every(seed=1)
    check = gradcheck.check_grad
    made = {
        "pass": lambda: check(loss, grad, point(), plan=Plan.auto(seed=1, canary=True)),
        "row": lambda: check(loss, wrong_row, point(), plan=auto, name="planted row"),
        "every": lambda: check(loss, wrong_row, point(), plan=every),
        "kink": lambda: check(lambda x: np.sum(np.abs(x)), np.full(3, 0.3), np.zeros(3), plan=auto),
        "complex": lambda: check(lambda z: float(np.sum(np.abs(z) ** 2)), lambda z: 2.1 * z,
                                 np.array([1 + 2j, 3 - 1j, 0.5j]), plan=every),
        "nonfinite": lambda: check(loss, lambda p: {**grad(p), "b": np.full(5, np.nan)}, point()),
        "jump": lambda: check(lambda x: float(np.floor(x)), 0.0, 2.0, plan=auto),
        "noise": lambda: check(noisy(), lambda x: 2 * x, np.ones(3), plan=auto),
        "budget": lambda: check(loss, grad, point(), plan=Plan.auto(seed=1, budget=9)),
        "scalar": lambda: check(math.sin, math.cos, 1.0, plan=auto),
        "broken": lambda: check(loss, lambda p: {"W": 1}, point(), plan=auto),
        "vjp": lambda: gradcheck.check_vjp(np.tanh, lambda x, dout: dout, point()["W"], plan=auto),
        "laws": lambda: laws.check(HalfDropout(), seed=1),
    }  # fmt: skip
    return made[name]()


def noisy():
    """Return a function that is never the same twice beyond eight digits, but repeats itself."""
    return lambda x: float(np.sum(x**2) + 1e-6 * np.sin(1e9 * np.sum(x)))


KINDS = ["pass", "row", "every", "kink", "complex", "nonfinite", "jump", "noise", "budget",
         "scalar", "broken", "vjp", "laws"]  # fmt: skip
real = functools.cache(_real)


def hostile():
    """Make a report of which every text is an attack."""
    law = LawReport(HOSTILE, HOSTILE, "javascript:alert(1)", Verdict.FAIL, HOSTILE, {"a": HOSTILE})
    wrong = real("row").leaves["['W']"]
    return report(
        leaf(HOSTILE, Verdict.FAIL, cause=Cause.OTHER, reason=HOSTILE, dtype=HOSTILE,
             line=wrong.line),
        leaf('"><img src=x onerror=alert(1)>'),
        findings=[Finding(Cause.OTHER, f"{HOSTILE} is & wrong", HOSTILE, {HOSTILE: [HOSTILE]})],
        laws=[law],
        verdict=Verdict.FAIL,
        name=HOSTILE,
    )  # fmt: skip


def large(count=200):
    """Make a report of many leaves, one in 25 of which failed."""
    wrong = real("row").leaves["['W']"]
    failed = {"errors": wrong.errors, "wrong": wrong.wrong, "certified": math.nan,
              "cause": Cause.OTHER, "shape": wrong.shape}  # fmt: skip
    leaves = []
    for n in range(count):
        numbers = {"numeric": 0.5 + n * 1e-12, "line": wrong.line}
        plain = leaf(f"['layer {n}']['kernel']", **numbers)
        leaves.append(replace(plain, verdict=Verdict.FAIL, **failed) if n % 25 == 3 else plain)
    findings = [Finding(Cause.OTHER, f"{item.path} is wrong in row {ROW}.", item.path, {"n": 3})
                for item in leaves if item.verdict is Verdict.FAIL]  # fmt: skip
    return report(*leaves, findings=findings, verdict=Verdict.FAIL, name="a large network")
