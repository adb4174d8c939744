import numpy as np
import pytest

from seq2seq.inference.nbest import Candidate
from seq2seq.inference.reranking import Tuning
from seq2seq.metrics import tokenization
from seq2seq.metrics.bleu import bleu, bleu_published, ter
from seq2seq.metrics.bleu_counts import bleu_counts, bleu_of
from seq2seq.metrics.rouge import rouge
from seq2seq.metrics.summary import describe_summaries, kept_word_scores
from seq2seq.metrics.tokenization import Tokenization, advice, mismatch

TEXT = {
    "zh": "我喜欢吃苹果，你呢？",
    "ja": "私はリンゴが好きです。",
    "ko": "나는 사과를 좋아합니다.",
    "th": "ฉันชอบกินแอปเปิ้ล",
    "lo": "ຂ້ອຍມັກກິນຫມາກໂປມ",
    "km": "ខ្ញុំចូលចិត្តញ៉ាំផ្លែប៉ោម",
    "my": "ကျွန်တော်ပန်းသီးကြိုက်တယ်",
}


@pytest.mark.parametrize("code", TEXT)
def test_a_perfect_output_in_a_language_without_blanks_has_a_perfect_score(code):
    how, text = Tokenization.of(code), [TEXT[code]]
    assert not how.has_blanks
    for score in (bleu(text, text, how), bleu_published(how)(text, text), rouge(text, [text], how)["rouge2"]):
        assert score.score == pytest.approx(100)
        assert f"tok:{how.name}" in score.signature
    half = [TEXT[code][: len(TEXT[code]) // 2]]
    assert 0 < ter(half, text, how).score < 100
    assert f"words:{how.name}" in ter(half, text, how).signature
    assert 0 < kept_word_scores(text, half, text, how)["f1"].score < 100
    assert 0 < describe_summaries(text, half, how)["length"].score < 100
    assert bleu_of(bleu_counts(text, text, how)) == pytest.approx(100)


def test_chinese_is_split_as_by_sacrebleu():
    how = Tokenization.of("zh-CN")
    assert how.name == "zh"
    assert how.words("我有 iPhone 15。") == ["我", "有", "iPhone", "15", "。"]


def test_weights_for_an_n_best_list_are_found_in_a_language_without_blanks():
    lists = [[Candidate("完全不同的话语", 0.0, 1), Candidate(TEXT["zh"], 0.0, 2)]]
    tuning = Tuning(lists, [np.eye(2)], [TEXT["zh"]], Tokenization.of("zh"))
    assert tuning.search([1.0, 0.0])[1] == pytest.approx(100)


def test_japanese_korean_and_thai_use_what_is_installed(monkeypatch):
    monkeypatch.setattr(tokenization, "_is_installed", lambda name: True)
    found = [Tokenization.of(code).name for code in ("ja", "ko", "th", "de")]
    assert found == ["ja-mecab", "ko-mecab", "flores200", "13a"]
    monkeypatch.setattr(tokenization, "_is_installed", lambda name: "-" not in name and name != "flores200")
    assert [Tokenization.of(code).name for code in ("ja", "ko", "th", "zh")] == ["char", "char", "char", "zh"]
    for name, message in (
        ("ja-mecab", r"sacrebleu\[ja\]"),
        ("flores200", "put its model at"),
        ("words", "Expected one of"),
    ):
        with pytest.raises(ValueError, match=message):
            Tokenization.of("ja", name)


def test_words_keep_their_combining_marks_and_joiners():
    assert Tokenization.of("hi").words("हिन्दी में।") == ["हिन्दी", "में", "।"]
    assert Tokenization.of("fa").words("می\u200cخواهم") == ["می\u200cخواهم"]
    assert rouge(["हिन्दी"], [["हिनदी"]], Tokenization.of("hi"))["rouge1"].score == 0


@pytest.mark.parametrize("code", [code for code in TEXT if code != "ko"])
def test_text_without_blanks_under_a_code_with_them_is_named(code):
    assert mismatch(Tokenization.of("de"), [TEXT[code]]) == code
    assert f"--data.target_language {code}" in advice(Tokenization.of("de"), [TEXT[code]])
    assert not advice(Tokenization.of(code), [TEXT[code]])


def test_text_with_blanks_is_not():
    assert not advice(Tokenization.of("de"), ["Das Zeichen 人 heißt Mensch.", TEXT["ko"], ""])
