"""What comes before the epochs: range and meters of the corpus are learned, its pieces become tokens."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from seq2seq.distributed import team
from seq2seq.music.batches import TOKENS, Collation, columns, rows
from seq2seq.music.events import END_OF_FRAME, EventCodec
from seq2seq.music.likeness import Corpus as LearnedPieces
from seq2seq.music.notes import Music
from seq2seq.music.rolls import COLUMNS, KEYS, ROLL, RollCollation, roll_of
from seq2seq.music.rolls import rows as roll_rows
from seq2seq.pipeline.plan import Layout, Plan
from seq2seq.pipeline.store import Store
from seq2seq.run.plans import training_plan, validation_plan
from seq2seq.symbols import UNK
from seq2seq.tasks.music.data import Corpus
from seq2seq.tasks.music.folder import MusicRunFolder
from seq2seq.tasks.music.recipe import Recipe

_log = logging.getLogger(__name__)


def learn_codec(folder: MusicRunFolder, recipe: Recipe, corpus: Corpus) -> EventCodec:
    """Returns the codec of the training pieces or, in a run that goes on, reads it again."""

    def learn() -> EventCodec:
        if not folder.codec_file.exists():
            events = recipe.events
            codec = EventCodec.learn(corpus.train, events.steps_per_quarter, events.onsets, events.inputs)
            codec.save(folder.inside(folder.codec_file))
            _log.info("Learned %s tokens: pitches %d to %d", f"{codec.size:,}", codec.low, codec.high)
        codec = folder.load_codec()
        if not folder.corpus_file.exists():
            learned = LearnedPieces.of([codec.on_grid(piece) for piece in corpus.train])
            learned.save(folder.inside(folder.corpus_file))
        return codec

    return team.leader_first(learn, folder.load_codec)


class PieceStores:
    """The pieces as tokens, in stores on disk."""

    def __init__(self, folder: MusicRunFolder, recipe: Recipe, corpus: Corpus, codec: EventCodec):
        self.folder, self.recipe, self.codec = folder, recipe, codec
        self.train = self._write("train", corpus.train)
        self.validation = self._write("validation", corpus.validation)
        for name, store in (("Training", self.train), ("Validation", self.validation)):
            tokens = store[TOKENS].values
            unknown = int((tokens == UNK).sum())
            share = f", {100 * unknown / len(tokens):.1f} % outside the range" if unknown else ""
            frames = f"{int((tokens == END_OF_FRAME).sum()):,}"
            _log.info("%s data: %s pieces, %s frames, %s tokens%s", name, len(store), frames, f"{len(tokens):,}", share)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self.plan(0))

    def plan(self, epoch: int) -> Plan:
        """Returns the batches of an epoch; how a piece is transposed follows from seed, epoch and row."""
        recipe = self.recipe
        change = Collation(self.codec, recipe.events.transpose, recipe.events.native, recipe.seed, epoch)
        return training_plan(self.train, Layout((TOKENS,), change), recipe.batching, recipe.seed, epoch)

    def validation_plan(self) -> Plan:
        """Returns the batches of the validation pieces, as they are."""
        return validation_plan(
            self.validation, Layout((TOKENS,), Collation(self.codec)), self.recipe.batching, self.recipe.seed
        )

    @property
    def tokens_per_frame(self) -> float:
        """Of the validation pieces."""
        tokens = self.validation[TOKENS].values
        return len(tokens) / max(1, int((tokens == END_OF_FRAME).sum()))

    @property
    def uniform_loss(self) -> float:
        """The loss of a token by a model that knows nothing, in nats."""
        return math.log(self.codec.size)

    def _write(self, name: str, pieces: Sequence[Music]) -> Store:
        folder = self.folder.inside(self.folder.stores / name)

        def make() -> Store:
            if not (folder / "store.json").exists():
                encoded = map(self.codec.encode, pieces)
                return Store.write(folder, rows(encoded, self.recipe.events.longest), columns(self.codec))
            store = Store(folder)
            store.check_below(TOKENS, self.codec.size)
            return store

        return team.leader_first(make, lambda: Store(folder))


class RollStores:
    """The pieces as piano rolls, in stores on disk."""

    tokens_per_frame = 1.0
    uniform_loss = KEYS * math.log(2.0)

    def __init__(self, folder: MusicRunFolder, recipe: Recipe, corpus: Corpus, codec: EventCodec):
        self.folder, self.recipe, self.codec = folder, recipe, codec
        self.train = self._write("train", corpus.train)
        self.validation = self._write("validation", corpus.validation)
        for name, store in (("Training", self.train), ("Validation", self.validation)):
            _log.info("%s data: %s pieces, %s frames", name, len(store), f"{len(store[ROLL].values):,}")

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self.plan(0))

    def plan(self, epoch: int) -> Plan:
        """Returns the batches of an epoch; how a piece is transposed follows from seed, epoch and row."""
        events, seed = self.recipe.events, self.recipe.seed
        change = RollCollation(self.codec.low, self.codec.high, events.transpose, events.native, seed, epoch)
        return training_plan(self.train, Layout((ROLL,), change), self.recipe.batching, seed, epoch)

    def validation_plan(self) -> Plan:
        """Returns the batches of the validation pieces, as they are."""
        layout = Layout((ROLL,), RollCollation(self.codec.low, self.codec.high))
        return validation_plan(self.validation, layout, self.recipe.batching, self.recipe.seed)

    def _write(self, name: str, pieces: Sequence[Music]) -> Store:
        folder = self.folder.inside(self.folder.stores / name)

        def make() -> Store:
            if not (folder / "store.json").exists():
                return Store.write(folder, roll_rows(roll_of(self.codec, piece) for piece in pieces), COLUMNS)
            return Store(folder)

        return team.leader_first(make, lambda: Store(folder))
