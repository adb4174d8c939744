"""What detectors found in each labelled series: kept in a table, and compared over series. Imports no framework."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from seq2seq import __version__
from seq2seq.evaluation.significance import SAMPLES, Tested, mean_tests
from seq2seq.messages import counted
from seq2seq.series.alarms import RATE_OF
from seq2seq.series.table import Floats
from seq2seq.tasks.anomaly.scoring import Count
from seq2seq.text.lines import read_lines
from seq2seq.text.opening import CorpusError
from seq2seq.text.tables import csv_rows

LOSSES_FILE = "losses-{test}.csv"
"""Of a run folder: what the run and the baselines found in a labelled corpus."""
FEWEST = 10
"""With fewer series than this, a test says little."""
SHOWN = 5
"""Series that are shown each way."""
_KEYS = ("detector", "unique_id")
_NUMBERS = ("windows", "found", "false_alarms", "readings", "nab", "nab_windows")


@dataclass(frozen=True)
class Counted:
    """What a detector found in each series."""

    ids: list[str]
    """`(series,)`, in order."""
    counts: Mapping[str, Floats]
    """`(series,)` by column: those of `Count`."""


def write_counts(ids: Sequence[str], counts: Mapping[str, Sequence[Count]], stream: TextIO) -> None:
    """Writes a row for each detector and series, which `read_counts` reads again; the run is the first."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_KEYS, *_NUMBERS])
    for name, own in counts.items():
        writer.writerows([name, one, *count] for one, count in zip(ids, own, strict=True))


def is_counts(path: Path) -> bool:
    """Whether a file is one that `write_counts` made; errors as `read_lines`."""
    return next(iter(read_lines(path)), "").startswith(",".join((*_KEYS, *_NUMBERS[:2])))


def find_counts(path: Path, test: str = "") -> Path:
    """Returns the table of a run folder; a file as it is.

    Args:
        path: A run folder, or a file that `write_counts` made.
        test: The name of a corpus; empty: the only one.

    Raises:
        ValueError: the folder has none.
    """
    if not path.is_dir():
        return path
    before, _, after = LOSSES_FILE.partition("{test}")
    known = sorted(one.name.removeprefix(before).removesuffix(after) for one in path.glob(f"{before}*{after}"))
    if not known:
        raise ValueError(
            f"{path} has no scores of labelled data: it is unfinished, or nothing of its table is labelled. Make some "
            f"with seq2seq evaluate {path} --labels FILE --output TABLE, and compare the tables."
        )
    if test and test not in known:
        raise ValueError(f"{path} has no scores of {test!r}. Expected one of: {', '.join(known)}")
    return path / LOSSES_FILE.format(test=test or known[0])


def read_counts(path: Path) -> dict[str, Counted]:
    """Reads what `write_counts` wrote: detectors by their names, the run first.

    Raises:
        CorpusError: the file is missing, or a line has another form.
    """
    rows: dict[str, dict[str, list[float]]] = {}
    for line, row in csv_rows(path, (*_KEYS, *_NUMBERS)):
        try:
            numbers = [float(row[name]) for name in _NUMBERS]
        except ValueError:
            numbers = [np.nan]
        if not np.isfinite(numbers).all():
            raise CorpusError(f"{path}:{line}: expected numbers in {', '.join(_NUMBERS)}.")
        own = rows.setdefault(row["detector"], {})
        if row["unique_id"] in own:
            raise CorpusError(f"{path}:{line}: series {row['unique_id']!r} is there a second time.")
        own[row["unique_id"]] = numbers
    if not rows:
        raise CorpusError(f"{path}: expected what detectors found in series. Received: none")
    found = {}
    for name, counts in rows.items():
        ids = sorted(counts)
        table = np.asarray([counts[one] for one in ids])
        found[name] = Counted(ids, dict(zip(_NUMBERS, table.T, strict=True)))
    return found


@dataclass(frozen=True)
class Comparison:
    """Detectors on the same labelled series, the baseline first."""

    series: int
    windows: int
    scores: Mapping[str, Mapping[str, Tested]]
    """By measure and detector: `found` in percent, `false_alarms` per 10,000 readings, `nab` of the standard profile
    at the threshold of each."""
    examples: Mapping[str, Sequence[tuple[str, list[int], list[int]]]]
    """By detector: series, and anomalies found and false alarms of the baseline, and of it; the largest differences."""

    def as_json(self) -> dict[str, Any]:
        """Returns the comparison for JSON."""
        return asdict(self)


def compare(detectors: Mapping[str, Counted], shown: int = SHOWN, samples: Mapping[str, int] = SAMPLES) -> Comparison:
    """Compares detectors with the first of them, over series.

    Args:
        detectors: By their names; the baseline first.
        shown: Series to show each way.
        samples: As `SAMPLES`.

    Raises:
        ValueError: there are fewer than two, or they were not scored on the same labels.
    """
    names = list(detectors)
    if len(names) < 2:
        raise ValueError(f"Expected two or more detectors to compare. Received: {', '.join(names) or 'none'}")
    first = detectors[names[0]]
    for name in names[1:]:
        _check_same(names[0], first, name, detectors[name])
    scores = {}
    for measure, over, factor in (
        ("found", "windows", 100.0),
        ("false_alarms", "readings", float(RATE_OF)),
        ("nab", "nab_windows", 1.0),
    ):
        weights = first.counts[over]
        if weights.sum() > 0:
            lines = [factor * detectors[name].counts[measure] for name in names]
            signature = f"{measure}|threshold:given|series:{len(first.ids)}|seq2seq|version:{__version__}"
            scores[measure] = dict(zip(names, mean_tests(lines, signature, samples, weights), strict=True))
    examples = {name: _examples(first, detectors[name], shown) for name in names[1:]}
    return Comparison(len(first.ids), int(first.counts["windows"].sum()), scores, examples)


def _check_same(name: str, one: Counted, other_name: str, other: Counted) -> None:
    """Raises ValueError where two detectors were not scored on the same labels."""
    both = f"{name} and {other_name}"
    if one.ids != other.ids:
        apart = sorted({*one.ids} ^ {*other.ids})
        raise ValueError(f"Expected the same series of {both}. Only one has {apart[0]!r}.")
    for column in ("windows", "readings", "nab_windows"):
        if (wrong := one.counts[column] != other.counts[column]).any():
            raise ValueError(
                f"{both} were scored on different labels or readings. First: series {one.ids[int(wrong.argmax())]!r}"
            )


def _examples(base: Counted, other: Counted, shown: int) -> list[tuple[str, list[int], list[int]]]:
    """Returns the series with the largest differences, those first where the other one does better."""
    sides = [np.stack([one.counts["found"], one.counts["false_alarms"]], axis=1) for one in (base, other)]
    gains = (sides[1] - sides[0]) @ np.asarray([1.0, -1.0])
    order = np.argsort(-gains, kind="stable")
    chosen = [n for n in order[:shown] if gains[n] > 0]
    chosen += [n for n in order[::-1][:shown] if gains[n] < 0 and n not in chosen]
    return [(base.ids[n], *(side[n].astype(int).tolist() for side in sides)) for n in chosen]


def as_text(comparison: Comparison) -> str:
    """Returns a comparison in lines."""
    return "\n".join(_lines(comparison))


def _lines(found: Comparison) -> Iterator[str]:
    yield f"{counted(found.windows, 'labelled anomaly', 'labelled anomalies')} in {found.series:,} series"
    if found.series < FEWEST:
        yield f"Fewer than {FEWEST} series: the tests resample series, and say little here."
    wide = max(len(name) for own in found.scores.values() for name in own)
    for measure, own in found.scores.items():
        yield ""
        yield f"{measure:<13}{'':<{wide}}      95 %   p (bootstrap, randomisation)"
        for name, score in own.items():
            p = "" if score.p_bootstrap is None else f"   {score.p_bootstrap:.4f} {score.p_randomization:.4f}"
            yield f"{score.score:>12.2f} {name:<{wide}} ±{score.interval:9.2f}{p}"
        yield f"             {next(iter(own.values())).signature}"
    for name, rows in found.examples.items():
        if rows:
            yield ""
            yield f"{name} beside the baseline, anomalies found and false alarms of both:"
            yield from (f"  {one}: {base[0]} and {base[1]}, {own[0]} and {own[1]}" for one, base, own in rows)
