"""The recipe of a speech recogniser: typed, frozen, checked when made; `--help` prints the docstring of each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from seq2seq.audio.frontend import MELS, RATES
from seq2seq.layers.names import CellName
from seq2seq.run import sections
from seq2seq.run.ranges import out_of_range
from seq2seq.run.sections import Section


class Data(Section):
    """What to learn from."""

    corpus: Literal["spoken", "fsdd", "an4", "files"] = "spoken"
    """A data set of the catalogue, or "files" for your own, named below."""
    splits: tuple[str, str] = ("train", "validation")
    """Splits of the catalogue to train on and to choose the best epoch by."""
    tests: tuple[str, ...] = ("test",)
    """Test splits of the catalogue to score at the end. For "files": "test" where one is given."""
    train: str = ""
    """For "files": a manifest, which has audio, text and, if known, speaker, start and end; or a Kaldi folder."""
    validation: str = ""
    """For "files": what chooses the best epoch."""
    test: str = ""
    """For "files": what to score at the end; optional."""
    channel: int = 0
    """Channel of the recordings to take, from 1; 0 is the mean of all."""
    max_train: int = 0
    """Use only this many training utterances, the first ones; 0 is all."""


class Audio(Section):
    """How sound becomes features."""

    rate: int = 16000
    """Samples a second; recordings of another rate are resampled."""
    mels: int = 80
    """Bands of the log-mel spectrum: windows of 25 ms every 10 ms, normalised by the training data as a whole."""


class Augmentation(Section):
    """How training recordings are changed, anew in every epoch."""

    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    """Speeds that are drawn from (Ko et al. 2015); only 1 is none."""
    noise: float = 0.0
    """Share of the recordings to which noise is added, 5 to 30 dB below the speech."""
    noise_folder: str = ""
    """Folder of recordings of noise to draw from; without one noise is made, from white to brown."""
    channel: float = 0.0
    """Standard deviation in dB of random changes of loudness and of the balance of low and high frequencies."""
    frequency_masks: int = 2
    """Bands of frequencies that are masked (SpecAugment, Park et al. 2019)."""
    frequency_width: int = 20
    """Width of such a band in mels, at most."""
    time_masks: int = 2
    """Stretches of time that are masked."""
    time_width: int = 30
    """Frames of such a stretch, at most."""
    time_share: float = 0.2
    """Share of a recording that all of them together mask, at most."""


class Tokenizer(Section):
    """How text becomes labels."""

    kind: Literal["characters", "words", "unigram", "bpe"] = "characters"
    """characters; words; unigram, bpe: SentencePiece."""
    size: int = 0
    """Size of the vocabulary, the most frequent tokens; of characters and words 0 is all of them."""


class Model(Section):
    """The network."""

    stack: int = 3
    """Frames of 10 ms in one step of the encoder: more are quicker, but a step writes one label at most."""
    filters: tuple[int, ...] = ()
    """Filters of each convolution over the frequencies of a step, before that layer; none is no convolution."""
    input_units: int = 256
    """Width of the layer that reads them."""
    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 256
    """Width of one direction of each layer."""
    num_layers: int = 3
    """Number of layers."""
    bidirectional: bool = True
    """Both directions; one alone can transcribe while the sound still arrives."""
    residual: bool = False
    """Add each layer's input to its output where they are equally wide."""
    lookahead: int = 0
    """For one direction: steps that the output sees of what follows (Wang et al. 2016)."""
    dropout: float = 0.2
    """Dropout rate on every layer's input and before the output layer."""
    variational_dropout: bool = False
    """One dropout mask for all steps of an utterance instead of one for each step."""
    attention_weight: float = 0.0
    """Share of the loss for a decoder with attention, trained beside CTC on the same encoder (Watanabe et al. 2017);
    0 is no decoder."""
    decoder_units: int = 128
    """Width of each layer of that decoder."""
    decoder_layers: int = 1
    """Number of its layers."""


class Batching(Section):
    """How utterances become batches."""

    seconds: float = 60.0
    """Padded seconds of sound in a batch, at most; one utterance always fits."""
    buckets: int = 8
    """Number of shapes, where every new shape takes time."""
    max_rows: int = 64
    """Utterances in a batch, at most."""


class Search(Section):
    """How the test sets are transcribed."""

    beam_size: int = 8
    """Prefixes of the search; 1 takes the likeliest symbol of each step."""
    rescoring: float = 0.0
    """What a nat of the attention decoder counts beside one of CTC, where it chooses among these prefixes; 0 is
    nothing. For both directions; exports have no such decoder."""


class Recipe(sections.Recipe):
    """Everything that decides a run."""

    task: Literal["speech"] = "speech"
    """Name of the task."""
    data: Data = Data()
    """What to learn from."""
    audio: Audio = Audio()
    """How sound becomes features."""
    augmentation: Augmentation = Augmentation()
    """How training recordings are changed."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes labels."""
    model: Model = Model()
    """The network."""
    batching: Batching = Batching()
    """How utterances become batches."""
    training: sections.Training = sections.Training()
    """How to train."""
    search: Search = Search()
    """How the test sets are transcribed."""
    exports: tuple[Literal["saved_model", "litert", "onnx"], ...] = ("litert",)
    """What to export at the end into export/ of the run folder; empty is nothing."""

    def model_post_init(self, _: Any) -> None:
        """Raises ValueError for fields that contradict each other or are out of range."""
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields a sentence for everything that contradicts itself or is out of range."""
    data, audio, changes, model = recipe.data, recipe.audio, recipe.augmentation, recipe.model
    tokenizer = recipe.tokenizer
    if data.corpus == "files":
        yield from (
            f"data.{name} must name a manifest where data.corpus is 'files'"
            for name in ("train", "validation")
            if not getattr(data, name)
        )
    for name, value, (least, most) in (("rate", audio.rate, RATES), ("mels", audio.mels, MELS)):
        if not least <= value <= most:
            yield f"audio.{name} must be from {least} to {most}, received {value}"
    if not changes.speeds or not all(0.5 <= speed <= 2.0 for speed in changes.speeds):
        yield f"augmentation.speeds must be from 0.5 to 2, received {changes.speeds}"
    if model.lookahead and model.bidirectional:
        yield "model.lookahead is for one direction: set model.bidirectional false"
    if any(count < 1 for count in model.filters):
        yield f"model.filters must be at least 1 each, received {model.filters}"
    yield from _contradictions_of_rescoring(model, recipe.search)
    if tokenizer.size != 0 and tokenizer.size < 5:
        yield f"tokenizer.size must be 0 or at least 5, received {tokenizer.size}"
    if tokenizer.kind in ("unigram", "bpe") and not tokenizer.size:
        yield f"tokenizer.size must be at least 5 for {tokenizer.kind}, received 0"
    if recipe.batching.seconds <= 0:
        yield f"batching.seconds must be above 0, received {recipe.batching.seconds}"
    if not 0 <= changes.noise <= 1:
        yield f"augmentation.noise must be in [0, 1], received {changes.noise}"
    if changes.noise_folder and not changes.noise:
        yield "augmentation.noise_folder needs augmentation.noise above 0"
    if not 0 <= changes.channel <= 100:
        yield f"augmentation.channel must be from 0 to 100 dB, received {changes.channel}"
    yield from out_of_range(
        recipe,
        (
            *("model.stack", "model.input_units", "model.units", "model.num_layers"),
            *("model.decoder_units", "model.decoder_layers"),
            *("batching.buckets", "batching.max_rows", "search.beam_size"),
        ),
        (
            *("data.channel", "data.max_train", "model.lookahead", "search.rescoring"),
            *("augmentation.frequency_masks", "augmentation.frequency_width"),
            *("augmentation.time_masks", "augmentation.time_width"),
        ),
        ("model.dropout", "model.attention_weight", "augmentation.time_share"),
    )


def _contradictions_of_rescoring(model: Model, search: Search) -> Iterator[str]:
    if search.rescoring <= 0:
        return
    if not model.bidirectional:
        yield "search.rescoring is for both directions, as a stream cannot take back what it wrote: set it to 0"
    elif not model.attention_weight:
        yield "search.rescoring needs a decoder with attention: set model.attention_weight above 0"
    elif search.beam_size == 1:
        yield "search.rescoring chooses among prefixes: set search.beam_size above 1"
