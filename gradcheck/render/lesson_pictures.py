"""Pictures of the runs of a lesson: small, one fact each, with what they show in words.

Owns the drawing and computes no network. Part of `render`. Each function takes the runs of one
recipe on one task and returns a Picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lessons import Array, Portrait, Run
from ..lessons.portrait import REACH
from .figures import INK, as_data_uri, make_small

if TYPE_CHECKING:
    from .figures import Axes

# Colours that the colour-blind tell apart (Okabe and Ito, 2008), and that show on light and dark.
ZERO, ONE, BEFORE, AFTER = "#E08A00", "#2B8CC4", "#8A949B", "#2B8CC4"
SIDE, WIDE, HIGH = 1.9, 2.4, 1.65  # inches
STAIRS: Mapping[str, Any] = {
    BEFORE: {"color": BEFORE, "fill": True, "alpha": 0.55},
    AFTER: {"color": AFTER, "linewidth": 0.9},
}
BINS = 40
RIDGE = 0.85  # of the room of a layer: its highest bar
LOWEST = 1e-16  # of a gradient: below it is rounding, and zero has no logarithm


@dataclass(frozen=True)
class Picture:
    """A picture for an `img` element: its address, its words for those who do not see it."""

    name: str
    uri: str
    words: str


def draw_boundary(runs: Sequence[Run], portrait: Portrait) -> Picture:
    """Draw where the first run draws the line, and the points that it learnt from."""
    run = runs[0]
    figure, ax = make_small(SIDE, SIDE)
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=0.98)
    extent = (-REACH, REACH, -REACH, REACH)
    field = portrait.boundary
    assert field is not None, "only a task with two inputs has a boundary"
    colours = np.where(field[..., None] > 0.5, _rgb(ONE), _rgb(ZERO))  # (GRID, GRID, 3)
    sure = np.nan_to_num(np.abs(2 * field - 1))  # 0 undecided, 1 certain
    shade = np.concatenate([colours, 0.08 + 0.47 * sure[..., None]], axis=2)
    ax.imshow(shade, extent=extent, origin="lower", interpolation="bilinear")
    inputs, labels = run.task.train.inputs, run.task.train.targets[:, 0]
    for label, colour, mark in ((0, ZERO, "o"), (1, ONE, "^")):
        points = inputs[labels == label]
        ax.plot(points[:, 0], points[:, 1], mark, color=colour, markersize=2.6,
                markeredgecolor="white", markeredgewidth=0.3)  # fmt: skip
    if not np.any(np.isfinite(field)):
        _say(ax, "not finite")
    ax.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:])
    ax.spines[:].set_visible(False)
    share = float(np.mean(field > 0.5))
    words = (
        f"Decision boundary of {run.recipe.name} on {run.task.name}: {share:.0%} of the plane is "
        f"taken for the inner circle; {run.last.test_accuracy:.0%} of the test points are right."
    )
    return Picture(run.recipe.name, as_data_uri(figure), words)


def draw_costs(runs: Sequence[Run]) -> Picture:
    """Draw the cost after each epoch: every run thin, the median thick."""
    run = runs[0]
    figure, ax = make_small(WIDE, HIGH)
    curves = np.array([(run.first.cost, *run.cost) for run in runs])  # (seeds, epochs + 1)
    epochs = np.arange(curves.shape[1])
    median = np.median(curves, axis=0)
    with np.errstate(invalid="ignore"):
        for curve in curves:
            ax.plot(epochs, curve, color=BEFORE, linewidth=0.6)
        ax.plot(epochs, median, color=AFTER, linewidth=1.6)
    finite = curves[np.isfinite(curves) & (curves > 0)]
    ax.set(yscale="log", xlim=(0, epochs[-1]), xlabel="epoch", ylabel="cost")
    ax.set_ylim(min(finite.min(), 0.1) / 1.5, max(finite.max(), 2.0) * 1.5)
    _few_decades(ax)
    words = (
        f"Cost of {run.recipe.name} on {run.task.name} over {epochs[-1]} epochs: the median goes "
        f"from {median[0]:.3g} to {median[-1]:.3g}."
    )
    return Picture(run.recipe.name, as_data_uri(figure), words)


def draw_activations(runs: Sequence[Run], portrait: Portrait) -> Picture:
    """Draw a histogram of the activations of each layer, the first one lowest."""
    run = runs[0]
    layers = len(portrait.before)
    figure, ax = make_small(WIDE, HIGH)
    low = -1.0 if run.recipe.activation == "tanh" else 0.0
    for layer, pair in enumerate(zip(portrait.before, portrait.after, strict=True)):
        seen = [a[np.isfinite(a)] for a in pair]
        largest = max(float(np.max(np.abs(a), initial=0.0)) for a in seen)
        scale = largest or 1.0
        if run.recipe.activation != "relu":
            scale = 1.0  # bounded by itself
        else:
            ax.text(1.0, layer + 0.5, f"{largest:.2g}", ha="right", va="center", fontsize=6.5,
                    color=INK)  # fmt: skip
        for values, colour in zip(seen, (BEFORE, AFTER), strict=True):
            counts, edges = np.histogram(values / scale, BINS, range=(low, 1.0))
            # square roots, so that rare ones show too
            heights = layer + RIDGE * np.sqrt(counts / max(counts.max(), 1))
            ax.stairs(heights, edges, baseline=layer, **STAIRS[colour])
    ax.set(xlim=(low - 0.05, 1.05), ylim=(0, layers), yticks=np.arange(layers) + 0.3)
    ax.set_yticklabels([str(layer + 1) for layer in range(layers)])
    bounded = run.recipe.activation != "relu"
    ax.set(ylabel="layer", xlabel="activation" if bounded else "activation / largest")
    ax.tick_params(axis="y", length=0)
    words = (
        f"Histograms of the activations of {run.recipe.name} on {run.task.name} in {layers} hidden "
        f"layers: {run.first.saturated:.0%} saturated or dead before training, "
        f"{run.last.saturated:.0%} after."
    )
    return Picture(run.recipe.name, as_data_uri(figure), words)


def draw_gradients(runs: Sequence[Run]) -> Picture:
    """Draw the norm of dW layer by layer, before training, and paler what it was on the way."""
    run = runs[0]
    figure, ax = make_small(WIDE, HIGH)
    norms = np.median([[look.weight_gradients for look in run.looks] for run in runs], axis=0)
    layers = np.arange(1, norms.shape[1] + 1)
    shown = np.where(norms > LOWEST, norms, np.nan)  # (looks, layers)
    for look in shown[1:-1]:
        ax.plot(layers, look, color=BEFORE, linewidth=0.5)
    ax.plot(layers, shown[-1], "-^", color=AFTER, linewidth=1.2, markersize=3.5)
    ax.plot(layers, shown[0], "-o", color=ZERO, linewidth=1.4, markersize=3.5)
    ax.set(yscale="log", xlabel="layer", ylabel="|dW|", xticks=layers)
    finite = shown[np.isfinite(shown)]
    if len(finite):
        ax.set_ylim(finite.min() / 4, finite.max() * 4)
    else:
        ax.set(yticks=[])
        _say(ax, "exactly 0")
    _few_decades(ax)
    words = (
        f"Gradient norms of {run.recipe.name} on {run.task.name}: before training "
        f"{norms[0][0]:.1e} in the first layer and {norms[0][-1]:.1e} in the last; after it "
        f"{norms[-1][0]:.1e} and {norms[-1][-1]:.1e}."
    )
    return Picture(run.recipe.name, as_data_uri(figure), words)


def _say(ax: Axes, words: str) -> None:
    """Write into the middle what has no picture."""
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=INK)


def _few_decades(ax: Axes) -> None:
    """Label at most four powers of ten, and no parts of them."""
    low, high = np.log10(ax.get_ylim())
    powers = np.arange(np.ceil(low), np.floor(high) + 1)
    powers = powers[:: max(1, int(np.ceil(len(powers) / 4)))]
    ax.set_yticks(10.0**powers, [f"1e{power:.0f}" if abs(power) > 2 else f"{10.0**power:g}"
                                 for power in powers])  # fmt: skip
    ax.set_yticks([], minor=True)


def _rgb(colour: str) -> Array:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
