"""The page of a report in a browser: `tox -e browser`, with Debian's chromium.

Sorting and filtering by mouse and by keyboard, the planted wrong row in the picture, no error, no
request, user text as text, and how long a browser works on 200 leaves.
"""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from gradcheck.render.html import write_page

from ..reports import HOSTILE, ROW, hostile, large, real

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium on the path: apt-get install chromium"
)
# as root, chromium refuses to start in its sandbox
ARGUMENTS = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
# Seconds of the main thread's own time, which other processes cannot lengthen.
AT_MOST = 1.0


@pytest.fixture(scope="module")
def browser():
    """Start chromium once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def elsewhere(url, file):
    """Return the address if it is not of the page itself."""
    return [] if url == file.as_uri() or url.startswith("data:") else [url]


@pytest.fixture
def opened(browser, tmp_path):
    """Open reports as a page; fails if it logs an error or asks for anything but itself."""
    file = tmp_path / "page.html"
    trouble = []
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda request: trouble.extend(elsewhere(request.url, file)))

    def opened(*reports):
        write_page(reports, file)
        page.goto(file.as_uri())
        return page

    yield opened
    context.close()
    assert trouble == []


def column(page, table, n):
    """Read a column of the rows that are shown."""
    rows = page.locator(f"#{table} tbody tr:visible")
    return [row.locator("th, td").nth(n).inner_text() for row in rows.all()]


def test_table_sorts_by_mouse(opened):
    """Down, and up again; numbers as numbers, and the heading says so."""
    page = opened(large(30))
    heading = page.locator("#r1-table thead th", has_text="error")
    heading.locator("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    errors = [float(text) for text in column(page, "r1-table", 3)]
    assert errors == sorted(errors)
    heading.locator("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    errors = [float(text) for text in column(page, "r1-table", 3)]
    assert errors == sorted(errors, reverse=True)


def test_table_sorts_by_keyboard(opened):
    """The headings hold buttons; what did not pass comes first."""
    page = opened(large(30))
    verdict = page.locator("#r1-table thead th", has_text="verdict")
    page.locator("#r1-table thead button", has_text="shape").focus()
    page.keyboard.press("Tab")
    expect(verdict.locator("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(verdict).to_have_attribute("aria-sort", "ascending")
    assert column(page, "r1-table", 2) == ["FAIL"] * 2 + ["pass"] * 28
    page.keyboard.press("Space")
    assert column(page, "r1-table", 2)[-2:] == ["FAIL", "FAIL"]
    assert page.locator("#r1-table [aria-sort]").count() == 1


def test_names_sort_as_people_count(opened):
    """10 after 9."""
    page = opened(large(12))
    page.locator("#r1-table thead button", has_text="leaf").click()
    assert column(page, "r1-table", 0)[9:] == [f"['layer {n}']['kernel']" for n in (9, 10, 11)]


def test_missing_numbers_come_last(opened):
    """Either way: a leaf that failed certifies nothing."""
    page = opened(large(30))
    button = page.locator("#r1-table thead button", has_text="certified")
    for _ in range(2):
        button.click()
        assert column(page, "r1-table", 5)[-2:] == ["-", "-"]


def test_table_is_filtered_by_text_and_by_verdict(opened):
    """And says how many rows are left."""
    page = opened(large(30))
    page.get_by_label("Find").fill("layer 2")
    assert len(column(page, "r1-table", 0)) == 11
    expect(page.locator(".count")).to_have_text("11 of 30 shown")
    page.get_by_label("pass (28)").uncheck()
    assert column(page, "r1-table", 0) == ["['layer 28']['kernel']"]
    page.get_by_label("Find").fill("")
    assert column(page, "r1-table", 2) == ["FAIL", "FAIL"]


def test_table_is_filtered_by_keyboard(opened):
    """Typing, tabbing to a verdict, and a blank."""
    page = opened(large(30))
    page.get_by_label("Find").focus()
    page.keyboard.type("layer 3")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # FAIL is the first of the verdicts
    assert column(page, "r1-table", 0) == []
    page.keyboard.press("Space")
    assert column(page, "r1-table", 0) == ["['layer 3']['kernel']"]
    page.keyboard.press("Enter")  # sends no form
    expect(page.locator(".count")).to_have_text("1 of 30 shown")


def test_planted_row_is_shown(opened):
    """The outline lies over the wrong row of the picture, and the only colours do."""
    page = opened(real("row"))
    panel = page.locator("figure.draw_errors")
    outline = panel.locator("[id$=wrong]").bounding_box()
    axes = panel.locator("[id$=axes_1] [id$=patch_2]").bounding_box()
    row = axes["height"] / 12
    middle = outline["y"] + outline["height"] / 2  # the box holds the pen's width and corners too
    assert middle - axes["y"] == pytest.approx((ROW + 0.5) * row, abs=0.1 * row)
    assert row <= outline["height"] < 2 * row
    assert outline["width"] == pytest.approx(axes["width"], rel=0.1)
    assert [text[:3] for text in page.locator(".entries code").all_inner_texts()] == [
        f"[{ROW},"
    ] * 9


def test_link_leads_to_the_pictures(opened):
    """From the table."""
    page = opened(large(30))
    page.locator("#r1-table a", has_text="layer 28").click()
    expect(page.locator("section.leaf", has_text="layer 28")).to_be_in_viewport()


def test_what_the_user_wrote_shows_as_text(opened):
    """Nothing runs; see also the dialogs that `opened` counts."""
    page = opened(hostile())
    assert column(page, "r1-table", 0)[0] == HOSTILE
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.title().startswith(HOSTILE)
    assert page.locator("img").count() == 0
    page.locator("form[data-table=r1-table] [name=text]").fill("<img")
    assert len(column(page, "r1-table", 0)) == 1


def test_script_that_got_past_the_escaping_would_not_run(opened, browser, tmp_path):
    """The second wall: the page allows one script by its hash."""
    opened(real("row"))
    file = tmp_path / "injected.html"
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    file.write_text(text.replace("</main>", "<script>document.title = 'x'</script></main>"))
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.title() != "x"
    page.close()


def test_page_is_complete_without_a_script(browser, tmp_path):
    """Controls that would do nothing are not shown."""
    write_page([large(30)], tmp_path / "page.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator("tbody tr:visible").count() >= 30
    assert page.locator("form.filters:visible").count() == 0
    assert page.locator("thead button").count() == 0
    context.close()


def test_200_leaves_open_in_under_a_second(browser, tmp_path):
    """Reading, laying out, and the script, in the browser's own time."""
    write_page([large(200)], tmp_path / "page.html")
    page = browser.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto((tmp_path / "page.html").as_uri())
    expect(page.locator(".count")).to_have_text("200 of 200 shown")
    metrics = session.send("Performance.getMetrics")["metrics"]
    assert {item["name"]: item["value"] for item in metrics}["TaskDuration"] < AT_MOST
    page.close()


@pytest.mark.parametrize("wide", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_window_and_can_be_read(browser, tmp_path, wide, scheme):
    """No page wider than its window; text stands out from what is behind it (WCAG AA)."""
    write_page([real("row"), real("kink"), real("laws"), real("pass")], tmp_path / "page.html")
    page = browser.new_page(viewport={"width": wide, "height": 900}, color_scheme=scheme)
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= wide
    for selector in (".badge.fail", ".badge.pass", ".badge.inconclusive", ".badge.cause", "a",
                     "figcaption", "small", "h1", ".picture text"):  # fmt: skip
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector
    page.close()


CONTRAST = """selector => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255)
      .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let element = document.querySelector(`main ${selector}, header ${selector}`);
  const style = getComputedStyle(element);
  const ink = numbers(element.closest("svg") ? style.fill : style.color);
  let back = numbers(style.backgroundColor);
  while (back[3] === 0) {
    element = element.parentElement;
    back = numbers(getComputedStyle(element).backgroundColor);
  }
  const [low, high] = [light(ink.slice(0, 3)), light(back.slice(0, 3))].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""


def test_everything_is_printed(browser, tmp_path):
    """What is folded in is opened, controls are left out, dark becomes light."""
    write_page([real("row")], tmp_path / "page.html")
    page = browser.new_page(color_scheme="dark")
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("form.filters:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 10_000
    page.close()
