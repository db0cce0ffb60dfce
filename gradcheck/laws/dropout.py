"""Inverted dropout: a new mask at each draw, none in evaluation, the same activations on average.

Part of `laws`. Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), JMLR 15.
Statistical laws state their false-alarm probability.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from ..records import Verdict
from .chance import FALSE_ALARM, share_of_look, share_slack
from .protocol import Law, Outcome, Setting, broken, holds, undecided
from .subject import Array, Subject

SOURCE = "Srivastava et al. (2014), Dropout, JMLR 15"
COURSE = "Ng, Improving Deep Neural Networks, week 1: dropout (inverted)"

ROUNDING = 1e-12  # relative: a product and a quotient of float64
CHUNK = 2**20  # units drawn between two looks at the numbers
MOST_DRAWS = 100 * CHUNK  # a few seconds; enough for keep_prob from 0.03 to 0.97 and beyond
MEAN_WITHIN = 0.005  # resolution of the mean: a bias of 1 % is twice as large, and found
VARIANCE_WITHIN = 0.05  # likewise of the share dropped, on which the variance depends
MOST_MASKED = 10  # units of which all masks are enumerated: 1024


def _activations(setting: Setting, rows: int = 8) -> Array:
    """Draw positive activations, so that every zero of the output was dropped."""
    n = setting.inputs.shape[1] * 8
    return setting.rng().uniform(0.5, 2.0, size=(rows, n))


def new_mask(subject: Subject, setting: Setting) -> Outcome:
    """Draw many masks from one generator.

    Two right masks of n units are equal with probability (p^2 + (1-p)^2)^n; n is chosen so that
    this is below half of FALSE_ALARM.
    """
    p = setting.keep_prob
    same = p**2 + (1 - p) ** 2
    n = math.ceil(math.log(FALSE_ALARM / 2) / math.log(same))
    x, rng = np.ones((2, n)), setting.rng()
    first, _ = subject.dropout(x, p, rng)
    second, _ = subject.dropout(x, p, rng)
    pairs = {"two draws in a row": (first, second), "two rows of one draw": (first[0], first[1])}
    for which, (one, other) in pairs.items():
        if np.array_equal(one, other):
            return broken(
                f"{which} dropped the same {int(np.sum(one == 0))} of {one.size} units; by "
                f"chance that happens with probability below {FALSE_ALARM:g}",
                units=n,
            )
    return holds(f"two draws differ, and so do two rows of {n} units")


def evaluation_is_identity(subject: Subject, setting: Setting) -> Outcome:
    """Compare the output in evaluation with the input, bit for bit."""
    x = _activations(setting)
    out = np.asarray(subject.dropout_evaluate(x, setting.keep_prob))
    if not np.array_equal(out, x):
        ratio = float(np.mean(out / x)) if out.shape == x.shape else math.nan
        return broken(
            f"dropout changes its input in evaluation: out/x is {ratio:.6g} on average",
            ratio=ratio,
        )
    return holds("evaluation returns its input unchanged")


def same_mask_backward(subject: Subject, setting: Setting) -> Outcome:
    """Compare the factor of each unit forward, out/x, with that backward, dx/dout."""
    rng = setting.rng()
    x = _activations(setting)
    dout = rng.uniform(0.5, 2.0, size=x.shape)
    out, backward = subject.dropout(x, setting.keep_prob, rng)
    forward, back = out / x, np.asarray(backward(dout)) / dout
    wrong = ~(np.abs(forward - back) <= ROUNDING * np.abs(forward))
    if wrong.any():
        where = tuple(int(k) for k in np.argwhere(wrong)[0])
        return broken(
            f"unit {list(where)} is multiplied by {forward[where]:.6g} forward and by "
            f"{back[where]:.6g} backward ({int(wrong.sum())} of {wrong.size} units differ)",
            forward=float(forward[where]),
            backward=float(back[where]),
            units=int(wrong.sum()),
        )
    return holds("each unit has the same factor forward and backward")


def values_are_zero_or_scaled(subject: Subject, setting: Setting) -> Outcome:
    """Look at the factors out/x: 0 or 1/keep_prob, nothing else."""
    x = _activations(setting)
    out, _ = subject.dropout(x, setting.keep_prob, setting.rng())
    factor, kept = out / x, 1 / setting.keep_prob
    odd = (factor != 0) & ~(np.abs(factor - kept) <= ROUNDING * kept)
    if odd.any():
        value = float(factor[odd][0])
        return broken(
            f"a unit is multiplied by {value:.6g}, but inverted dropout multiplies by 0 or by "
            f"1/keep_prob = {kept:.6g}",
            seen=value,
            expected=kept,
        )
    return holds(f"every factor is 0 or 1/keep_prob = {kept:.6g}")


@dataclass(frozen=True)
class _Tally:
    """What was counted over all draws so far, of out/x."""

    draws: int = 0
    kept: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, factors: Array) -> _Tally:
        """Count some more."""
        return _Tally(
            self.draws + factors.size,
            self.kept + int(np.count_nonzero(factors)),
            self.total + float(np.sum(factors)),
            self.squares + float(np.vdot(factors, factors)),
        )


def expectation_is_preserved(subject: Subject, setting: Setting) -> Outcome:
    """Draw until mean and variance are known as exactly as their resolution asks: sequentially.

    If each factor is 1/p or 0 and a unit is kept with probability q, then E[out] = (q/p) x and
    Var[out] = q (1-q)/p^2 x^2. The share kept among n units lies within t of q except with
    probability 2 exp(-n KL(q ± t || q)). A right dropout is called wrong, at any of the looks,
    with probability at most FALSE_ALARM; one whose mean is off by 1 % passes with no more.
    """
    p = setting.keep_prob
    fine = min(MEAN_WITHIN * p, VARIANCE_WITHIN * (1 - p)) if p < 1 else MEAN_WITHIN
    ones, rng, tally = np.ones((1, CHUNK)), setting.rng(), _Tally()
    for look in range(1, MOST_DRAWS // CHUNK + 1):
        tally = tally.plus(np.asarray(subject.dropout(ones, p, rng)[0]))
        slack = share_slack(p, tally.draws, share_of_look(look, FALSE_ALARM))
        outcome = _weighed(tally, p, slack)
        if outcome.verdict is not Verdict.PASS or slack <= fine:
            return outcome
    return undecided(
        f"{tally.draws} draws resolve the share kept to {slack:.2g} only, not {fine:.2g}"
    )


def _weighed(tally: _Tally, p: float, slack: float) -> Outcome:
    """Compare mean and variance with theory, given the slack of the share kept."""
    n = tally.draws
    mean, share = tally.total / n, tally.kept / n
    variance, expected = tally.squares / n - mean**2, (1 - p) / p
    around = slack / p + ROUNDING  # E[out] = x, with the slack carried over
    spread = slack * (1 + 2 * slack) / p**2 + 1e3 * ROUNDING / p
    numbers = {"draws": n, "share": share, "mean": mean, "variance": variance, "slack": around}
    if not abs(mean - 1) <= around:
        return broken(
            f"over {n} draws the mean of out/x is {mean:.6g}, not 1 ± {around:.2g}, and "
            f"{share:.4%} of the units are kept at keep_prob = {p:.4g}",
            **numbers,
        )
    if not abs(variance - expected) <= spread:
        return broken(
            f"over {n} draws the variance of out/x is {variance:.6g}, not (1-p)/p = "
            f"{expected:.6g} ± {spread:.2g}",
            **numbers,
        )
    return holds(
        f"mean {mean:.6g} = 1 ± {around:.1g} and variance {variance:.6g} = {expected:.6g} ± "
        f"{spread:.1g} over {n} draws (false alarm: {FALSE_ALARM:g})",
        **numbers,
    )


def expectation_by_enumeration(subject: Subject, setting: Setting) -> Outcome:
    """Sum over all masks of a few units: mean and variance to rounding, no chance involved."""
    p = setting.keep_prob
    x = _activations(setting, rows=1)[:, :MOST_MASKED]
    mean, square = np.zeros_like(x), np.zeros_like(x)
    for bits in itertools.product((False, True), repeat=x.size):
        mask = np.array([bits])
        weight = p ** sum(bits) * (1 - p) ** (x.size - sum(bits))
        out = subject.dropout_masked(x, mask, p)
        mean += weight * out
        square += weight * out**2
    variance = square - mean**2
    expected = (1 - p) / p * x**2
    if not np.allclose(mean, x, rtol=1e-10, atol=0):
        ratio = float((mean / x).flat[0])
        return broken(
            f"over all {2**x.size} masks the mean of out/x is {ratio:.9g}, not 1", mean=ratio
        )
    if not np.allclose(variance, expected, rtol=1e-8, atol=1e-12):
        ratio = float((variance / expected).flat[0])
        return broken(f"the variance over all masks is {ratio:.9g} times x^2 (1-p)/p", ratio=ratio)
    return holds(f"mean exactly x and variance x^2 (1-p)/p over all {2**x.size} masks")


def frozen_mask_is_linear(subject: Subject, setting: Setting) -> Outcome:
    """Apply one mask, by one seed, to x, y and a x + b y."""
    rng = setting.rng()
    x, y = rng.standard_normal((2, 8, 6))
    a, b = rng.uniform(-2, 2, size=2)

    def frozen(z: Array) -> Array:
        return subject.dropout(z, setting.keep_prob, np.random.default_rng(setting.seed))[0]

    separately, together = a * frozen(x) + b * frozen(y), frozen(a * x + b * y)
    if not np.array_equal(frozen(x), frozen(x)):
        return undecided("the mask is not a function of the generator, so it cannot be frozen")
    size = np.abs(a * x) + np.abs(b * y)
    wrong = ~(np.abs(separately - together) <= 1e-12 * size / setting.keep_prob)
    if wrong.any():
        where = tuple(int(k) for k in np.argwhere(wrong)[0])
        return broken(
            f"with the mask frozen, a f(x) + b f(y) = {separately[where]:.9g} but f(a x + b y) = "
            f"{together[where]:.9g} at unit {list(where)}"
        )
    return holds("with the mask frozen, f(a x + b y) = a f(x) + b f(y)")


LAWS = (
    Law(
        "dropout-new-mask-each-draw",
        "Every training step draws a new mask, and every row has its own.",
        SOURCE,
        ("dropout",),
        new_mask,
    ),
    Law(
        "dropout-evaluation-is-identity",
        "Dropout does nothing in evaluation.",
        COURSE,
        ("dropout_evaluate",),
        evaluation_is_identity,
    ),
    Law(
        "dropout-same-mask-backward",
        "The backward pass uses the mask and the scale of the forward pass.",
        SOURCE,
        ("dropout",),
        same_mask_backward,
    ),
    Law(
        "dropout-zero-or-scaled",
        "A unit is dropped, or kept and divided by keep_prob.",
        COURSE,
        ("dropout",),
        values_are_zero_or_scaled,
    ),
    Law(
        "dropout-preserves-expectation",
        "Over masks, the mean of the output is the input and the variance x^2 (1-p)/p.",
        SOURCE,
        ("dropout",),
        expectation_is_preserved,
    ),
    Law(
        "dropout-preserves-expectation-exactly",
        "Summed over all masks, the mean of the output is the input.",
        SOURCE,
        ("dropout_masked",),
        expectation_by_enumeration,
    ),
    Law(
        "dropout-frozen-mask-is-linear",
        "With its mask frozen, dropout is a linear map.",
        SOURCE,
        ("dropout",),
        frozen_mask_is_linear,
    ),
)
