"""Systems side by side: the numbers are sacreBLEU's, buckets part the lines, and what differs is refused."""

import numpy as np
import pytest

from seq2seq.evaluation.comparison import System, compare
from seq2seq.evaluation.measures import COMPRESSION, SUMMARIES, TRANSLATION
from seq2seq.evaluation.pages import as_html, as_text
from seq2seq.evaluation.significance import mean_tests
from seq2seq.metrics.bleu import bleu, chrf, ter
from seq2seq.metrics.error_rate import character_error_rate
from seq2seq.metrics.exact import exact_match
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.text.examples import Example

SAMPLES = {"bs": 50, "ar": 60}
WORDS = ["a", "cat", "dog", "sees", "the", "green", "house", "runs", "and", "sleeps"]


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(2)
    lines = [" ".join(random.choice(WORDS, random.integers(1, 25))) for _ in range(60)]
    return [Example(line.upper(), line, n) for n, line in enumerate(lines, 1)]


def spoiled(examples, share, seed):
    random = np.random.default_rng(seed)
    return [" ".join("x" if random.random() < share else word for word in e.target.split()) for e in examples]


@pytest.fixture(scope="module")
def systems(examples):
    signatures = {"bleu": "nrefs:1|case:mixed"}
    return [System(name, spoiled(examples, share, 1), signatures) for name, share in (("good", 0.1), ("bad", 0.4))]


@pytest.fixture(scope="module")
def found(examples, systems):
    return compare("test", TRANSLATION, SPACED, examples, systems, shown=2, samples=SAMPLES)


def test_scores_are_those_of_the_metrics_and_tests_those_of_sacrebleu(found, examples, systems):
    from sacrebleu.metrics import BLEU
    from sacrebleu.significance import PairedTest

    references = [e.target for e in examples]
    exact = ("exact_match", exact_match), ("cer", character_error_rate)
    for name, metric in (("bleu", bleu), ("chrf", chrf), ("ter", ter), *exact):
        for tested, system in zip(found.scores[name], systems, strict=True):
            assert tested.score == pytest.approx(metric(system.hypotheses, references).score)
    pairs = [(system.name, system.hypotheses) for system in systems]
    for kind, attribute in (("bs", "p_bootstrap"), ("ar", "p_randomization")):
        _, wanted = PairedTest(pairs, {"bleu": BLEU(references=[references])}, None, kind, SAMPLES[kind])()
        assert getattr(found.scores["bleu"][1], attribute) == wanted["BLEU"][1].p_value
    assert "bs:50" in found.scores["bleu"][0].signature
    assert "ar:60" in found.scores["bleu"][0].signature
    assert "seed:12345" in found.scores["bleu"][0].signature


def test_a_system_beside_itself_does_not_differ(examples, systems):
    twin = System("twin", systems[0].hypotheses, {})
    for measures in (TRANSLATION, SUMMARIES):
        same = compare("test", measures, SPACED, examples, [systems[0], twin], samples=SAMPLES)
        assert not same.examples
        for scores in same.scores.values():
            assert scores[0].score == scores[1].score
            assert min(scores[1].p_bootstrap, scores[1].p_randomization) > 0.9


def test_to_swap_them_turns_the_differences_round(found, examples, systems):
    other = compare("test", TRANSLATION, SPACED, examples, systems[::-1], shown=2, samples=SAMPLES)
    apart = [scores[1].score - scores[0].score for scores in found.scores.values()]
    assert [scores[0].score - scores[1].score for scores in other.scores.values()] == pytest.approx(apart)
    assert {d.line for d in found.examples if d.gain < 0} == {d.line for d in other.examples if d.gain > 0}


def test_buckets_part_the_lines_and_score_them_alone(examples, systems):
    labels = ["odd" if i % 2 else "even" for i in range(len(examples))]
    found = compare("test", TRANSLATION, SPACED, examples, systems, labels=labels, samples=SAMPLES)
    for kind in {bucket.kind for bucket in found.buckets}:
        assert sum(bucket.lines for bucket in found.buckets if bucket.kind == kind) == len(examples)
    odd = next(bucket for bucket in found.buckets if bucket.label == "odd")
    wanted = bleu(systems[1].hypotheses[1::2], [e.target for e in examples[1::2]]).score
    assert odd.scores[1] == pytest.approx(wanted)
    with pytest.raises(ValueError, match="59 bucket labels for 60 lines"):
        compare("test", TRANSLATION, SPACED, examples, systems, labels=labels[1:], samples=SAMPLES)


def test_rare_words_are_counted_where_one_says(examples, systems):
    counted = [e.source for e in examples] * 2
    found = compare("test", TRANSLATION, SPACED, examples, systems, counted=counted, samples=SAMPLES)
    assert [b.label for b in found.buckets if b.kind.startswith("rare")] == ["has none"]


def test_means_over_lines_are_tested_alike():
    random = np.random.default_rng(3)
    base = random.normal(50, 10, 400)
    better, noise = base + random.normal(2, 4, 400), base + random.normal(0, 4, 400)
    tested = mean_tests([base, better, noise - noise.mean() + base.mean()], "x", {"bs": 500, "ar": 1000})
    assert tested[0].p_bootstrap is None
    assert tested[0].interval == pytest.approx(1.96 * base.std() / 20, rel=0.1)
    assert max(tested[1].p_bootstrap, tested[1].p_randomization) < 0.01
    assert min(tested[2].p_bootstrap, tested[2].p_randomization) > 0.9


@pytest.mark.parametrize("measures", [SUMMARIES, COMPRESSION])
def test_summaries_have_scores_of_their_own(examples, systems, measures):
    found = compare("test", measures, SPACED, examples, systems, samples=SAMPLES)
    assert {"rouge1", "rouge2", "rougeL"} <= set(found.scores)
    assert ("f1" in found.scores) == (measures is COMPRESSION)
    assert all(scores[0].score > scores[1].score for name, scores in found.scores.items() if name != "f1")


def test_other_signatures_and_lengths_are_refused(examples, systems):
    other = System("other", systems[0].hypotheses, {"bleu": "nrefs:1|case:lc"})
    with pytest.raises(ValueError, match=r"(?s)signatures differ.*case:mixed.*case:lc"):
        compare("test", TRANSLATION, SPACED, examples, [systems[0], other], samples=SAMPLES)
    short = System("short", systems[0].hypotheses[1:], {})
    with pytest.raises(ValueError, match="short has 59 hypotheses for 60 references"):
        compare("test", TRANSLATION, SPACED, examples, [systems[0], short], samples=SAMPLES)
    with pytest.raises(ValueError, match="at least two systems"):
        compare("test", TRANSLATION, SPACED, examples, systems[:1], samples=SAMPLES)


def test_pages_show_all_and_let_nothing_in(examples, systems):
    hostile = System("<script>x</script>", ["<script>alert(1)</script>"] * len(examples), {})
    found = compare("a<b", TRANSLATION, SPACED, examples, [systems[0], hostile], samples=SAMPLES)
    page = as_html([found], {"<script>x</script>": {"val_nll": [3.0, 2.0]}, "good": {"val_nll": [2.5]}})
    assert "<script" not in page
    assert "http" not in page
    assert page.count("<svg") == page.count("</svg>") >= 4
    assert f"{found.scores['bleu'][0].score:.2f}" in page
    text = as_text(found)
    assert f"{found.scores['chrf'][1].score:.2f}" in text
    assert "p " in text


def test_systems_in_a_language_without_blanks_are_compared_by_its_words():
    examples = [Example("see the cat now", text, n) for n, text in enumerate(("我喜欢吃苹果", "你喜欢喝茶吗"), 1)]
    systems = [System("right", [e.target for e in examples], {}), System("near", ["我喜欢吃", "你喜欢茶"], {})]
    found = compare("test", TRANSLATION, Tokenization.of("zh"), examples, systems, samples=SAMPLES)
    assert found.scores["bleu"][0].score == pytest.approx(100)
    assert 0 < found.scores["ter"][1].score < 100
    assert "tok:zh" in found.scores["bleu"][0].signature
    assert "words:zh" in found.scores["ter"][0].signature
    lengths = [Example("我喜欢吃苹果和梨", "x", 1)]
    systems = [System("a", ["x"], {}), System("b", ["y"], {})]
    found = compare("test", TRANSLATION, SPACED, lengths, systems, samples=SAMPLES, source=Tokenization.of("zh"))
    assert next(b.label for b in found.buckets if b.kind == "source length in words") == "6-10"
