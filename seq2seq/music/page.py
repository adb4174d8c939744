"""A piece as one self-contained HTML page: sound, notation, a piano roll. Nothing is loaded from outside.

The notation is drawn in the browser by abcjs (MIT licence, in the folder `abcjs`); sound, piano roll and the tune in
ABC are there without JavaScript too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from importlib.resources import files

from seq2seq.music.abc_writing import write_abc
from seq2seq.music.keys import LETTERS
from seq2seq.music.notes import Music
from seq2seq.music.synthesis import synthesise, wav_bytes

RATE = 22_050
"""Samples of the sound per second: 59 kB of the page for each second."""
_BARS_A_ROW = 8
_WIDTH, _KEY = 800, 6
"""Of a row of the piano roll and of a semitone in it, in its own units."""
_COLOURS = ("#4269d0", "#d1495b", "#3ca951", "#9c6b4e", "#7b4fa3", "#00798c")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 .7rem; color: #222 }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 1.6rem }
audio { width: 100% }
table { border-collapse: collapse } td, th { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top }
th { font-weight: 600 } td { overflow-wrap: anywhere }
.roll svg { display: block; width: 100%; height: auto; margin: .4rem 0; background: #f7f7f7 }
.roll text { font: 15px system-ui, sans-serif; fill: #555 } .bar { stroke: #bbb }
.roll .head { stroke: #000; stroke-width: 2 }
.note { color: #555 } pre { overflow-x: auto; background: #f7f7f7; padding: .5rem } #notation svg { max-width: 100% }
"""
_SCRIPT = """
const audio = document.querySelector("audio"), paper = document.getElementById("notation");
const rows = [...document.querySelectorAll(".roll svg")];
let drawn = "";
function draw() {
  const kind = paper.clientWidth < 600 ? "narrow" : "wide";
  if (kind === drawn) return;
  drawn = kind;
  ABCJS.renderAbc(paper, TUNES[kind], {responsive: "resize", staffwidth: Math.max(paper.clientWidth - 30, 200),
    paddingleft: 0, paddingright: 0, paddingtop: 0, paddingbottom: 0});
}
function follow() {
  const step = audio.currentTime / SECONDS_PER_STEP;
  for (const row of rows) {
    const x = (step - row.dataset.first) * row.dataset.scale, head = row.querySelector(".head");
    const inside = audio.currentTime > 0 && x >= 0 && step < row.dataset.last;
    head.setAttribute("visibility", inside ? "visible" : "hidden");
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
  }
  if (!audio.paused) requestAnimationFrame(follow);
}
draw();
addEventListener("resize", draw);
for (const event of ["play", "seeked", "timeupdate"]) audio.addEventListener(event, follow);
for (const row of rows) row.addEventListener("click", event => {
  const box = row.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * WIDTH;
  audio.currentTime = (x / row.dataset.scale + +row.dataset.first) * SECONDS_PER_STEP;
});
"""
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; media-src data:; img-src data:"
"""A browser that obeys it loads nothing, even if the page asked for it."""


def music_page(music: Music, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Returns a page.

    Args:
        music: The piece, which the page names by its title.
        facts: More lines of the table, each a name and a text.

    Raises:
        ValueError: as `synthesise` and `write_abc`.
    """
    title = " ".join(music.title.split()) or "A tune"
    sound = base64.b64encode(wav_bytes(synthesise(music, RATE), RATE)).decode("ascii")
    tunes = {"wide": write_abc(music), "narrow": write_abc(music, bars_a_line=2)}
    table = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in [*_facts(music), *facts]
    )
    values = f"const TUNES = {_script_json(tunes)}, SECONDS_PER_STEP = {music.seconds_per_step!r}, WIDTH = {_WIDTH};"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<audio controls preload="auto" src="data:audio/wav;base64,{sound}">The sound of the piece, a WAV file.</audio>
<table>{table}</table>
<h2>Notation</h2>
<div id="notation"></div>
<noscript><p class="note">JavaScript draws the notation; below are the piano roll and the tune in ABC.</p></noscript>
<h2>Piano roll</h2>
<p class="note">Time from left to right, {_BARS_A_ROW} bars a row, pitch upwards, a colour for each voice.</p>
<div class="roll" role="img" aria-label="{escape(description(music))}">
{_roll(music)}
</div>
<details><summary>The tune in ABC notation</summary><pre>{escape(tunes["wide"])}</pre></details>
<script>{_abcjs()}</script>
<script>{values}{_SCRIPT}</script>
</body></html>
"""


def description(music: Music) -> str:
    """Returns what a piano roll of the piece shows, in words."""
    voices = len({note.voice for note in music.notes})
    if not music.notes:
        return "Piano roll without notes."
    pitches = [note.pitch for note in music.notes]
    texts = dict(_facts(music))
    return (
        f"Piano roll of {len(pitches):,} {_many('note', len(pitches))} in {voices} {_many('voice', voices)}, "
        f"from {_pitch_name(min(pitches))} to {_pitch_name(max(pitches))}, {texts['Length']}."
    )


def _facts(music: Music) -> list[tuple[str, str]]:
    bar = max(music.bar, 1)
    bars = -(-max(music.steps - music.upbeat, 0) // bar)
    minutes, seconds = divmod(round(music.steps * music.seconds_per_step), 60)
    rows = [
        ("Meter", f"{music.meter[0]}/{music.meter[1]}"),
        ("Tempo", f"{music.tempo:g} quarter notes a minute"),
        ("Length", f"{bars:,} {_many('bar', bars)}, {minutes}:{seconds:02d}"),
    ]
    return [("Key", music.key), *rows] if music.key else rows


def _roll(music: Music) -> str:
    """Returns the rows of the piano roll as SVG."""
    bar = max(music.bar, 1)
    low = min((note.pitch for note in music.notes), default=60) - 1
    high = max((note.pitch for note in music.notes), default=72) + 1
    height, scale = (high - low + 1) * _KEY + 20, _WIDTH / (_BARS_A_ROW * bar + music.upbeat)
    rows, first, number = [], 0, 1
    while first < max(music.steps, 1):
        start = first if first else music.upbeat
        last = start + _BARS_A_ROW * bar
        bars = [(step - first) * scale for step in range(start, min(last, music.steps) + 1, bar)]
        lines = "".join(f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="20" y2="{height}"/>' for x in bars)
        boxes = "".join(
            f'<rect x="{(max(note.start, first) - first) * scale:.1f}" y="{20 + (high - note.pitch) * _KEY}" '
            f'width="{max((min(note.start + note.length, last) - max(note.start, first)) * scale - 1, 1):.1f}" '
            f'height="{_KEY}" rx="1" fill="{_COLOURS[note.voice % len(_COLOURS)]}" fill-opacity="0.85"/>'
            for note in music.notes
            if note.start < last and note.start + note.length > first
        )
        rows.append(
            f'<svg viewBox="0 0 {_WIDTH} {height}" data-first="{first}" data-last="{last}" data-scale="{scale:.6f}">'
            f'<text x="{(start - first) * scale + 2:.1f}" y="15">{number}</text>{lines}{boxes}'
            f'<line class="head" visibility="hidden" y1="0" y2="{height}"/></svg>'
        )
        first, number = last, number + _BARS_A_ROW
    return "\n".join(rows)


def _many(word: str, count: int) -> str:
    return word if count == 1 else word + "s"


def _pitch_name(pitch: int) -> str:
    """Returns a name such as C4 for middle C."""
    sharp = pitch % 12 in (1, 3, 6, 8, 10)
    letter = LETTERS[[0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6][pitch % 12]]
    return f"{letter}{' sharp ' if sharp else ''}{pitch // 12 - 1}"


def _script_json(value: object) -> str:
    """Returns JSON that can stand in a script: it closes no element and opens no comment."""
    text = json.dumps(value)  # ASCII alone
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@lru_cache(maxsize=1)
def _abcjs() -> str:
    """Returns abcjs with its licence."""
    folder = files("seq2seq.music") / "abcjs"
    licence = (folder / "LICENSE.md").read_text("utf-8").replace("*/", "")
    code = (folder / "abcjs-basic-min.js").read_text("utf-8")
    return f"/*\n{licence}*/\n{code}".replace("</script", "<\\/script").replace("<!--", "<\\!--")
