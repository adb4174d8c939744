"""Examines a chunk of pairs, given the profile of the corpus; the result does not depend on the process."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from seq2seq.doctor.characters import (
    BLANK,
    CONTROL,
    INVISIBLE,
    MARKUP,
    MOJIBAKE,
    SEPARATOR,
    UNREADABLE,
    has_markup,
    has_mojibake,
    property_table,
    repair,
    visible,
)
from seq2seq.doctor.kinds import BITS, BROKEN, KINDS, bit
from seq2seq.doctor.lines import Lines, pair_hashes
from seq2seq.doctor.overlap import TestIndex
from seq2seq.doctor.profile import LEAST_GRAMS, Profile, letters_by_line, log_ratio, mean_by_line
from seq2seq.doctor.reading import Chunk, Layout, Texts
from seq2seq.symbols import UNK
from seq2seq.text.placeholders import Placeholders
from seq2seq.text.subword import SubwordTokenizer

EXAMPLES = 5
"""Kept for each kind and side."""
LEAST_LETTERS = 8
"""A line with fewer letters is not judged by script or as a copy."""
LEAST_LENGTH = 20
"""Pairs whose longer side has fewer characters are not judged by their ratio."""
CHARACTERS, TOKENS, RATIOS = 2000, 1000, 100
"""Bins: one per character, one per token, 0.1 of log2 per bin; the last bin holds everything longer."""


@dataclass(frozen=True)
class Limits:
    """Limits of training, in tokens."""

    max_length: int
    cut_source: int = 0
    output: Callable[[int], int] | None = None
    """Most tokens of an output, given the tokens of its source; None if unknown."""


@dataclass(frozen=True)
class Context:
    """What is the same for all chunks."""

    layout: Layout
    profile: Profile
    limits: Limits
    index: TestIndex | None = None
    tokenizers: tuple[bytes, bytes] | None = None
    """Serialised models of the source and the target."""
    placeholders: Placeholders | None = None
    """Strings masked in the pairs before tokenising."""
    judge_normalization: bool = True
    """Whether the tokenisers normalise as those of a run."""


@dataclass
class Example:
    """A line with a finding."""

    line: int
    source: str
    target: str
    remark: str = ""


@dataclass
class Tally:
    """Sums over readable pairs."""

    pairs: int = 0
    characters: np.ndarray = field(default_factory=lambda: np.zeros((2, CHARACTERS + 1), np.int64))
    """`(side, characters)`: lines of that length."""
    longest: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
    """`(side,)` characters."""
    words: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
    sums: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
    """`(side,)` characters of all lines."""
    ratios: np.ndarray = field(default_factory=lambda: np.zeros(RATIOS, np.int64))
    tokens: np.ndarray = field(default_factory=lambda: np.zeros((2, TOKENS + 1), np.int64))
    all_tokens: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
    unknown: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
    """`(side,)` unknown tokens."""
    changed: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    """For each side, how often normalisation changes a character, by description: "½ becomes 1⁄2"."""
    longer: np.ndarray = field(default_factory=lambda: np.zeros(TOKENS + 1, np.int64))
    """`(tokens,)`: pairs by the length of their longer side."""

    def add(self, other: Tally) -> None:
        """Adds the sums of `other`."""
        self.longest = np.maximum(self.longest, other.longest)
        self.pairs += other.pairs
        for counter, more in zip(self.changed, other.changed, strict=True):
            counter.update(more)
        for name in ("characters", "words", "sums", "ratios", "tokens", "all_tokens", "unknown", "longer"):
            getattr(self, name).__iadd__(getattr(other, name))


@dataclass
class Result:
    """The result of one chunk."""

    first: int
    mask: np.ndarray
    """`(pairs,)` uint64: bits of `kinds.BITS`."""
    hashes: np.ndarray
    """`(4, pairs)` uint64: of pair, source, target, and the pair without case, digits and punctuation."""
    tokens: np.ndarray
    """`(2, pairs)` uint32, EOS counted; zeros without a tokeniser."""
    examples: dict[int, list[Example]]
    """By bit."""
    tally: Tally
    seen: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    """Hashes of sources and pairs that are also in a test."""


class Examiner:
    """Holds what a process needs to examine chunks."""

    def __init__(self, context: Context):
        self.context = context
        self.tokenizers = None
        self.changes: tuple[dict[str, str], dict[str, str]] = {}, {}
        """For each side, how its tokeniser normalises the non-ASCII characters seen so far."""
        if context.tokenizers:
            source, target = context.tokenizers
            first = SubwordTokenizer(source)
            self.tokenizers = first, first if source == target else SubwordTokenizer(target)

    def __call__(self, chunk: Chunk) -> Result:
        """Examines `chunk`."""
        raw = self.context.layout.texts(chunk)
        self.mask = np.zeros(len(chunk), np.uint64)
        self.remarks: dict[tuple[int, int], str] = {}
        for side, texts in enumerate(raw):
            self._faults(texts, side)
        sides = [self._repaired(texts, side) for side, texts in enumerate(raw)]
        lines = [Lines.of(texts) for texts in sides]
        for side in (0, 1):
            self._judge_content(lines[side], sides[side], side)
        broken = (self.mask & np.uint64(BROKEN)) > 0
        for side in (0, 1):
            self._set("empty", side, (lines[side].lengths == 0) & ~broken)
        whole = (lines[0].lengths > 0) & (lines[1].lengths > 0) & ~broken
        source, target, pair = pair_hashes(*sides)
        ids = [side.ids for side in self.context.profile.sides]
        near = [
            whole_text if numbers else side.normal.hashes()
            for side, whole_text, numbers in zip(lines, (source, target), ids, strict=True)
        ]
        tally = Tally()
        self._judge_pairs(lines, near, whole, tally)
        self._judge_languages(lines, whole)
        seen: tuple[list[int], list[int]] = [], []
        if self.context.index:
            # Different numbers are equal once their digits are masked.
            alike = None if ids[0] else near[0]
            for match in self.context.index.look_up(source, pair, lines[0].normal, alike):
                if whole[match.place]:
                    place = bit("overlap" if match.exact else "near_overlap")
                    self.mask[match.place] |= np.uint64(place)
                    seen[0].extend([int(source[match.place])] * match.exact)
                    seen[1].extend([int(pair[match.place])] * match.pair)
                    self.remarks[place, match.place] = match.where + (
                        ", the same pair" if match.pair else "" if match.exact else f" {visible(match.text)}"
                    )
        tokens = self._judge_tokens(sides, whole, tally)
        self._judge_normalization(lines, sides, whole, tally)
        mixed = near[0] * np.uint64(0x9E3779B97F4A7C15) + near[1]
        hashes = np.stack([pair, source, target, mixed])
        return Result(chunk.first, self.mask, hashes, tokens, self._examples(chunk, raw), tally, seen)

    def _set(self, kind: str, side: int, where: np.ndarray) -> None:
        self.mask[where] |= np.uint64(bit(kind, side))

    def _faults(self, texts: Texts, side: int) -> None:
        single = self.context.layout.target is None
        for place, (what, excerpt) in texts.faults.items():
            # In a single file an unreadable line belongs to no side: it counts as the source's.
            value = what if single or what == bit("record") else _of_side(what, side)
            self.mask[place] |= np.uint64(value)
            self.remarks[value, place] = visible(excerpt)
        if texts.crlf:
            self.mask[texts.crlf] |= np.uint64(bit("crlf", side))

    def _repaired(self, texts: Texts, side: int) -> list[str]:
        """Marks lines with bad characters, and returns the repaired lines."""
        undone = self._undone(texts.lines, side)
        lines = Lines.of(undone)
        # The LF itself is a separator: it must not count.
        properties = lines.unions(np.where(lines.codes == 10, 0, property_table()[lines.codes]).astype(np.uint16))
        for kind, what in (("control", CONTROL), ("separator", SEPARATOR), ("invisible", INVISIBLE)):
            self._set(kind, side, (properties & what) > 0)
        spaces = lines.has_odd_spaces() | ((properties & BLANK) > 0)
        self._set("spaces", side, spaces)
        odd = spaces | ((properties & (CONTROL | SEPARATOR | INVISIBLE)) > 0)
        highest = np.maximum.reduceat(lines.codes, lines.starts) if len(lines) else np.zeros(0)
        odd |= highest >= 0x300  # below this, all text is in normal form C
        repaired_lines = list(undone)
        for place in np.flatnonzero(odd).tolist():
            text = undone[place]
            repaired_lines[place] = repaired = repair(text)
            if repaired != text and not _composed(text):
                self.mask[place] |= np.uint64(bit("normal_form", side))
        return repaired_lines

    def _undone(self, lines: list[str], side: int) -> list[str]:
        """Marks quoted lines and lines cut into subwords, and returns them restored."""
        mender = self.context.profile.sides[side].mender
        if mender.idle:
            return lines
        for kind, undo in (("quoted", mender.unquote), ("subwords", mender.join)):
            before, lines = lines, [undo(line) for line in lines]
            self._set(kind, side, np.array([a != b for a, b in zip(before, lines, strict=True)], bool))
        return lines

    def _judge_content(self, lines: Lines, texts: list[str], side: int) -> None:
        properties = lines.unions(property_table()[lines.codes])
        self._set("unreadable", side, (properties & UNREADABLE) > 0)
        for kind, what, test in (("markup", MARKUP, has_markup), ("mojibake", MOJIBAKE, has_mojibake)):
            for place in np.flatnonzero((properties & what) > 0).tolist():
                if test(texts[place]):
                    self.mask[place] |= np.uint64(bit(kind, side))

    def _judge_pairs(self, lines: list[Lines], near: list[np.ndarray], whole: np.ndarray, tally: Tally) -> None:
        profile = self.context.profile
        lengths = [side.lengths for side in lines]
        ratios = log_ratio(lengths[0], lengths[1])
        far = (np.abs(ratios - profile.ratio) > profile.ratio_cut) & (np.maximum(*lengths) >= LEAST_LENGTH)
        self._set("ratio", 0, far & whole)
        letters = [letters_by_line(lines[side], profile.sides[side].scripts) for side in (0, 1)]
        self._set("copied", 0, (near[0] == near[1]) & whole & (letters[0][0] >= LEAST_LETTERS))
        for side in (0, 1):
            if profile.sides[side].ids:
                self._set("ids", side, whole & lines[side].are_numbers())
            if profile.sides[side].scripts:
                count, other = letters[side]
                self._set("script", side, whole & (count >= LEAST_LETTERS) & (other * 2 > count))
        if not profile.same_language and not any(side.ids for side in profile.sides):
            counts, sums = zip(*(side.numbers() for side in lines), strict=True)
            # One digit against none is usually a number written in words.
            comparable = ((counts[0] > 0) & (counts[1] > 0)) | (np.maximum(*counts) > 2)
            self._set("numbers", 0, whole & comparable & (sums[0] != sums[1]))
        tally.pairs = int(whole.sum())
        for side in (0, 1):
            own = lengths[side][whole]
            tally.characters[side] = np.bincount(np.minimum(own, CHARACTERS), minlength=CHARACTERS + 1)
            tally.longest[side] = own.max(initial=0)
            tally.sums[side] = own.sum()
            tally.words[side] = lines[side].words()[whole].sum()
        bins = np.clip(np.floor((ratios[whole] / np.log(2)) * 10) + RATIOS // 2, 0, RATIOS - 1)
        tally.ratios = np.bincount(bins.astype(np.int64), minlength=RATIOS)

    def _judge_languages(self, lines: list[Lines], whole: np.ndarray) -> None:
        profile = self.context.profile
        like_other = []
        for side in (0, 1):
            own, counts = mean_by_line(lines[side].normal, profile.sides[side].likelihoods)
            other, _ = mean_by_line(lines[side].normal, profile.sides[1 - side].likelihoods)
            judged = whole & (counts >= LEAST_GRAMS)
            found = judged & (own - other <= profile.sides[side].other_cut) & profile.separable
            like_other.append(found)
            self._set("unlike", side, judged & (own < profile.sides[side].unlike_cut) & ~found)
        both = like_other[0] & like_other[1]
        self._set("swapped", 0, both)
        for side in (0, 1):
            self._set("language", side, like_other[side] & ~both)

    def _judge_tokens(self, sides: list[list[str]], whole: np.ndarray, tally: Tally) -> np.ndarray:
        tokens = np.zeros((2, len(whole)), np.uint32)
        if self.tokenizers is None:
            return tokens
        if copied := self.context.placeholders:
            masked = [copied.mask_pair(*pair) for pair in zip(*sides, strict=True)]
            sides = [[pair.source for pair in masked], [pair.target for pair in masked]]
        limits, counts = self.context.limits, np.zeros((2, len(whole)), np.int64)
        for side, tokenizer in enumerate(self.tokenizers):
            ids = tokenizer.encode(sides[side])
            counts[side] = [len(row) for row in ids]
            unknown = np.array([row.count(UNK) for row in ids], np.int64) * whole
            self._set("unknown", side, unknown > 0)
            tally.unknown[side] = unknown.sum()
            tally.all_tokens[side] = counts[side][whole].sum()
            tally.tokens[side] = np.bincount(np.minimum(counts[side][whole], TOKENS), minlength=TOKENS + 1)
        kept = counts.copy()
        if limits.cut_source:
            self._set("cut", 0, whole & (counts[0] > limits.cut_source))
            kept[0] = np.minimum(counts[0], limits.cut_source)
        for side in (0, 1):
            self._set("too_long", side, whole & (kept[side] > limits.max_length))
        if limits.output is not None:
            # EOS takes a step of the search but does not count towards its limit.
            most = np.array([limits.output(count) for count in kept[0].tolist()], np.int64)
            self._set("beyond_limit", 0, whole & (counts[1] > most))
        longer = np.minimum(kept.max(axis=0)[whole], TOKENS)
        tally.longer = np.bincount(longer, minlength=TOKENS + 1)
        usable = whole & (kept.max(axis=0) <= limits.max_length) & (kept.min(axis=0) > 0)
        tokens[:, usable] = kept[:, usable] + 1
        return tokens

    def _judge_normalization(self, lines: list[Lines], sides: list[list[str]], whole: np.ndarray, tally: Tally) -> None:
        if self.tokenizers is None or not self.context.judge_normalization:
            return
        for side, tokenizer in enumerate(self.tokenizers):
            changed = self._changed(lines[side], tokenizer, side)
            if not len(changed):
                continue
            found = whole & (lines[side].sums(np.isin(lines[side].codes, changed).astype(np.int64)) > 0)
            self._set("normalized", side, found)
            codes, counts = np.unique(lines[side].codes[np.isin(lines[side].codes, changed)], return_counts=True)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
                tally.changed[side][self._becomes(side, chr(code))] += count
            value = bit("normalized", side)
            for place in np.flatnonzero(found)[:EXAMPLES].tolist():
                character = next(c for c in sides[side][place] if ord(c) in changed)
                self.remarks[value, place] = self._becomes(side, character)

    def _becomes(self, side: int, character: str) -> str:
        after = self.changes[side][character]
        shown = visible(after) if after.strip() else "a blank" if after else "nothing"
        return f"{visible(character)} becomes {shown}"

    def _changed(self, lines: Lines, tokenizer: SubwordTokenizer, side: int) -> np.ndarray:
        """Returns the code points beyond ASCII, among these, that come back changed; each is tried once."""
        known = self.changes[side]
        codes = np.unique(lines.codes[lines.codes >= 0x80])
        new = [character for character in map(chr, codes.tolist()) if character not in known]
        if new:
            # Between letters, since blanks at the ends would be stripped.
            ids = tokenizer.encode([f"a{character}a" for character in new])
            for character, row, text in zip(new, ids, tokenizer.decode(ids), strict=True):
                # Characters that the tokeniser lacks are reported as unknown.
                known[character] = character if UNK in row else text.removeprefix("a").removesuffix("a")
        return np.array([code for code in codes.tolist() if known[chr(code)] != chr(code)], np.uint32)

    def _examples(self, chunk: Chunk, raw: Sequence[Texts]) -> dict[int, list[Example]]:
        found: dict[int, list[Example]] = {}
        seen = np.bitwise_or.reduce(self.mask) if len(self.mask) else 0
        for (name, side), value in BITS.items():
            if not int(seen) & value:
                continue
            rows = []
            for place in np.flatnonzero(self.mask & np.uint64(value))[:EXAMPLES].tolist():
                texts, remark = [visible(texts.lines[place]) for texts in raw], self.remarks.get((value, place), "")
                if KINDS[name].sided:
                    texts[1 - side] = ""
                if KINDS[name].severity == "error":  # no text, but an excerpt of the bytes
                    texts[side], remark = remark, ""
                rows.append(Example(chunk.first + place, texts[0], texts[1], remark))
            found[value] = rows
        return found


def _of_side(value: int, side: int) -> int:
    """The bit of the same kind on the given side; `value` is the source's."""
    return value << side


def _composed(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text)
