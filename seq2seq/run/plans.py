"""Plans over rows of stores, as the processes of a run share them."""

from __future__ import annotations

from dataclasses import replace

from seq2seq.distributed import team
from seq2seq.pipeline.plan import Batching, Layout, Plan, Rows


def training_plan(store: Rows, layout: Layout, batching: Batching, seed: int, epoch: int = 0) -> Plan:
    """Returns the shuffled batches of an epoch: of several processes, this one's rows of each."""
    from seq2seq.pipeline.feed import new_shapes_are_cheap

    rank, size = team.rank_and_size()
    batching = replace(batching, tokens=batching.tokens * size)
    return Plan(store, layout, batching, seed, epoch, trim=new_shapes_are_cheap(), rank=rank, size=size)


def validation_plan(store: Rows, layout: Layout, batching: Batching, seed: int) -> Plan:
    """Returns the batches of the validation data, sorted by length."""
    from seq2seq.pipeline.feed import new_shapes_are_cheap

    return Plan(store, layout, batching, seed, shuffle=False, trim=new_shapes_are_cheap())
