"""The page and the command: one file, no network, words for every picture, 80 columns."""

import builtins
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from click.testing import CliRunner

from gradcheck import lessons
from gradcheck.cli import main
from gradcheck.lessons import STATEMENTS, Settings
from gradcheck.render import lesson_text
from gradcheck.render.lesson_page import render_page

SHORT = Settings(seeds=1, epochs=1, looks=1)


class Elements(HTMLParser):
    """Collect start tags, and complain of tags that are not closed in order."""

    EMPTY = ("meta", "img", "link", "br", "hr")

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close it."""
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def measured():
    """Results of one short seed, with what was seen."""
    results = lessons.measure(5, SHORT)
    return results, [lessons.observe(one, results) for one in STATEMENTS]


@pytest.fixture(scope="module")
def few(measured):
    """Keep two recipes of each experiment, which are drawn faster."""
    fewer = [replace(one, recipes=one.recipes[::-1][:2]) for one in measured[0].experiments]
    return replace(measured[0], experiments=tuple(fewer))


@pytest.fixture(scope="module")
def page(few, measured):
    """Write the page of these results, with a hostile sentence in it."""
    results, observations = few, measured[1]
    hostile = replace(observations[0], sentence="<script>alert(1)</script> & more")
    return render_page(results, [hostile, *observations[1:]], 1.0, "gradcheck lessons")


@pytest.fixture(scope="module")
def elements(page):
    """List the start tags of the page."""
    parser = Elements()
    parser.feed(page)
    assert parser.open == []
    return parser.found


def test_page_needs_no_network_and_runs_nothing_else(page, elements):
    """Pictures are in it; the script is that of every page, and the policy allows no other."""
    assert {tag for tag, _ in elements}.isdisjoint({"iframe"})
    assert [attributes for tag, attributes in elements if tag == "script"] == [{}]
    assert [attributes["href"] for tag, attributes in elements if tag == "link"] == ["data:,"]
    assert "default-src 'none'" in page
    sources = [attributes["src"] for tag, attributes in elements if tag == "img"]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "url(" not in page
    assert "@import" not in page


def test_every_run_has_its_pictures_with_words(few, elements):
    """Cost, activations and gradients of all, and a boundary for two inputs."""
    words = [attributes["alt"] for tag, attributes in elements if tag == "img"]
    runs = sum(len(e.tasks) * len(e.recipes) for e in few.experiments)
    flat = sum(len(e.recipes) for e in few.experiments)
    assert len(words) == 3 * runs + flat
    assert all(len(one) > 40 and one.endswith(".") for one in words)
    assert sum(one.startswith("Decision boundary") for one in words) == flat


def test_what_was_measured_is_escaped(page):
    """No text becomes markup."""
    assert page.count("<script>") == 1  # our own
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_page_is_readable_by_all(page, elements):
    """Language, width, light and dark, headings without a gap, links that lead somewhere."""
    assert ("html", {"lang": "en"}) in elements
    assert "prefers-color-scheme: dark" in page
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    anchors = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    links = [attributes["href"] for tag, attributes in elements if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(anchors)


def test_page_says_every_statement(page, elements):
    """With its verdict and what to look at."""
    anchors = {attributes.get("id") for _, attributes in elements}
    assert {statement.name for statement in STATEMENTS} <= anchors
    assert page.count('<span class="badge ') == len(STATEMENTS)


def test_sparkline_shows_what_is_not_finite():
    """From 0 to the largest finite value."""
    assert lesson_text.sparkline([1.0, 0.5, float("inf")], width=3) == "█▅×"
    assert lesson_text.sparkline([0.0, 0.0], width=2) == "▁▁"


def lessons_command(monkeypatch, *arguments):
    """Run the command on one short seed."""
    monkeypatch.setattr(lessons, "QUICK", SHORT)
    return CliRunner().invoke(main, ["lessons", "--quick", *arguments], env={"COLUMNS": "80"})


def test_command_prints_tables_and_statements_in_80_columns(monkeypatch):
    """And ends with 0 although little can be seen in one epoch."""
    done = lessons_command(monkeypatch, "--seed", "5")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "iris: eight hidden layers" in lines
    assert "…" not in done.output
    assert "not seen" in done.output
    assert "\x1b" not in done.output
    assert "gradcheck lessons --seed 5 --quick" in " ".join(done.output.split())


def test_command_writes_the_page(monkeypatch, tmp_path, few):
    """Beside the tables."""
    file = tmp_path / "lessons.html"
    monkeypatch.setattr(lessons, "measure", lambda *_: few)
    assert lessons_command(monkeypatch, "--html", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_command_finds_out_before_the_run_that_the_page_cannot_be_written(monkeypatch, tmp_path):
    """Usage errors cost no training."""
    monkeypatch.setattr(lessons, "measure", lambda *_: pytest.fail("it trained"))
    done = lessons_command(monkeypatch, "--html", str(tmp_path / "none" / "page.html"))
    assert done.exit_code == 2
    assert "there is no folder" in done.output


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_missing_package_is_said_with_the_command_that_installs_it(monkeypatch, tmp_path, package):
    """Before the run, as one sentence."""
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.startswith(package):
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(lessons, "measure", lambda *_: pytest.fail("it trained"))
    done = lessons_command(monkeypatch, "--html", str(tmp_path / "page.html"))
    assert done.exit_code == 2
    assert "pip install 'gradcheck[report]'" in done.output
    assert "Traceback" not in done.output


def test_help_shows_an_example():
    """As every command does."""
    done = CliRunner().invoke(main, ["lessons", "--help"])
    assert "Example: gradcheck lessons --seed 1 --html lessons.html" in " ".join(
        done.output.split()
    )
