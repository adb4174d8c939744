"""The doctor counts what could be copied."""

from __future__ import annotations

from seq2seq.doctor.copied import notes


def test_what_stands_on_both_sides_is_told_from_what_stands_on_one():
    sample = [("see http://a.b", "siehe http://a.b"), ("to x@y.zz", "an"), *[("a", "b")] * 8]
    assert list(notes(sample, ())) == [
        "Placeholder url: in 1 of 10 pairs, 1 with the same on both sides. tokenizer.placeholders url copies it "
        "exactly.",
        "Placeholder email: in 1 of 10 pairs, 0 with the same on both sides. tokenizer.placeholders email copies it "
        "exactly.",
    ]
    assert list(notes(sample, ("number",))) == ["Placeholder number: in 0 of 10 pairs, 0 with the same on both sides."]
