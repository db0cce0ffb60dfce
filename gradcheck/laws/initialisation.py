"""Initial weights: their variance, and what it does to activations and gradients over depth.

Part of `laws`. Sources: He, Zhang, Ren, Sun (2015), ICCV, equations 7-14; Glorot and Bengio (2010),
AISTATS, equations 5-16; LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, section 4.6.
The laws over depth compare rates of change a layer; for relu and linear layers they are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from .chance import FALSE_ALARM, mean_slack, square_slack
from .protocol import Law, Outcome, Setting, broken, draw_row_targets, holds, undecided
from .subject import Array, NotOffered, Params, Subject

HE = "He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, ICCV, equations 7-14"
GLOROT = "Glorot and Bengio (2010), Understanding the difficulty of training deep networks"
COURSE = "Ng, Improving Deep Neural Networks, week 1: randn and rand"

VARIANCES: Mapping[str, Callable[[int, int], float]] = {
    "he": lambda n_in, n_out: 2 / n_in,
    "xavier": lambda n_in, n_out: 2 / (n_in + n_out),
    "lecun": lambda n_in, n_out: 1 / n_in,
}
LAYER = (300, 200)  # not square, so that fan-in and fan-out are told apart; slack about 5 %
WIDTH, DEPTH, NETWORKS = 64, 8, 6
SPREAD = {"relu": 5.0, "identity": 2.0}  # variance of one layer's factor, times the width
# Bits a layer, half of a factor 2 in the variance. Over the depth and the mean of all networks the
# rate varies by sqrt(5 / (WIDTH * DEPTH * NETWORKS)) / log 2 = 0.06 of them: eight deviations.
RATE_SLACK = 0.5
SATURATED = {"tanh": 0.99, "sigmoid": 0.98}  # |a|, and |2 a - 1|: less than 2 % of the slope left
GAIN = 4.0  # of all weights, so that a part of the units saturates and shares can be compared
SHARE_SLACK = 0.15  # of saturated units: ten standard deviations of a difference, as measured
ROWS = 8


def variance_of_scheme(subject: Subject, setting: Setting) -> Outcome:
    """Compare mean and variance of one layer's weights with those of the scheme.

    For independent normal, uniform or truncated normal weights, a false alarm in either has
    probability at most FALSE_ALARM.
    """
    n, shown = LAYER[0] * LAYER[1], []
    alarm = FALSE_ALARM / (2 * len(VARIANCES))
    for scheme, draw in _offered(subject, setting):
        W = draw(*LAYER)
        expected = VARIANCES[scheme](*LAYER)
        mean, ratio = float(np.mean(W)), float(np.mean(W**2)) / expected
        around, within = np.sqrt(expected) * mean_slack(n, alarm), square_slack(n, alarm)
        if not abs(mean) <= around:
            return broken(
                f"weights by {scheme} have the mean {mean:.4g} over {n} draws, not 0 ± "
                f"{around:.2g}",
                scheme=scheme,
                mean=mean,
            )
        if not abs(ratio - 1) <= within:
            return broken(
                f"weights by {scheme} of shape {LAYER} have {ratio:.4g} times the variance "
                f"{expected:.4g} of that scheme (1 ± {within:.2g})",
                scheme=scheme,
                ratio=ratio,
            )
        shown.append(f"{scheme} {ratio:.3f}")
    return holds(f"variance over that of the scheme, 1 ± {within:.2g}: {', '.join(shown)}")


Draw = Callable[[int, int], Array]


def _offered(subject: Subject, setting: Setting) -> Iterator[tuple[str, Draw]]:
    """Yield the schemes that the subject offers, each with its drawing function."""
    refusals = []
    for scheme in VARIANCES:
        rng = setting.rng()

        def draw(
            n_in: int, n_out: int, scheme: str = scheme, rng: np.random.Generator = rng
        ) -> Array:
            return np.asarray(subject.initial_weights(scheme, n_in, n_out, rng))

        try:
            draw(1, 1)
        except NotOffered as reason:
            refusals.append(str(reason) or scheme)
            continue
        yield scheme, draw
    if len(refusals) == len(VARIANCES):
        raise NotOffered(f"the subject offers no scheme: {'; '.join(refusals)}")


def _network(draw: Draw, outputs: int) -> Params:
    """Draw a deep network of equal widths, with biases of zero."""
    sizes = [WIDTH] * (DEPTH + 1) + [outputs]
    params: Params = {}
    for layer in range(1, len(sizes)):
        params[f"W{layer}"] = draw(sizes[layer - 1], sizes[layer])
        params[f"b{layer}"] = np.zeros(sizes[layer])
    return params


def activations_over_depth(subject: Subject, setting: Setting) -> Outcome:
    """Measure the second moment of activations, layer by layer, per scheme.

    Each layer multiplies it by n Var(W), and relu halves that: He keeps it, the others do not.
    """
    rng = setting.rng()

    def moments(draw: Draw) -> list[float]:
        row = rng.standard_normal((1, WIDTH))
        outputs = subject.activations(_network(draw, 2), row)
        return [float(np.mean(np.square(a))) for a in outputs]

    return _compared(subject, setting, moments, "activations")


def gradients_over_depth(subject: Subject, setting: Setting) -> Outcome:
    """Measure the second moment of dL/dz = db of a single row, from the last hidden layer down."""
    rng = setting.rng()

    def moments(draw: Draw) -> list[float]:
        row = rng.standard_normal((1, WIDTH))
        targets = draw_row_targets(subject, 1, setting.classes, rng)
        params = _network(draw, setting.classes)
        _, gradient = subject.cost_and_gradient(params, row, targets, 0.0)
        return [float(np.mean(np.square(gradient[f"b{k}"]))) for k in range(DEPTH, 0, -1)]

    return _compared(subject, setting, moments, "gradients")


def _compared(
    subject: Subject, setting: Setting, moments: Callable[[Draw], list[float]], what: str
) -> Outcome:
    """Compare the measured rate of each scheme, in bits a layer, with theory."""
    half = 0.5 if subject.activation == "relu" else 1.0
    # the mean of a logarithm is below the logarithm of the mean, by half the variance
    below = SPREAD[subject.activation] / (2 * WIDTH * np.log(2))
    shown, numbers = [], {}
    for scheme, draw in _offered(subject, setting):
        # more digits than needed below 1e-300, where a second moment would vanish entirely
        logs = [np.log2(np.maximum(moments(draw), 1e-300)) for _ in range(NETWORKS)]
        rate = float(np.mean([(log[-1] - log[0]) / (len(log) - 1) for log in logs]))
        expected = float(np.log2(half * WIDTH * VARIANCES[scheme](WIDTH, WIDTH)))
        numbers[scheme] = rate
        if not abs(rate + below - expected) <= RATE_SLACK:
            return broken(
                f"initialised by {scheme}, the second moment of {what} is multiplied by "
                f"{2**rate:.4g} a layer of {subject.activation}, not by {2**expected:.4g}: "
                f"{2 ** (rate * DEPTH):.3g} over {DEPTH} layers",
                scheme=scheme,
                rate=rate,
                expected=expected,
            )
        shown.append(f"{2**rate:.3f} by {scheme}")
    return holds(f"factor a layer of the second moment of {what}: {', '.join(shown)}", **numbers)


def _exact_rate(subject: Subject) -> str:
    if subject.activation in SPREAD:
        return ""
    return f"the rate is exact for relu and identity only, not for {subject.activation}"


def mean_not_shape_saturates(subject: Subject, setting: Setting) -> Outcome:
    """Saturate a deep network by weights of one variance: the subject's, normal ones, and `rand`.

    Folklore has it that weights must be randn, not rand. Measured: a uniform of mean 0 saturates
    as a normal of its variance does; it is the mean of rand that shifts every unit alike.
    """
    rng = setting.rng()
    deviation = float(np.sqrt(1 / WIDTH))  # of xavier and lecun in layers of equal widths
    rand: Draw = lambda n_in, n_out: deviation * np.sqrt(12) * rng.random((n_in, n_out))  # noqa: E731
    randn: Draw = lambda n_in, n_out: deviation * rng.standard_normal((n_in, n_out))  # noqa: E731
    of_rand, of_randn = (_saturation(subject, setting, draw) for draw in (rand, randn))
    for scheme, draw in _offered(subject, setting):
        if scheme == "he":
            continue  # of another variance
        share, first = _saturation(subject, setting, draw)
        if not abs(share - of_randn[0]) <= SHARE_SLACK:
            return broken(
                f"weights by {scheme} saturate {share:.0%} of the units of the last hidden layer, "
                f"normal ones of the same variance {of_randn[0]:.0%}, and rand, whose mean is not "
                f"0, {of_rand[0]:.0%}",
                scheme=scheme,
                saturated=share,
                normal=of_randn[0],
            )
        if of_rand[0] > of_randn[0] + SHARE_SLACK:
            return holds(
                f"saturated units and |dW1|: {share:.0%}, {first:.1g} by {scheme}; "
                f"{of_randn[0]:.0%}, {of_randn[1]:.1g} by randn; "
                f"{of_rand[0]:.0%}, {of_rand[1]:.1g} by rand of the same variance: "
                f"its mean does it, not its shape",
                saturated={scheme: share, "randn": of_randn[0], "rand": of_rand[0]},
            )
    return undecided(f"rand saturates {of_rand[0]:.0%} of the units, too few to tell it apart")


def _saturation(subject: Subject, setting: Setting, draw: Draw) -> tuple[float, float]:
    """Measure the share of saturated units in the last hidden layer, and the size of dW1."""
    rng = setting.rng()
    shares, sizes = [], []
    for _ in range(NETWORKS):
        drawn = _network(draw, setting.classes)
        params = {name: GAIN * value for name, value in drawn.items()}
        x = rng.standard_normal((ROWS, WIDTH))
        a = np.asarray(subject.activations(params, x)[-1])
        centred = 2 * a - 1 if subject.activation == "sigmoid" else a
        shares.append(np.mean(np.abs(centred) > SATURATED[subject.activation]))
        targets = draw_row_targets(subject, ROWS, setting.classes, rng)
        gradient = subject.cost_and_gradient(params, x, targets, 0.0)[1]["W1"]
        sizes.append(np.linalg.norm(gradient))
    return float(np.mean(shares)), float(np.mean(sizes))


def _bounded(subject: Subject) -> str:
    return "" if subject.activation in SATURATED else f"{subject.activation} does not saturate"


LAWS = (
    Law(
        "init-variance-of-scheme",
        "Initial weights have mean 0 and the variance that their scheme is named for.",
        HE,
        ("initial_weights",),
        variance_of_scheme,
    ),
    Law(
        "init-activations-over-depth",
        "Each relu layer multiplies the second moment of activations by n Var(W)/2: He keeps it.",
        HE,
        ("initial_weights", "activations", "activation"),
        activations_over_depth,
        _exact_rate,
    ),
    Law(
        "init-gradients-over-depth",
        "Each relu layer multiplies the second moment of gradients by n Var(W)/2: He keeps it.",
        HE,
        ("initial_weights", "cost_and_gradient", "activation", "loss"),
        gradients_over_depth,
        _exact_rate,
    ),
    Law(
        "init-mean-not-shape-saturates",
        "Weights of mean 0 saturate as normal ones do, uniform or not; rand saturates by its mean.",
        GLOROT,
        ("initial_weights", "activations", "cost_and_gradient", "activation", "loss"),
        mean_not_shape_saturates,
        _bounded,
    ),
)
