"""A verb whose packages are not installed says in one sentence which extra has them."""

import json
import subprocess
import sys

import pytest

from seq2seq.run.folder import FORMAT

HIDE = "import sys; sys.modules[sys.argv[1]] = None; from seq2seq.cli.main import main; sys.exit(main(sys.argv[2:]))"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("pydantic", ["train", "translation", "tiny"]),
        ("pooch", ["train", "translation", "tiny"]),
        ("pydantic", ["doctor", "--recipe", "tiny"]),
        ("sacrebleu", ["evaluate", "run", "--test", "test"]),
    ],
)
def test_the_message_names_the_extra(module, words, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text(json.dumps({"format": FORMAT, "recipe": {"task": "translation"}}))
    done = subprocess.run([sys.executable, "-c", HIDE, module, *words], cwd=tmp_path, capture_output=True, check=False)
    (message,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert message == (
        f"error: This needs the package {module}, which is not installed. "
        'Install it with: pip install "keras-seq2seq-rnn[train]"'
    )
