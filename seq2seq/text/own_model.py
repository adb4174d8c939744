"""SentencePiece models that were learned elsewhere, with the control symbols of the toolkit."""

from __future__ import annotations

from pathlib import Path

from seq2seq.files import check_regular, read_bytes
from seq2seq.symbols import BOS, EOS, NAMES, PAD, UNK
from seq2seq.text.subword import MOST_BYTES, SubwordTokenizer


def read_own_model(path: Path) -> SubwordTokenizer:
    """Reads a SentencePiece model that cuts text as it did, with ids that begin with those of `seq2seq.symbols`.

    Its own symbols for padding, unknown text, beginning and end are left out. All other pieces stay, in their order. A
    model that adds no space in front of a text gets one with it, as all tokenisers of the toolkit do.

    Raises:
        ValueError: the file is missing, no SentencePiece model, or neither of kind unigram nor BPE; it names the file.
    """
    try:
        check_regular(path)
        return SubwordTokenizer(with_control_symbols(read_bytes(path, MOST_BYTES)))
    except IsADirectoryError:
        raise ValueError(f"{path}: it is a folder. Expected a SentencePiece model.") from None
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file. Expected a SentencePiece model.") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def with_control_symbols(model: bytes) -> bytes:
    """Returns a serialised model whose first pieces are the control symbols; ValueError as `read_own_model`."""
    from google.protobuf.message import DecodeError
    from sentencepiece.sentencepiece_model_pb2 import ModelProto, TrainerSpec

    try:
        proto = ModelProto.FromString(model)
    except DecodeError:
        raise ValueError(
            f"Not a SentencePiece model ({len(model):,} bytes): it is damaged, or in another format."
        ) from None
    spec, piece = proto.trainer_spec, ModelProto.SentencePiece
    if not proto.pieces:
        raise ValueError("Not a SentencePiece model: it has no pieces.")
    if spec.model_type not in (TrainerSpec.UNIGRAM, TrainerSpec.BPE):
        kind = TrainerSpec.ModelType.Name(spec.model_type).lower()
        raise ValueError(f"Expected a SentencePiece model of kind unigram or bpe. Received: {kind}")
    if spec.treat_whitespace_as_suffix:
        raise ValueError("Expected pieces that begin with the space. Received: a model with treat_whitespace_as_suffix")
    replaced = {*NAMES, spec.pad_piece, spec.unk_piece, spec.bos_piece, spec.eos_piece}
    kept = [one for one in proto.pieces if one.type != piece.UNKNOWN and one.piece not in replaced]
    if not any(one.type in (piece.NORMAL, piece.USER_DEFINED, piece.BYTE) for one in kept):
        raise ValueError("Expected a SentencePiece model with pieces of text. Received: symbols alone")
    symbols = [piece(piece=name, score=0.0, type=piece.CONTROL) for name in NAMES]
    symbols[UNK].type = piece.UNKNOWN
    del proto.pieces[:]
    proto.pieces.extend([*symbols, *kept])
    spec.vocab_size = len(proto.pieces)
    for name, number in (("pad", PAD), ("unk", UNK), ("bos", BOS), ("eos", EOS)):
        setattr(spec, f"{name}_id", number)
        setattr(spec, f"{name}_piece", NAMES[number])
    return bytes(proto.SerializeToString(deterministic=True))
