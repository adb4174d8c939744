"""The pages in a real browser: nothing is asked for, nothing goes wrong, and nothing is wider than the screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seq2seq.lab import equations, reading
from seq2seq.lab.page import page_of
from seq2seq.lab.report import Listing, Part, Report, Settings, Table
from tests.lab.browser import PROGRAM, Browser
from tests.lab.test_lab import REPORT

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="neither chromium nor google-chrome is installed")

WIDTHS = (400, 1200)
MADE = "SEQ2SEQ_LAB_PAGES"
"""Names a folder whose pages are opened too, such as that of `seq2seq lab all --quick --output DIR`."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page with every kind of item, that of the equations, and one that runs a script."""
    settings = Settings(True, (1,))
    reader = reading.train_reader(reading.Form(30, 5, 3, 0.01), 1)
    table = Table("table", "Wide", [f"column {n}" for n in range(9)], [["1.234 (1.111 to 2.222)"] * 9] * 2)
    reports = {
        "items": REPORT,
        "wide": Report("T", "Q?", "A.", [Part("H", [], [table, Listing("f.py", "x = 1  # " + 200 * "-")])], settings),
        "equations": equations.run(settings, lambda done, what: None),
        "reading": Report("T", "Q?", "A.", [reading._interactive(reader)], settings),
    }
    found = {name: tmp_path_factory.mktemp("pages") / f"{name}.html" for name in reports}
    for name, path in found.items():
        path.write_text(page_of(reports[name]), "utf-8")
    made = sorted(Path(os.environ[MADE]).resolve().rglob("index.html")) if os.environ.get(MADE) else []
    return found | {path.parent.name: path for path in made}


WIDER = """[...document.querySelectorAll("body *")].filter((one) =>
  !one.closest("svg *, .wide table, pre *, .rows *") && one.getBoundingClientRect().right > innerWidth + 1
).map((one) => one.outerHTML.slice(0, 80))"""
"""Elements that reach beyond the screen, but for those that scroll within their own place."""


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_the_screen_asks_for_nothing_and_has_no_errors(browser, pages, width):
    assert len(pages) >= 4
    for path in pages.values():
        page = browser.open(path, width)
        assert page.errors == []
        assert [one for one in page.requests if not one.startswith("data:")] == [path.as_uri()]
        assert page.value("innerWidth") == width
        assert page.value("document.documentElement.scrollWidth") <= width, path
        assert page.value(WIDER) == [], path


def test_plots_are_drawn_and_have_names(browser, pages):
    page = browser.open(pages["items"], 400)
    boxes = page.value("[...document.querySelectorAll('svg.plot')].map((s) => s.getBoundingClientRect().toJSON())")
    assert len(boxes) == 3
    assert all(box["width"] > 300 and box["height"] > 60 for box in boxes)
    assert page.value("[...document.querySelectorAll('svg.plot')].every((s) => s.getAttribute('aria-label'))")


def test_the_reader_reads_what_is_typed(browser, pages):
    page = browser.open(pages["reading"], 400)
    count = "document.querySelectorAll('#reader .rows button').length"
    before = page.value(count)
    assert before > 1
    page.value(
        "(() => { const field = document.querySelector('#reader input'); field.value += ' old man';"
        "field.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    assert page.value(count) == before + 2
    assert page.errors == []


def test_without_scripts_a_sentence_takes_their_place(browser, pages):
    page = browser.open(pages["reading"], 400, scripts=False)
    assert "needs a script" in page.value("document.body.innerText")
    assert "needs a script" not in browser.open(pages["reading"], 400).value("document.body.innerText")


def test_faults_are_seen(browser, tmp_path):
    """A page that is too wide, asks for an image, logs an error and throws one."""
    path = tmp_path / "bad.html"
    script = "console.error('logged'); throw new Error('thrown')"
    path.write_text(f"<p style='width: 900px'>wide</p><img src='other.png'><script>{script}</script>")
    page = browser.open(path, 400)
    assert page.value("document.documentElement.scrollWidth") > 400
    assert len(page.value(WIDER)) == 1
    assert any(address.endswith("other.png") for address in page.requests)
    assert any("logged" in error for error in page.errors)
    assert len(page.errors) >= 2
