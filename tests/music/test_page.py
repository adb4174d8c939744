import base64
import io
import re
import shutil
import time
import wave
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from seq2seq.music.notes import Music, Note
from seq2seq.music.page import RATE, description, music_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TITLE = '</script><b>&"A tune"\''
NOTES = [Note(4 * k, 72 + k % 5, 4) for k in range(50)] + [Note(16 * k, 48 - k % 3, 16, 1) for k in range(13)]
PIECE = Music(tuple(NOTES), 208, meter=(3, 4), upbeat=4, key="Am", title=TITLE)


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.scripts, self.words, self.tags = [], [], [], []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._script = tag in ("script", "style")
        if tag == "script":
            self.scripts.append("")
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]

    def handle_endtag(self, tag):
        self._script = False

    def handle_data(self, data):
        if self._script:
            if self.scripts:
                self.scripts[-1] += data
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def text():
    return music_page(PIECE, [("Longest copied stretch", "7 notes <of> 50")])


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_nothing_is_loaded_from_outside(text, page):
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses)
    assert "@import" not in text
    assert "default-src 'none'" in next(one["content"] for tag, one in page.tags if one.get("http-equiv"))


def test_it_can_be_read_without_javascript(page):
    words = "".join("".join(page.words).split())
    for part in (TITLE, "Key Am Meter 3/4", "17 bars, 0:31", "stretch 7 notes <of> 50", "X:1", "[V:2]"):
        assert part.replace(" ", "") in words
    labels = [one["aria-label"] for tag, one in page.tags if one.get("role") == "img"]
    assert labels == [description(PIECE)]
    assert labels == ["Piano roll of 63 notes in 2 voices, from A sharp 2 to E5, 17 bars, 0:31."]


def test_the_sound_is_that_of_the_piece(page):
    (sound,) = [one["src"] for tag, one in page.tags if tag == "audio"]
    with wave.open(io.BytesIO(base64.b64decode(sound.partition("base64,")[2]))) as file:
        assert file.getnframes() / RATE == pytest.approx(208 * PIECE.seconds_per_step, abs=0.01)


def test_every_note_is_in_the_piano_roll(text):
    found = re.findall("<svg(.*?)</svg>", text.partition('<div class="roll"')[2].partition("</div>")[0], re.DOTALL)
    rolls = [ElementTree.fromstring(f"<svg{one}</svg>") for one in found]
    boxes = [box for roll in rolls for box in roll.iter("rect")]
    assert len(rolls) == 3
    assert len(boxes) >= 63
    assert len({box.get("fill") for box in boxes}) == 2
    for roll in rolls:
        width = float(roll.get("viewBox").split()[2])
        assert all(float(box.get("x")) + float(box.get("width")) <= width for box in roll.iter("rect"))


def test_the_licence_of_abcjs_is_in_the_page(text):
    assert "Permission is hereby granted, free of charge" in text
    assert "Paul Rosen and Gregory Dyke" in text


def test_a_piece_without_notes_has_a_page():
    assert "Piano roll without notes." in music_page(Music((), 16))


def wait_for(page, condition):
    """Waits until an expression is true in the page, whose policy forbids playwright's own way to wait."""
    end = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
@pytest.mark.parametrize("width", [400, 1000])
def test_a_browser_draws_and_plays_it_without_a_request_or_an_error(text, width, tmp_path):
    browsers = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    requests, said = [], []
    with browsers.sync_playwright() as playwright:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("request", lambda request: requests.append(request.url[:40]))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "page.html").as_uri())
        audio = "document.querySelector('audio')"
        assert page.evaluate("document.querySelectorAll('#notation svg path').length") > 113
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wait_for(page, f"{audio}.readyState >= 2")
        assert page.evaluate(f"{audio}.duration") == pytest.approx(31.2, abs=0.1)
        page.evaluate(f"{audio}.play()")
        wait_for(page, f"{audio}.currentTime > 0.2 && document.querySelector('.head[visibility=visible]')")
        page.locator(".roll svg").nth(1).click()
        wait_for(page, f"{audio}.currentTime > 15")
        browser.close()
    assert said == []
    assert [one for one in requests if not one.startswith(("file:", "data:"))] == []
