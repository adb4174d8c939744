"""Where a search begins: after BOS, after a prompt, or where another search ended."""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from seq2seq.indexing import gather
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.search.step import DecodeFunction, Symbols
from seq2seq.types import Ids, State, Tensor


class Start(NamedTuple):
    """What the hypotheses of each source have written before a search begins, and what the model reads first.

    Outputs begin with it: their ids, lengths, log-probabilities and limits count it, and so does every rule.
    """

    token: Ids
    """`(batch,)`, int32: the first input; the last token of `ids`, or BOS."""
    ids: Ids
    """`(batch, n)`, int32, then PAD; n may be 0."""
    lengths: Tensor
    """`(batch,)`, int32: how many of `ids` are tokens."""
    log_probabilities: Tensor
    """`(batch,)`, float32: the sum over these tokens, in nats."""


def prefill(
    decode: DecodeFunction, state: State, prompt: Ids, lengths: Tensor, symbols: Symbols = Symbols()
) -> tuple[Start, State]:
    """Reads prompts in one call of the model.

    Args:
        decode: The model, over many steps.
        state: Before the first step; tensors of `(batch, …)`.
        prompt: `(batch, n)`, int32: what each output begins with, then PAD.
        lengths: `(batch,)`, int32: tokens of each prompt; 0 for none.
        symbols: Of the vocabulary.

    Returns:
        Where a search goes on, and the state with which it does.
    """
    batch, width = ops.shape(prompt)
    prompt = ops.cast(prompt, "int32")
    first = ops.full((batch, 1), symbols.bos, dtype="int32")
    inputs = ops.concatenate([first, prompt], axis=1)  # (batch, n + 1)
    mask = ops.arange(width, dtype="int32") < ops.expand_dims(lengths, 1)  # (batch, n)
    # The last token is left to the first step of the search.
    logits, state = decode(inputs[:, :-1], mask, state)
    logits = forbid_control_symbols(logits, symbols)
    chosen = gather(logits, ops.expand_dims(prompt, 2))[:, :, 0]
    log_probs = ops.where(mask, chosen - ops.logsumexp(logits, axis=-1), 0.0)  # (batch, n)
    token = gather(inputs, ops.expand_dims(lengths, 1))[:, 0]
    return Start(token, ops.where(mask, prompt, symbols.pad), lengths, ops.sum(log_probs, axis=1)), state
