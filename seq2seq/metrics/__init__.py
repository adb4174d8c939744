"""Scores. Imports no framework."""

LOWER_IS_BETTER = frozenset({"ter", "wer", "cer", "perplexity", "word_perplexity", "bits_per_character"})
"""Names of scores for which lower is better."""
