"""Scores. Imports no framework."""

LOWER_IS_BETTER = frozenset({"ter", "cer"})
"""Of the names of scores."""
