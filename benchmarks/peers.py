"""Other software that users might run, for `inference.py`. Weights are random: the speed counts, not the text.

Every hypothesis has as many tokens as its source, none ends early: about what a trained model writes on Multi30k.

torch        Bahdanau's encoder-decoder written by hand in PyTorch, float32: embedding 256, bidirectional GRU
             256, decoder GRU 512, additive attention, readout, the run's vocabulary.  pip install torch==2.13.0
ctranslate2  A Transformer of 3 + 3 layers x 256 by CTranslate2, int8.  pip install ctranslate2==4.6.0
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.inference.batching import by_length, pad_with_eos
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.subword import SubwordTokenizer

PEERS = ("torch", "ctranslate2")
Translate = Callable[[list[str], int], list[str]]


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def load(name: str, run: Path, beam: int) -> Translate:
    """Returns a function of lines and a batch size, which searches with a beam of `beam` hypotheses."""
    tokenizer = SubwordTokenizer.load(run / "source.model")
    search = {"torch": _torch, "ctranslate2": _ctranslate2}[name](tokenizer.size, beam)

    def translate(lines: list[str], batch: int) -> list[str]:
        sources = tokenizer.encode(lines)
        found = [""] * len(lines)
        for places in by_length(sources, batch):
            for place, ids in zip(places, search([sources[i] for i in places]), strict=True):
                found[place] = tokenizer.decode([ids])[0]
        return found

    return translate


def _torch(size: int, beam: int) -> Callable[[list[list[int]]], list[list[int]]]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(1)
    embedding, units = nn.Embedding(size, 256), 512
    encoder = nn.GRU(256, units // 2, bidirectional=True, batch_first=True)
    bridge, keys_of, query_of = nn.Linear(units, units), nn.Linear(units, units), nn.Linear(units, units, bias=False)
    weigh, cell = nn.Linear(units, 1, bias=False), nn.GRUCell(256 + units, units)
    readout, output = nn.Linear(256 + 2 * units, units), nn.Linear(units, size)

    @torch.inference_mode()
    def search(sources: list[list[int]]) -> list[list[int]]:
        ids = torch.from_numpy(pad_with_eos(sources).astype(np.int64))
        rows, mask = len(ids), (ids != PAD).repeat_interleave(beam, 0)
        packed = nn.utils.rnn.pack_padded_sequence(embedding(ids), (ids != PAD).sum(1), True, False)
        outputs, final = encoder(packed)
        values, _ = nn.utils.rnn.pad_packed_sequence(outputs, True)
        keys = keys_of(values).repeat_interleave(beam, 0)
        state = torch.tanh(bridge(torch.cat([final[0], final[1]], 1))).repeat_interleave(beam, 0)
        values = values.repeat_interleave(beam, 0)
        found, last = torch.zeros(rows * beam, 0, dtype=torch.long), torch.full((rows * beam,), BOS)
        totals = torch.tensor([0.0, *[-1e9] * (beam - 1)]).repeat(rows, 1)
        for _ in range(ids.shape[1]):
            scores = weigh(torch.tanh(query_of(state)[:, None] + keys))[..., 0].masked_fill(~mask, -1e9)
            context = torch.bmm(scores.softmax(1)[:, None], values)[:, 0]
            given = embedding(last)
            state = cell(torch.cat([given, context], 1), state)
            logits = output(torch.tanh(readout(torch.cat([state, context, given], 1))))
            if beam == 1:
                last = logits.argmax(1)
                found = torch.cat([found, last[:, None]], 1)
                continue
            extended = (totals[..., None] + logits.log_softmax(1).view(rows, beam, size)).view(rows, -1)
            totals, places = extended.topk(beam, 1)
            parents = (places // size + torch.arange(rows)[:, None] * beam).view(-1)
            last, state = (places % size).view(-1), state[parents]
            found = torch.cat([found[parents], last[:, None]], 1)
        return [ids[: len(source)] for ids, source in zip(found[::beam].tolist(), sources, strict=True)]

    return search


def _ctranslate2(size: int, beam: int) -> Callable[[list[list[int]]], list[list[int]]]:
    import ctranslate2

    words = [f"{i}" for i in range(size)]
    words[:3] = ["<blank>", "<s>", "</s>"]
    with tempfile.TemporaryDirectory() as folder:
        _transformer(words, 3, 256, 4, 1024).save(folder)
        translator = ctranslate2.Translator(folder, compute_type="int8", intra_threads=1)

    def search(sources: list[list[int]]) -> list[list[int]]:
        given = [[*(words[max(i, EOS + 1)] for i in source), "</s>"] for source in sources]
        tokens = max(map(len, given))
        found = translator.translate_batch(
            given, beam_size=beam, min_decoding_length=tokens, max_decoding_length=tokens
        )
        return [[int(word) for word in result.hypotheses[0] if word.isdigit()] for result in found]

    return search


def _transformer(words: list[str], layers: int, width: int, heads: int, hidden: int) -> Any:
    from ctranslate2.specs import TransformerSpec

    random = np.random.default_rng(1)
    spec = TransformerSpec.from_config((layers, layers), heads)

    def matrix(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.02).astype(np.float32)

    def blocks() -> Iterator[tuple]:
        for side in (spec.encoder, spec.decoder):
            side.position_encodings.encodings = matrix(512, width)
            yield side.layer_norm, None, 0, 0
            for layer in side.layer:
                attentions = [(layer.self_attention, (3,))]
                if side is spec.decoder:
                    attentions.append((layer.attention, (1, 2)))
                for attention, counts in attentions:
                    yield attention.layer_norm, None, 0, 0
                    for part, count in zip(attention.linear, (*counts, 1), strict=True):
                        yield None, part, count * width, width
                yield layer.ffn.layer_norm, layer.ffn.linear_0, hidden, width
                yield None, layer.ffn.linear_1, width, hidden
        yield None, spec.decoder.projection, len(words), width

    spec.encoder.embeddings[0].weight = matrix(len(words), width)
    spec.decoder.embeddings.weight = matrix(len(words), width)
    for norm, linear, rows, columns in blocks():
        if norm is not None:
            norm.gamma, norm.beta = np.ones(width, np.float32), np.zeros(width, np.float32)
        if linear is not None:
            linear.weight, linear.bias = matrix(rows, columns), np.zeros(rows, np.float32)
    spec.register_source_vocabulary(words)
    spec.register_target_vocabulary(words)
    spec.validate()
    return spec
