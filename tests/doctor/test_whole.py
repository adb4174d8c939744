"""What is wrong with a corpus as a whole: cut into subwords, quoted, with names in its first line, bare numbers."""

from __future__ import annotations

import random

import numpy as np
import pytest

from seq2seq.doctor.fix import fix
from seq2seq.doctor.kinds import dropped
from seq2seq.doctor.mend import SUBWORDS, Mender
from seq2seq.doctor.page import as_html
from seq2seq.doctor.reading import Layout
from seq2seq.doctor.terminal import as_text
from seq2seq.doctor.validation import HeldOut
from seq2seq.text.corpus import Part, text_at
from tests.doctor.conftest import clean

RULE = HeldOut(50, 1000)
CUTS = {
    "@@": lambda word: f"{word[:2]}@@ {word[2:]}" if len(word) > 3 else word,
    "##": lambda word: f"{word[:2]} ##{word[2:]}" if len(word) > 3 else word,
    "￭": lambda word: f"{word[:2]} ￭{word[2:]}" if len(word) > 3 else word,
    "▁": lambda word: f"▁{word[:2]} {word[2:]}" if len(word) > 3 else f"▁{word}",
}


def _cut(text, mark):
    return " ".join(map(CUTS[mark], text.split()))


def _tsv(pairs):
    return ["\t".join(pair) for pair in pairs]


@pytest.mark.parametrize("mark", SUBWORDS)
def test_text_cut_into_subwords_is_found_and_joined_again(mark, case, look, found, tmp_path):
    pairs = clean(60)
    diagnosis = look(case(_tsv([(_cut(a, mark), b) for a, b in pairs])))
    assert found(diagnosis) == {("subwords", "source"): [1, 2, 3, 4, 5]}
    result = fix(diagnosis, tmp_path / "clean", dropped())
    assert result.files[0].read_text("utf-8").splitlines() == _tsv(pairs)
    assert result.kinds == {"subwords": 60}
    assert "subwords 60" in result.summary()


def test_a_mark_here_and_there_is_text(case, look, found):
    pairs = clean(60)
    pairs[3], pairs[9] = ("the @@ house", "das @@ Haus"), ("house ##one", "Haus ##eins")
    pairs[20] = ("the ▁ house", "das ▁ Haus")
    assert not {kind for kind, _ in found(look(case(_tsv(pairs))))} & {"subwords"}
    assert Mender(subwords="▁")("a line that is not cut") == "a line that is not cut"


def test_overlap_is_found_under_subwords_and_quotes(case, write, look, found):
    pairs = clean(60)
    layout, test = case(_tsv([(_cut(a, "@@"), b) for a, b in pairs])), write(pairs[7:8], "test")
    assert found(look(layout, tests={"test": test}))["overlap", ""] == [8]


def test_the_quotes_of_a_spreadsheet_are_found_and_taken_away(case, look, found, tmp_path):
    pairs = clean(60)
    for place in (3, 9, 20, 31):
        pairs[place] = pairs[place][0] + ' "so"', pairs[place][1] + ' "so"'
    rows = _tsv([tuple('"' + x.replace('"', '""') + '"' if '"' in x else x for x in pair) for pair in pairs])
    diagnosis = look(case(rows))
    places = [4, 10, 21, 32]
    assert found(diagnosis) == {("quoted", "source"): places, ("quoted", "target"): places}
    assert fix(diagnosis, tmp_path / "clean", dropped()).files[0].read_text("utf-8").splitlines() == _tsv(pairs)
    everywhere = look(case(_tsv([(f'"{a}"', f'"{b}"') for a, b in clean(60)])))
    assert [(f.kind, f.count) for f in everywhere.report.findings] == [("quoted", 60)] * 2


@pytest.mark.parametrize(
    "extra",
    [
        ['"b c\ta', 'x " y\tb', 'He said\t"c'],
        ['"The house."\t"Das Haus."', '"the house," she said\t"das Haus", sagte sie'] * 5,
        ['"The ""house""."\tDas Haus.', *['the "house" here\tdas "Haus" hier'] * 9],
    ],
)
def test_quotes_that_stand_for_themselves_are_text(extra, case, look, found):
    assert not {kind for kind, _ in found(look(case([*_tsv(clean(60)), *extra])))} & {"quoted"}


@pytest.mark.parametrize("names", [("source", "target"), ("en", "de"), ("English text", "german_text")])
def test_a_first_line_of_names_is_found_and_dropped(names, case, look, found, tmp_path):
    diagnosis = look(case(_tsv([names, *clean(60)])))
    assert found(diagnosis) == {("header", ""): [1]}
    result = fix(diagnosis, tmp_path / "clean", dropped())
    assert result.files[0].read_text("utf-8").splitlines() == _tsv(clean(60))
    assert (tmp_path / "clean" / "dropped.tsv").read_text("utf-8").splitlines()[1].split("\t")[:2] == ["1", "header"]


@pytest.mark.parametrize("first", [("it", "es"), ("text", "text"), ("the house", "das Haus"), ("source", "")])
def test_a_first_line_of_words_is_text(first, case, look, found):
    words = [(f"w{n}", f"v{n}") for n in range(60)]
    assert ("header", "") not in found(look(case(_tsv([first, *words])), languages=("", "")))


def test_bare_numbers_are_found_and_compared_as_a_whole(case, write, look):
    draw = random.Random(1)
    rows = [(" ".join(map(str, draw.choices(range(100), k=6))), "x y z") for _ in range(80)]
    rows[70] = rows[7]
    diagnosis = look(case(_tsv(rows)), tests={"t": write(rows[9:10], "test")}, languages=("", ""))
    counts = {(f.kind, f.side): f.count for f in diagnosis.report.findings}
    assert counts.pop(("many_sources", "")) == 78
    assert counts == {("ids", "source"): 80, ("duplicate", ""): 1, ("overlap", ""): 1}
    assert diagnosis.report.notes[0].startswith("Numbers have no language")


def test_short_lines_are_not_called_too_few_pairs(case, look):
    notes = look(case([f"w{n}\tv{n}" for n in range(60)]), languages=("", "")).report.notes
    assert notes[0].startswith("Lines of fewer than 17 characters")


def test_held_out_pairs_that_training_has_too_are_counted_with_their_lines(pairs, write, look):
    pairs[49] = pairs[3]
    pairs[99] = pairs[4][0], pairs[150][1] + " jetzt"
    pairs[149] = pairs[199]  # both are held out: neither is in training
    report = look(write(pairs), held_out=RULE).report
    findings = {f.kind: f for f in report.findings}
    assert [(e.line, e.remark) for e in findings["held_out_pair"].examples] == [(50, "as line 4")]
    assert [(e.line, e.remark) for e in findings["held_out_source"].examples] == [(100, "as line 5")]
    assert "of 6 pairs held out" in findings["held_out_pair"].title
    assert (findings["held_out_pair"].count, findings["held_out_pair"].share) == (1, 1 / 6)
    assert "only 6 pairs" in findings["few_validation"].title
    assert "±16 points" in findings["few_validation"].advice
    assert "1  16.67 %  of 6 pairs held out" in as_text(report)
    assert "of 6 pairs held out" in as_html(report)


@pytest.mark.parametrize("names", [(), ("en", "de")])
def test_the_doctor_holds_out_what_training_holds_out(names, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("".join("\t".join(pair) + "\n" for pair in [*[names][: len(names)], *clean(20)]))
    text, rule = text_at(str(path), "", *names), HeldOut(3, 4)
    offset = Layout.of(text).first_line
    expected = [example.line for example in Part(text, True, rule.every, rule.limit)]
    assert (rule.places(20) + offset).tolist() == expected
    assert (np.flatnonzero(rule.among(np.arange(20))) + offset).tolist() == expected


def test_validation_that_was_given_is_looked_up_by_pair_and_by_source(pairs, write, look):
    validation = write([pairs[3], pairs[3], (pairs[4][0], "etwas anderes"), ("none of these", "nichts davon")], "dev")
    report = look(write(pairs), tests={"validation": validation}).report
    findings = {f.kind: f for f in report.findings}
    assert [(e.line, e.remark) for e in findings["overlap"].examples] == [
        (4, "validation:1, the same pair"),
        (5, "validation:3"),
    ]
    seen = report.tests["validation"]
    assert (seen.lines, seen.sources, seen.pairs) == (4, 3, 2)
    assert "only 4 pairs" in findings["few_validation"].title
