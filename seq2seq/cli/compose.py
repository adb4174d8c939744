"""`seq2seq compose RUN`: what a model of music composes, and how it compares with what it has learned from."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.compositions import Table, facts, record, report
from seq2seq.messages import say, show
from seq2seq.outputs import check_outputs

if TYPE_CHECKING:
    from seq2seq.music.notes import Music


@dataclass(frozen=True)
class ComposeArguments:
    """The options of the verb."""

    run: str
    primer: str | None
    harmonise: str | None
    key: str | None
    meter: tuple[int, int] | None
    bars: int | None
    count: int
    temperature: float
    top_k: int
    top_p: float
    seed: int
    range: tuple[int, int] | None
    scale: str | None
    most_notes: int
    beam: int
    json: bool
    output: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a model of music")
    parser.add_argument("--primer", metavar="FILE", help="a piece to go on from: .mid, .abc, .krn, .json")
    parser.add_argument(
        "--harmonise", metavar="FILE", help="a piece whose highest notes get the voices below them, by a beam search"
    )
    parser.add_argument(
        "--key",
        metavar="NAME",
        help="without a primer: such as G, Am or Bbdor (default: that of --scale, or the usual one)",
    )
    parser.add_argument(
        "--meter", type=meter_of, metavar="3/4", help="without a primer: beats of a bar (default: the usual meter)"
    )
    parser.add_argument("--bars", type=positive, default=None, metavar="N", help="bars to compose (default 16)")
    parser.add_argument("--count", type=positive, default=1, metavar="N", help="pieces to compose (default 1)")
    parser.add_argument(
        "--temperature", type=float, default=1.0, metavar="X", help="below 1 is safer, above 1 wilder (default 1)"
    )
    parser.add_argument("--top-k", type=int, default=0, metavar="N", help="draw among the N likeliest tokens; 0 is all")
    parser.add_argument(
        "--top-p", type=float, default=1.0, metavar="X", help="draw among the fewest tokens of this probability"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed composes the same (default 1)")
    parser.add_argument(
        "--range", type=int, nargs=2, metavar=("LOW", "HIGH"), help="lowest and highest pitch as MIDI numbers them"
    )
    parser.add_argument("--scale", metavar="NAME", help='only notes of a scale, such as "D dorian"')
    parser.add_argument(
        "--most-notes", type=int, default=0, metavar="N", help="notes at a time, at most; 0: any number"
    )
    parser.add_argument("--beam", type=positive, default=16, metavar="N", help="of --harmonise (default 16)")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each piece")
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="where to write: .mid, .wav, .abc, .html or .json; of several pieces tune-1.mid, tune-2.mid, …",
    )


def run(arguments: argparse.Namespace) -> None:
    """Composes. Raises ValueError for a mistake in the arguments or in the primer."""
    options = options_from(ComposeArguments, arguments)
    if options.primer and options.harmonise:
        raise ValueError("Give either --primer or --harmonise, not both.")
    given = options.primer or options.harmonise
    if given and (options.key or options.meter):
        raise ValueError("A given piece has its own key and meter: leave out --key and --meter.")
    if options.harmonise and (options.count > 1 or options.bars):
        raise ValueError("--harmonise writes one piece, as long as what is given: leave out --count and --bars.")
    from seq2seq.music.writing import check_music_path, write_music

    targets = _targets(options)
    check_music_path(targets[0])
    names = ["--output", *(f"--output, piece {number}," for number in range(2, options.count + 1))]
    outputs = dict(zip(names, map(str, targets), strict=True))
    check_outputs([options.run, *([given] if given else [])], outputs)
    from seq2seq.music.constraints import Constraints
    from seq2seq.music.scales import scale_pitches

    low, high = options.range or (0, 127)
    if not 0 <= low <= high <= 127:
        raise ValueError(f"--range takes the lowest and the highest pitch, from 0 to 127. Received: {low} {high}")
    key = _key(options)
    scale = scale_pitches(options.scale) if options.scale else None
    constraints = Constraints(low, high, scale, options.most_notes)
    from seq2seq.tasks.music.loading import load_composer

    model, option = load_composer(Path(options.run)), "--primer" if options.primer else "--harmonise"
    piece = read_piece(given, option, model.codec.steps_per_quarter) if given else model.blank(key, options.meter)
    from seq2seq.inference.music import ComposeOptions

    if options.harmonise:
        found = [model.harmonise(piece, options.beam, constraints)]
    else:
        how = ComposeOptions(
            options.bars or 16, options.temperature, options.top_k, options.top_p, options.seed, constraints
        )
        found = model.compose(piece, options.count, how)
    table = Table(targets) if options.count > 1 and not options.json else None
    for target, composition in zip(targets, found, strict=True):
        write_music(composition.music, target, facts(composition))
        if options.json:
            show(json.dumps(record(composition, target)))
        else:
            show(table.row(composition, target) if table else report(composition, target))
    if table:
        show(table.summary())


def meter_of(text: str) -> tuple[int, int]:
    """An argparse type: a meter such as 6/8."""
    found = re.fullmatch(r"([1-9]\d?)/(1|2|4|8|16)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected a meter such as 6/8, received {text[:40]!r}")
    return int(found[1]), int(found[2])


def read_piece(name: str, option: str, steps_per_quarter: int) -> Music:
    """Returns the first piece of a file; ValueError in one sentence where there is none."""
    from seq2seq.music.reading import read_music

    if not Path(name).is_file():
        raise ValueError(f"{option}: {name}: no such file.")
    return read_music(name, steps_per_quarter, warn=say)[0]


def _key(options: ComposeArguments) -> str:
    """Returns the key to begin with as `Music.key` has it; empty where neither it nor a scale is asked for."""
    from seq2seq.music.scales import scale_key, written_key

    if not options.key:
        return scale_key(options.scale) if options.scale else ""
    try:
        return written_key(options.key)
    except ValueError as error:
        raise ValueError(f"--key: {str(error)[:1].lower()}{str(error)[1:]}") from None


def _targets(options: ComposeArguments) -> list[Path]:
    path = Path(options.output)
    if options.count == 1:
        return [path]
    digits = len(str(options.count))  # so that their names are in order
    return [path.with_name(f"{path.stem}-{number:0{digits}}{path.suffix}") for number in range(1, options.count + 1)]
