"""Certified differences against derivatives known to 50 digits, and the formulas of one window."""

import math

import mpmath
import numpy as np
import pytest

import gradcheck
from gradcheck import Evidence
from gradcheck.differences.levels import EIGHTHS, UNRELATED
from gradcheck.differences.steps import first_step
from gradcheck.differences.window import Window, grain

mpmath.mp.dps = 50


def exact(derivative, x):
    """Evaluate a derivative to 50 digits at the very float that x is."""
    return float(derivative(mpmath.mpf(x)))


KNOWN = [
    # f, its derivative, x
    pytest.param(math.sin, mpmath.cos, 1.0, id="sin"),
    pytest.param(math.exp, mpmath.exp, -0.3, id="exp"),
    pytest.param(math.tanh, lambda x: 1 - mpmath.tanh(x) ** 2, 0.7, id="tanh"),
    pytest.param(math.log, lambda x: 1 / x, 2.5, id="log"),
    pytest.param(math.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x)), 1e-6, id="sqrt-of-a-millionth"),
    pytest.param(lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2, 1.3, id="cubic"),
    pytest.param(lambda x: 1 / x, lambda x: -1 / x**2, 1e-5, id="reciprocal-near-0"),
    pytest.param(lambda x: math.sin(1e-6 * x), lambda x: mpmath.mpf("1e-6") * mpmath.cos(
        mpmath.mpf(1e-6) * x), 1.7e6, id="badly-scaled"),
    pytest.param(lambda x: math.sin(1000 * x), lambda x: 1000 * mpmath.cos(1000 * x), 0.9,
                 id="a-thousand-periods"),
    pytest.param(lambda x: math.sin(x), mpmath.cos, 1.1e5, id="large-x-unit-length"),
    pytest.param(lambda x: 1e6 + math.sin(x), mpmath.cos, 1.0, id="on-a-million"),
    pytest.param(lambda x: x, lambda x: 1, 3.0, id="identity"),
    pytest.param(lambda x: 4.0 * x + 2.0, lambda x: 4, 1.0, id="exact-arithmetic"),
    pytest.param(lambda x: x * 1e300, lambda x: mpmath.mpf(1e300), 1.0, id="huge-values"),
    pytest.param(lambda x: x * 1e-300, lambda x: mpmath.mpf(1e-300), 1.0, id="tiny-values"),
    pytest.param(lambda x: x * x, lambda x: 2 * x, 1e8, id="x-of-1e8"),
    pytest.param(lambda x: math.cos(x * 1e300), lambda x: -mpmath.mpf(1e300) * mpmath.sin(
        x * mpmath.mpf(1e300)), 1e-300, id="x-of-1e-300"),
    pytest.param(lambda x: math.log1p(math.exp(x)), lambda x: 1 / (1 + mpmath.exp(-x)), 0.0,
                 id="softplus-at-0"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "derivative", "x"), KNOWN)
def test_true_derivative_lies_inside_the_bar(f, derivative, x):
    """The one promise of the numeric side."""
    d = gradcheck.derivative(f, x)
    assert abs(d.value - exact(derivative, x)) <= d.error_bar


@pytest.mark.parametrize(("f", "derivative", "x"), [p for p in KNOWN if p.id in {
    "sin", "exp", "tanh", "log", "cubic", "identity", "exact-arithmetic", "softplus-at-0",
    "badly-scaled", "huge-values", "x-of-1e8"}])  # fmt: skip
def test_smooth_derivative_costs_9_evaluations_for_8_digits(f, derivative, x):
    """One window is enough where f is smooth: relative bar below 1e-8."""
    d = gradcheck.derivative(f, x)
    assert d.evaluations == 9
    assert d.evidence is Evidence.SMOOTH
    assert d.error_bar <= 1e-8 * abs(exact(derivative, x))


def test_constant_function_has_a_certified_zero():
    """A zero with a bar of f's own rounding is an answer."""
    d = gradcheck.derivative(lambda x: 3.7, 1.0)
    assert d.value == 0.0
    assert d.error_bar < 1e-8


@pytest.mark.parametrize(
    ("f", "left", "right"),
    [
        pytest.param(abs, -1.0, 1.0, id="abs"),
        pytest.param(lambda x: max(x, 0.0), 0.0, 1.0, id="relu"),
        pytest.param(lambda x: max(math.exp(2 * x), math.exp(-x)), -1.0, 2.0, id="max-of-two"),
        pytest.param(lambda x: math.sin(x) + 5 + abs(x), 0.0, 2.0, id="on-a-slope"),
    ],
)
def test_kink_at_x_gives_both_one_sided_derivatives(f, left, right):
    """The bar spans both; each side has its own bar."""
    d = gradcheck.derivative(f, 0.0)
    assert d.evidence is Evidence.KINK
    assert abs(d.left - left) <= d.side_bar < 1e-6
    assert abs(d.right - right) <= d.side_bar
    assert d.value - d.error_bar <= left <= right <= d.value + d.error_bar


@pytest.mark.parametrize("distance", [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, -1e-6, -1e-4])
def test_kink_beside_x_does_not_spoil_the_derivative(distance):
    """X lies in a smooth piece, however short."""

    def f(x):
        return math.sin(x + 0.3) + 2.0 * max(0.0, math.copysign(1.0, distance) * (x - distance))

    d = gradcheck.derivative(f, 0.0)
    assert d.evidence is Evidence.SMOOTH
    assert abs(d.value - math.cos(0.3)) <= d.error_bar < 1e-5


@pytest.mark.parametrize(
    ("f", "evidence"),
    [
        pytest.param(lambda x: math.sin(x) + (x > 0), Evidence.JUMP, id="jump"),
        pytest.param(lambda x: math.sqrt(abs(x)), Evidence.SINGULAR, id="square-root"),
        pytest.param(lambda x: abs(x) ** 0.3, Evidence.SINGULAR, id="power-0.3"),
        pytest.param(lambda x: math.nan if x else 0.0, Evidence.NONFINITE, id="nan-beside-x"),
        pytest.param(lambda x: 1 / (x == 0), Evidence.NONFINITE, id="raises-beside-x"),
    ],
)
def test_what_has_no_derivative_to_certify_says_so(f, evidence):
    """The evidence names what f looks like, and the bar is wide."""
    d = gradcheck.derivative(f, 0.0)
    assert d.evidence is evidence
    assert not d.error_bar < 1e-3


def test_edge_of_the_domain_shortens_the_step():
    """The square root a millionth of x away from its edge is still certified."""
    d = gradcheck.derivative(lambda x: math.sqrt(x - 1), 1 + 1e-6)
    truth = exact(lambda x: 1 / (2 * mpmath.sqrt(x - 1)), 1 + 1e-6)
    assert abs(d.value - truth) <= d.error_bar <= 1e-4 * truth


@pytest.mark.parametrize("noise", [1e-12, 1e-9, 1e-6])
def test_noise_is_measured_and_enters_the_bar(noise):
    """The bar grows with the noise and holds the truth."""
    rng = np.random.default_rng(3)
    d = gradcheck.derivative(lambda x: math.sin(x) + noise * rng.standard_normal(), 1.0)
    assert abs(d.value - math.cos(1.0)) <= d.error_bar
    assert d.noise > 0
    assert noise < d.error_bar < 1e-6 + 1e4 * noise


@pytest.mark.parametrize("dtype", ["f4", "f2"])
def test_values_rounded_to_a_coarse_format_are_seen(dtype):
    """float64 in name only: the grain of the values gives the format away."""
    d = gradcheck.derivative(lambda x: float(np.sin(x).astype(dtype)), np.float64(1.0))
    assert abs(d.value - math.cos(1.0)) <= d.error_bar
    assert d.error_bar > 1e-7


def test_float32_point_takes_steps_that_float32_can_represent():
    """The step of u^(1/3) is 2^-8, and the displacement is really taken."""
    d = gradcheck.derivative(lambda x: float(x) ** 2, np.float32(1.5))
    assert abs(d.value - 3.0) <= d.error_bar < 1e-2


def test_longdouble_is_differentiated_in_longdouble():
    """Subtraction happens before anything is rounded to float64."""
    x = np.longdouble(1.0) / 3
    d = gradcheck.derivative(lambda x: np.exp(x), x)
    assert abs(d.value - float(np.exp(x))) <= d.error_bar
    if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        assert d.error_bar < 1e-11


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        pytest.param(lambda x: math.exp(x) if x >= 1 else math.nan, 1.0, math.e, id="right-only"),
        pytest.param(
            lambda x: math.sin(x) if x <= 2 else math.nan, 2.0, math.cos(2), id="left-only"
        ),
        pytest.param(lambda x: math.sqrt(x) ** 3, 0.0, 0.0, id="raises-on-the-left"),
        pytest.param(lambda x: x**2.5 + 3 * x if x >= 0 else math.nan, 0.0, 3.0, id="half-powers"),
        pytest.param(lambda x: x**1.5 + x, 0.0, 1.0, id="complex-on-the-left"),
    ],
)
def test_edge_of_the_domain_gives_the_derivative_from_inside(f, x, truth):
    """All steps are on the side where f is finite."""
    d = gradcheck.derivative(f, x)
    assert d.evidence is Evidence.EDGE
    assert abs(d.value - truth) <= d.error_bar < 1e-5


@pytest.mark.parametrize("f", [math.sqrt, lambda x: x and x * math.log(x)], ids=["sqrt", "x log x"])
def test_infinite_slope_at_the_edge_is_singular(f):
    """The slope only grows as the steps shrink."""
    d = gradcheck.derivative(f, 0.0)
    assert d.evidence is Evidence.SINGULAR
    assert d.error_bar == math.inf


def test_constant_function_is_flat():
    """Looked at out to half the size of x before it is said."""
    d = gradcheck.derivative(lambda x: 3.7, 1.0)
    assert (d.evidence, d.value) == (Evidence.FLAT, 0.0)
    assert d.error_bar < 1e-13


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        pytest.param(lambda x: float(np.float16(np.sin(x))), math.cos(0.7), id="float16-values"),
        pytest.param(lambda x: math.floor(1000 * x) / 1000, 1.0, id="staircase"),
        pytest.param(lambda x: math.exp(round(x, 3)), math.exp(0.7), id="rounded-input"),
    ],
)
def test_values_that_move_in_steps_hold_both_their_slope_and_zero(f, slope):
    """The derivative is 0 on each step, and what is meant is something else."""
    d = gradcheck.derivative(f, 0.7 + 1e-5)
    assert d.evidence is Evidence.QUANTISED
    assert d.value - d.error_bar <= 0 <= slope <= d.value + d.error_bar


def test_value_just_beside_the_edge_of_a_rounding_step_is_no_clean_side():
    """One side never moves, the other by one step: the steps of float16, not a smooth constant."""
    d = gradcheck.derivative(lambda x: float(np.float16(np.logaddexp(0, 2 * x))), 1.4150390625)
    slope = 2 / (1 + math.exp(-2 * 1.4150390625))
    assert abs(d.value - slope) <= d.error_bar
    assert d.error_bar > slope


@pytest.mark.parametrize("seed", range(40))
def test_input_cast_to_float32_never_passes_for_smooth(seed):
    """By chance h may be a whole number of float32 spacings, at every level in eighths alike."""
    x = float(np.random.default_rng(seed).uniform(0.3, 3))
    d = gradcheck.derivative(lambda z: math.exp(np.float32(z)), x)
    error = abs(d.value - math.exp(x))
    assert error <= d.error_bar or (d.evidence is not Evidence.SMOOTH and error <= 3 * d.error_bar)


def test_wave_far_shorter_than_the_steps_is_resolved_at_the_smallest_ones():
    """At ordinary steps it looks like noise; the smallest show that it is not."""
    omega, x = 3038.3757399051306, 5563.255729064057
    d = gradcheck.derivative(lambda t: math.sin(omega * t), x)
    truth = exact(lambda t: mpmath.mpf(omega) * mpmath.cos(mpmath.mpf(omega) * t), x)
    assert abs(d.value - truth) <= d.error_bar < 0.1 * abs(truth)


def test_narrow_bump_is_no_jump():
    """All ordinary steps lie outside of it, on either side at the same height."""
    centre = 1.2e8
    d = gradcheck.derivative(lambda t: math.exp(-((t - centre) ** 2)), centre + 0.5)
    assert d.evidence is not Evidence.JUMP
    assert abs(d.value + math.exp(-0.25)) <= d.error_bar < 0.1


@pytest.mark.parametrize("x", [1e-158, 1e-200, 1e-300, 3e200, 1e300])
def test_steps_whose_squares_over_or_underflow_are_measured(x):
    """The step really taken is compared with the one asked for, without squares."""
    d = gradcheck.derivative(lambda t: 2 * t, x)
    assert abs(d.value - 2) <= d.error_bar < 1e-5


def test_tiny_x_of_a_function_of_natural_length_one_takes_large_steps():
    """Where rounding hides everything at the size of x."""
    d = gradcheck.derivative(lambda t: math.sin(t + 0.7), 1e-30)
    assert abs(d.value - math.cos(0.7)) <= d.error_bar < 1e-6


def test_entries_spread_over_orders_of_magnitude_have_a_gradient():
    """Every entry by a step of its own size."""
    x = np.array([1e-9, 2e-5, 1.0, 3e4, 5e8])
    g = gradcheck.gradient(lambda p: float(np.sum(np.log(p))), x)
    assert np.all(np.abs(g.value - 1 / x) <= g.error_bar)
    assert np.all(g.error_bar <= 1e-6 / x)


# --- one window -----------------------------------------------------------------------------


def window_of(g, h=2.0**-10, levels=EIGHTHS):
    """Make a window of exact values of g."""
    steps = h * levels.ratios
    right, left = (np.array([g(t) - g(0.0) for t in sign * steps]) for sign in (1, -1))
    return Window(h, steps, right, left, floor=1e-300, flat=False, levels=levels)


SETS = pytest.mark.parametrize("levels", [EIGHTHS, UNRELATED], ids=["eighths", "unrelated"])


@SETS
def test_extrapolation_cancels_one_power_of_h_after_another(levels):
    """Row [a, k] gives the constant 1 and annihilates h^2 ... h^2k: Neville's scheme in h^2."""
    for row, gain in zip(levels.slope.weights, levels.slope.gains, strict=True):
        order = np.count_nonzero(row)
        moments = [row @ levels.ratios ** (2 * k) for k in range(order)]
        assert moments == pytest.approx([1.0] + [0.0] * (order - 1), abs=1e-10)
        assert gain == pytest.approx(np.sqrt(np.sum((row / levels.ratios) ** 2) / 2))


@SETS
def test_kink_weights_cancel_the_odd_powers(levels):
    """The half jump of the slope, freed of h and then of h^3."""
    for row in levels.kink.weights:
        powers = (0, 1, 3)[: np.count_nonzero(row)]
        assert [row @ levels.ratios**p for p in powers] == pytest.approx(
            [1.0] + [0.0] * (len(powers) - 1), abs=1e-10
        )


@pytest.mark.parametrize("degree", range(8))
def test_slope_is_exact_for_polynomials_of_degree_7(degree):
    """All four levels together cancel h^2, h^4 and h^6."""
    window = window_of(lambda t: (t + 0.5) ** degree, h=0.125)
    full = window.levels.slope.weights[-1] @ window.central
    assert full == pytest.approx(degree * 0.5 ** (degree - 1) if degree else 0.0, abs=1e-12)


def test_quadratic_kink_is_read_off_the_even_part():
    """G = |t| + t + t^2: from the left 0, from the right 2."""
    fit = window_of(lambda t: abs(t) + t + t * t).as_kink
    assert (fit.middle, fit.half) == pytest.approx((1.0, 1.0))


def test_window_of_a_smooth_function_has_no_kink():
    """A kink is reported only where it exceeds its own bar."""
    assert window_of(math.sin).kink == 0.0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.float32([0.1, 0.7, 0.3, 0.9]).astype(float), 2.0**-27, id="float32"),
        pytest.param(np.array([0.1, 0.2, 0.3]), 0.0, id="float64"),
        pytest.param(np.array([0.25, 0.75, 1.5, 2.0]), 0.25, id="quarters"),
        pytest.param(np.array([0.0, 1.0, 0.0]), 0.0, id="one-step-is-no-grid"),
        pytest.param(np.array([0.25, 0.25]), 0.0, id="constant"),
        pytest.param(np.zeros(3), 0.0, id="zeros"),
    ],
)
def test_grain_is_the_grid_of_the_values(values, expected):
    """The largest power of two that divides all, if it is a coarse one."""
    assert grain(values) == expected


@pytest.mark.parametrize(
    ("roundoff", "step"), [(2.0**-53, 2.0**-18), (2.0**-24, 2.0**-8), (2.0**-11, 2.0**-4)]
)
def test_first_step_is_the_cube_root_of_the_roundoff(roundoff, step):
    """2^-18 for float64, 2^-8 for float32, 2^-4 for float16."""
    assert first_step(roundoff) == step


@SETS
def test_levels_about_double_and_are_no_multiples_of_each_other(levels):
    """A wave, or a grid of inputs, whose period divides h is not seen at its multiples."""
    assert levels.ratios[0] == 1.0
    assert levels.ratios[-1] == 8.0
    assert np.all(np.abs(levels.ratios[1:] / levels.ratios[:-1] - 2) < 0.2)
    assert all(ratio % 1 for ratio in levels.ratios[1:3])


def test_levels_of_a_direction_are_eighths():
    """So that x + t v is exact at every one of them."""
    assert [(8 * ratio).is_integer() for ratio in EIGHTHS.ratios] == [True] * 4
