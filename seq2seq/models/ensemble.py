"""Several models that write one text together: at each step their distributions are mixed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.types import Memory, Padded, State

MIXINGS = ("probabilities", "log-probabilities")


class Ensemble(keras.Model):
    """Members of one target vocabulary, called as one `Seq2Seq` is.

    What a member gives is a tuple here, with an entry a member: sources, the parts of the memory, the state.

    Args:
        members: Built models, at least one.
        mixing: "probabilities": the mean of the members' probabilities; "log-probabilities": the mean of their
            logarithms, normalised, which wants the members to agree. No member has probability for control symbols.
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
                "An ensemble wants members of one target vocabulary. "
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

    def encode(self, source: Sequence[Padded], training: bool | None = None) -> Memory:
        """Encodes `(batch, source)` ids for each member once."""
        memories = [m.encode(ids, training=training) for m, ids in zip(self.members, source, strict=True)]
        return Memory(*zip(*memories, strict=True))

    def keep_probabilities(self, memory: Memory) -> Any:
        """The mean of the members' probabilities that a source token is kept, `(batch, source)`, float32.

        All members must read the same source ids. ValueError: one has no selector.
        """
        found = [m.keep_probabilities(its_memory) for m, its_memory in zip(self.members, _parts(memory), strict=True)]
        return ops.mean(ops.stack(found), axis=0)

    def decode(self, ids: Any, memory: Memory, state: State, training: bool | None = None) -> tuple[Any, State]:
        """Goes on from `state` over `(rows, target)` ids, any number of steps.

        Returns:
            log-probabilities `(rows, target, target_size)`, float32; and the state after the last step.
        """
        found, states = [], []
        for member, its_memory, its_state in zip(self.members, _parts(memory), state, strict=True):
            logits, its_state = member.decode(ids, its_memory, its_state, training)
            # Each as a search takes it alone: else one that likes control symbols would count for less.
            found.append(ops.log_softmax(forbid_control_symbols(logits)))
            states.append(its_state)
        return self._mix(found), tuple(states)

    def _mix(self, found: list[Any]) -> Any:
        if len(found) == 1:
            return found[0]
        stacked = ops.stack(found)  # (members, rows, target, target_size)
        if self.mixing == "probabilities":
            return ops.logsumexp(stacked, axis=0) - math.log(len(found))
        return ops.log_softmax(ops.mean(stacked, axis=0))

    def align(self, ids: Any, memory: Memory, state: State) -> Any:
        """The mean of the shown members' attention weights, `(rows, target, source)`; ValueError if there are none."""
        if not self.has_attention:
            raise ValueError("No member of this ensemble has attention to show, so it has no alignments.")
        memories = list(_parts(memory))
        weights = [self.members[i].align(ids, memories[i], state[i]) for i in self.aligning]
        return ops.mean(ops.stack([ops.cast(w, "float32") for w in weights]), axis=0)

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        pairs = zip(inputs["source"], inputs["source_mask"], strict=True)
        memory = self.encode([Padded(*pair) for pair in pairs], training)
        return self.decode(inputs["target_input"], memory, memory.state, training)[0]


def _parts(memory: Memory) -> list[Memory]:
    """The members' memories out of all of them."""
    return [Memory(*parts) for parts in zip(*memory, strict=True)]
