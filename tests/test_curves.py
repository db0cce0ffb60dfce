"""The pictures of an error bar contain what they should; the committed ones are those of today."""

import builtins
import importlib.util
import math
import re
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck import Evidence, UsageError
from gradcheck.numeric import ladder_of
from gradcheck.render.curves import draw_line, draw_noise, draw_steps
from gradcheck.survey import survey

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "explanation" / "figures"


def on_a_million(x):
    """Lose six digits, so that the windows move up."""
    return 1e6 + math.sin(x)


def labels(ax):
    """List what the legend says."""
    return ax.get_legend_handles_labels()[1]


def spans(ax):
    """List the horizontal lines with four ticks: the windows."""
    return [line for line in ax.lines if line.get_marker() == "|"]


def test_ladder_is_that_of_the_derivative():
    """The picture shows what was computed, not something like it."""
    x, v = np.array([0.3, 2.0]), np.array([3.0, -1.0])
    ladder, unit = ladder_of(lambda p: float(np.sum(np.sin(p))), x, v)
    measured = gradcheck.derivative(lambda p: float(np.sum(np.sin(p))), x, v)
    assert str(ladder.derivative.scaled(1 / unit)) == str(measured)
    assert tuple(w.h * unit for w in ladder.windows) == measured.steps


def test_every_window_is_drawn_at_the_height_of_its_bar():
    """One line each, from the smallest to the largest step, numbered."""
    seen = survey(on_a_million, 1.0)
    ax = draw_steps(seen, truth=math.cos(1.0))
    windows = seen.ladder.windows
    assert len(windows) == 3
    drawn = [(line.get_xdata()[0], line.get_ydata()[0]) for line in spans(ax)]
    expected = [(w.steps[0] * seen.unit, w.bar / seen.unit) for w in windows]
    assert np.allclose(drawn, expected)
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3"]


def test_error_of_every_window_is_drawn_where_the_truth_is_known():
    """Without it there is none to draw, and the axis says what distances are from."""
    seen = survey(on_a_million, 1.0)
    known, unknown = draw_steps(seen, truth=math.cos(1.0)), draw_steps(seen)
    assert sum(line.get_marker() == "D" for line in known.lines) == 3
    assert sum(line.get_marker() == "D" for line in unknown.lines) == 0
    assert known.get_ylabel() == "distance from the true derivative"
    assert unknown.get_ylabel() == "distance from the numeric derivative"


def test_refused_window_looks_different():
    """A wave that large steps mistake for something else."""
    ax = draw_steps(survey(lambda x: math.sin(3e5 * x), 1.0))
    assert "bar of a window that is not believed" in labels(ax)
    assert {line.get_linestyle() for line in spans(ax)} == {"-", "--"}


@pytest.mark.parametrize(
    ("f", "drawn"),
    [
        pytest.param(math.exp, True, id="smooth"),
        pytest.param(lambda x: 3.0 * x, False, id="linear"),
    ],
)
def test_truncation_is_drawn_where_it_shows(f, drawn):
    """A linear function has none."""
    assert ("truncation, like h²" in labels(draw_steps(survey(f, 1.0)))) == drawn


def test_line_shows_both_slopes_at_a_kink():
    """Each from x to its own side."""
    ax = draw_line(survey(lambda x: 2.0 * max(x, 0.0), 0.0))
    assert {"from the left: 0", "from the right: 2"} <= set(labels(ax))


def test_line_shows_the_tangent_of_a_smooth_function():
    """With the value and bar above it."""
    seen = survey(math.sin, 1.0)
    ax = draw_line(seen)
    assert "the derivative" in labels(ax)
    assert ax.get_title() == f"0.5403023059 ± {seen.derivative.error_bar:.1e} (smooth)"


@pytest.mark.parametrize(
    ("f", "x", "evidence"),
    [
        pytest.param(lambda x: x + (x > 1), 1.0, Evidence.JUMP, id="jump"),
        pytest.param(lambda x: math.sqrt(abs(x)), 0.0, Evidence.SINGULAR, id="singular"),
        pytest.param(lambda x: 1.0 if x == 1 else np.nan, 1.0, Evidence.NONFINITE, id="nowhere"),
    ],
)
def test_line_shows_no_slope_where_there_is_none(f, x, evidence):
    """Nor does anything else break."""
    seen = survey(f, x)
    assert seen.derivative.evidence is evidence
    ax = draw_line(seen)
    assert set(labels(ax)) == {"values of f", "those that decided"}
    assert ax.get_title() == f"no derivative ({evidence})"
    assert len(spans(draw_steps(seen))) == len(seen.ladder.windows)


def test_edge_of_the_domain_is_drawn_from_inside():
    """No values beyond it."""
    seen = survey(lambda x: x**1.5 + x if x >= 0 else math.nan, 0.0)
    assert np.isnan(seen.rises[seen.places < 0]).all()
    assert "the derivative" in labels(draw_line(seen))


def test_noise_is_drawn_with_the_floor_that_holds_it():
    """The band of the chosen window holds the values it was not measured from."""
    seen = survey(lambda x: math.sin(x) + 1e-7 * math.sin(1e9 * x), 1.0)
    ax = draw_noise(seen)
    values = ax.lines[0].get_ydata()
    assert np.abs(values).max() <= seen.chosen.spread
    assert f"noise floor: ± {seen.chosen.spread:.1e} holds one value" in labels(ax)


def test_noise_of_a_kink_is_refused():
    """No single window gave the answer there."""
    with pytest.raises(UsageError, match="shows kink, so no single window"):
        draw_noise(survey(abs, 0.0))


def test_axes_of_the_caller_are_drawn_into():
    """And returned."""
    seen = survey(math.sin, 1.0)
    ax = draw_steps(seen)
    ax.clear()
    assert draw_line(seen, ax=ax) is ax


def test_missing_matplotlib_is_said_with_the_command_that_installs_it(monkeypatch):
    """At the call: `import gradcheck.render.curves` needs no matplotlib."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    seen = survey(math.sin, 1.0)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'gradcheck\[report\]'"):
        draw_line(seen)


# --- the committed pictures -------------------------------------------------------------------


@pytest.fixture(scope="module")
def figures():
    """Load docs/figures.py."""
    spec = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def structure(path):
    """List the names of the groups and the words, numbers aside: those differ between machines."""
    text = path.read_text(encoding="utf-8")
    groups = re.findall(r'<g id="(\w+?)_?\d*"', text)
    found = [word.strip() for word in re.findall(r">([^<>]+)</text>", text)]
    words = [word for word in found if word and not re.search(r"\d", word)]
    return groups, words


@pytest.mark.parametrize("name", ["v-curve", "kink"])
def test_committed_picture_is_what_the_script_draws(figures, tmp_path, name):
    """The same parts and the same words."""
    figures.write(tmp_path, [name])
    groups, words = structure(tmp_path / f"{name}.svg")
    committed, committed_words = structure(FIGURES / f"{name}.svg")
    assert words == committed_words
    assert {g for g in groups if g != "text"} == {g for g in committed if g != "text"}


def test_every_picture_is_committed_small_and_shown(figures):
    """No picture is an orphan, none is missing."""
    page = (FIGURES.parent / "error-bars.md").read_text(encoding="utf-8")
    committed = sorted(path.stem for path in FIGURES.glob("*.svg"))
    assert committed == sorted(figures.FIGURES)
    assert committed == sorted(re.findall(r"\]\(figures/([\w-]+)\.svg\)", page))
    assert max(path.stat().st_size for path in FIGURES.glob("*.svg")) < 60_000
