"""Scores. Imports no framework."""

LOWER_IS_BETTER = frozenset({"ter", "cer"})
"""Names of scores for which lower is better."""
