"""`seq2seq translate RUN --wait-k K`: words in, words out, each as soon as it may be written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from seq2seq.cli.arguments import SearchChanges
from seq2seq.cli.line_translator import Counts, TranslationOptions
from seq2seq.cli.text_io import output
from seq2seq.cli.word_input import input_words
from seq2seq.inference.requests import InputTooLong
from seq2seq.messages import say
from seq2seq.tasks.text_to_text.loading import load_translator

if TYPE_CHECKING:
    from seq2seq.inference.simultaneous import Interpreter
    from seq2seq.inference.streaming import Update

USED = ("max_ratio", "max_extra", "max_input", "cut_input")
"""The fields of `SearchOptions` that matter."""


def check_greedy(search: SearchChanges, others: Mapping[str, object]) -> None:
    """Raises ValueError for options beside --wait-k that it cannot keep to.

    Args:
        search: Those of the search.
        others: Further ones by their flags; what is empty was not given.
    """
    wrong = [flag for flag, value in others.items() if value]
    for name, value in search.values.items():
        if name not in (*USED, "num_best") and (name, value) != ("beam_size", 1):
            wrong.append(f"--{name.replace('_', '-')}")
    if wrong:
        raise ValueError(f"--wait-k writes by greedy search and takes nothing back: it excludes {', '.join(wrong)}.")


def check_simultaneous(options: TranslationOptions, others: Mapping[str, object]) -> None:
    """Raises ValueError for options that --wait-k excludes; `others` are further ones by their flags."""
    source = options.input
    given = {
        "a second run": options.model.others,
        "--n-best": options.n_best > 1,
        "--replace-unknown": options.replace_unknown,
        "--dictionary": options.dictionary,
        "--json": source.json,
        "--prefix": source.prefix,
        "--include": source.include,
        "--exclude": source.exclude,
        "--exclude-file": source.exclude_file,
        "--terms": source.terms,
    }
    check_greedy(options.search, {**given, **others})


def translate_words(options: TranslationOptions, wait_k: int, path: str | None) -> Counts:
    """Translates the words of the input to `path`, or to standard output. Returns the counts of its lines."""
    interpreter = load_translator(Path(options.model.run), **options.search.values).interpreter(wait_k)
    too_long, number = 0, 1
    with output(path) as out:
        sentence = _Sentence(interpreter, out)
        for word in input_words(options.input.input):
            try:
                sentence.take(word)
            except InputTooLong as error:
                say(f"{options.input.name}:{number}: {error} Its rest is not translated.")
                sentence.is_cut = True
                too_long += 1
            if word is None:
                sentence = _Sentence(interpreter, out)
                number += 1
    return Counts(too_long=too_long)


class _Sentence:
    """Writes the translation of a line while its words come."""

    def __init__(self, interpreter: Interpreter, out: TextIO):
        from seq2seq.inference.simultaneous import TextStream

        self.out, self.stream = out, TextStream(interpreter)
        self.is_cut = False
        """Whether the rest of the line is ignored."""
        self._final = self._written = ""

    def take(self, word: str | None) -> None:
        """Takes the next word, or None at the end of the line, and writes what follows from it."""
        if not self.is_cut:
            self._write(self.stream.finish() if word is None else self.stream.push(word))
        if word is None:
            self.out.write("\n")
        self.out.flush()

    def _write(self, update: Update) -> None:
        self._final = " ".join(filter(None, (self._final, update.final)))
        text = " ".join(filter(None, (self._final, update.partial)))
        if text.startswith(self._written):
            self.out.write(text[len(self._written) :])
            self._written = text
