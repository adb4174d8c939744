"""The recipe of a language model: typed, frozen, checked when made; `--help` prints the docstring of each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from seq2seq.run import sections
from seq2seq.run.ranges import out_of_range
from seq2seq.run.sections import Section
from seq2seq.tasks.token_model import LEAST_ONE, NOT_NEGATIVE, SHARES, contradictions
from seq2seq.tasks.token_model import Model as Model
from seq2seq.tasks.token_model import Training as Training


class Data(Section):
    """What to learn from."""

    corpus: Literal["sentences", "ptb", "tinyshakespeare", "files"] = "sentences"
    """A data set of the catalogue, or "files" for your own, named below."""
    tests: tuple[str, ...] = ("test",)
    """Test splits of the catalogue to score at the end. For "files": "test" where one is given."""
    train: str = ""
    """For "files": text to train on, in its order. It may be compressed (.gz, .xz, .bz2, or a .zip of one file).
    Several are read one after the other: a.txt,b.txt"""
    validation: str = ""
    """For "files": what chooses the best epoch. Where none is given, the last twentieth of the training lines is held
    out for it."""
    test: str = ""
    """For "files": what to score at the end; optional."""
    max_train: int = 0
    """Use only this many training lines, the first ones; 0 is all."""


class Tokenizer(Section):
    """How text becomes tokens. The end of a line is a token too."""

    kind: Literal["words", "characters", "unigram", "bpe"] = "unigram"
    """words: what stands between blanks; characters; unigram, bpe: SentencePiece."""
    size: int = 5000
    """Size of the vocabulary, the most frequent tokens; of words and characters 0 is all of them."""
    byte_fallback: bool = False
    """unigram, bpe: spell unknown characters as bytes instead of an unknown symbol; takes 256 ids of the vocabulary."""


class Batching(Section):
    """How the text becomes batches: it is cut into rows, which are read side by side, some steps a batch."""

    rows: int = 32
    """Rows of a batch."""
    steps: int = 48
    """Tokens of a row in a batch: gradients go back so far, the state goes on into the next batch."""


class Recipe(sections.Recipe):
    """Everything that decides a run."""

    task: Literal["language_model"] = "language_model"
    """Name of the task."""
    data: Data = Data()
    """What to learn from."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes tokens."""
    model: Model = Model()
    """The network."""
    batching: Batching = Batching()
    """How the text becomes batches."""
    training: Training = Training()
    """How to train."""
    exports: tuple[Literal["saved_model", "litert", "onnx"], ...] = ("saved_model",)
    """What to export at the end into export/ of the run folder; empty is nothing."""

    def model_post_init(self, _: Any) -> None:
        """Raises ValueError for fields that contradict each other or are out of range."""
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields a sentence for everything that contradicts itself or is out of range."""
    data, tokenizer = recipe.data, recipe.tokenizer
    if data.corpus == "files" and not data.train:
        yield "data.train must name a file where data.corpus is 'files'"
    yield from contradictions(recipe.model)
    if tokenizer.kind in ("unigram", "bpe") and tokenizer.size < 5:
        yield f"tokenizer.size must be at least 5, received {tokenizer.size}"
    if tokenizer.kind in ("words", "characters") and tokenizer.size != 0 and tokenizer.size < 5:
        yield f"tokenizer.size must be 0 or at least 5, received {tokenizer.size}"
    yield from out_of_range(
        recipe,
        (*LEAST_ONE, "batching.rows", "batching.steps"),
        (*NOT_NEGATIVE, "data.max_train"),
        SHARES,
    )
