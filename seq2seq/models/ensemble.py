"""Several models that write one output together: at each step their distributions are mixed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.types import Encoded, Ids, Mask, Padded, State, Tensor

MIXINGS = ("probabilities", "log-probabilities")


class EncodedByMembers(NamedTuple):
    """What the members of an ensemble make of a source."""

    members: tuple[Encoded, ...]

    @property
    def state(self) -> State:
        """The first state: a tuple with that of each member."""
        return tuple(encoded.state for encoded in self.members)


class Ensemble(keras.Model):
    """Members of one target vocabulary, called as one `Seq2Seq` is.

    What belongs to one model there is here a tuple over the members: the source and the state.

    Args:
        members: Built models, at least one.
        mixing: "probabilities": the mean of the members' probabilities; "log-probabilities": the mean of their
            logarithms, normalised, which is high only where the members agree. Control symbols have no probability.
        aligning: Places of the members whose attention is shown; they must read the same source ids. None: of all
            that have attention.

    Call arguments:
        inputs: By name `source` and `source_mask`, a tuple each with `(batch, source)` for each member; and
            `target_input`, `(batch, target)`, int32.

    Returns:
        log-probabilities `(batch, target, target_size)`, float32.

    Raises:
        ValueError: no members, unequal target sizes, or an unknown mixing.
    """

    def __init__(
        self,
        members: Sequence[Seq2Seq],
        mixing: str = "probabilities",
        aligning: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**{"name": "ensemble", **kwargs})
        if mixing not in MIXINGS:
            raise ValueError(f"Unknown mixing. Expected one of {', '.join(MIXINGS)}. Received: {mixing!r}")
        sizes = {member.target_size for member in members}
        if len(sizes) != 1:
            raise ValueError(
                "An ensemble needs members of one target vocabulary. "
                f"Received: {len(members)} members, target sizes {sorted(sizes)}"
            )
        self.members = list(members)
        self.mixing = mixing
        shown = range(len(members)) if aligning is None else aligning
        self.aligning = tuple(i for i in shown if members[i].has_attention)
        self.built = True

    @property
    def target_size(self) -> int:
        return self.members[0].target_size

    @property
    def has_attention(self) -> bool:
        """Whether `align` has something to show."""
        return bool(self.aligning)

    @property
    def has_selector(self) -> bool:
        """Whether `keep_probabilities` has something to say."""
        return all(member.has_selector for member in self.members)

    def encode(self, source: Sequence[Padded], training: bool | None = None) -> EncodedByMembers:
        """Encodes `(batch, source)` ids for each member once."""
        pairs = zip(self.members, source, strict=True)
        return EncodedByMembers(tuple(member.encode(ids, training=training) for member, ids in pairs))

    def keep_probabilities(self, encoded: EncodedByMembers) -> Tensor:
        """The mean of the members' probabilities that a source token is kept, `(batch, source)`, float32.

        All members must read the same source ids. ValueError: one has no selector.
        """
        members = zip(self.members, encoded.members, strict=True)
        return ops.mean(ops.stack([member.keep_probabilities(part) for member, part in members]), axis=0)

    def decode(
        self,
        ids: Ids,
        encoded: EncodedByMembers,
        state: State,
        training: bool | None = None,
        mask: Mask | None = None,
    ) -> tuple[Tensor, State]:
        """Continues from `state` over `(rows, target)` ids, any number of steps; see `Seq2Seq.decode`.

        Returns:
            log-probabilities `(rows, target, target_size)`, float32; and the state after the last step.
        """
        log_probs, states = [], []
        for member, part, before in zip(self.members, encoded.members, state, strict=True):
            logits, after = member.decode(ids, part, before, training, mask)
            # Each as a search takes it alone: else a member that gives control symbols much would count for less.
            log_probs.append(ops.log_softmax(forbid_control_symbols(logits)))
            states.append(after)
        return self._mix(log_probs), tuple(states)

    def _mix(self, log_probs: list[Tensor]) -> Tensor:
        if len(log_probs) == 1:
            return log_probs[0]
        stacked = ops.stack(log_probs)  # (members, rows, target, target_size)
        if self.mixing == "probabilities":
            return ops.logsumexp(stacked, axis=0) - math.log(len(log_probs))
        return ops.log_softmax(ops.mean(stacked, axis=0))

    def align(self, ids: Ids, encoded: EncodedByMembers, state: State) -> Tensor:
        """The mean attention weights of the shown members, `(rows, target, source)`; ValueError if there are none."""
        if not self.has_attention:
            raise ValueError("No member of this ensemble has attention to show, so it has no alignments.")
        weights = [self.members[i].align(ids, encoded.members[i], state[i]) for i in self.aligning]
        return ops.mean(ops.stack([ops.cast(w, "float32") for w in weights]), axis=0)

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Tensor:
        pairs = zip(inputs["source"], inputs["source_mask"], strict=True)
        encoded = self.encode([Padded(*pair) for pair in pairs], training)
        return self.decode(inputs["target_input"], encoded, encoded.state, training)[0]
