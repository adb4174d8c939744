"""The doctor counts what could be copied."""

from __future__ import annotations

from seq2seq.doctor.copied import notes
from seq2seq.doctor.diagnose import Options, diagnose
from seq2seq.text.placeholders import Placeholders
from seq2seq.text.subword import SubwordTokenizer


def test_tokens_are_those_of_the_masked_text(case, tmp_path):
    copied = Placeholders(("url",), count=1)
    rows = [(f"see http://x.y/{n}", f"siehe http://x.y/{n}") for n in range(60)]
    lines = [side.replace(f"http://x.y/{n}", "⟨1⟩") for n, row in enumerate(rows) for side in row]
    tokenizer = SubwordTokenizer.train(lines, 20, placeholders=copied)
    options = Options(("en", "de"), processes=1)
    layout = case("\t".join(row) for row in rows)
    report = diagnose(layout, tmp_path, options, lambda sample: ("here", (tokenizer, tokenizer))).report
    assert not {finding.kind for finding in report.findings} & {"unknown"}


def test_what_stands_on_both_sides_is_told_from_what_stands_on_one():
    sample = [("see http://a.b", "siehe http://a.b"), ("to x@y.zz", "an"), *[("a", "b")] * 8]
    assert list(notes(sample, ())) == [
        "Placeholder url: in 1 of 10 pairs, 1 with the same on both sides. tokenizer.placeholders url copies it "
        "exactly.",
        "Placeholder email: in 1 of 10 pairs, 0 with the same on both sides. tokenizer.placeholders email copies it "
        "exactly.",
    ]
    assert list(notes(sample, ("number",))) == ["Placeholder number: in 0 of 10 pairs, 0 with the same on both sides."]
