"""A LiteRT folder translates as the model in memory, without TensorFlow, and says what is wrong with a damaged one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest

from seq2seq.inference.batching import pad_with_eos
from seq2seq.inference.generator import Generator
from seq2seq.inference.requests import InputTooLong
from seq2seq.lite.folder import NETWORKS_FILE, LiteFolderError, load_shape
from seq2seq.lite.generator import LiteGenerator
from seq2seq.lite.kinds import SHAPE_FILE
from seq2seq.lite.networks import STEP, LiteNetworks
from seq2seq.search.options import SearchOptions
from tests.lite.conftest import MODELS, OPTIONS

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

from seq2seq.export import litert
from seq2seq.export.litert import export_litert

LINES = ["", "a dog", "   ", "the cat sits on a mat", "😀 Straße", "hello, world!"]

BATCHES = {"luong": (1,), "fed": (1,), "heads with a pointer": (1,), "none": (4,)}
"""Of exports by kinds of model; the others, one with a pointer among them, have both, and with --long all have."""


def networks_of(folder):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(str(folder / NETWORKS_FILE))


def same(got, wanted):
    assert [[h.text for h in line] for line in got] == [[h.text for h in line] for line in wanted]
    for ours, theirs in zip(got, wanted, strict=True):
        assert [h.pieces for h in ours] == [h.pieces for h in theirs]
        np.testing.assert_allclose([h.score for h in ours], [h.score for h in theirs], atol=1e-4)
        np.testing.assert_allclose([h.log_probability for h in ours], [h.log_probability for h in theirs], atol=1e-4)


@pytest.fixture(scope="module", params=MODELS)
def kind(request, make, folder, tmp_path_factory, long):
    """A model of each kind, its greedy search, and its export, not quantised."""
    generator, batches = make(request.param), (1, 4) if long else BATCHES.get(request.param, (1, 4))
    if request.param != "bahdanau":
        folder = export_litert(generator, tmp_path_factory.mktemp("lite") / "it", "none", batches=batches)
    return generator, generator.greedy(), folder


def test_every_kind_of_model_translates_as_in_memory(kind, sentences):
    (generator, greedy, folder), lines = kind, [*LINES, *sentences[:12]]
    lite = LiteGenerator.load(folder)
    expected = generator.generate(lines)
    same(lite.generate(lines), expected)
    same(lite.generate(lines, batch_size=1), expected)
    same(lite.with_options(beam_size=1, num_best=1).generate(lines), greedy.generate(lines))
    assert lite("a dog") == expected[1][0].text
    assert lite.has_attention == generator.has_attention
    if lite.has_attention:
        pairs = [(line, best[0].pieces) for line, best in zip(lines, expected, strict=True)]
        for ours, theirs in zip(lite.align(pairs), generator.align(pairs), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4)
    else:
        with pytest.raises(ValueError, match="no attention"):
            lite.align([("a", ())])


def test_batches_side_by_side_find_the_same(folder, sentences, monkeypatch):
    lines, search, meeting = sentences[:16], LiteGenerator._search_on, threading.Barrier(2, timeout=60)
    alone = LiteGenerator.load(folder, threads=1)
    expected = alone.generate(lines, batch_size=4)
    assert len(alone._idle) == 1
    shared = LiteGenerator.load(folder, threads=2)

    def meet(self, networks, source):
        meeting.wait()  # goes on only when another thread searches too
        return search(self, networks, source)

    monkeypatch.setattr(LiteGenerator, "_search_on", meet)
    assert shared.generate(lines, batch_size=4) == expected
    assert len({id(networks) for networks in shared._idle}) == 2
    assert shared.with_options(num_best=1)._idle is shared._idle


def test_a_generator_needs_its_folder_no_more(folder, sentences, tmp_path):
    shutil.copytree(folder, tmp_path / "it")
    lite = LiteGenerator.load(tmp_path / "it", threads=2)
    expected = lite.generate(sentences[:1])
    shutil.rmtree(tmp_path / "it")
    assert lite.generate(sentences[:8], batch_size=4)[0] == expected[0]


def test_few_lines_go_one_by_one(folder):
    lite = LiteGenerator.load(folder)
    sources = [[5] * length for length in (3, 1, 4, 1, 5, 9)]
    assert lite._batches(sources, 4) == [[5, 4, 2, 0], [1], [3]]
    assert lite._batches(sources[:3], 4) == [[2, 0, 1]]
    assert lite._batches(sources[:2], 3) == [[0], [1]]
    assert lite._batches([], 4) == []


def test_the_whole_search_in_one_graph_is_the_greedy_one(kind, tokenizer, sentences):
    _, greedy, folder = kind
    lines = sentences[: max(load_shape(folder)["batches"])]
    limits = np.asarray([OPTIONS.output_limit(len(ids)) for ids in tokenizer.encode(lines)], np.int32)
    networks = LiteNetworks(folder, load_shape(folder))
    found = networks.greedy(pad_with_eos(tokenizer.encode(lines)), limits)
    ids = [row[:length].tolist() for row, length in zip(found.ids[:, 0], found.lengths[:, 0], strict=True)]
    expected = [best[0] for best in greedy.generate(lines)]
    assert tokenizer.decode(ids) == [best.text for best in expected]
    np.testing.assert_allclose(found.log_probabilities[:, 0], [h.log_probability for h in expected], atol=1e-4)


def test_a_network_is_made_wide_enough_before_its_result_counts(kind, tokenizer, monkeypatch):
    """Where the kernels must enlarge their memory within a call, they may compute with memory that has moved."""
    folder = kind[-1]
    networks = LiteNetworks(folder, load_shape(folder))
    widths = {}
    find = networks._interpreter.get_signature_runner

    def spy(name):
        runner = find(name)

        def run(**arrays):
            wide = next((arrays[key] for key in ("keys", "values") if key in arrays), arrays.get("ids"))
            if wide is not None and wide.ndim > 1:  # as wide as the source
                widths.setdefault(name, []).append(wide.shape[1])
            return runner(**arrays)

        return run

    monkeypatch.setattr(networks._interpreter, "get_signature_runner", spy)
    for beam in (1, OPTIONS.beam_size):
        generator = LiteGenerator(networks, tokenizer, tokenizer, OPTIONS.changed(beam_size=beam, num_best=1))
        for pieces in (2, 9, 30, 4):
            generator._search_on(networks, pad_with_eos([[5] * pieces]))
    if networks.has_attention:
        generator._align([[5] * 40], [[5, 6]])
    assert len(widths) >= 2
    for asked in widths.values():
        grown = [n for n, width in enumerate(asked) if width > max(asked[:n], default=0)]
        assert all(asked[n] % STEP == 0 and asked[n + 1] <= asked[n] for n in grown)


def test_mbr_chooses_as_in_memory(make, folder, sentences):
    changes = {"mbr": 5.0, "num_best": 2}
    expected = make("bahdanau").with_options(**changes).generate(sentences[:20])
    plain = LiteGenerator.load(folder, num_best=2).generate(sentences[:20])
    found = LiteGenerator.load(folder, **changes).generate(sentences[:20])
    same(found, expected)
    assert [h[0].text for h in found] != [h[0].text for h in plain]


@pytest.mark.parametrize("normalization", ["none", "gnmt"])
def test_every_normalisation_ranks_as_in_memory(normalization, make, folder, sentences):
    changes = {"normalization": normalization, "length_penalty": 0.7, "num_best": 3}
    expected = make("bahdanau").with_options(**changes).generate(sentences[:20])
    same(LiteGenerator.load(folder, **changes).generate(sentences[:20]), expected)


def test_quantised_networks_are_smaller_and_nearly_the_same(tmp_path, build_model, tokenizer):
    model = build_model({"units": 32}, {"units": 64}, (tokenizer.size, tokenizer.size), 5)
    generator, lines = Generator(model, tokenizer, tokenizer, OPTIONS), ["a dog", "the cat sits on a mat"]
    expected = [best[0].log_probability for best in generator.generate(lines)]
    folders = {
        kind: export_litert(generator, tmp_path / kind, kind, batches=(1,)) for kind in ("none", "float16", "int8")
    }
    sizes = {kind: (folder / NETWORKS_FILE).stat().st_size for kind, folder in folders.items()}
    for kind in ("float16", "int8"):
        assert sizes[kind] < 0.75 * sizes["none"]
        found = [best[0].log_probability for best in LiteGenerator.load(folders[kind]).generate(lines)]
        assert found == pytest.approx(expected, rel=0.2)
    # One scale a matrix: a scale a row would weigh more than the room it is for.
    details = networks_of(folders["int8"]).get_tensor_details()
    assert {len(tensor["quantization_parameters"]["scales"]) for tensor in details} == {0, 1}


def test_no_framework_is_imported_and_none_but_built_in_operations_are_used(folder):
    code = (
        "import sys\nfrom seq2seq.cli import stderr_filter\nfrom seq2seq.cli.main import main\n"
        "stderr_filter.install()\n"
        f"assert main(['translate', {str(folder)!r}, '--n-best', '2']) == 0\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'pydantic', 'sacrebleu', 'pooch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from ai_edge_litert.interpreter import Interpreter\n"
        f"names = {{op['op_name'] for op in Interpreter({str(folder / 'model.tflite')!r})._get_ops_details()}}\n"
        "assert not any('Flex' in n or 'TensorList' in n or 'CUSTOM' in n for n in names), names\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input="a dog\n\nthe cat\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.split(" ||| ") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["0", "0", "1", "2", "2"]
    assert not [line for line in done.stderr.splitlines() if "reached the limit of length" not in line]  # it may well


@pytest.mark.parametrize(("name", "batches"), [("bahdanau", (1, 4)), ("none", (4,))])
def test_an_extract_is_the_one_in_memory(name, batches, build_model, tokenizer, sentences, tmp_path):
    encoder, decoder = MODELS[name]
    model = build_model(encoder, decoder, sizes=(tokenizer.size, tokenizer.size), selector=True)
    generator = Generator(model, tokenizer, tokenizer, SearchOptions(extract=True, max_input=40))
    folder = export_litert(generator, tmp_path / "it", "none", batches=batches)
    lines = [*LINES, *sentences[:20]]
    expected = generator.generate(lines)
    assert 0 < sum(len(h[0].pieces) for h in expected) < sum(map(len, tokenizer.encode(lines)))
    lite = LiteGenerator.load(folder)
    same(lite.generate(lines), expected)
    same(lite.generate(lines, batch_size=1), expected)
    with pytest.raises(ValueError, match=r"exported to extract. Received: options to search.*--no-extract"):
        LiteGenerator.load(folder, extract=False)


def test_a_folder_that_searches_does_not_extract(folder):
    with pytest.raises(ValueError, match=r"exported to search. Received: options to extract.*--extract"):
        LiteGenerator.load(folder, extract=True, num_best=1)


@pytest.mark.parametrize("options", [{"beam_size": 2}, {"beam_size": 2, "mbr": 0.5}, {"beam_size": 1, "num_best": 1}])
def test_any_beam_up_to_the_exported_one_finds_what_it_finds_in_memory(folder, make, sentences, options):
    lines = [*LINES, *sentences[:8]]
    same(
        LiteGenerator.load(folder, **options).generate(lines), make("bahdanau").with_options(**options).generate(lines)
    )


def test_a_line_too_long_is_refused(folder):
    with pytest.raises(InputTooLong):
        LiteGenerator.load(folder).generate(["the " * 50])


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"beam_size": 7}, "beam of up to 3.*--beam-size 7"), ({"sampling": True, "num_best": 1}, "cannot sample")],
)
def test_a_search_that_was_not_exported_is_refused(folder, changes, message):
    with pytest.raises(ValueError, match=message):
        LiteGenerator.load(folder, **changes)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def _alter(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


def _json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


DAMAGES = {
    "cut off": (lambda f: _cut(f / "model.tflite"), r"model\.tflite: .* bytes; model\.json says"),
    "altered": (lambda f: _alter(f / "model.tflite"), "checksum is not the one"),
    "no tokeniser": (lambda f: (f / "source.model").unlink(), r"source\.model: No such file"),
    "no json": (lambda f: (f / "model.json").write_text("{"), r"model\.json: missing or damaged"),
    "other format": (lambda f: _json(f / "model.json", format=99), "written in format 99"),
    "other vocabulary": (lambda f: _json(f / "model.json", source_size=7), "a vocabulary of .* the network has 7"),
    "other architecture": (lambda f: _json(f / "model.json", beams=[1, 3, 9]), "it lacks the networks decode_1x9"),
    "slow placeholder": (
        lambda f: _json(f / "model.json", placeholders={"names": ["/(a+)+b/"], "required": True}),
        "its placeholders are damaged",
    ),
    "other search": (lambda f: _json(f / "model.json", search={"beam": 2}), "search options are damaged"),
    "no shape": (lambda f: _json(f / "model.json", decoder=None), "description of the networks is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_told(damage, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "it")
    change, message = DAMAGES[damage]
    change(tmp_path / "it")
    with pytest.raises(LiteFolderError, match=message):
        LiteGenerator.load(tmp_path / "it")


def test_a_failed_export_leaves_the_old_one(make, folder, tmp_path, monkeypatch):
    def full(networks, quantize):
        raise OSError(28, "No space left on device")

    shutil.copytree(folder, tmp_path / "it")
    monkeypatch.setattr(litert, "_convert", full)
    with pytest.raises(OSError, match="No space"):
        export_litert(make("bahdanau"), tmp_path / "it")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert LiteGenerator.load(tmp_path / "it")("a dog")


def test_an_export_that_cannot_take_its_place_leaves_the_old_one(make, folder, tmp_path, monkeypatch):
    def rename(path, target):
        if path.name.startswith("partial-"):
            raise OSError(13, "Permission denied")
        return real(path, target)

    real = Path.rename
    shutil.copytree(folder, tmp_path / "it")
    before = (tmp_path / "it" / SHAPE_FILE).read_text()
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(litert, "_convert", lambda *_: (folder / NETWORKS_FILE).read_bytes())
    with pytest.raises(OSError, match="Permission denied"):
        export_litert(make("bahdanau"), tmp_path / "it", "float16", batches=(1, 4))
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert (tmp_path / "it" / SHAPE_FILE).read_text() == before


def test_what_is_no_export_is_never_replaced(make, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="expected a new or empty folder"):
        export_litert(make("bahdanau"), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"quantize": "int4"}, "one of none, float16, int8"),
        ({"batches": (4,)}, r"with attention hold 1. Received: \(4,\)"),
        ({"batches": (0, 1)}, r"must be at least 1, .* Received: \(0, 1\)"),
    ],
)
def test_what_cannot_be_exported_is_refused(make, tmp_path, how, message):
    with pytest.raises(ValueError, match=message):
        export_litert(make("bahdanau"), tmp_path / "it", **how)
