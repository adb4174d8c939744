"""The ids of the control symbols. Every vocabulary of the toolkit starts with these four, in this order."""

PAD = 0
"""Pads a batch to its width; never predicted, never counted."""
UNK = 1
"""Text that the vocabulary cannot represent."""
BOS = 2
"""The first input of the decoder."""
EOS = 3
"""Ends every source and every target."""

NAMES = ("<pad>", "<unk>", "<s>", "</s>")
"""Their surface forms, in the order of their ids."""
