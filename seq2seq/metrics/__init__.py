"""Scores. Imports no framework."""

LOWER_IS_BETTER = frozenset(
    {
        *("ter", "wer", "cer", "perplexity", "word_perplexity", "bits_per_character"),
        *("mae", "mse", "smape", "mase", "owa", "crps", "wql", "msis", "pit"),
        "frame_nll",
        *("surprisal", "false_alarms"),
    }
)
"""Names of scores for which lower is better."""
