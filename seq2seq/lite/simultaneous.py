"""Translation while the source arrives, on a LiteRT folder; see `seq2seq.inference.simultaneous`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np

from seq2seq.inference.checks import check_numbers
from seq2seq.inference.simultaneous import Choice, Rows
from seq2seq.lite.networks import LiteNetworks
from seq2seq.pipeline.padding import pad, padded


class LiteNetwork:
    """The networks of a folder as `inference.simultaneous.Network`.

    Args:
        borrow: Lends networks that no other thread uses at the same time.
        size: Of the vocabulary that they write.
    """

    def __init__(self, borrow: Callable[[], AbstractContextManager[LiteNetworks]], size: int):
        self._borrow, self._size = borrow, size

    def begin(self) -> tuple[Rows, Rows]:
        with self._borrow() as networks:
            encoder, decoder = networks.first_states()
        return tuple(encoder), (decoder,)

    def read(self, parts: Sequence[Sequence[int]], states: Sequence[Rows]) -> list[tuple[Rows, Rows]]:
        found: list[tuple[Rows, Rows]] = []
        with self._borrow() as networks:
            for rows in _groups(len(parts), networks.batches):
                memory, after = networks.encode_part(pad(parts[rows]), _stacked(states[rows]))
                found += [
                    (
                        (memory["keys"][row, : len(ids)], memory["values"][row, : len(ids)]),
                        tuple(part[row] for part in after),
                    )
                    for row, ids in enumerate(parts[rows])
                ]
        return found

    def write(self, tokens: Sequence[int], memories: Sequence[Rows], states: Sequence[Rows]) -> list[Choice]:
        found: list[Choice] = []
        with self._borrow() as networks:
            for rows in _groups(len(tokens), networks.batches):
                memory = _memory(memories[rows])
                [state] = _stacked(states[rows])
                ids, log_probs, after = networks.write(np.asarray(tokens[rows], np.int32), state, memory)
                check_numbers(log_probs)
                networks.check_ids(ids, self._size)
                found += [
                    Choice(int(id_), float(log_prob), (row,))
                    for id_, log_prob, row in zip(ids, log_probs, after, strict=True)
                ]
        return found


def _memory(memories: Sequence[Rows]) -> dict[str, np.ndarray]:
    """Returns keys, values and mask of streams that have read tokens of different numbers."""
    keys, values = (
        padded([memory[place] for memory in memories], dtype="float32", shape=memories[0][place].shape[1:])
        for place in (0, 1)
    )
    return {"keys": keys.values, "values": values.values, "mask": keys.mask}


def _groups(count: int, batches: Sequence[int]) -> Iterator[slice]:
    """Yields the streams that are computed together: a network takes the same time however few of its rows are used,
    so a few go one by one."""
    start = 0
    while start < count:
        rest = count - start
        size = next((batch for batch in batches if batch >= rest), batches[-1])
        if batches[0] == 1 and 2 * rest <= size:
            size = 1
        yield slice(start, min(count, start + size))
        start += size


def _stacked(states: Sequence[Rows]) -> list[np.ndarray]:
    return [np.stack(parts) for parts in zip(*states, strict=True)]
