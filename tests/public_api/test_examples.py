"""The public names exist, are imported on first use only, and the examples of the documentation run."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

PACKAGES = ("layers", "models", "search", "training")


@pytest.mark.parametrize("name", PACKAGES)
def test_the_examples_run(name):
    module = importlib.import_module(f"seq2seq.{name}")
    failed, attempted = doctest.testmod(module)
    assert attempted > 5
    assert not failed


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_are_those_that_type_checkers_see_and_are_documented(name):
    module = importlib.import_module(f"seq2seq.{name}")
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "seq2seq" in str(node.module)]
    typed = {(alias.name, node.module) for node in imported for alias in node.names if alias.name != "lazy_names"}
    assert {public for public, _ in typed} == set(module.__all__) <= set(dir(module))
    for public, place in typed:
        assert getattr(module, public) is getattr(importlib.import_module(place), public)
        assert getattr(module, public).__doc__ or public.endswith("Function")
    with pytest.raises(AttributeError):
        module.Nonsense  # noqa: B018  # the access is what is tested


def test_the_front_page_names_what_is_public():
    front = importlib.import_module("seq2seq").__doc__
    assert all(f"seq2seq.{name}" in front for name in PACKAGES)
