"""A vocabulary that grows: what it has keeps its ids, and tokens of other text come after them."""

from __future__ import annotations

from seq2seq.symbols import UNK
from seq2seq.text.normalization import MARK
from seq2seq.text.pieces import BEGIN
from seq2seq.text.subword import SubwordTokenizer


def characters_of(tokenizer: SubwordTokenizer) -> frozenset[str]:
    """Returns the characters of all tokens of a vocabulary."""
    return frozenset("".join(tokenizer.vocabulary)) - {BEGIN}


def grown(old: SubwordTokenizer, learned: SubwordTokenizer, most: int) -> SubwordTokenizer:
    """Returns a vocabulary with further tokens of another one, which was learned by the same rules.

    Symbols of the other one that are missing all come in, then single characters, which would be unknown otherwise, and
    then what was learned first, which is the most frequent. Text is normalised as for the other one.

    Args:
        old: Its tokens keep their ids.
        learned: Of the same kind, from text whose characters, with those of `old`, decided on its normalisation.
        most: How many tokens to add at most, without symbols.
    """
    from sentencepiece.sentencepiece_model_pb2 import ModelProto, TrainerSpec

    proto, other = ModelProto.FromString(old.model), ModelProto.FromString(learned.model)
    known = {one.piece for one in proto.pieces}
    new = [one for one in other.pieces if one.piece not in known]
    symbols = [one for one in new if one.type == one.USER_DEFINED]
    plain = [one for one in new if one.type == one.NORMAL]
    characters = [one for one in plain if len(one.piece) == 1]
    added = [*symbols, *[*characters, *(one for one in plain if len(one.piece) > 1)][:most]]
    if proto.trainer_spec.model_type == TrainerSpec.BPE:
        # A score is the order of a merge: those of the old vocabulary come first.
        last = min(one.score for one in proto.pieces)
        for place, one in enumerate(added, 1):
            one.score = last - place
    proto.pieces.extend(added)
    proto.trainer_spec.vocab_size = len(proto.pieces)
    proto.normalizer_spec.CopyFrom(other.normalizer_spec)
    proto.denormalizer_spec.CopyFrom(other.denormalizer_spec)
    model = proto.SerializeToString(deterministic=True)
    return SubwordTokenizer(model, old.right_to_left, old.placeholders)


def parts_of(old: SubwordTokenizer, new: SubwordTokenizer) -> list[list[int]]:
    """Returns for each token of a grown vocabulary the tokens that the old one spells it with, by their ids.

    Those of the old one are spelled by themselves; nothing spells symbols and characters that it lacks.
    """
    plain = SubwordTokenizer(old.model)  # whatever the order of writing
    pieces = new.vocabulary[old.size :]
    spelled = plain.encode([piece.replace(BEGIN, " ").replace(MARK, "").strip() for piece in pieces])
    space = plain.ids([BEGIN])
    parts = [[i] for i in range(old.size)]
    for number, (piece, ids) in enumerate(zip(pieces, spelled, strict=True), old.size):
        inside = ids[1:] if not piece.startswith(BEGIN) and ids[:1] == space else ids
        parts.append([] if UNK in inside or number in new.symbols else inside)
    return parts
