"""Text that can be read only once."""

from __future__ import annotations

import os
import threading

import pytest

from seq2seq.doctor.spool import Spool
from seq2seq.text.corpus import ParallelText, text_at


@pytest.mark.parametrize("same", [False, True])
def test_a_pipe_is_copied_once_and_read_from_the_copy(same, tmp_path):
    pipes = [tmp_path / "in" / name for name in ("a.en", "a.de")][: 1 if same else 2]
    (tmp_path / "in").mkdir()
    for pipe in pipes:
        os.mkfifo(pipe)
        threading.Thread(target=pipe.write_bytes, args=(pipe.name.encode() + b"\n",), daemon=True).start()
    text = Spool(tmp_path)(ParallelText(pipes[0], pipes[-1]))
    assert [list(text), list(text)] == [list(text)] * 2
    assert [(e.source, e.target) for e in text] == [("a.en", pipes[-1].name)]
    assert text.source.name == "a.en"


def test_files_stay_where_they_are(tmp_path):
    (tmp_path / "a.tsv").write_text("x\ty\n")
    text = text_at(str(tmp_path / "a.tsv"))
    assert Spool(tmp_path)(text) == text
    missing = ParallelText(tmp_path / "b", tmp_path)
    assert Spool(tmp_path)(missing) == missing
