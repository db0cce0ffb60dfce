"""The pictures show what was measured."""

import builtins
import importlib.util
import math
from pathlib import Path

import pytest

from gradcheck import UsageError
from gradcheck.numeric import ladder_of
from gradcheck.render.curves import draw_line, draw_steps

DOCS = Path(__file__).parent.parent / "docs"


def labels(ax):
    """List what the legend says."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_window_is_drawn_over_its_steps_at_the_height_of_its_bar():
    """As many lines as the ladder took windows."""
    f = lambda x: math.sin(x) + 1e-7 * math.sin(1e9 * x * x)  # noqa: E731 - used twice
    ladder, factor = ladder_of(f, 1.0)
    lines = [line for line in draw_steps(f, 1.0).lines if line.get_marker() == "|"]
    assert len(lines) == len(ladder.windows) > 1
    for line, window in zip(lines, ladder.windows, strict=True):
        assert line.get_xdata() == pytest.approx(window.steps * factor)
        assert set(line.get_ydata()) == {window.bar / factor}


def test_curve_is_a_v():
    """The error falls like 1/h and rises like h^2."""
    curve = draw_steps(math.exp, 1.0, truth=math.e).lines[0]
    h, error = curve.get_xdata(), curve.get_ydata()
    assert error[0] > 1e6 * error.min() < error[-1]
    assert error[-1] / error[-9] == pytest.approx((h[-1] / h[-9]) ** 2, rel=0.1)


def test_kink_is_drawn_with_both_slopes():
    """Each on its own side."""
    ax = draw_line(lambda x: max(x, 0.0), 0.0)
    assert labels(ax)[1:] == ["slope from the left", "slope from the right"]


def test_smooth_line_is_drawn_with_its_slope_and_bar():
    """The bar is a band."""
    ax = draw_line(math.sin, 1.0, reach=0.5)
    assert labels(ax)[1:] == ["measured slope", "error bar"]
    assert ax.get_title(loc="left").endswith("smooth")


def test_window_that_is_not_believed_has_another_colour():
    """A larger one that a smaller one contradicts."""
    ax = draw_steps(lambda x: math.sin(1e4 * x) + 1e6, 1.0)
    assert "window: its error bar" in labels(ax)


def test_missing_matplotlib_names_the_extra(monkeypatch):
    """Not a bare ImportError from inside."""
    imported = builtins.__import__

    def refuse(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError, match=r"pip install 'gradcheck\[report\]'"):
        draw_steps(math.exp, 1.0)


def test_figures_of_the_documents_are_those_that_are_drawn():
    """Every picture that a page shows is one that the script makes, and the other way round."""
    spec = importlib.util.spec_from_file_location("figures", DOCS / "figures.py")
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    page = (DOCS / "explanation" / "error-bars.md").read_text(encoding="utf-8")
    assert {path.stem for path in figures.FOLDER.glob("*.svg")} == set(figures.FIGURES)
    assert all(f"(figures/{name}.svg)" in page for name in figures.FIGURES)
    (ax,) = figures.draw("smooth").axes
    drawn = (figures.FOLDER / "smooth.svg").read_text(encoding="utf-8")
    assert ax.get_title(loc="left").split(" ")[0] in drawn
