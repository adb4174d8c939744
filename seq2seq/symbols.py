"""The ids of the control symbols. Every vocabulary of the toolkit starts with these four, in this order."""

PAD = 0
"""Fills a batch up to its width; never predicted, never counted."""
UNK = 1
"""A piece that the vocabulary lacks."""
BOS = 2
"""The first input of the decoder."""
EOS = 3
"""Ends every source and every target."""

NAMES = ("<pad>", "<unk>", "<s>", "</s>")
"""Their surface forms, in the order of their ids."""
