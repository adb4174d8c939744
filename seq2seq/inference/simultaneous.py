"""Translation while the source still arrives: wait-k (Ma et al. 2019). Imports no framework.

Below everything is one pure function, `Interpreter.advance(state, words, last) -> (state, update)`. Text that is whole
goes through it too, so a stream gives what evaluation measures, however its words come.

k words are read, then one is written for each that is read; after the last one the rest. A token is written as soon as
it is known, unless a word begins with it that has to wait for another word of the source: then that is read, and the
token chosen anew. The text ends only where the source does.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from seq2seq.inference.requests import InputTooLong
from seq2seq.inference.streaming import Update, Word, spell, words_of
from seq2seq.inference.writing import INCOMPLETE
from seq2seq.search.ctc import Emission
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import BOS, EOS
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_batches import spaced_word_starts

Rows = tuple[np.ndarray, ...]
"""Of one stream: a state, `(size,)` each; or a memory, `(tokens, size)` each."""


class Choice(NamedTuple):
    """What a network would write next."""

    id: int
    log_prob: float
    """In nats."""
    state: Rows
    """The decoder's after reading the last token."""


class Network(Protocol):
    """A translator of which neither encoder nor decoder sees the future. Every call is for several streams at once."""

    def begin(self) -> tuple[Rows, Rows]:
        """Returns the first states of encoder and decoder."""

    def read(self, parts: Sequence[Sequence[int]], states: Sequence[Rows]) -> list[tuple[Rows, Rows]]:
        """Returns of each stream the memory of its next source ids, one or more, and the encoder's state after them."""

    def write(self, tokens: Sequence[int], memories: Sequence[Rows], states: Sequence[Rows]) -> list[Choice]:
        """Returns of each stream the likeliest id after its last one, given the memory of what it has read."""


class InterpretingState(NamedTuple):
    """All that the future of a stream needs of its past."""

    encoder: Rows
    memory: Rows
    """Of the tokens read; empty before the first."""
    words: int
    """Of the source, read so far."""
    ended: bool
    """Whether the source has ended."""
    decoder: Rows
    last: int
    """The last token, which the decoder has not read yet; BOS at first."""
    begun: int
    """Words of the output that have begun."""
    written: int
    """Tokens of the output."""
    open: tuple[Emission, ...]
    """Those of the last word, which may go on. Their frames are source words, from 0."""
    done: bool
    """Whether the output has ended."""

    @property
    def tokens(self) -> int:
        """Tokens of the source, read so far."""
        return len(self.memory[0]) if self.memory else 0


@dataclass(frozen=True)
class Interpretation:
    """What was written for a line that came word by word."""

    text: str
    words: tuple[Word, ...]
    source: int
    """Words of the source."""

    @property
    def delays(self) -> list[int]:
        """Source words read when each word was written."""
        return [round(word.end) for word in self.words]


def check_wait_k(wait_k: int) -> int:
    """Returns `wait_k` as an int; raises ValueError if it is no whole number of at least 1."""
    try:
        words = 0 if isinstance(wait_k, bool) else operator.index(wait_k)
    except TypeError:
        words = 0
    if words < 1:
        raise ValueError(f"wait_k must be a whole number of words, at least 1. Received: {wait_k!r}")
    return words


class Interpreter:
    """Translates word by word.

    Args:
        network: The model.
        source_tokenizer: For the words that come in, one by one.
        target_tokenizer: For the words that go out.
        wait_k: Words that are read before the first is written, at least 1. Words are what blanks separate.
        options: max_ratio, max_extra, max_input and cut_input are used. The search is greedy.
    """

    def __init__(
        self,
        network: Network,
        source_tokenizer: SubwordTokenizer,
        target_tokenizer: SubwordTokenizer,
        wait_k: int,
        options: SearchOptions = SearchOptions(),
    ):
        self.network, self.options, self.wait_k = network, options, check_wait_k(wait_k)
        self.source_tokenizer, self.target_tokenizer = source_tokenizer, target_tokenizer
        self._starts = spaced_word_starts(target_tokenizer)

    def begin(self) -> InterpretingState:
        """Returns the state before the first word."""
        encoder, decoder = self.network.begin()
        return InterpretingState(encoder, (), 0, False, decoder, BOS, 0, 0, (), False)

    def advance(
        self, state: InterpretingState, words: Sequence[str], last: bool = False
    ) -> tuple[InterpretingState, Update]:
        """Returns the state after some words of the source, and what is new.

        Args:
            state: Before them.
            words: Without blanks; none is fine.
            last: Whether the source ends here.

        Raises:
            InputTooLong: the source has more than `max_input` tokens, and `cut_input` is off.
        """
        [found] = self.advance_all([state], [words], last)
        return found

    def advance_all(
        self, states: Sequence[InterpretingState], words: Sequence[Sequence[str]], last: bool = False
    ) -> list[tuple[InterpretingState, Update]]:
        """As `advance`, for several streams at once. Each goes its own way; the network is called for all together."""
        now, new = list(states), [list[Emission]() for _ in states]
        parts = [self._parts(*row) for row in zip(range(len(now)), now, words, strict=True)]
        for row, queue in enumerate(parts):
            if last:
                queue.append([EOS])
                if now[row].tokens == 0 and not any(queue[n] for n in range(len(queue) - 1)):  # an empty source
                    queue.clear()
                    now[row] = now[row]._replace(ended=True, done=True)
        writes = [False] * len(now)
        while True:
            readers = [row for row, queue in enumerate(parts) if queue and not writes[row]]
            writers = [row for row, is_writer in enumerate(writes) if is_writer]
            if not readers and not writers:
                break
            read = self._read([now[row] for row in readers], [parts[row].popleft() for row in readers])
            for row, state in zip(readers, read, strict=True):
                now[row], writes[row] = state, self._may_write(state)
            written = self._write([now[row] for row in writers])
            for row, (state, emission) in zip(writers, written, strict=True):
                now[row], writes[row] = state, emission is not None and self._may_write(state)
                new[row] += [emission] if emission else []
        return [self._update(state, emissions, last) for state, emissions in zip(now, new, strict=True)]

    def interpret(self, lines: Sequence[str], batch_size: int = 64) -> list[Interpretation]:
        """Returns what is written for each line if its words come one by one.

        Args:
            lines: Text.
            batch_size: Lines computed together, at most.

        Raises:
            InputTooLong: a line has more than `max_input` tokens, and `cut_input` is off.
        """
        words = [line.split() for line in lines]
        results: list[Interpretation | None] = [None] * len(lines)
        order = sorted(range(len(lines)), key=lambda row: -len(words[row]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            try:
                found = self.advance_all([self.begin()] * len(rows), [words[row] for row in rows], last=True)
            except InputTooLong as error:
                raise InputTooLong({rows[error.index]: error.lengths[error.index]}, error.limit) from None
            for row, (_, update) in zip(rows, found, strict=True):
                results[row] = Interpretation(update.final, update.tokens, len(words[row]))
        return [result for result in results if result is not None]

    def _parts(self, row: int, state: InterpretingState, words: Sequence[str]) -> deque[list[int]]:
        """Returns the ids of each word; of a source that is too long none beyond the limit."""
        limit, queue = self.options.max_input, deque(self.source_tokenizer.encode(list(words)))
        total = state.tokens + sum(map(len, queue))
        if total > limit and not self.options.cut_input:
            raise InputTooLong({row: total}, limit)
        room, cut = limit - state.tokens, deque[list[int]]()
        for ids in queue:
            cut.append(ids[: max(0, room)])
            room -= len(ids)
        return cut

    def _read(self, states: Sequence[InterpretingState], parts: Sequence[list[int]]) -> list[InterpretingState]:
        """Returns the states after another word each, or after the end of the source."""
        found = [
            state._replace(ended=True) if ids == [EOS] else state._replace(words=state.words + 1)
            for state, ids in zip(states, parts, strict=True)
        ]
        rows = [row for row, ids in enumerate(parts) if ids]  # normalisation removes some words
        if rows:
            read = self.network.read([parts[row] for row in rows], [states[row].encoder for row in rows])
            for row, (memory, encoder) in zip(rows, read, strict=True):
                before = found[row].memory
                if before:
                    memory = tuple(np.concatenate(pair) for pair in zip(before, memory, strict=True))
                found[row] = found[row]._replace(encoder=encoder, memory=memory)
        return found

    def _limit(self, state: InterpretingState) -> int:
        """Returns the most tokens that may be written for what is read."""
        return int(self.options.output_limit(state.tokens - state.ended))

    def _may_write(self, state: InterpretingState) -> bool:
        """Whether a token may follow, if no word has to wait that begins with it."""
        if state.ended or state.done:
            return not state.done
        return state.tokens > 0 and state.words >= self.wait_k + max(0, state.begun - 1)

    def _write(self, states: Sequence[InterpretingState]) -> list[tuple[InterpretingState, Emission | None]]:
        """Returns the states after another token each, and that token; None where it has to wait or nothing follows."""
        if not states:
            return []
        choices = self.network.write(
            [state.last for state in states], [state.memory for state in states], [state.decoder for state in states]
        )
        found: list[tuple[InterpretingState, Emission | None]] = []
        for state, choice in zip(states, choices, strict=True):
            begins = state.written == 0 or bool(self._starts[choice.id])
            is_last = choice.id == EOS or state.written >= self._limit(state)
            waits = is_last or (begins and state.words < self.wait_k + state.begun)
            if waits and not state.ended:
                found.append((state, None))
            elif is_last:
                found.append((state._replace(done=True), None))
            else:
                after = state._replace(
                    decoder=choice.state,
                    last=choice.id,
                    begun=state.begun + begins,
                    written=state.written + 1,
                )
                found.append((after, Emission(choice.id, state.words - 1, math.exp(min(0.0, choice.log_prob)))))
        return found

    def _update(
        self, state: InterpretingState, new: Sequence[Emission], last: bool
    ) -> tuple[InterpretingState, Update]:
        """Returns the state with the words that are complete taken out, and the update that holds them."""
        symbols, codec = (*state.open, *new), self.target_tokenizer
        spelled = [] if last else spell(codec, symbols)
        begin = len(symbols) if last else spelled[-1].first if spelled else 0  # the last word may go on
        words, rest = tuple(words_of(codec, symbols[:begin], 1.0)), symbols[begin:]
        partial = codec.decode([[emission.symbol for emission in rest]])[0].strip().rstrip(INCOMPLETE)
        return state._replace(open=rest), Update(" ".join(word.text for word in words), partial, words, last)


class TextStream:
    """A sentence that arrives word by word: `push` words as they come, `finish` at the end.

    The `final` of an update has words that are complete, its `partial` the word that is being written, which can only
    grow. `start` and `end` of a word count the words of the source: how many had been read before the one at which it
    was begun, and how many when it was complete.

    Args:
        interpreter: What translates it.
    """

    def __init__(self, interpreter: Interpreter):
        self._interpreter = interpreter
        self._state: InterpretingState | None = interpreter.begin()

    def push(self, words: str | Sequence[str]) -> Update:
        """Returns what is new after some words, one text or several; blanks separate words, and there may be none.

        Raises:
            ValueError: the stream is finished, or the sentence is too long (`InputTooLong`).
            TypeError: an item is no text.
        """
        texts = [words] if isinstance(words, str) else list(words)
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"Expected words, as text. Received: {str(text)[:40]!r} ({type(text).__name__})")
        return self._advance([word for text in texts for word in text.split()], False)

    def finish(self) -> Update:
        """Ends the sentence. Returns the words that were still to come; ValueError where it has ended before."""
        return self._advance([], True)

    def _advance(self, words: Sequence[str], last: bool) -> Update:
        if self._state is None:
            raise ValueError("The stream is finished: begin a new one.")
        state, update = self._interpreter.advance(self._state, words, last)
        self._state = None if last else state
        return update
