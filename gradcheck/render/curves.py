"""Pictures of one derivative: how its error bar was made, and what `f` looks like along the line.

Draws what `derivative` measures, window by window. Needs matplotlib, which is imported only here.
Part of `render`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..differences import Ladder, Window
from ..numeric import ladder_of
from ..records import Derivative, PyTree, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY, BLACK = "#1f6fb4", "#d1600a", "#8a8a8a", "#222222"
STEPS = 2.0 ** np.arange(-46.0, -1.0, 0.5)  # for the curve, in scales of x
POINTS = 161  # on the line, enough for a smooth curve at the width of a page


def draw_steps(
    f: Callable[[PyTree], Any],
    x: PyTree,
    direction: PyTree | None = None,
    *,
    truth: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the error of a central difference against its step, and the bars of all windows.

    Parameters
    ----------
    f, x, direction
        As in `gradcheck.derivative`.
    truth : float, optional
        The derivative, if it is known; by default errors are relative to the measured one.
    ax : matplotlib axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib axes
        With the curve of errors, one line a window over the steps that it used at the height of its
        error bar, and the final bar.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or as `derivative` raises.

    Examples
    --------
    >>> import math
    >>> ax = draw_steps(math.exp, 1.0, truth=math.e)
    >>> ax.get_xscale(), ax.get_yscale()
    ('log', 'log')
    """
    ax = ax if ax is not None else _new_axes()
    ladder, factor = ladder_of(f, x, direction)
    derivative = ladder.derivative.scaled(1 / factor)
    reference = derivative.value if truth is None else truth
    steps, errors = _errors(ladder, factor, reference)
    ax.loglog(steps, errors, ".", color=GREY, ms=4, label="error of a central difference")
    for window in ladder.windows:
        _draw_window(ax, window, factor, is_believed=window in ladder.believed)
    ax.axhline(derivative.error_bar, color=BLUE, lw=1.2, ls="--", label="error bar of the answer")
    ax.set_xlabel("step")
    ax.set_ylabel("error")
    ax.set_title(_title(derivative), loc="left", fontsize=10)
    _finish(ax)
    return ax


def draw_line(
    f: Callable[[PyTree], Any],
    x: PyTree,
    direction: PyTree | None = None,
    *,
    reach: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw `f` along the line near x, with the slope that was measured, or both at a kink.

    Parameters
    ----------
    f, x, direction
        As in `gradcheck.derivative`.
    reach : float, optional
        How far to look, in lengths of the direction; by default as far as the largest window.
    ax : matplotlib axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib axes
        With the values of `f` less f(x), and the slope with its error bar.

    Raises
    ------
    UsageError
        As `draw_steps`.

    Examples
    --------
    >>> ax = draw_line(abs, 0.0)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['f(x + t) - f(x)', 'slope from the left', 'slope from the right']
    """
    ax = ax if ax is not None else _new_axes()
    ladder, factor = ladder_of(f, x, direction)
    derivative = ladder.derivative.scaled(1 / factor)
    farthest = max((float(w.steps[-1]) for w in ladder.windows), default=1.0) * factor
    t = np.linspace(-1, 1, POINTS) * (farthest if reach is None else reach)
    with np.errstate(all="ignore"):
        rises = [ladder.line(float(step / factor)).rise for step in t]
    ax.plot(t, rises, ".", color=GREY, ms=3, label="f(x + t) - f(x)")
    if derivative.left is not None and derivative.right is not None:
        left, right = t[t <= 0], t[t >= 0]
        ax.plot(left, derivative.left * left, color=BLUE, lw=1.6, label="slope from the left")
        ax.plot(right, derivative.right * right, color=ORANGE, lw=1.6, label="slope from the right")
    elif np.isfinite(derivative.error_bar):
        value, bar = derivative.value, derivative.error_bar
        ax.plot(t, value * t, color=BLUE, lw=1.4, label="measured slope")
        ax.fill_between(
            t, (value - bar) * t, (value + bar) * t, color=BLUE, alpha=0.2, lw=0, label="error bar"
        )
    ax.set_xlabel("t")
    ax.locator_params(axis="x", nbins=5)
    ax.ticklabel_format(style="sci", scilimits=(-2, 3))
    ax.set_title(_title(derivative), loc="left", fontsize=10)
    _finish(ax)
    return ax


def _errors(ladder: Ladder, factor: float, reference: float) -> tuple[Any, Any]:
    """Measure central differences at many steps; steps in lengths of the direction."""
    steps, errors = [], []
    with np.errstate(all="ignore"):
        for h in STEPS:
            right, left = ladder.line(float(h)), ladder.line(-float(h))
            width = (right.step - left.step) * factor
            if width > 0 and np.isfinite(right.rise - left.rise):
                steps.append(width / 2)
                errors.append(abs((right.rise - left.rise) / width - reference))
    smallest = min((e for e in errors if e > 0), default=1.0)
    return np.array(steps), np.maximum(errors, smallest / 2)


def _draw_window(ax: Axes, window: Window, factor: float, *, is_believed: bool) -> None:
    """Draw one window: from its smallest to its largest step, at the height of its bar."""
    color, label = (BLUE, "window: its error bar") if is_believed else (ORANGE, "not believed")
    known = {text for _, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    ax.plot(
        window.steps * factor,
        np.full(len(window.steps), window.bar / factor),
        "|-",
        color=color,
        lw=1.6,
        ms=7,
        label=None if label in known else label,
    )


def _title(derivative: Derivative) -> str:
    return f"{derivative.value:.8g} ± {derivative.error_bar:.1e}, {derivative.evidence}"


def _finish(ax: Axes) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.legend(frameon=False, fontsize=8)


def _new_axes() -> Axes:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "pictures need matplotlib, which is not installed: pip install 'gradcheck[report]'."
        ) from None
    return Figure(figsize=(6.4, 3.6), layout="constrained", facecolor="white").add_subplot()
