"""Pictures of how an error bar came about: error against step, the line at x, the noise on it.

Owns the drawing and evaluates nothing: each function draws a `Survey` into one pair of axes.
Part of `render`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..differences import Vector, Window
from ..records import UsageError
from ..survey import Survey
from .figures import make_figure

if TYPE_CHECKING:
    from .figures import Axes

# Colours that the colour-blind tell apart (Okabe and Ito, 2008); marks differ in form as well.
CHOSEN, OTHER, REFUSED, VALUES, LIMIT = "#0072B2", "#5F6B73", "#D55E00", "#9AA5AB", "#009E73"
WIDE, HIGH = 7.0, 4.2  # inches: 700 pixels at 100 dots an inch
VISIBLE = 10.0  # times the noise: where a difference shows its truncation
FEW = 12  # differences that give the constant of the truncation
EVEN = 2.0  # the ratio within which they must agree on it, or f is not smooth so far out
VISIBLE_BAR = 1e-2  # of the derivative: narrower bars are no wider than the line


def draw_steps(survey: Survey, *, ax: Axes | None = None, truth: float | None = None) -> Axes:
    """Draw error against step: central differences, every window with its bar, the limits of both.

    Parameters
    ----------
    survey : Survey
        From `gradcheck.survey.survey`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, which needs no display.
    truth : float, optional
        The true derivative. Without it, distances are from the numeric one.

    Returns
    -------
    Axes
        With one horizontal line for each window, from its smallest to its largest step, at the
        height of its bar; `ax.figure.savefig("steps.svg")` writes it.

    Examples
    --------
    >>> import math
    >>> from gradcheck.survey import survey
    >>> ax = draw_steps(survey(math.sin, 1.0), truth=math.cos(1.0))
    >>> ax.get_xscale(), ax.get_xlabel()
    ('log', 'step h, in units of the direction')
    """
    ax = _axes() if ax is None else ax
    reference = survey.derivative.value if truth is None else truth
    ax.set(xscale="log", yscale="log", xlabel="step h, in units of the direction")
    whose = "the numeric derivative" if truth is None else "the true derivative"
    ax.set_ylabel(f"distance from {whose}")
    distances = np.abs(survey.differences - reference)
    shown = distances > 0
    ax.plot(survey.steps[shown], distances[shown], ".", color=VALUES, markersize=5,
            markeredgewidth=0, label="one central difference")  # fmt: skip
    _limits(ax, survey, distances)
    for window in survey.ladder.windows:
        _window(ax, survey, window, truth)
    _focus(ax, survey, distances, reference)
    return _finish(ax, survey)


def draw_line(survey: Survey, *, ax: Axes | None = None) -> Axes:
    """Draw the values of `f` along the line around x, and the slopes that were found there.

    Parameters
    ----------
    survey : Survey
        From `gradcheck.survey.survey`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        With the derivative as a tangent, or both one-sided derivatives at a kink; neither where
        there is no derivative.

    Examples
    --------
    >>> from gradcheck.survey import survey
    >>> ax = draw_line(survey(abs, 0.0))
    >>> [text for text in ax.get_legend_handles_labels()[1] if text.startswith("from")]
    ['from the left: -1', 'from the right: 1']
    """
    ax = _axes() if ax is None else ax
    ax.set(xlabel="t, in units of the direction", ylabel="f(x + t v) - f(x)")
    ax.plot(survey.places, survey.rises, ".", color=VALUES, markersize=5, markeredgewidth=0,
            label="values of f")  # fmt: skip
    ax.plot(*_measured(survey), "o", color="black", markersize=4, label="those that decided")
    _slopes(ax, survey)
    return _finish(ax, survey)


def draw_noise(survey: Survey, *, ax: Axes | None = None) -> Axes:
    """Draw what no polynomial explains around x, and the noise floor that nine values gave.

    Parameters
    ----------
    survey : Survey
        From `gradcheck.survey.survey`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        With a band of the half-width that holds the error of one value.

    Raises
    ------
    UsageError
        Where no single window gave the answer, as at a kink.

    Examples
    --------
    >>> import math
    >>> from gradcheck.survey import survey
    >>> draw_noise(survey(math.sin, 1.0)).get_ylabel()
    'f(x + t v) less its smooth part'
    """
    window = survey.chosen
    if window is None:
        evidence = survey.derivative.evidence
        raise UsageError(
            f"the line shows {evidence}, so no single window gave the answer and there is no noise "
            f"floor to draw; draw_line shows the values."
        )
    ax = _axes() if ax is None else ax
    ax.set(xlabel="t, in units of the direction", ylabel="f(x + t v) less its smooth part")
    left = survey.rises - survey.trend(survey.places)
    ax.plot(survey.places, left, ".", color=VALUES, markersize=5, markeredgewidth=0,
            label="values of f")  # fmt: skip
    places, rises = _measured(survey)
    left = rises - survey.trend(places)
    ax.plot(places, left, "o", color="black", markersize=4, label="the nine of the window")
    band = f"noise floor: ± {window.spread:.1e} holds one value"
    ax.axhspan(-window.spread, window.spread, color=CHOSEN, alpha=0.12, linewidth=0, label=band)
    return _finish(ax, survey)


def _axes() -> Axes:
    """Make a figure of its own: no display, no state that is shared with the caller's pictures."""
    return make_figure(WIDE, HIGH, facecolor="white", layout="constrained").subplots()


def _finish(ax: Axes, survey: Survey) -> Axes:
    """Say below the picture what is what, above it what was found."""
    d = survey.derivative
    title = f"{d.value:.10g} ± {d.error_bar:.1e} ({d.evidence})"
    if d.left is not None and d.right is not None:
        title = f"{d.left:.6g} from the left, {d.right:.6g} from the right, ± {d.side_bar:.0e}"
    elif not np.isfinite(d.error_bar):
        title = f"no derivative ({d.evidence})"
    ax.set_title(title, fontsize="medium")
    ax.legend(fontsize="small", frameon=False, ncols=3, loc="upper center",
              bbox_to_anchor=(0.5, -0.16))  # fmt: skip
    return ax


# --- error against step -----------------------------------------------------------------------


def _window(ax: Axes, survey: Survey, window: Window, truth: float | None) -> None:
    """Draw a window at the height of its bar, numbered in the order of measuring."""
    colour, style, label = _style(survey, window)
    steps, bar = window.steps * survey.unit, window.bar / survey.unit
    ax.plot(steps, np.full(len(steps), bar), style, color=colour, marker="|", markersize=8,
            linewidth=2, label=_once(ax, label))  # fmt: skip
    middle, tried = float(np.sqrt(steps[0] * steps[-1])), survey.ladder.tried
    number = str(tried.index(window.h) + 1) if window.h in tried else "deep"
    number = "" if len(survey.ladder.windows) == 1 else number
    above = (0, 5) if window in survey.ladder.believed else (22, 3)  # beside its error, if refused
    offset = (7, -13) if window is survey.chosen else above  # bars of about one height may overlap
    ax.annotate(number, (middle, bar), offset, textcoords="offset points", ha="center",
                color=colour, fontweight="bold")  # fmt: skip
    error = 0.0 if truth is None else abs(window.value / survey.unit - truth)
    if error > 0:
        ax.plot([middle, middle], [error, bar], ":", color=colour, linewidth=1)
        ax.plot(
            middle, error, "D", color=colour, markersize=4, label=_once(ax, "error of a window")
        )


def _style(survey: Survey, window: Window) -> tuple[str, str, str]:
    """Return colour, line style and label of a window."""
    if window is survey.chosen:
        return CHOSEN, "-", "bar of the chosen window"
    if window in survey.ladder.believed:
        return OTHER, "-", "bar of another window"
    return REFUSED, "--", "bar of a window that is not believed"


def _once(ax: Axes, label: str) -> str:
    """Return a label for the legend; none where it is there already."""
    return "_" if label in ax.get_legend_handles_labels()[1] else label


def _limits(ax: Axes, survey: Survey, distances: Vector) -> None:
    """Draw what noise and truncation make of one central difference, as the window saw them."""
    window = survey.chosen
    if window is None:
        return
    noise = window.spread / np.sqrt(2) / survey.steps
    ax.plot(survey.steps, noise, "-", color=LIMIT, linewidth=1, zorder=1, label="noise floor / h")
    beyond = survey.steps > window.h * survey.unit
    visible = np.flatnonzero(beyond & (distances > VISIBLE * noise))[:FEW]
    constants = distances[visible] / survey.steps[visible] ** 2
    if len(visible) and constants.max() < EVEN * constants.min():
        constant = np.median(constants)
        ax.plot(survey.steps, constant * survey.steps**2, "-.", color=LIMIT, linewidth=1, zorder=1,
                label="truncation, like h²")  # fmt: skip


def _focus(ax: Axes, survey: Survey, distances: Vector, reference: float) -> None:
    """Show every difference, bar and error, and no more of the limits."""
    windows = survey.ladder.windows
    bars = np.array([w.bar for w in windows]) / survey.unit
    errors = np.abs(np.array([w.value for w in windows]) / survey.unit - reference)
    seen = np.concatenate([distances, bars, errors])
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if len(seen):
        ax.set_ylim(seen.min() / 3, seen.max() * 3)


# --- values along the line --------------------------------------------------------------------


def _measured(survey: Survey) -> tuple[Vector, Vector]:
    """Return t and rise of the values that decided: of the chosen window, or the two smallest."""
    windows = survey.ladder.windows[:2] if survey.chosen is None else (survey.chosen,)
    places = [np.zeros(1), *(part * survey.unit for w in windows for part in (w.steps, -w.steps))]
    rises = [np.zeros(1), *(part for w in windows for part in (w.right, w.left))]
    return np.concatenate(places), np.concatenate(rises)


def _slopes(ax: Axes, survey: Survey) -> None:
    """Draw the tangent, or both at a kink, each on its side and dotted beyond."""
    d, right = survey.derivative, float(np.abs(survey.places).max())
    if d.left is not None and d.right is not None:
        for slope, side, colour in ((d.left, -1, REFUSED), (d.right, 1, CHOSEN)):
            where = "left" if side < 0 else "right"
            label = f"from the {where}: {slope:.6g}"
            ends = np.array([0.0, side * right])
            ax.plot(ends, slope * ends, "-", color=colour, linewidth=1.5, label=label)
            ax.plot(-ends / 3, -slope * ends / 3, ":", color=colour, linewidth=1.5)
    elif np.isfinite(d.error_bar):
        ends = np.array([-right, right])
        ax.plot(ends, d.value * ends, "-", color=CHOSEN, linewidth=1, label="the derivative")
        if d.error_bar > VISIBLE_BAR * abs(d.value):
            for t in (ends * [1, 0], ends * [0, 1]):
                low, high = ((d.value - d.error_bar) * t, (d.value + d.error_bar) * t)
                ax.fill_between(t, low, high, color=CHOSEN, alpha=0.12, linewidth=0)
