"""A look at a corpus of recordings: what is wrong, where, and what to do. Imports no framework."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.audio.manifest import Manifest, Utterance
from seq2seq.audio.reading import AudioError, blocks, inspect
from seq2seq.clock import clock
from seq2seq.doctor.kinds import Kind
from seq2seq.doctor.listed import ListedFinding, Listing, listed_lines, summary
from seq2seq.doctor.progress import ReportStage

SILENT = 1e-3
"""A recording whose loudest sample is below this, 60 dB under full scale, is silent."""
FULL = 0.999
"""Samples from here on are at full scale."""
CLIPPED_RUN = 3
"""So many neighbours at full scale are clipped."""
CLIPPED_SHARE = 1e-3
"""A recording with a larger share of clipped samples is named."""
SHORT, LONG = 0.2, 30.0
"""Seconds: a recording that is shorter or longer is named."""
RATE_SPREAD = 5.0
"""Speech rates are named that are as many times farther from the median than half of all are."""
LEAST_RATES = 10
"""Utterances from which on speech rates can be compared."""
RARE = 3
"""A character of fewer utterances is named."""
OF_TESTS, UNCOUNTED = ("heard", "texts"), ("speakers", "characters")
"""Kinds that are about utterances of validation and test, and about none."""

KINDS = {
    kind.name: kind
    for kind in (
        Kind("missing", "error", "recordings that are missing", "Correct the paths: they start from the manifest."),
        Kind("damaged", "error", "recordings that cannot be read", "Copy or convert them again, or drop their lines."),
        Kind("silent", "warning", "silent recordings", "Nothing is said: drop their lines."),
        Kind(
            "unfit",
            "warning",
            "texts with more labels than the encoder has steps",
            "Training leaves them out. Fewer frames in a step (model.stack) make room; or the text is of another "
            "recording.",
        ),
        Kind(
            "rate",
            "warning",
            "speech faster or slower than all others",
            "Listen: the text may be of another recording, or the cut is wrong.",
        ),
        Kind(
            "upsampled",
            "warning",
            "recordings with fewer samples a second than the recipe hears",
            "Their upper bands are empty. Set audio.rate to the rate of most recordings.",
        ),
        Kind("clipped", "warning", "clipped recordings", "Record at a lower level. Training goes on with them."),
        Kind(
            "heard",
            "warning",
            "recordings of validation or test that are in training",
            "Their scores will be too good: take them out of training.",
        ),
        Kind(
            "speakers",
            "warning",
            "speakers of validation or test who are in training",
            "Scores tell nothing of new voices. Keep speakers apart, or say so.",
        ),
        Kind("contradicted", "warning", "the same recording with different texts", "One of them is wrong."),
        Kind("repeated", "note", "recordings that occur again", "Training hears them more often than others."),
        Kind(
            "texts",
            "note",
            "texts of validation or test that are in training",
            "A model may know them by heart: look at the errors in the others.",
        ),
        Kind("short", "note", f"recordings of less than {SHORT} s", "Listen to some of them."),
        Kind(
            "long",
            "note",
            f"recordings of more than {LONG:.0f} s",
            "They need much memory. Cut them with start and end, or leave them out.",
        ),
        Kind(
            "channels",
            "note",
            "recordings of several channels",
            "Their mean is heard. data.channel chooses one, where voices are on channels of their own.",
        ),
        Kind(
            "characters",
            "note",
            f"characters of fewer than {RARE} utterances",
            "A model will hardly learn them: spell them as others, or drop their lines.",
        ),
    )
}
"""What may be found, by name, the gravest first."""


@dataclass
class AudioReport:
    """All findings and figures of a corpus of recordings."""

    manifests: list[tuple[str, int]]
    """Name and utterances of each."""
    utterances: int
    seconds: float
    """Of sound, in training."""
    speakers: int
    """0 where they are not named."""
    rates: Mapping[int, int]
    """Utterances by samples a second."""
    durations: tuple[float, float, float]
    """Median, 95th percentile and maximum of an utterance, in seconds."""
    speech_rate: float
    """Median characters a second."""
    characters: str
    findings: list[ListedFinding]
    """The gravest first."""
    took: float = 0.0
    """Seconds of examining."""

    @property
    def refused(self) -> bool:
        """Whether training would refuse the corpus."""
        return any(finding.severity == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Returns the report for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Fit:
    """Whether a text fits a recording.

    Args:
        rate: Samples a second that the recipe hears, Hz.
        steps: Seconds -> steps of the encoder, at the fastest speed of training.
        labels: Text -> frames that its labels need.
    """

    rate: int
    steps: Callable[[float], int]
    labels: Callable[[str], int]


@dataclass
class _Heard:
    """One recording, or its part, as far as it could be read."""

    utterance: Utterance
    error: str = ""
    is_missing: bool = False
    rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    peak: float = 0.0
    clipped: float = 0.0
    """Share of the samples."""
    digest: bytes = b""
    """Of the samples."""


def examine(
    train: Path, tests: Mapping[str, Path], progress: ReportStage, fit: Fit | None = None, root: Path | None = None
) -> AudioReport:
    """Examines a training manifest, and looks for its recordings, speakers and texts in those of tests.

    Args:
        train: As `audio.manifest.Manifest`.
        tests: Further manifests by name, validation among them.
        progress: Called with how far it is.
        fit: Of the recipe; None: whether texts fit is not looked at.
        root: As for `Manifest`.

    Raises:
        CorpusError: a manifest is missing or not as expected; a recording that is missing is a finding.
    """
    begin = time.monotonic()
    manifests = {name: list(Manifest(path, root, check_files=False)) for name, path in {"": train, **tests}.items()}
    total, done = sum(map(len, manifests.values())), 0
    heard: dict[str, list[_Heard]] = {}
    for name, utterances in manifests.items():
        heard[name] = []
        for utterance in utterances:
            heard[name].append(_hear(utterance))
            done += 1
            progress("listening", done / total)
    own = heard.pop("")
    found = Listing(KINDS)
    _look_at_recordings(found, [one for part in (own, *heard.values()) for one in part], fit)
    _look_at_rates(found, own)
    _look_for_repetitions(found, own)
    _look_at_characters(found, own)
    for name, part in heard.items():
        _look_up(found, own, name, part)
    readable = [one for one in own if not one.error]
    lengths = [one.seconds for one in readable] or [0.0]
    speeds = [_speed(one) for one in readable if one.seconds] or [0.0]
    speakers = {one.utterance.speaker for one in own} - {""}
    return AudioReport(
        manifests=[(str(train), len(own)), *((str(tests[name]), len(part)) for name, part in heard.items())],
        utterances=len(own),
        seconds=sum(lengths),
        speakers=len(speakers),
        rates=dict(Counter(one.rate for one in readable).most_common()),
        durations=(float(np.median(lengths)), float(np.percentile(lengths, 95)), max(lengths)),
        speech_rate=float(np.median(speeds)),
        characters="".join(sorted({character for one in own for character in one.utterance.text})),
        findings=found.findings(_totals(total - len(own)), total),
        took=time.monotonic() - begin,
    )


def _totals(of_tests: int) -> dict[str, int | None]:
    return {**dict.fromkeys(OF_TESTS, of_tests), **dict.fromkeys(UNCOUNTED)}


def _hear(utterance: Utterance) -> _Heard:
    """Reads a recording in constant memory."""
    heard = _Heard(utterance)
    if not utterance.audio.is_file():
        heard.is_missing, heard.error = True, f"{utterance.audio}: no such file"
        return heard
    digest, count, clipped = hashlib.blake2b(digest_size=16), 0, 0
    try:
        heard.channels = inspect(utterance.audio).channels
        for block in blocks(utterance.audio, LONG, utterance.start, utterance.end):
            loud = np.abs(block.samples)
            heard.rate, heard.peak = block.rate, max(heard.peak, float(loud.max(initial=0)))
            clipped += _clipped(loud)
            count += len(loud)
            digest.update(np.ascontiguousarray(block.samples).tobytes())
    except (AudioError, OSError) as error:
        heard.error = str(error)
        return heard
    heard.seconds, heard.clipped, heard.digest = count / heard.rate, clipped / max(1, count), digest.digest()
    return heard


def _clipped(loud: np.ndarray) -> int:
    """Returns how many samples are at full scale beside others that are."""
    full = np.flatnonzero(np.diff(np.concatenate([[False], loud >= FULL, [False]])))
    runs = full[1::2] - full[::2]
    return int(runs[runs >= CLIPPED_RUN].sum())


def _look_at_recordings(found: Listing, heard: Iterable[_Heard], fit: Fit | None) -> None:
    for one in heard:
        place = one.utterance.place
        if one.error:
            found.add("missing" if one.is_missing else "damaged", f"{place}: {one.error}")
            continue
        if one.peak < SILENT:
            found.add("silent", f"{place}: its loudest sample is {one.peak:.5f}")
        if one.clipped > CLIPPED_SHARE:
            found.add("clipped", f"{place}: {100 * one.clipped:.1f} % of its samples")
        if one.channels > 1:
            found.add("channels", f"{place}: {one.channels}")
        if one.seconds < SHORT:
            found.add("short", f"{place}: {one.seconds:.3f} s")
        if one.seconds > LONG:
            found.add("long", f"{place}: {clock(one.seconds)}")
        if fit and one.rate < fit.rate:
            found.add("upsampled", f"{place}: {one.rate} Hz, and the recipe has {fit.rate} Hz")
        if fit and (steps := fit.steps(one.seconds)) < (labels := fit.labels(one.utterance.text)):
            found.add("unfit", f"{place}: {labels} labels, {steps} steps")


def _speed(one: _Heard) -> float:
    return len(one.utterance.text) / one.seconds


def _look_at_rates(found: Listing, heard: Sequence[_Heard]) -> None:
    """Names utterances whose characters a second are far from those of others, on a scale of logarithms."""
    audible = [one for one in heard if not one.error and one.seconds > 0 and one.peak >= SILENT]
    if len(audible) < LEAST_RATES:
        return
    # Pauses around the speech count more in short recordings, so the length of the text decides what is usual.
    lengths = np.log([len(one.utterance.text) for one in audible])
    durations = np.log([one.seconds for one in audible])
    slope, intercept = np.polyfit(lengths, durations, 1) if np.ptp(lengths) > 0 else (0.0, float(durations.mean()))
    excess = durations - (slope * lengths + intercept)
    excess -= np.median(excess)
    half = float(np.median(np.abs(excess)))
    for one, far in zip(audible, excess, strict=True):
        if half and abs(far) > RATE_SPREAD * half:
            found.add(
                "rate",
                f"{one.utterance.place}: {one.seconds:.2f} s for {one.utterance.text[:60]!r}, {np.exp(abs(far)):.1f} "
                f"times {'longer' if far > 0 else 'shorter'} than usual",
            )


def _look_for_repetitions(found: Listing, heard: Sequence[_Heard]) -> None:
    first: dict[bytes, _Heard] = {}
    for one in heard:
        if one.error:
            continue
        other = first.setdefault(one.digest, one)
        if other is one:
            continue
        same = other.utterance.text == one.utterance.text
        where = f"{one.utterance.place}: as {other.utterance.place}"
        texts = f": {one.utterance.text[:40]!r} and {other.utterance.text[:40]!r}"
        found.add("repeated" if same else "contradicted", where if same else where + texts)


def _look_at_characters(found: Listing, heard: Sequence[_Heard]) -> None:
    counts = Counter(character for one in heard for character in {*one.utterance.text})
    if len(heard) < LEAST_RATES:
        return
    for character, count in sorted(counts.items()):
        if count < RARE:
            place = next(one.utterance.place for one in heard if character in one.utterance.text)
            found.add("characters", f"{place}: {character!r} (U+{ord(character):04X})")


def _look_up(found: Listing, own: Sequence[_Heard], name: str, test: Sequence[_Heard]) -> None:
    """Looks for what a test has in common with training."""
    recordings = {one.digest: one for one in own if one.digest}
    texts = {one.utterance.text for one in own}
    for one in test:
        if one.digest and (other := recordings.get(one.digest)):
            found.add("heard", f"{one.utterance.place}: as {other.utterance.place}")
        if one.utterance.text in texts:
            found.add("texts", f"{one.utterance.place}: {one.utterance.text[:60]!r}")
    speakers = {one.utterance.speaker for one in test} - {""}
    for speaker in sorted(speakers & {one.utterance.speaker for one in own}):
        found.add("speakers", f"{speaker} ({name})")


def as_text(report: AudioReport) -> str:
    """Returns the report in lines."""
    return "\n".join(_lines(report))


def _lines(report: AudioReport) -> Iterator[str]:
    voices = f", {report.speakers:,} speakers" if report.speakers else ""
    yield f"{report.utterances:,} utterances, {clock(report.seconds)} of sound{voices}: " + ", ".join(
        f"{name} ({count:,} utterances)" for name, count in report.manifests
    )
    yield summary(report.findings, "corpus")
    yield ""
    yield from listed_lines(report.findings)
    yield ""
    median, most, longest = report.durations
    yield f"length    median {median:.2f} s, 95 % below {most:.2f} s, longest {longest:.2f} s"
    yield f"speech    {report.speech_rate:.1f} characters a second (median)"
    yield "rates     " + ", ".join(f"{rate:,} Hz ({count:,} utterances)" for rate, count in report.rates.items())
    yield f"text      {len(report.characters)} characters: {report.characters[:200]}"
    yield f"{report.took:.1f} s"
