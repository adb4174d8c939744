"""Longest common subsequences."""

from __future__ import annotations

from collections.abc import Sequence


def longest_common_subsequence(source: Sequence[str], target: Sequence[str]) -> list[tuple[int, int]]:
    """Returns the index pairs `(source, target)` of a longest common subsequence, the earliest one."""
    rows, columns = len(source), len(target)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]  # of source[i:] and target[j:]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            same = source[i] == target[j]
            best[i][j] = best[i + 1][j + 1] + 1 if same else max(best[i + 1][j], best[i][j + 1])
    links, i, j = [], 0, 0
    while i < rows and j < columns:
        if source[i] == target[j]:
            links.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return links
