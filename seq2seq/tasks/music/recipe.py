"""The recipe of a model of music: typed, frozen, checked when made; `--help` prints the docstring of each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from seq2seq.music.inputs import FURTHEST, InputName
from seq2seq.pipeline.plan import Batching
from seq2seq.run import sections
from seq2seq.run.ranges import out_of_range
from seq2seq.run.sections import Section
from seq2seq.tasks.token_model import LEAST_ONE, NOT_NEGATIVE, SHARES, contradictions
from seq2seq.tasks.token_model import Model as Model
from seq2seq.tasks.token_model import Training as Training


class Data(Section):
    """What to learn from."""

    corpus: Literal["tunes", "jsb", "nottingham", "files"] = "tunes"
    """A data set of the catalogue, or "files" for your own, named below."""
    tests: tuple[str, ...] = ("test",)
    """Test splits of the catalogue to score at the end. For "files": "test" where one is given."""
    train: str = ""
    """For "files": a folder of pieces, or a file. Several: a.mid,b.abc"""
    validation: str = ""
    """For "files": what chooses the best epoch. Where none is given, every twentieth piece is held out for it."""
    test: str = ""
    """For "files": what to score at the end; optional."""
    chords: bool = True
    """Read the chord symbols of ABC as held chords below the melody."""
    max_train: int = 0
    """Use only this many training pieces, the first ones; 0 is all."""


class Events(Section):
    """How music becomes tokens: in each frame its notes, the lowest first, and an end of frame."""

    steps_per_quarter: int = 4
    """Frames of a quarter note. Of jsb there are 1, 2 and 4."""
    onsets: bool = True
    """Give a note that begins another token than one that goes on; otherwise a pitch that is struck again is held."""
    inputs: tuple[InputName, ...] = ("place", "bar", "before")
    """What the network reads at each step beside the last token: place (notes of the frame so far), bar (step within
    the bar), meter, key, before, bar_before and section_before (what the frame before, or a bar or eight bars before,
    has at this place), transposed (how far training has transposed the piece)."""
    keys: bool = False
    """Predict 88 keys, each by itself, in place of tokens. Such a model does not compose; it is for comparison with
    published figures."""
    transpose: int = 6
    """Transpose each piece anew in each epoch, by up to so many semitones within the range of the corpus; 0 is not."""
    longest: int = 4096
    """Tokens of a row of a batch; longer pieces are cut between frames for training and validation."""
    native: float = 0.0
    """Probability that a piece stays as it is written in an epoch."""


class Recipe(sections.Recipe):
    """Everything that decides a run."""

    task: Literal["music"] = "music"
    """Name of the task."""
    data: Data = Data()
    """What to learn from."""
    events: Events = Events()
    """How music becomes tokens."""
    model: Model = Model(embedding=256, units=256)
    """The network."""
    batching: Batching = Batching(tokens=4096)
    """How pieces become batches: each is a row."""
    training: Training = Training()
    """How to train."""

    def model_post_init(self, _: Any) -> None:
        """Raises ValueError for fields that contradict each other or are out of range."""
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields a sentence for everything that contradicts itself or is out of range."""
    data, events = recipe.data, recipe.events
    if data.corpus == "files" and not data.train:
        yield "data.train must name a folder or a file where data.corpus is 'files'"
    if not data.chords and data.corpus in ("tunes", "jsb"):
        yield f"data.chords false is for what is in ABC, and {data.corpus} is not"
    if data.corpus == "jsb" and events.steps_per_quarter not in (1, 2, 4):
        yield f"events.steps_per_quarter must be 1, 2 or 4 for jsb, received {events.steps_per_quarter}"
    if events.keys and events.inputs:
        yield "events.inputs must be empty with events.keys, which read the frame before alone"
    if len(set(events.inputs)) < len(events.inputs):
        yield f"events.inputs must differ, received {','.join(events.inputs)}"
    if not 0 <= events.transpose <= FURTHEST:
        yield f"events.transpose must be from 0 to {FURTHEST}, received {events.transpose}"
    yield from contradictions(recipe.model)
    yield from out_of_range(
        recipe,
        (*LEAST_ONE, "events.steps_per_quarter", "events.longest"),
        (*NOT_NEGATIVE, "data.max_train"),
        (*SHARES, "events.native"),
    )
