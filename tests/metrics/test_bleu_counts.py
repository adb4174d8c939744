import pytest

from seq2seq.metrics.bleu import bleu
from seq2seq.metrics.bleu_counts import bleu_counts, bleu_of

REFERENCES = ["A man in a red hat looks at the sea.", "Two dogs run.", "Yes", "The cat sat on the mat, again."]
HYPOTHESES = ["A man with a red hat looks at the sea.", "Two dogs", "", "On the mat sat the cat, again."]


@pytest.mark.parametrize("lines", [[0, 1, 2, 3], [0], [0, 3], [1, 2], [3, 3, 3]])
def test_summed_counts_give_the_bleu_of_the_text(lines):
    counts = bleu_counts(HYPOTHESES, REFERENCES)[lines]
    wanted = bleu([HYPOTHESES[i] for i in lines], [REFERENCES[i] for i in lines]).score
    assert bleu_of(counts) == pytest.approx(wanted)
