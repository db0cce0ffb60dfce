"""The site has every public name and every document, and its links lead somewhere.

What only Sphinx can tell is told by `tox -e docs`; this needs nothing installed.
"""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PUBLIC = ["gradcheck", "gradcheck.laws", "gradcheck.reference", "gradcheck.corpus"]
PUBLIC += ["gradcheck.conformance", "gradcheck.lessons"]
NEEDING_OTHERS = ["gradcheck.compat"]  # of which not every name can be loaded everywhere
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose(document):
    """Return a document without its code blocks."""
    return BLOCK.sub("", document.read_text(encoding="utf-8"))


def anchors(document):
    """List the anchors of headings, as GitHub makes them."""
    words = [re.sub(r"[^\w\- ]", "", line.lower()) for line in HEADING.findall(prose(document))]
    return {line.replace(" ", "-") for line in words}


@pytest.mark.parametrize("module", PUBLIC + NEEDING_OTHERS)
def test_every_public_name_is_in_the_reference(module):
    """Once, and no other name is."""
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.rst")))
    shown = re.findall(rf"^\.\. (?:auto|py:)\w+:: {re.escape(module)}\.(\w+)$", pages, re.MULTILINE)
    assert sorted(shown) == sorted(importlib.import_module(module).__all__)


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_function_and_class_says_what_it_does(module):
    """In a docstring of its own; what Sphinx shows of the others is beside them in the code."""
    loaded = importlib.import_module(module)
    public = [getattr(loaded, name) for name in loaded.__all__]
    assert [thing for thing in public if isinstance(thing, type) and not thing.__doc__] == []
    assert [thing for thing in public if hasattr(thing, "__code__") and not thing.__doc__] == []


def broken_links(document):
    """List the links within the repository that lead nowhere."""
    broken = []
    for link in LINK.findall(prose(document)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        there = (document.parent / path).resolve() if path else document
        if not there.is_file() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_exist(document):
    """On GitHub as on the site."""
    assert broken_links(document) == []


def test_links_that_lead_nowhere_are_seen(tmp_path):
    """A file, a heading of another, a heading of one's own; not what stands in code."""
    (tmp_path / "there.md").write_text("# The `bar`, once\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](there.md#the-bar-once) [b](#here) [c](https://example.org/x.md)\n"
        "[d](gone.md) [e](there.md#gone) [f](#there)\n```python\nx[0](gone.py)\n```\n"
    )
    assert broken_links(page) == ["gone.md", "there.md#gone", "#there"]


def test_every_document_is_on_the_site():
    """The first page lists the folders; a document elsewhere would be on no page."""
    index = (ROOT / "docs" / "index.rst").read_text(encoding="utf-8")
    listed = {
        path.resolve()
        for entry in re.findall(r"^   (?:.*<)?([\w*./-]+)>?$", index, re.MULTILINE)
        for path in (ROOT / "docs").glob(f"{entry}.md")
    }
    assert {document.name for document in DOCUMENTS if document.resolve() not in listed} == set()
