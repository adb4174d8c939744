"""How an application uses an ONNX folder: encode, step and search, with NumPy around ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from seq2seq.inference.batching import pad_with_eos
from seq2seq.lite.mbr import choose_by_mbr
from seq2seq.lite.search import beam_search, extend_matches, repeats
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import SearchResult


class OnnxHost:
    """Beam search on the networks of an ONNX folder, with the search options in it.

    Args:
        folder: Made by `seq2seq export --format onnx`.
    """

    def __init__(self, folder: Path):
        shape = json.loads((folder / "onnx.json").read_text("utf-8"))
        self.options, self.has_pointer = SearchOptions(**shape["search"]), shape["pointer"]
        self.source, self.target = (SubwordTokenizer.load(folder / f"{side}.model") for side in ("source", "target"))
        self.encoder, self.step = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
            for name in ("encoder", "step")
        )

    def search(self, lines: Sequence[str]) -> SearchResult:
        """Searches for one batch of lines, none of them empty."""
        k, options = self.options.beam_size, self.options
        sources = self.source.encode(lines)
        source = pad_with_eos(sources)
        memory = _run(self.encoder, ids=source)
        memory |= {"source": source} if self.has_pointer else {}
        state = memory.pop("state")
        memory.pop("keep", None)  # needed for extracts only

        def step(ids: np.ndarray, state: np.ndarray, banned: np.ndarray | None) -> dict[str, np.ndarray]:
            found = _run(self.step, ids=ids, state=state, **memory)
            log_probs = found["log_probabilities"]
            if banned is not None:
                np.put_along_axis(
                    log_probs, banned, -1e9, axis=1
                )  # `banned` is filled up with PAD, which is forbidden anyway
            eos = log_probs[:, EOS].copy()
            log_probs[:, EOS] = -1e9
            top_ids = np.argsort(-log_probs, axis=1, kind="stable")[:, : k + 1]
            top = np.take_along_axis(log_probs, top_ids, 1)
            return {"top": top, "top_ids": top_ids, "eos": eos, "state": found["next_state"]}

        limits = np.asarray([options.output_limit(len(ids)) for ids in sources], np.int32)
        if k == 1:
            return self._greedy(memory, state, limits)
        kept = k if options.mbr else options.num_best
        beam = beam_search(step, state, limits, options.changed(num_best=kept))
        return choose_by_mbr(beam, options.mbr, options.num_best) if options.mbr else beam

    def _greedy(self, memory: dict[str, np.ndarray], state: np.ndarray, limits: np.ndarray) -> SearchResult:
        rows, options = len(limits), self.options
        ids = np.full((rows, int(limits.max()) + 1), PAD, np.int32)
        matches = np.zeros_like(ids)
        last, done = np.full(rows, BOS, np.int32), np.zeros(rows, bool)
        total, lengths = np.zeros(rows, np.float32), np.zeros(rows, np.int32)
        for time in range(ids.shape[1]):
            output = _run(self.step, ids=last, state=state, **memory)
            state, log_probs = output["next_state"], output["log_probabilities"]
            allowed = log_probs.copy()
            if options.no_repeat_ngram:
                np.put_along_axis(allowed, repeats(ids, time, matches, options.no_repeat_ngram), -1e9, axis=1)
            if time < options.min_length:
                allowed[:, EOS] = -1e9
            last = np.where(time >= limits, EOS, allowed.argmax(1)).astype(np.int32)
            total += np.where(done, 0, log_probs[np.arange(rows), last])
            done |= last == EOS
            lengths += ~done
            last = np.where(done, PAD, last).astype(np.int32)
            matches = extend_matches(matches, ids, time, last)
            ids[:, time] = last
            if done.all():
                break
        return SearchResult(ids[:, None, :-1], lengths[:, None], total[:, None], total[:, None])

    def translate(self, lines: Sequence[str], batch_size: int = 64) -> list[tuple[str, float]]:
        """Returns the best translation of each line with its log-probability; an empty line stays empty."""
        results = [("", 0.0)] * len(lines)
        places = [i for i, ids in enumerate(self.source.encode(lines)) if ids]
        for start in range(0, len(places), batch_size):
            chosen = places[start : start + batch_size]
            found = self.search([lines[i] for i in chosen])
            texts = self.target.decode(
                [found.ids[row, 0, : found.lengths[row, 0]].tolist() for row in range(len(chosen))]
            )
            for i, text, log_prob in zip(chosen, texts, found.log_probabilities[:, 0].tolist(), strict=True):
                results[i] = text, log_prob
        return results


def _run(network: onnxruntime.InferenceSession, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip([o.name for o in network.get_outputs()], network.run(None, arrays), strict=True))
