"""Keeps of what was measured what a picture needs; evaluates nothing and decides nothing.

Seventh layer: reads `probing` and `localise`; `examine` puts the traces into the report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .differences import Ladder, Window, chosen_of
from .probing import Measured, Seen
from .records import EntryTrace, ErrorMap, LineTrace, Verdict, WindowTrace
from .space import Array

if TYPE_CHECKING:  # a check that passes does without
    from .localise import Entry

MOST_VALUES = 128  # of a line: more than any ladder has asked for
MOST_CELLS = 64  # rows, and columns, of a map: finer ones are not seen, and fill the report
MOST_WORST = 20  # entries kept with their numbers
ROUNDOFFS = 2.0  # rounding error of one value in unit roundoffs, where no window has measured it
DIGITS = 4  # of an error on the map: it becomes a colour

Numbers = tuple[complex, complex, float, bool]  # of an `EntryTrace`, which are Python's own
NumbersOf = Callable[[list[int]], Iterable[Numbers]]  # by flat index


def line_trace(measured: Measured) -> LineTrace | None:
    """Keep the values, windows and noise floor of a line; None where nothing moved along it."""
    line, ladder = measured.line, measured.ladder
    if line is None:
        return None
    samples = sorted((s.step, s.rise) for s in line.samples.values() if math.isfinite(s.rise))
    kept = samples[:: max(1, math.ceil(len(samples) / MOST_VALUES))]
    windows = () if ladder is None else ladder.windows
    chosen = None if ladder is None else chosen_of(ladder)
    nearest = chosen or (windows[0] if windows else None)
    floor = ROUNDOFFS * line.roundoff * line.reach if nearest is None else nearest.spread
    return LineTrace(
        steps=tuple(float(step) for step, _ in kept),
        rises=tuple(float(rise) for _, rise in kept),
        floor=float(floor),
        windows=tuple(_window_trace(window, ladder, chosen) for window in windows if ladder),
    )


def _window_trace(window: Window, ladder: Ladder, chosen: Window | None) -> WindowTrace:
    return WindowTrace(
        smallest=float(window.steps[0]),
        largest=float(window.steps[-1]),
        value=float(window.value),
        truncation=float(window.truncation + window.widening),
        rounding=float(window.rounding),
        noise=float(window.noise - window.rounding),
        believed=window in ladder.believed,
        chosen=window is chosen,
    )


def error_map(shape: tuple[int, ...], entries: Mapping[int, Entry]) -> ErrorMap | None:
    """Lay the errors of the entries that were measured on a grid; None where none was.

    Parameters
    ----------
    shape : tuple of int
        Of the leaf.
    entries : mapping of int to Entry
        By flat index.
    """
    if not entries:
        return None
    at = np.array(list(entries), dtype=np.int64)
    errors = np.array([_error(entry) for entry in entries.values()])
    return _laid_out(shape, at, errors, lambda worst: [_numbers(entries[k]) for k in worst])


def map_of_entries(shape: tuple[int, ...], seen: Seen) -> ErrorMap:
    """Lay out the entries of a leaf at which a glance was taken together, and those after it."""
    glances = seen.entries
    assert glances is not None, "a glance was taken"
    analytic, numeric, bar = (
        each / glances.sizes for each in (glances.analytic, glances.numeric, glances.bar)
    )
    wrong = np.zeros(len(bar), dtype=bool)
    for m in seen.measured:
        k = glances.number_of(m.probe)
        if k is not None and not m.output:
            unit = m.probe.weakest
            analytic[k], numeric[k], bar[k] = (
                m.analytic.value / unit,
                m.numeric / unit,
                m.bar / unit,
            )
            wrong[k] = m.judgement.verdict is Verdict.FAIL
    if glances.is_complex:
        analytic, numeric = (each[0::2] + 1j * each[1::2] for each in (analytic, numeric))
        bar, wrong = np.hypot(bar[0::2], bar[1::2]), wrong[0::2] | wrong[1::2]
    at = seen.tested
    errors = np.abs(analytic - numeric)[at]
    errors[np.isnan(errors)] = math.inf

    def numbers_of(worst: list[int]) -> Iterable[Numbers]:
        each = (numbers[worst].tolist() for numbers in (analytic, numeric, bar, wrong))
        return zip(*each, strict=True)

    return _laid_out(shape, at, errors, numbers_of)


def _laid_out(shape: tuple[int, ...], at: Array, errors: Array, numbers_of: NumbersOf) -> ErrorMap:
    """Lay errors at flat indices on a grid; `numbers_of` is asked for those that are shown."""
    rows, columns = layout(shape)
    block = tuple(max(1, math.ceil(n / MOST_CELLS)) for n in (rows, columns))
    grid = tuple(math.ceil(n / by) for n, by in zip((rows, columns), block, strict=True))
    cell = at // columns // block[0] * grid[1] + at % columns // block[1]
    largest = np.full(grid[0] * grid[1], -1.0)
    np.maximum.at(largest, cell, errors)
    seen = np.flatnonzero(largest >= 0)
    return ErrorMap(
        grid=(grid[0], grid[1]),
        block=(block[0], block[1]),
        cells=tuple(seen.tolist()),
        errors=tuple([float(f"{error:.{DIGITS}g}") for error in largest[seen].tolist()]),
        measured=len(at),
        worst=_entry_traces(shape, _worst(at, errors), numbers_of),
    )


def _worst(at: Array, errors: Array) -> list[int]:
    """Return the flat indices of the largest errors; of equal ones, the first."""
    if len(at) > MOST_WORST:  # all of them need not be sorted
        few = errors >= np.partition(errors, -MOST_WORST)[-MOST_WORST]
        at, errors = at[few], errors[few]
    found: list[int] = at[np.argsort(-errors, kind="stable")[:MOST_WORST]].tolist()
    return found


def layout(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns of a leaf: its first axis and all others; one axis is one row."""
    if len(shape) < 2:
        return 1, math.prod(shape)
    return shape[0], math.prod(shape[1:])


def _error(entry: Entry) -> float:
    with np.errstate(all="ignore"):  # of two infinities, and of numbers near the largest
        error = float(abs(entry.analytic - entry.numeric))
    return error if math.isfinite(error) else math.inf


def _entry_traces(
    shape: tuple[int, ...], at: list[int], numbers_of: NumbersOf
) -> tuple[EntryTrace, ...]:
    axes = [axis.tolist() for axis in np.unravel_index(at, shape)] if shape else []
    indices = zip(*axes, strict=True) if shape else [()] * len(at)
    return tuple(
        EntryTrace(index, *numbers) for index, numbers in zip(indices, numbers_of(at), strict=True)
    )


def _numbers(entry: Entry) -> Numbers:
    bar, wrong = float(entry.bar), bool(entry.wrong)
    return _number(entry.analytic), _number(entry.numeric), bar, wrong


def _number(value: complex) -> complex:
    """Return a number of Python's own, real where it can be."""
    plain = complex(value)
    return plain if isinstance(value, complex | np.complexfloating) else plain.real


def coarse(mask: Array, map_: ErrorMap) -> Array:
    """Return which cells of a map hold something that is marked."""
    rows, columns = layout(mask.shape)
    at = np.flatnonzero(mask)
    cells = np.zeros(map_.grid, dtype=bool)
    cells[at // columns // map_.block[0], at % columns // map_.block[1]] = True
    assert rows <= map_.grid[0] * map_.block[0], "the map is one of this leaf"
    return cells
