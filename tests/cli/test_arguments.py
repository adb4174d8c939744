"""Options are defined once and travel as values."""

import argparse
import ast
import importlib
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from seq2seq.cli.arguments import SearchChanges, options_from
from seq2seq.cli.main import VERBS
from seq2seq.cli.translate import TranslateOptions
from seq2seq.search.options import SearchOptions

CLI = Path(importlib.import_module("seq2seq.cli").__file__).parent
READERS = {"run", "options_from", "of", "main"}
"""Functions that may read parsed arguments."""


def parse(verb, *words):
    parser = argparse.ArgumentParser()
    importlib.import_module(f"seq2seq.cli.{verb}").add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("verb", ["translate", "summarize", "evaluate", "export"])
def test_every_field_of_a_search_is_a_flag_of_the_same_type(verb):
    words, expected = [], {}
    for field in fields(SearchOptions):
        if field.name == "num_best":
            continue
        flag, default = f"--{field.name.replace('_', '-')}", field.default
        if isinstance(default, bool):
            words.append(f"--no-{flag[2:]}" if default else flag)
            expected[field.name] = not default
        else:
            words += [flag, "gnmt" if isinstance(default, str) else "1"]
            expected[field.name] = "gnmt" if isinstance(default, str) else 1
    required = ["--format", "onnx"] if verb == "export" else []
    changes = SearchChanges.of(parse(verb, "RUN", *words, *required)).values
    assert changes == expected
    assert SearchChanges.of(parse(verb, "RUN", *required)).values == {}
    assert SearchOptions(**{**changes, "extract": False}).normalization == "gnmt"


def test_an_option_that_the_recipe_sets_can_be_unset():
    assert SearchChanges.of(parse("translate", "RUN", "--no-cut-input")).values == {"cut_input": False}


def test_n_best_is_the_number_of_hypotheses():
    assert SearchChanges.of(parse("translate", "RUN", "--n-best", "3")).values == {"num_best": 3}


def test_options_are_values_in_groups():
    words = ("RUN", "OTHER", "--include", "a", "--include", "b", "--beam-size", "2", "--workers", "3")
    options = options_from(TranslateOptions, parse("translate", *words))
    assert options.translation.model.runs == ("RUN", "OTHER")
    assert options.translation.input.include == ("a", "b")
    assert options.translation.search.values == {"beam_size": 2}
    assert options.bulk.workers == 3
    with pytest.raises(FrozenInstanceError):
        options.output = "x"


def test_parsed_arguments_travel_no_further_than_the_function_that_reads_them():
    for path in sorted(CLI.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in READERS:
                kinds = [ast.unparse(a.annotation) for a in node.args.args if a.annotation]
                assert "argparse.Namespace" not in kinds, f"{path.name}:{node.lineno}: {node.name}"


def test_every_verb_has_a_module():
    for verb in VERBS:
        assert (CLI / f"{verb}.py").is_file()
