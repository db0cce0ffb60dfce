"""The page of a report: complete, escaped, self-contained, and quick to make."""

import builtins
import html.parser
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck import Cause, Plan, Report, UsageError, Verdict
from gradcheck.records import ErrorMap, LineTrace, WindowTrace
from gradcheck.render import pictures
from gradcheck.render.html import fragment, page, write_page
from gradcheck.render.html.view import plan_text, view_of

from .reports import HOSTILE, KINDS, ROW, hostile, large, leaf, real, report

VOID = {"meta", "link", "input", "img", "br"}


class Outline(html.parser.HTMLParser):
    """Reads a page: elements that are not closed, ids, links, scripts, handlers."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.handlers = [], [], [], set(), []
        self.text = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note it."""
        self.tags.add(tag)
        self.open += [tag] if tag not in VOID else []
        for name, value in attrs:
            self.ids += [value] if name == "id" else []
            self.links += [value] if name in ("href", "src", "xlink:href") else []
            self.handlers += [name] if name.startswith("on") else []

    def handle_startendtag(self, tag, attrs):
        """Note an element that closes itself, as SVG has them."""
        self.handle_starttag(tag, attrs)
        self.open = self.open[: -(tag not in VOID)] if tag not in VOID else self.open

    def handle_endtag(self, tag):
        """Close the one opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note text."""
        self.text.append(data)


@pytest.mark.parametrize("kind", KINDS)
def test_page_of_any_report_is_sound(kind):
    """Every element is closed, every id is one of its kind, every link leads somewhere inside."""
    found = Outline(page([real(kind)]))
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    inside = {f"#{name}" for name in found.ids}
    assert [link for link in found.links if link not in inside and link[:5] != "data:"] == []
    shown = " ".join("".join(found.text).split())
    for finding in real(kind).findings:
        assert " ".join(finding.message.split()) in shown
    for path in real(kind).leaves:
        assert path in shown


def test_page_of_several_reports_has_an_index():
    """The worst verdict is that of the whole."""
    text = page([real("pass"), real("row"), real("kink"), real("laws")])
    assert "4 reports: 2 FAIL, 1 INCONCLUSIVE, 1 pass" in text
    assert [f'href="#r{n}"' in text for n in range(1, 5)] == [True] * 4
    assert Outline(text).open == []


def test_page_of_no_report_says_so():
    """And is not a pass."""
    assert "nothing was checked" in page([])


def test_what_the_user_wrote_is_text():
    """Names, messages, evidence, laws, also in what screen readers read aloud."""
    text = page([hostile()])
    assert HOSTILE not in text
    assert text.count("<script>") == 1
    assert "<img" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8
    assert Outline(text).handlers == []
    assert "<script" not in fragment(hostile())


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_escaped(path, message):
    """Nothing that is drawn opens an element."""
    finding = gradcheck.Finding(Cause.OTHER, message, path, {path: message})
    made = report(leaf(path), findings=[finding], verdict=Verdict.FAIL, name=path)
    expected = Outline(page([report(leaf("x"), findings=[finding], verdict=Verdict.FAIL)]))
    assert Outline(page([made])).tags == expected.tags


def test_name_that_has_no_bytes_is_written_as_its_number(tmp_path):
    """Half of a surrogate pair, as file names may have."""
    write_page([report(leaf("\ud800"))], tmp_path / "page.html")
    assert "\\ud800" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_and_only_our_script_may_run():
    """The page says so to the browser."""
    text = page([real("row")])
    assert "default-src 'none'" in text
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'", text)
    # names of namespaces are no addresses
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_same_report_gives_the_same_page():
    """To be compared, and kept under version control."""
    assert page([real("row")]) == page([real("row")])


def test_pictures_are_of_leaves_that_did_not_pass():
    """And of a few others; the page says what it leaves out."""
    text = page([large()])
    assert text.count('<section class="leaf"') == 8 + 3
    many = report(*(replace(real("row").leaves["['W']"], path=f"{n}") for n in range(20)),
                  verdict=Verdict.FAIL)  # fmt: skip
    text = page([many])
    assert text.count('<section class="leaf"') == 16
    assert "4 leaves that did not pass are not drawn" in text


def test_page_of_200_leaves_is_small():
    """A browser opens it in an instant; see tests/browser."""
    assert len(page([large(200)])) < 1_000_000


def test_report_after_json_gives_the_same_page():
    """Nothing that is drawn is lost."""
    for kind in ("row", "complex", "nonfinite", "laws"):
        again = Report.from_json(real(kind).to_json())
        assert page([again]) == page([real(kind)])


def test_to_html_writes_a_file(tmp_path):
    """Of that report."""
    real("row").to_html(tmp_path / "report.html")
    assert "planted row" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "plan",
    [
        Plan.auto(seed=1),
        Plan.every(seed=2, rtol=1e-3, canary=True),
        Plan.sample(30, seed=3, budget=100),
        Plan.directions(3, naming=0, budget=gradcheck.Budget(seconds=2)),
    ],
    ids=["auto", "every", "sample", "directions"],
)
def test_plan_is_written_as_the_call_that_makes_it(plan):
    """To be copied from the page."""
    assert eval(plan_text(plan), {"Plan": Plan, "Budget": gradcheck.Budget}) == plan


# --- notebooks and terminals --------------------------------------------------------------------


def test_notebook_shows_a_part_of_a_page():
    """Without pictures, which `plot` draws, and without a script."""
    shown = real("row")._repr_html_()
    assert shown.startswith('<div class="gradcheck embedded">')
    assert Outline(shown).open == []
    assert "planted row" in shown
    assert "<svg" not in shown


def test_rich_prints_a_report():
    """The same tables as the command line."""
    console = pytest.importorskip("rich.console").Console(width=80, record=True, file=open_null())
    console.print(real("row"))
    text = console.export_text()
    assert "planted row: FAIL" in text
    assert "['W'] is wrong in row 7" in text


def open_null():
    """Return a file that nobody reads."""
    import io

    return io.StringIO()


def without(package):
    """Return an importer that lacks a package."""
    real_import = builtins.__import__

    def importer(name, *args, **kwargs):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    return importer


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_missing_extra_is_said_with_the_command_that_installs_it(monkeypatch, tmp_path, package):
    """And a notebook shows the text instead."""
    monkeypatch.setattr(builtins, "__import__", without(package))
    with pytest.raises(ImportError, match=r"pip install 'gradcheck\[report\]'"):
        real("row").to_html(tmp_path / "report.html")
    if package == "jinja2":
        assert real("row")._repr_html_() is None


# --- pictures -----------------------------------------------------------------------------------


def labels(ax):
    """List what the legend says."""
    return ax.get_legend_handles_labels()[1]


def test_plot_draws_the_worst_leaf():
    """Errors, error against step, Taylor remainders."""
    picture = real("row").plot()
    errors, _, steps, remainders = picture.figure.axes  # the second is the scale of colours
    assert errors.images[0].get_array().shape == (12, 9)
    assert "the claim" in labels(steps)
    assert {"d = the claim: slope 1.00", "d = the numeric derivative: slope 2.00"} <= set(
        labels(remainders)
    )
    assert picture._repr_svg_().startswith("<svg")


def test_outline_is_around_the_wrong_row():
    """And around nothing else."""
    ax = real("every").plot("['W']").figure.axes[0]
    x, y = (values[np.isfinite(values)] for values in ax.lines[0].get_data())
    assert (x.min(), x.max()) == (-0.5, 8.5)
    assert (y.min(), y.max()) == (ROW - 0.5, ROW + 0.5)
    assert len(x) == 2 * (2 * 9 + 2)
    assert real("pass").leaves["['b']"].errors is None


def test_right_claim_falls_with_slope_2():
    """The right twin: f is curved, the claim is its derivative."""
    steps = (1e-3, 2e-3, 4e-3)
    line = LineTrace(steps, tuple(3 * t + t**2 for t in steps), 1e-16)
    assert pictures.taylor_slope(line, 3.0) == pytest.approx(2)
    assert pictures.taylor_slope(line, 2.5) == pytest.approx(1, abs=0.02)
    assert pictures.taylor_slope(LineTrace((1e-3,), (1e-3,), 1e-16), 2.0) is None
    assert pictures.taylor_slope(replace(line, floor=1.0), 2.5) is None


def test_central_differences_are_of_values_measured():
    """Steps to one side only have none."""
    line = LineTrace((-2.0, -1.0, 1.001, 4.0), (-4.0, -2.0, 2.0, 9.0), 0.0)
    steps, differences = pictures.central_differences(line)
    assert steps.tolist() == [pytest.approx(1.0005)]
    assert differences.tolist() == [pytest.approx(4 / 2.001)]


def test_roughness_is_shown_by_the_values():
    """At a kink, where a slope says little."""
    assert pictures.panels_of(real("kink").leaves["x"])[0] is pictures.draw_values
    assert pictures.draw_values not in pictures.panels_of(real("row").leaves["['W']"])


def test_two_values_are_no_picture():
    """A leaf that passed at a glance has none."""
    assert pictures.panels_of(real("pass").leaves["['b']"]) == ()


@pytest.mark.parametrize(
    ("kind", "path", "message"),
    [
        ("row", "nowhere", r"plot\('nowhere'\), but the report has no such leaf; it has \['W'\]"),
        ("laws", None, "one that was not tested has none"),
        ("broken", None, "one that was not tested has none"),
    ],
)
def test_plot_of_nothing_is_refused(kind, path, message):
    """In a sentence."""
    with pytest.raises(UsageError, match=message):
        real(kind).plot(path)


ODD = st.floats() | st.sampled_from([0.0, -0.0, np.inf, np.nan, 1e308, 5e-324])
WINDOWS = st.builds(
    WindowTrace, ODD, ODD, ODD, ODD, ODD, ODD, believed=st.booleans(), chosen=st.booleans()
)


@st.composite
def lines(draw):
    """Draw a line as a hostile file may hold it."""
    steps = draw(st.lists(ODD, max_size=6))
    rises = draw(st.lists(ODD, min_size=len(steps), max_size=len(steps)))
    windows = draw(st.lists(WINDOWS, min_size=1, max_size=2))
    return LineTrace(tuple(steps), tuple(rises), draw(ODD), tuple(windows))


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(lines(), st.tuples(ODD, ODD, ODD, ODD), st.lists(ODD, min_size=12, max_size=12))
def test_any_numbers_can_be_drawn(line, numbers, errors):
    """Not finite, too large, too small, or none."""
    analytic, numeric, bar, scale = numbers
    found = ErrorMap((4, 3), (1, 1), tuple(range(12)), tuple(errors), 12, ())
    odd = leaf("x", Verdict.FAIL, cause=Cause.KINK, line=line, errors=found, analytic=analytic,
               numeric=numeric, error_bar=bar, scale=scale,
               wrong=np.eye(4, 3, dtype=bool))  # fmt: skip
    assert Outline(page([report(odd, verdict=Verdict.FAIL)])).open == []


def test_view_says_what_is_known_of_the_wrong_entries():
    """And whether these are all."""
    view = view_of(real("row"), "r1", frozenset(["['W']"]))
    assert view.counted == "1 of 2 leaves fail."
    assert "Known to be wrong: 9 of 108 entries." in view.leaves[0].along
    assert view.leaves[0].why == "is wrong in row 7"
    assert view.troubled == 1
    assert json.dumps([item.index for item in view.leaves[0].entries]).count("[7, ") == 9
