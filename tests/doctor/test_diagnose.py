"""Every kind of finding is found where it was planted, and nowhere else."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seq2seq.doctor import diagnose as module
from seq2seq.doctor import reading
from seq2seq.doctor.characters import repair, visible
from seq2seq.doctor.examine import Limits
from seq2seq.doctor.kinds import KINDS
from seq2seq.doctor.overlap import TestIndex
from seq2seq.doctor.reading import Layout
from seq2seq.doctor.survey import parting
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.search.options import SearchOptions
from seq2seq.text.corpus import CorpusError, ParallelText, Records, text_at
from seq2seq.text.lines import BOM
from seq2seq.text.normalization import Normalization
from seq2seq.text.subword import SubwordTokenizer
from tests.doctor.conftest import clean

LONG = "children sing with their mothers while winter"
PLANTED = {
    ("encoding", "source"): (b"caf\xe9 au lait", "Milchkaffee"),
    ("encoding", "target"): ("coffee with milk", b"caf\xe9"),
    ("nul", "target"): ("the house", b"d\0a\0s\0"),
    ("empty", "source"): ("", "das Haus"),
    ("empty", "target"): ("the house", " \t "),
    ("control", "source"): ("the \x07house", "das Haus"),
    ("separator", "target"): ("the house", "das\u2028Haus"),
    ("invisible", "source"): ("the hou\xadse", "das Haus"),
    ("unreadable", "target"): ("the house", "das Haus \ufffd"),
    ("mojibake", "target"): ("the mothers", "die MÃ¼tter"),
    ("markup", "source"): ("the <b>house</b>", "das Haus"),
    ("spaces", "target"): ("the house", "das  Haus"),
    ("normal_form", "target"): ("the mothers", "die Mu\u0308tter"),
    ("crlf", "target"): ("the house", b"das Haus\r"),
    ("script", "source"): ("дом на холме", "das Haus am Hügel"),
    ("language", "target"): (LONG + " wind blows", "open windows where children sing with their mothers"),
    ("swapped", ""): ("das schnelle braune Haus worin Kinder singen", "the quick brown house where children sing"),
    ("copied", ""): ("the quick brown house", "The quick brown house."),
    ("ratio", ""): (LONG, "ja"),
    ("numbers", ""): ("the house of 1984", "das Haus von 1948"),
    ("unlike", "source"): ("zzqx jjvk qqzx wwkj xxqj vvzk qxjz", "das schnelle braune Haus worin Kinder"),
}
MANY = {kind.name for kind in KINDS.values() if kind.severity == "error"}


@pytest.mark.parametrize("place", PLANTED, ids=" ".join)
def test_what_is_planted_is_found_on_its_line_alone(place, pairs, write, look, found):
    assert found(look(write(pairs))) == {}
    pairs[122] = PLANTED[place]
    assert found(look(write(pairs)))[place] == [123]


def test_a_line_without_end_is_told_and_reading_goes_on(pairs, write, look, found):
    pairs[10] = (b"x" * (1 << 20) + b"yy" * 3_000_000, "das Haus")
    pairs[20] = ("", "das Haus")
    seen = found(look(write(pairs)))
    assert seen["long_line", "source"] == [11]
    assert seen["empty", "source"] == [21]


def test_repeats_name_the_line_they_repeat(pairs, write, look, found):
    pairs[50] = pairs[3]
    pairs[51] = (pairs[4][0].upper() + "!", pairs[4][1])
    pairs[52] = (pairs[5][0], pairs[200][1] + " jetzt")
    pairs[53] = (pairs[201][0] + " now", pairs[6][1])
    diagnosis = look(write(pairs))
    seen = found(diagnosis)
    assert seen["duplicate", ""] == [51]
    assert seen["near_duplicate", ""] == [52]
    assert seen["many_targets", ""] == [53]
    assert 54 in seen["many_sources", ""]
    remarks = {f.kind: f.examples[0].remark for f in diagnosis.report.findings}
    assert remarks["duplicate"] == "as line 4"
    assert remarks["near_duplicate"] == "as line 5"


def test_many_parts_find_the_same_repeats_as_one(monkeypatch):
    from seq2seq.doctor import columns

    keys = np.random.default_rng(1).integers(0, 2**64, 300, np.uint64)[np.random.default_rng(2).integers(0, 300, 2000)]
    skip = np.zeros(2000, np.uint64)

    def all_of():
        return sorted(
            (int(p), int(f))
            for _, places, firsts in columns.repeats(keys, skip, 1)
            for p, f in zip(places, firsts, strict=True)
        )

    whole = all_of()
    monkeypatch.setattr(columns, "PART", 300)
    monkeypatch.setattr(columns, "BLOCK", 128)
    assert all_of() == whole
    alike = np.zeros(2000, np.uint64)
    assert max(len(rows) for _, _, rows in columns.groups(alike, skip, 1)) <= 300 + 128
    assert [int(first) for _, _, firsts in columns.repeats(alike, skip, 1) for first in firsts] == [0] * 1999
    first = {}
    assert whole == [(i, first[k]) for i, k in enumerate(keys.tolist()) if first.setdefault(k, i) != i]


def test_overlap_is_told_with_the_line_of_the_test(pairs, write, look, found):
    test = clean(60, seed=9)
    pairs[30] = (test[7][0], "etwas anderes als das Haus")
    pairs[31] = (test[8][0].upper(), pairs[31][1])
    pairs[32] = (test[9][0] + " now", pairs[32][1])
    diagnosis = look(write(pairs), tests={"test": write(test, "test")})
    seen = found(diagnosis)
    assert seen["overlap", ""] == [31]
    assert seen["near_overlap", ""] == [32, 33]
    remarks = [e.remark for f in diagnosis.report.findings for e in f.examples if "overlap" in f.kind]
    assert [remark.split()[0] for remark in remarks] == ["test:8", "test:9", "test:10"]


def test_near_overlap_equals_comparing_every_line_with_every_line(write, look):
    draw = np.random.default_rng(4)
    test = clean(80, seed=5)
    train = []
    for number in range(400):
        words = test[number % 80][0].split()
        for _ in range(draw.integers(0, 4)):
            words[draw.integers(len(words))] = str(draw.choice(["house", "sing", "blows", "other", "new"]))
        train.append((" ".join(words), f"nummer {number}"))

    def grams(text):
        return {text[i : i + 5] for i in range(len(text) - 4)}

    def near(a, b):
        return len(a & b) / len(a | b) >= 0.75

    sources = [grams(source) for source, _ in test]
    wanted = [i for i, (source, _) in enumerate(train) if any(near(grams(source), other) for other in sources)]
    mask = look(write(train), tests={"t": write(test, "test")}).mask
    kinds = module.bits("overlap", "near_overlap")
    assert np.flatnonzero(mask & np.uint64(kinds)).tolist() == wanted
    assert 100 < len(wanted) < 400


def test_an_empty_test_finds_nothing(pairs, write, look, found):
    assert found(look(write(pairs), tests={"test": write([("", "")], "test")})) == {}


@pytest.mark.parametrize("missing", [0, 100, 250, 299])
def test_unequal_files_are_told_with_where_they_part(missing, write, look):
    pairs = [("x" * n, "y" * n) for n in np.random.default_rng(3).integers(5, 200, 300).tolist()]
    layout = write(pairs)
    lines = layout.target.read_bytes().split(b"\n")[:-1]
    layout.target.write_bytes(b"\n".join(lines[:missing] + lines[missing + 1 :]) + b"\n")
    diagnosis = look(layout)
    finding = next(f for f in diagnosis.report.findings if f.kind == "unequal")
    assert "text.en has 300" in finding.title
    assert "text.de has 299" in finding.title
    if missing == 299:
        assert diagnosis.survey.parting is None
    else:
        assert abs(diagnosis.survey.parting - missing) <= 40
    assert diagnosis.report.refused


def test_a_file_of_no_lines_beside_one_of_many(pairs, write, look, found):
    layout = write(pairs)
    layout.target.write_bytes(b"")
    assert ("unequal", "") in found(look(layout))
    assert parting(np.zeros(0), np.ones(3)) is None


def test_a_stretch_that_is_shifted_is_told(write, look):
    lengths = np.random.default_rng(3).integers(5, 200, 6000)
    other = lengths.copy()
    other[2000:4000] = np.roll(other[2000:4000], 1)
    findings = look(write([("x" * a, "y" * b) for a, b in zip(lengths, other, strict=True)])).report.findings
    assert [f.title.split(":")[0] for f in findings if f.kind == "shifted"] == ["lines 2,001 to 4,000"]


def test_one_and_two_processes_say_the_same(monkeypatch, pairs, write, look):
    monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr("seq2seq.doctor.reading.CHUNK_LINES", 50)
    pairs[5], pairs[122], pairs[130] = pairs[4], PLANTED["encoding", "target"], PLANTED["copied", ""]
    layout, tests = write(pairs), {"test": write(pairs[200:205], "test")}
    one, two = (look(layout, processes=n, tests=tests) for n in (1, 2))
    assert np.array_equal(one.mask, two.mask)
    one.report.seconds = two.report.seconds = 0
    assert one.report.as_json() == two.report.as_json()
    assert {"encoding", "duplicate", "copied", "overlap"} <= {f.kind for f in one.report.findings}


def test_a_tokeniser_tells_unknown_tokens_and_what_is_too_long(pairs, write, tmp_path):
    tokenizer = SubwordTokenizer.train([side for pair in pairs for side in pair], 100)
    pairs[7] = (pairs[7][0] + " ☃", pairs[7][1])
    options = module.Options(("en", "de"), limits=Limits(9, cut_source=8), processes=1)
    tokens = [(len(a), len(b)) for a, b in zip(*(tokenizer.encode([p[s] for p in pairs]) for s in (0, 1)), strict=True)]
    report = module.diagnose(write(pairs), tmp_path, options, lambda sample: ("here", (tokenizer, tokenizer))).report
    counts = {(f.kind, f.side): f.count for f in report.findings}
    assert counts["unknown", "source"] == 1
    assert counts.get(("too_long", "target"), 0) == sum(b > 9 for _, b in tokens) > 0
    assert counts["cut", ""] == sum(a > 8 for a, _ in tokens)
    assert dict(report.limits())[9] == sum(b > 9 for _, b in tokens) / len(pairs)
    assert report.tally.all_tokens.tolist() == [sum(a for a, _ in tokens), sum(b for _, b in tokens)]


def test_targets_beyond_the_limit_of_outputs_are_counted(pairs, write, tmp_path):
    tokenizer = SubwordTokenizer.train([side for pair in pairs for side in pair], 100)
    limits = Limits(150, output=SearchOptions(max_ratio=0.5, max_extra=5).output_limit)
    lengths = [tuple(len(tokenizer.encode([side])[0]) for side in pair) for pair in pairs]
    options = module.Options(("en", "de"), limits=limits, processes=1)
    report = module.diagnose(write(pairs), tmp_path, options, lambda sample: ("here", (tokenizer, tokenizer))).report
    counts = {f.kind: f.count for f in report.findings}
    assert counts["beyond_limit"] == sum(b > a // 2 + 5 for a, b in lengths) > 0


@pytest.mark.parametrize("judged", [True, False])
def test_characters_that_normalisation_changes_are_shown(judged, pairs, write, tmp_path):
    text = [side for pair in pairs for side in pair]
    tokenizer = SubwordTokenizer.train(
        [*text, "½ Tasse 1⁄2 mit 10⁶"], 100, byte_fallback=False, normalization=Normalization("nfkc")
    )
    pairs[8] = pairs[8][0], pairs[8][1] + " ½"
    options = module.Options(("en", "de"), judge_normalization=judged, processes=1)
    report = module.diagnose(write(pairs), tmp_path, options, lambda sample: ("here", (tokenizer, tokenizer))).report
    found = {(f.kind, f.side): [(e.line, e.remark) for e in f.examples] for f in report.findings}
    assert found.get(("normalized", "target")) == ([(9, "½ becomes 1⁄2")] if judged else None)
    assert any("½ becomes 1⁄2 (1 times)" in f.advice for f in report.findings) == judged


def test_a_target_without_blanks_is_scored_by_its_language(case, look):
    rows = [f"word {n}\t我们 的书在这里{chr(0x4E00 + n)}" for n in range(60)]
    for how, kinds in ((SPACED, {"score_tokenizer"}), (Tokenization.of("zh"), set())):
        report = look(case(rows), languages=("", ""), tokenization=how).report
        assert {f.kind for f in report.findings} & {"score_tokenizer"} == kinds


def test_bom_gzip_and_damage(pairs, write, look, found):
    layout = write(pairs)
    data = layout.source.read_bytes()
    layout.source.write_bytes(b"\xef\xbb\xbf" + data)
    assert list(found(look(layout))) == [("bom", "")]
    packed = layout.source.with_suffix(".en.gz")
    packed.write_bytes(gzip.compress(data))
    assert found(look(Layout.of(ParallelText(packed, layout.target)))) == {}
    packed.write_bytes(gzip.compress(data)[:-200])
    assert ("damaged", "") in found(look(Layout.of(ParallelText(packed, layout.target))))


def test_tables_and_records_are_told_by_their_lines(pairs, tmp_path, look, found):
    rows = [f"{a}\t{b}" for a, b in pairs]
    (tmp_path / "t.tsv").write_text("\n".join([*rows[:9], "no tab", *rows[9:]]) + "\n")
    assert found(look(Layout.of(text_at(str(tmp_path / "t.tsv"))))) == {("record", ""): [10]}
    (tmp_path / "n.tsv").write_text("id\ten\tde\n" + "".join(f"1\t{row}\n" for row in [*rows[:9], "short", *rows[9:]]))
    named = Records(tmp_path / "n.tsv", "en", "de")
    assert found(look(Layout.of(named))) == {("record", ""): [11]}
    objects = ['{"source": 3}', "[1]", "{", *(f'{{"source": "{a}", "target": "{b}"}}' for a, b in pairs)]
    (tmp_path / "r.jsonl").write_text("\n".join(objects) + "\n")
    assert found(look(Layout.of(Records(tmp_path / "r.jsonl")))) == {("record", ""): [1, 2, 3]}
    fields = look(Layout.of(Records(tmp_path / "r.jsonl", "body"))).report.findings[-1].examples[4].source
    assert fields == "its fields are source, target"
    with pytest.raises(CorpusError, match="names no column 'fr'"):
        Layout.of(Records(tmp_path / "n.tsv", "en", "fr"))


def test_text_of_one_language_is_no_copy_to_worry_about(pairs, write, look):
    same = [(source, source) for source, _ in pairs]
    report = look(write(same), languages=("en", "en"), same_language=True).report
    assert {f.kind: f.severity for f in report.findings}["copied"] == "note"
    assert not {"swapped", "language"} & {f.kind for f in report.findings}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=st.binary(max_size=200), target=st.binary(max_size=200), single=st.booleans())
@example(source=b"\xfd7zXZ\x00", target=b"", single=True)
@example(source=b"\xff\xfea\nb", target=b"", single=True)
@example(source=BOM, target=b"", single=True)
@example(source=b"\x1f\x8b\n", target=b"", single=True)
def test_no_bytes_make_it_fail(source, target, single, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "a.tsv").write_bytes(source)
    (folder / "b").write_bytes(target)
    layout = Layout.of(ParallelText(folder / "a.tsv", None if single else folder / "b"))
    options = module.Options(tests={"same": layout}, processes=1)
    report = module.diagnose(layout, folder, options).report
    text = source.removeprefix(BOM)
    lines = text.count(b"\n") + (text[-1:] not in (b"", b"\n"))
    no_text = any(finding.kind == "damaged" for finding in report.findings)  # it begins as a gzip file or UTF-16 does
    assert not single or report.pairs == (0 if no_text else lines)


@given(st.text())
def test_repair_changes_nothing_twice(text):
    assert repair(repair(text)) == repair(text)


@given(st.text())
def test_what_is_shown_can_be_seen(text):
    assert all(c == " " or c.isprintable() for c in visible(text))


@pytest.mark.parametrize(
    ("source", "target", "differ"),
    [
        ("costs 1,000.50", "kostet 1.000,50", False),
        ("costs 1000", "kostet 1 000", False),
        ("on 12/31 at 3:30", "um 3.30 am 31.12.", False),
        ("page ٣٤", "Seite 34", False),
        ("a 7 there", "eine Sieben dort", False),
        ("in 1984", "in 1948", True),
        ("in 1984", "in dem Jahr", True),
        ("5 of 10", "5 von 12", True),
        ("12 345", "1 2345", True),
    ],
)
def test_numbers_are_compared_and_not_how_they_are_written(source, target, differ, write, look, found):
    assert (("numbers", "") in found(look(write([(source, target)])))) == differ


def test_an_index_of_no_text_is_an_index(write):
    assert TestIndex({"t": write([], "none")}).lines == 0


def test_reading_a_few_lines_leaves_no_file_open(tmp_path, monkeypatch):
    files = []
    monkeypatch.setattr(reading, "CHUNK_LINES", 1)
    monkeypatch.setattr(reading, "open_bytes", lambda path: files.append(open(path, "rb")) or files[-1])
    for name in ("a", "b"):
        (tmp_path / name).write_text("one\ntwo\nthree\n")
    assert reading.lines_at(Layout(tmp_path / "a", tmp_path / "b"), {1}) == {1: ("one", "one")}
    assert [file.closed for file in files] == [True, True]
