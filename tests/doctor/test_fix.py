"""What `--fix` writes: clean by its own measure, complete in its log, and never in the way of the originals."""

from __future__ import annotations

import json

import pytest

from seq2seq.doctor.fix import fix
from seq2seq.doctor.kinds import KINDS, dropped
from seq2seq.doctor.reading import Layout
from seq2seq.text.corpus import ParallelText, Records, text_at
from tests.doctor.conftest import clean
from tests.doctor.test_diagnose import PLANTED

WHOLE = {"header", "quoted", "subwords"}
"""What is wrong with a corpus as a whole; tested apart."""
CURED = {kind.name for kind in KINDS.values() if kind.cure in ("drop", "repair")} - WHOLE | {"bom"}


def _spoiled():
    pairs = clean()
    for number, pair in enumerate(PLANTED.values()):
        pairs[10 + 3 * number] = pair
    pairs[200], pairs[201] = pairs[1], (pairs[2][0] + " ", pairs[2][1])  # the same once mended
    return pairs


def test_a_second_look_at_the_copy_finds_nothing_that_was_cured(write, look, tmp_path):
    layout, test = write(_spoiled()), write(clean()[5:8], "test")
    layout.source.write_bytes(b"\xef\xbb\xbf" + layout.source.read_bytes())
    before = look(layout, tests={"test": test})
    assert {f.kind for f in before.report.findings} >= CURED - {"long_line", "record"}
    result = fix(before, tmp_path / "clean", dropped())
    after = look(Layout.of(ParallelText(*result.files)), tests={"test": test})
    assert not {f.kind for f in after.report.findings} & CURED
    assert after.report.pairs == result.kept
    log = [row.split("\t") for row in (tmp_path / "clean" / "dropped.tsv").read_text("utf-8").splitlines()]
    assert log[0] == ["line", "reason", "source", "target"]
    assert result.kept + result.dropped == before.report.pairs
    assert len(log) == result.dropped + 1
    reasons = {int(row[0]): row[1] for row in log[1:]}
    assert reasons[201] == "duplicate of line 2"
    assert reasons[202] == "duplicate of line 3"
    assert reasons[6] == "overlap"
    assert set(reasons.values()) >= {"encoding (source)", "nul (target)", "empty (target)", "copied"}


def test_what_is_kept_keeps_its_order_and_its_partner(write, look, tmp_path):
    pairs = clean()
    pairs[7] = ("", "das Haus")
    result = fix(look(write(pairs)), tmp_path / "clean", dropped())
    kept = [(e.source, e.target) for e in ParallelText(*result.files)]
    assert kept == pairs[:7] + pairs[8:]


def test_more_is_dropped_on_request_and_less(write, look, tmp_path):
    pairs = clean()
    pairs[3], pairs[5] = PLANTED["ratio", ""], PLANTED["copied", ""]
    diagnosis = look(write(pairs))
    assert fix(diagnosis, tmp_path / "a", dropped(("ratio",))).dropped == 2
    assert fix(diagnosis, tmp_path / "b", dropped((), ("copied",))).dropped == 0
    with pytest.raises(ValueError, match="--drop takes"):
        dropped(("encoding",))
    with pytest.raises(ValueError, match="--keep takes"):
        dropped((), ("nul",))


def test_other_fields_and_forms_stay(tmp_path, look):
    rows = [{"id": n, "source": a, "target": b, "more": [1]} for n, (a, b) in enumerate(clean(60))]
    rows[4]["source"] += "  x"
    rows[9]["target"] = ""
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = fix(look(Layout.of(Records(tmp_path / "a.jsonl"))), tmp_path / "clean", dropped())
    rows[4]["source"] = rows[4]["source"].replace("  ", " ")
    assert [json.loads(line) for line in result.files[0].read_text().splitlines()] == rows[:9] + rows[10:]
    table = [f"1\t{a}\tx\t{b}" for a, b in clean(60)]
    table[3] = "1\t\tx\tdas Haus"
    (tmp_path / "a.tsv").write_text("\ufeffid\ten\tmore\tde\n" + "".join(row + "\n" for row in table), "utf-8")
    named = Records(tmp_path / "a.tsv", "en", "de")
    result = fix(look(Layout.of(named)), tmp_path / "clean", dropped())
    assert result.files[0].read_text("utf-8").splitlines() == ["id\ten\tmore\tde", *table[:3], *table[4:]]
    assert (tmp_path / "clean" / "dropped.tsv").read_text().splitlines()[1].split("\t")[:2] == ["5", "empty (source)"]


def test_gzipped_stays_gzipped(tmp_path, look):
    import gzip

    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(b"a house\tein Haus\n\t\n"))
    result = fix(look(Layout.of(text_at(str(tmp_path / "a.tsv.gz")))), tmp_path / "clean", dropped())
    assert gzip.decompress(result.files[0].read_bytes()) == b"a house\tein Haus\n"


@pytest.mark.parametrize("name", ["dropped.tsv", "Dropped.TSV", ".seq2seq.json", "a"])
def test_the_copies_and_the_log_have_names_of_their_own(tmp_path, look, name):
    rows = ["a house\tein Haus", "\tnichts", "a tree\tein Baum"]
    (tmp_path / name).write_text("".join(row + "\n" for row in rows))
    result = fix(look(Layout(tmp_path / name, None)), tmp_path / "table", dropped())
    assert result.files[0].read_text().splitlines() == [rows[0], rows[2]]
    assert len((tmp_path / "table" / "dropped.tsv").read_text().splitlines()) == 2
    for side in (0, 1):
        (tmp_path / f"{side}").mkdir()
        other = name if name == "a" else "b"
        text = "".join(row.split("\t")[side] + "\n" for row in rows)
        (tmp_path / f"{side}" / (other if side else name)).write_text(text)
    pair = ParallelText(tmp_path / "0" / name, tmp_path / "1" / other)
    result = fix(look(Layout.of(pair)), tmp_path / "pair", dropped())
    assert [(e.source, e.target) for e in ParallelText(*result.files)] == [
        ("a house", "ein Haus"),
        ("a tree", "ein Baum"),
    ]
    assert len((tmp_path / "pair" / "dropped.tsv").read_text().splitlines()) == 2


def test_the_copy_takes_the_place_of_nothing_but_an_earlier_one(write, look, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    diagnosis = look(write(clean(60)))
    with pytest.raises(ValueError, match=r"or one that seq2seq doctor --fix made; it holds thesis\.tex"):
        fix(diagnosis, tmp_path / "full", dropped())
    for _ in range(2):
        assert fix(diagnosis, tmp_path / "new", dropped()).kept == 60


def test_unequal_files_are_not_mended_and_nothing_is_written(write, look, tmp_path):
    layout = write(clean(60))
    layout.target.write_bytes(layout.target.read_bytes() + b"one more\n")
    with pytest.raises(ValueError, match="unequal numbers of lines"):
        fix(look(layout), tmp_path / "clean", dropped())
    assert not list(tmp_path.glob("*clean*"))


def test_stopped_in_the_middle_nothing_is_written(write, look, tmp_path):
    def stop(what, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fix(look(write(clean(60))), tmp_path / "clean", dropped(), stop)
    assert not list(tmp_path.glob("*clean*"))
