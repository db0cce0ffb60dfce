"""Pictures of a leaf, from what its report keeps: errors, error against step, Taylor remainders.

Owns what is drawn and evaluates nothing. No text of the user's is drawn, so none has to be escaped.
Part of `render`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..records import Cause, LeafReport, LineTrace, Report, UsageError, Verdict
from ..traces import coarse
from .curves import CHOSEN, LIMIT, OTHER, REFUSED, VALUES
from .figures import INK, as_element, draw_panels, make_figure

if TYPE_CHECKING:
    from .figures import Axes, Figure

Vector = npt.NDArray[np.float64]

NAMES = {
    CHOSEN: "chosen",
    OTHER: "other",
    REFUSED: "refused",
    VALUES: "values",
    LIMIT: "limit",
    INK: "ink",
}
"""What a page calls each colour, so that it can choose its own."""

PANEL = (4.8, 3.6)  # inches
MARGINS = {"left": 0.17, "right": 0.97, "top": 0.97, "bottom": 0.36}
MAP_MARGINS = {"left": 0.12, "right": 0.9, "top": 0.97, "bottom": 0.15}
ROUGH = (Cause.KINK, Cause.JUMP, Cause.SINGULAR, Cause.DOMAIN, Cause.NOISE, Cause.PRECISION)
FAR_ABOVE = 10.0  # times the noise floor: where a remainder shows its slope
FEWEST = 3  # remainders that give a slope
SAME_STEP = 0.01  # relative: a step to the right and one to the left are a pair
SMALLEST, LARGEST = 1e-120, 1e120  # numbers that an axis can show; the fuzz met others
DECADES = 12  # of errors that are told apart by colour
COLOURS = "viridis"  # ordered by lightness, readable on light and dark


def draw_errors(leaf: LeafReport, ax: Axes) -> None:
    """Draw the error of every entry that was measured, and a line around those known to be wrong.

    What was not measured is left blank.
    """
    errors = leaf.errors
    assert errors is not None, "only such leaves get here"
    grid = np.full(errors.grid, np.nan)
    grid.reshape(-1)[list(errors.cells)] = errors.errors
    rows, columns = (n * by for n, by in zip(errors.grid, errors.block, strict=True))
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    shown, ticks = _decades(grid)
    image = ax.imshow(shown, cmap=COLOURS, vmin=ticks[0], vmax=ticks[-1], extent=extent,
                      aspect="auto", interpolation="none")  # fmt: skip
    bar = ax.figure.colorbar(image, ax=ax, label="|analytic - numeric|", ticks=ticks,
                             format=lambda power, _: f"{10**power:.0e}")  # fmt: skip
    assert bar.solids is not None, "it was made for an image"
    bar.solids.set_rasterized(True)  # one small image, not 256 shapes
    if leaf.wrong is not None and leaf.wrong.any():
        x, y = _outline(coarse(leaf.wrong, errors), errors.block)
        ax.plot(x, y, color=REFUSED, linewidth=2.5, clip_on=False, gid="wrong")
        ax.axis(extent)
    ax.set_xlabel(_axis_names(leaf.shape))
    ax.locator_params(axis="x", integer=True)
    if len(leaf.shape) > 1:
        ax.set_ylabel("axis 0")
        ax.locator_params(axis="y", integer=True)
    else:
        ax.set_yticks([])


def _decades(grid: Vector) -> tuple[Vector, list[float]]:
    """Return the logarithms of errors that colours can tell apart; their ends and their middle."""
    seen = grid[_shown(grid)]
    most = math.log10(float(seen.max(initial=0.0)) or 1.0)
    least = math.log10(float(seen.min(initial=10**most)))
    least = max(least, most - DECADES) if least < most else most - 1
    return np.clip(np.log10(grid), least, most), [least, (least + most) / 2, most]


def _outline(marked: npt.NDArray[np.bool_], block: tuple[int, int]) -> tuple[Vector, Vector]:
    """Return x and y of the edges between marked cells and others, apart by NaN."""
    padded = np.pad(marked, 1).astype(int)
    upright = np.argwhere(np.diff(padded, axis=1)[1:-1] != 0)  # row, column right of the edge
    level = np.argwhere(np.diff(padded, axis=0)[:, 1:-1] != 0)  # row below the edge, column
    rows = [(r, r + 1, np.nan) for r, _ in upright] + [(r, r, np.nan) for r, _ in level]
    columns = [(c, c, np.nan) for _, c in upright] + [(c, c + 1, np.nan) for _, c in level]
    return np.ravel(columns) * block[1] - 0.5, np.ravel(rows) * block[0] - 0.5


def _axis_names(shape: tuple[int, ...]) -> str:
    if len(shape) < 2:
        return "axis 0"
    return "axis 1" if len(shape) == 2 else f"axes 1 to {len(shape) - 1}, laid out in a row"


def draw_steps(leaf: LeafReport, ax: Axes) -> None:
    """Draw the error of central differences against the step, and of what their windows made."""
    line = _line_of(leaf)
    steps, differences = central_differences(line)
    _log_log(ax, "step h, in units of the line", "distance from the\nnumeric derivative")
    _scatter(ax, steps, _distance(differences, leaf.numeric), "o", VALUES, "one central difference")
    off = _distance(leaf.analytic, leaf.numeric)
    if _shown(off):
        ax.axhline(float(off), color=REFUSED, linewidth=1.5, label="the claim")
    for window in line.windows:
        colour = CHOSEN if window.chosen else OTHER
        style = "-" if window.believed else "--"
        name = "chosen window: its bar" if window.chosen else "bar of another window"
        name = name if window.believed else "bar of a window that is not believed"
        ends = np.array([window.smallest, window.largest])
        if not _shown(ends).all():
            continue
        middle = math.sqrt(window.smallest) * math.sqrt(window.largest)
        if _shown(window.bar):
            ax.plot(ends, [window.bar] * 2, style, color=colour, marker="|", markersize=9,
                    linewidth=2, label=_once(ax, name))  # fmt: skip
        if window.chosen:
            ax.axvline(window.smallest, color=CHOSEN, linewidth=1, linestyle=":",
                       label="chosen step")  # fmt: skip
            _scatter(ax, middle, window.truncation, "v", CHOSEN, "its truncation")
            _scatter(ax, middle, window.rounding + window.noise, "^", CHOSEN, "its noise")
    if len(steps) and _shown(line.floor):
        wide = np.geomspace(steps.min() / 2, steps.max() * 2, 2)
        ax.plot(wide, line.floor / math.sqrt(2) / wide, "-.", color=LIMIT, linewidth=1.5,
                label="noise floor / h")  # fmt: skip
    _finish(ax)


def central_differences(line: LineTrace) -> tuple[Vector, Vector]:
    """Return the steps h at which f was measured on both sides, and (f(x+h) - f(x-h)) / 2h."""
    steps, rises = _measured(line)
    right, left = steps > 0, steps < 0
    found = []
    for h, rise in zip(steps[right], rises[right], strict=True):
        near = np.flatnonzero(left & (np.abs(-steps - h) <= SAME_STEP * h))
        if len(near):
            k = near[np.argmin(np.abs(-steps[near] - h))]
            found.append(((h - steps[k]) / 2, (rise - rises[k]) / (h - steps[k])))
    pairs = np.array(found).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def draw_remainders(leaf: LeafReport, ax: Axes) -> None:
    """Draw |f(x + t v) - f(x) - t d| against t: slope 1 where d is wrong, 2 where it is right."""
    line = _line_of(leaf)
    _log_log(ax, "|t|, in units of the line", "|f(x + t v) - f(x) - t d|")
    told = (("o", REFUSED, "d = the claim", leaf.analytic),
            ("s", CHOSEN, "d = the numeric derivative", leaf.numeric))  # fmt: skip
    for mark, colour, name, slope in told:
        sizes, remainders = taylor_remainders(line, slope)
        fitted = taylor_slope(line, slope)
        said = "" if fitted is None else f": slope {fitted:.2f}"
        _scatter(ax, sizes, remainders, mark, colour, name + said)
    sizes = np.abs(_measured(line)[0])
    if len(sizes):
        _guides(ax, line, leaf, np.array([sizes.min(), sizes.max()]))
    if _shown(line.floor):
        ax.axhline(line.floor, color=LIMIT, linestyle="-.", linewidth=1.5, label="noise floor")
    _finish(ax)


def _guides(ax: Axes, line: LineTrace, leaf: LeafReport, ends: Vector) -> None:
    """Draw slopes 1 and 2 through the remainders at the largest t, to compare with."""
    for power, slope, style in ((1, leaf.analytic, ":"), (2, leaf.numeric, "--")):
        sizes, remainders = taylor_remainders(line, slope)
        above = (remainders > FAR_ABOVE * line.floor) & _shown(remainders)
        if above.any():
            k = int(np.argmax(np.where(above, sizes, 0)))
            guide = remainders[k] * (ends / sizes[k]) ** power
            if _shown(guide).all():
                ax.plot(ends, guide, style, color=OTHER, linewidth=1, label=f"slope {power}")


def taylor_remainders(line: LineTrace, slope: float) -> tuple[Vector, Vector]:
    """Return |t| and |f(x + t v) - f(x) - t slope|."""
    steps, rises = _measured(line)
    return np.abs(steps), _distance(rises, steps * slope)


def taylor_slope(line: LineTrace, slope: float) -> float | None:
    """Fit the power of t with which the remainder falls; None where too little is above the noise.

    1 where `slope` is not the derivative, 2 where it is and f is curved.
    """
    sizes, remainders = taylor_remainders(line, slope)
    above = (remainders > FAR_ABOVE * line.floor) & _shown(remainders)
    if len(np.unique(sizes[above])) < FEWEST:
        return None
    return float(np.polyfit(np.log(sizes[above]), np.log(remainders[above]), 1)[0])


def draw_values(leaf: LeafReport, ax: Axes) -> None:
    """Draw f along the line, with the claim and the numeric derivative as slopes."""
    steps, rises = _measured(_line_of(leaf))
    ax.set(xlabel="t, in units of the line", ylabel="f(x + t v) - f(x)")
    ax.plot(steps, rises, "o", color=INK, markersize=4, label="values of f")
    ends = np.array([steps.min(initial=0.0), steps.max(initial=0.0)])
    told = ((leaf.analytic, REFUSED, "-", "the claim"),
            (leaf.numeric, CHOSEN, "--", "the numeric derivative"))  # fmt: skip
    for slope, colour, style, name in told:
        if abs(slope) <= LARGEST:
            ax.plot(ends, slope * ends, style, color=colour, linewidth=1.5, label=name)
    _finish(ax)


# --- which pictures a leaf has ------------------------------------------------------------------

CAPTIONS = {
    draw_errors: "Error of each entry that was measured; outlined: known to be wrong.",
    draw_steps: "Error against step: where truncation and noise meet lies the bar.",
    draw_remainders: "Taylor remainders: they fall with slope 2 for the derivative, with slope 1 "
    "for anything else.",
    draw_values: "f along the line that decided.",
}


def panels_of(leaf: LeafReport) -> tuple[Any, ...]:
    """Return the functions that draw a leaf."""
    drawn = [draw_errors] if leaf.errors is not None and math.prod(leaf.shape) > 1 else []
    if leaf.line is not None and leaf.line.steps:
        drawn += [draw_values] if leaf.cause in ROUGH else []
        # of two values, where a glance was enough, there is nothing to see
        drawn += [draw_steps, draw_remainders] if leaf.line.windows else []
    return tuple(drawn)


def worst_leaf(report: Report, path: str | None) -> LeafReport:
    """Return the leaf of that path, or the one that most needs to be looked at.

    Raises
    ------
    UsageError
        If there is no such leaf, or nothing was measured that could be drawn.
    """
    if path is not None and path not in report.leaves:
        raise UsageError(
            f"plot({path!r}), but the report has no such leaf; it has "
            f"{', '.join(report.leaves) or 'none'}."
        )
    leaves = [leaf for leaf in report.leaves.values() if path in (None, leaf.path)]
    drawable = [leaf for leaf in leaves if panels_of(leaf)]
    if not drawable:
        raise UsageError(
            "nothing was measured that could be drawn: a leaf that passes at a glance has two "
            "values of f, and one that was not tested has none; Plan.every() measures entries."
        )
    rank = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}
    return max(drawable, key=lambda leaf: (rank[leaf.verdict], leaf.error))


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of matplotlib's, which a notebook shows.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The picture.
    """

    figure: Figure

    def _repr_svg_(self) -> str:
        """Show it in a notebook."""
        return as_element(self.figure, paper="white")

    def savefig(self, file: Any, **settings: Any) -> None:  # noqa: ANN401 - as in matplotlib
        """Write it, as `Figure.savefig` does."""
        self.figure.savefig(file, **settings)


def plot(report: Report, path: str | None = None) -> Picture:
    """Draw everything there is of one leaf, side by side."""
    leaf = worst_leaf(report, path)
    panels = panels_of(leaf)
    wide, high = PANEL
    figure = make_figure(wide * len(panels), high, facecolor="white", layout="constrained")
    draw_panels(figure, [partial(draw, leaf) for draw in panels])
    return Picture(figure)


def svg_of(draw: Any, leaf: LeafReport, prefix: str) -> str:  # noqa: ANN401 - one of the above
    """Draw one panel as an element of a page."""
    figure = make_figure(*PANEL)
    # laying it out by itself takes longer than drawing it
    figure.subplots_adjust(**(MAP_MARGINS if draw is draw_errors else MARGINS))
    draw_panels(figure, [partial(draw, leaf)])
    return as_element(figure, prefix, NAMES)


# --- axes ---------------------------------------------------------------------------------------


def _line_of(leaf: LeafReport) -> LineTrace:
    assert leaf.line is not None, "only such leaves get here"
    return leaf.line


def _measured(line: LineTrace) -> tuple[Vector, Vector]:
    """Return the finite values along a line, x itself left out."""
    steps, rises = np.array(line.steps, dtype=float), np.array(line.rises, dtype=float)
    usable = _shown(np.abs(steps)) & (np.abs(rises) <= LARGEST)
    return steps[usable], rises[usable]


def _shown(sizes: Any) -> Any:  # noqa: ANN401 - one size or many
    """Whether a logarithmic scale can show them."""
    return np.isfinite(sizes) & (sizes >= SMALLEST) & (sizes <= LARGEST)


def _distance(a: Any, b: Any) -> Any:  # noqa: ANN401 - one number or many
    with np.errstate(all="ignore"):
        return np.abs(np.subtract(a, b))


def _log_log(ax: Axes, xlabel: str, ylabel: str) -> None:
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.minorticks_off()
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0e}")  # as everywhere in a report


def _scatter(ax: Axes, x: Any, y: Any, mark: str, colour: str, name: str) -> None:  # noqa: ANN401
    """Draw what a logarithmic scale can show."""
    x, y = np.atleast_1d(x), np.atleast_1d(y)
    shown = _shown(x) & _shown(y)
    if shown.any():
        ax.plot(x[shown], y[shown], mark, color=colour, markersize=4.5, label=_once(ax, name))


def _once(ax: Axes, label: str) -> str:
    """Return a label for the legend; none where it is there already."""
    return "_" if label in ax.get_legend_handles_labels()[1] else label


def _finish(ax: Axes) -> None:
    """Say below the picture what is what."""
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize="small", frameon=False, ncols=2, loc="upper center",
                  bbox_to_anchor=(0.45, -0.18))  # fmt: skip
