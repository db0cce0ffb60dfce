"""What a report keeps of what was measured: enough for a picture, little, and nothing made up."""

import json

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.differences.choice import MARGIN
from gradcheck.localise import Entry
from gradcheck.traces import MOST_CELLS, MOST_VALUES, coarse, error_map

from .reports import KINDS, ROW, grad, loss, point, real


def counted(f):
    """Count the calls of a function."""

    def counting(*arguments):
        counting.calls += 1
        return f(*arguments)

    counting.calls = 0
    return counting


def test_values_are_those_of_f_along_the_line():
    """Nothing else has slopes that are both that of f and within the floor."""
    leaf = gradcheck.check_grad(np.sin, 0.9, 1.0, plan=Plan.auto(seed=1)).leaves["x"]
    line, unit = leaf.line, leaf.analytic / 0.9  # by how much t = 1 moves x
    steps, rises = unit * np.array(line.steps), np.array(line.rises)
    assert np.allclose(rises, np.sin(1.0 + steps) - np.sin(1.0), rtol=0, atol=line.floor)
    assert list(line.steps) == sorted(line.steps)
    assert 0 < line.floor < 1e-14


def test_windows_are_those_of_the_derivative():
    """One is chosen, its estimate is that of the leaf, its bar that but for the margin."""
    leaf = real("row").leaves["['W']"]
    chosen = [window for window in leaf.line.windows if window.chosen]
    assert [window.value for window in chosen] == [leaf.numeric]
    assert MARGIN * chosen[0].bar == pytest.approx(leaf.error_bar)
    assert chosen[0].believed
    assert chosen[0].smallest < chosen[0].largest <= max(leaf.line.steps)


def test_glance_leaves_two_values_and_no_window():
    """No more was measured."""
    line = real("pass").leaves["['b']"].line
    assert len(line.steps) == len(line.rises) == 2
    assert line.windows == ()


@pytest.mark.parametrize("kind", KINDS)
def test_trace_is_small_and_its_numbers_are_python_s_own(kind):
    """Whatever was met on the line."""
    for leaf in real(kind).leaves.values():
        assert leaf.line is None or len(leaf.line.steps) <= MOST_VALUES
        assert (leaf.line is None) <= (leaf.probes == 0 or leaf.shape == ())
    assert len(real(kind).to_json()) < 60_000


def test_leaf_that_was_not_tested_has_no_trace():
    """As where the contract is broken."""
    assert all(leaf.line is leaf.errors is None for leaf in real("broken").leaves.values())


def test_measured_entries_are_on_the_map_and_no_others():
    """The wrong row; what the search found right stays off unless it was looked at by itself."""
    leaf = real("row").leaves["['W']"]
    errors = leaf.errors
    assert errors.grid == (12, 9)
    assert errors.block == (1, 1)
    assert errors.measured == len(errors.cells)
    assert {cell // 9 for cell, error in zip(errors.cells, errors.errors, strict=True)
            if error > 1e-3} == {ROW}  # fmt: skip
    worst = errors.worst[0]
    truth = grad(point())["W"][worst.index]
    assert worst.index[0] == ROW
    assert abs(worst.numeric - truth) <= worst.bar
    assert worst.wrong
    assert abs(worst.analytic - worst.numeric) == pytest.approx(max(errors.errors), rel=1e-3)


def test_every_entry_is_on_the_map_where_the_plan_looks_at_all():
    """Also of a leaf that passes."""
    leaves = real("every").leaves
    assert leaves["['W']"].errors.measured == 108
    assert leaves["['b']"].errors.measured == 5
    assert not any(entry.wrong for entry in leaves["['b']"].errors.worst)
    assert real("pass").leaves["['W']"].errors is None


def test_complex_entries_keep_both_parts():
    """As one number."""
    worst = real("complex").leaves["x"].errors.worst[0]
    assert worst.analytic == pytest.approx(2.1 * (3 - 1j))
    assert worst.numeric == pytest.approx(2 * (3 - 1j))


def test_large_leaf_is_shown_by_the_worst_of_each_block():
    """A map stays small, and no error is averaged away."""
    entries = {
        0: Entry(1.0, 1.0, 1e-9, wrong=False),
        1: Entry(1.0, 1.5, 1e-9, wrong=True),
        999_999: Entry(np.nan, 1.0, 1e-9, wrong=True),
    }
    found = error_map((1000, 1000), entries)
    assert found.block == (16, 16)
    assert max(found.grid) <= MOST_CELLS
    assert (found.cells, found.errors) == ((0, 63 * 63 - 1), (0.5, np.inf))
    mask = np.zeros((1000, 1000), dtype=bool)
    mask[0, 1] = mask[500, 500] = True
    assert np.argwhere(coarse(mask, found)).tolist() == [[0, 0], [31, 31]]


@pytest.mark.parametrize(
    ("shape", "grid"), [((), (1, 1)), ((5,), (1, 5)), ((2, 3, 4), (2, 12)), ((1, 200), (1, 50))]
)
def test_leaf_is_laid_out_by_its_first_axis(shape, grid):
    """A vector is one row, a number one cell."""
    assert error_map(shape, {0: Entry(1, 1, 0.0, wrong=False)}).grid == grid


@pytest.mark.parametrize("plan", [Plan.auto(seed=3), Plan.every(seed=3)], ids=["auto", "every"])
def test_keeping_costs_no_evaluation(plan):
    """The report counts what was called, as before."""
    f = counted(loss)
    report = gradcheck.check_grad(f, grad, point(), plan=plan)
    assert report.verdict is Verdict.PASS
    assert f.calls == report.evaluations


def test_trace_goes_through_json():
    """With all its numbers."""
    leaf = real("row").leaves["['W']"]
    plain = json.loads(real("row").to_json())["leaves"][0]
    again = gradcheck.Report.from_json(real("row").to_json()).leaves["['W']"]
    assert (again.line, again.errors) == (leaf.line, leaf.errors)
    assert plain["line"]["windows"][0]["chosen"]


@pytest.mark.parametrize("numbers", [(np.inf, np.inf), (1e308, -1e308), (np.nan, 1.0)])
def test_error_that_is_no_number_is_infinite_without_a_warning(numbers):
    """Claims may be of any size."""
    analytic, numeric = map(np.float64, numbers)
    errors = error_map((2,), {1: Entry(analytic, numeric, 1.0, True)})
    assert errors.errors == (np.inf,)
