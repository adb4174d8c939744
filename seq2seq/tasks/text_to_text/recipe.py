"""The recipe of a text-to-text task: typed, frozen, checked when made; `--help` prints the docstring of each field."""

from __future__ import annotations

from typing import Any, Literal

from seq2seq.layers.names import AttentionName, AttentionPosition, BridgeName, CellName
from seq2seq.metrics.tokenization import Tokenization, TokenizerName
from seq2seq.pipeline.plan import Batching
from seq2seq.run import sections
from seq2seq.run.sections import Section
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.checks import contradictions
from seq2seq.text.subword import TokenizerKind


class Files(Section):
    """A text of your own."""

    source: str = ""
    """File with one input per line; or with both sides: a .tsv with source and target in its first columns, a .csv, a
    .jsonl with one JSON object per line, or a .json with an array of objects. Each may be compressed (.gz, .xz, .bz2,
    or a .zip of one file). Several are read one after the other: a.en,b.en"""
    target: str = ""
    """File with as many lines, or as many files as source has; empty where source holds both sides."""


class Data(Section):
    """What to learn from."""

    corpus: Literal[
        "grammar",
        "multi30k",
        "tatoeba_spa",
        "sigmorphon_g2p",
        "phrases",
        "aeslc",
        "sentence_compression",
        "files",
    ] = "grammar"
    """A data set of the catalogue, or "files" for your own, named below."""
    source_language: str = "en"
    """Language of the source (ISO 639-1 code)."""
    target_language: str = "de"
    """Language of the target; scores split text into words by its rules."""
    score_tokenizer: TokenizerName = "auto"
    """How scores split text into words, by sacreBLEU's names. auto follows target_language: 13a where spaces separate
    words, zh for Chinese; ja-mecab and ko-mecab for Japanese and Korean, flores200 for Thai, Lao, Khmer, Burmese and
    Tibetan, where installed, otherwise char."""
    tests: tuple[str, ...] = ("test",)
    """Test splits of the catalogue to score at the end. For "files": "test" where one is given."""
    train: Files = Files()
    """For "files": what to train on."""
    validation: Files = Files()
    """For "files": what chooses the best epoch. Where none is given, one training pair in fifty (at most 1,000) is held
    out for it."""
    test: Files = Files()
    """For "files": what to score at the end; optional."""
    added: Files = Files()
    """Further training pairs, beside those of any corpus, such as `seq2seq augment` makes: all are trained on, none is
    held out, and data.max_train does not count them. A file that is named twice is read twice."""
    source_field: str = ""
    """For "files": the source's field in JSON ("source" where empty; translation.en is the field en in the field
    translation), or its column in a .csv or .tsv whose first line names the columns. Where empty, a .tsv has no such
    line, and a .csv has one if its first line looks like names (en,de); the first two columns are source and target."""
    target_field: str = ""
    """For "files": the same for the target; "target" where empty."""
    reference_fields: tuple[str, ...] = ()
    """For "files": fields with further references in tests."""
    right_to_left: bool = False
    """Write the target from its last token to its first; input and output files are unchanged. Such a run reranks the
    outputs of another: seq2seq rerank."""
    train_alignments: str = ""
    """For training.alignment_loss: file with one line per training pair in Pharaoh format: `0-0 1-2` aligns source word
    0 to target word 0 and source word 1 to target word 2, split at spaces. It may be compressed."""
    train_weights: tuple[float, ...] = ()
    """For "files": how often an epoch reads a pair of each training file, on average. With 1,2,0.5 those of the first
    once, of the second twice, and half of the third, its other half in the next epoch. Empty: all once."""
    max_train: int = 0
    """Use only this many training pairs, the first ones; 0 is all."""
    max_length: int = 150
    """Training pairs with more tokens on one side are left out and counted."""
    cut_source: int = 0
    """Above 0: longer sources are cut to this many tokens in training, and counted. In use, search.max_input with
    search.cut_input does the same."""


class Tokenizer(Section):
    """How text becomes tokens."""

    model: tuple[str, ...] = ()
    """File of your own SentencePiece model, unigram or BPE, for both sides; or two of them, source.model,target.model,
    with joint false. Nothing is learned then, and of this section only joint, tags and sampling count. Empty: learn
    one."""
    kind: TokenizerKind = "unigram"
    """Pieces of SentencePiece, unigram or bpe; or words, of text that is cut at its spaces; or characters, for words
    themselves, as in transliteration."""
    source_kind: TokenizerKind | None = None
    """Of the source, where not joint; none: as kind."""
    size: int = 5000
    """Size of the vocabulary, of each where not joint; of words and characters at most, the most frequent ones."""
    joint: bool = True
    """Learn one vocabulary from both sides; embeddings can then be shared."""
    byte_fallback: bool = False
    """Spell unknown characters as bytes instead of an unknown symbol; takes 256 ids of the vocabulary."""
    split_digits: bool = False
    """Make every digit a token; otherwise digits join each other and punctuation ("2014." may be one)."""
    normalization: str = "keep"
    """What happens to text before it is split. keep: text stays as it is in the training text; control characters are
    removed, tabs become spaces, and characters that the training text lacks become equivalent ones that it has (a
    no-break space, a ligature, a full-width letter). lossless: for code and tables, every space comes back; implies
    byte_fallback. identity, nfkc, nmt_nfkc, nfkc_cf, nmt_nfkc_cf: SentencePiece's own. Or the path of a TSV with rules
    in SentencePiece's form (00BD, a tab, 0031 002F 0032)."""
    source_normalization: str = ""
    """The same for the source, where not joint; empty: as for the target."""
    casing: Literal["keep", "mark"] = "keep"
    """mark: write a capital as a mark and the small letter, so that "Hello" and "hello" share tokens; it needs keep,
    lossless, identity or your own TSV as normalization."""
    placeholders: tuple[str, ...] = ()
    """What is copied from source to target unchanged: url, email, tag (<b>, &amp;), braces ({name}), printf (%s),
    emoji, number, or your own regular expressions between slashes, with bounded repeats: /[A-Z]{2,4}-[0-9]{1,6}/.
    Strings that occur on both sides of a training pair become numbered symbols."""
    tags: tuple[str, ...] = ()
    """Words that stand in the text and say something about it, such as >>de<<,>>fr<< for the language to write, or <BT>
    for synthetic pairs. Each is one token, never cut or normalised. With model they must be symbols of that model."""
    character_coverage: float = 1.0
    """Share of the characters that get a token of their own; 0.9995 for scripts of thousands of characters."""
    sampling: float = 0.0
    """Split training text at random, another way in every epoch. Unigram: smoothness, smaller is more random, 0.1 to
    0.5 is usual; BPE: share of merges dropped, 0.1 is usual. 0 is off."""


class Encoder(Section):
    """The recurrent encoder."""

    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 256
    """Width of one direction of each layer."""
    num_layers: int = 1
    """Number of layers."""
    bidirectional: bool = True
    """Read in both directions; the memory is then 2 x units wide."""
    residual: bool = False
    """Add each layer's input to its output where they are equally wide."""
    dropout: float = 0.3
    """Dropout rate on every layer's input and on the memory."""
    input_dropout: float | None = None
    """On the embeddings; none: as dropout."""
    output_dropout: float | None = None
    """On the memory; none: as dropout."""
    word_dropout: float = 0.0
    """Share of the tokens whose whole embedding becomes 0 in training; 0.1 to 0.3 helps small corpora (Sennrich & Zhang
    2019)."""
    weight_dropout: float = 0.0
    """Dropout rate on the recurrent weights (Merity et al. 2018)."""
    variational_dropout: bool = False
    """One dropout mask for all steps of a sequence instead of one for each step."""


class Decoder(Section):
    """The recurrent decoder."""

    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 512
    """Width of each layer."""
    num_layers: int = 1
    """Number of layers."""
    attention: AttentionName = "additive"
    """additive: Bahdanau et al. 2015; general, dot: Luong et al. 2015; multi_head: Vaswani et al. 2017; none: the
    plain encoder-decoder of Sutskever et al. 2014."""
    attention_units: int = 0
    """Width of the keys; 0: as wide as the decoder."""
    heads: int = 4
    """Heads of multi-head attention."""
    attention_position: AttentionPosition = "before"
    """before: attention before the recurrent layers (Bahdanau); between: after the first of at least two layers, which
    trains faster, as attention leaves the time loop; after: after all of them (Luong); conditional: within the first
    layer, whose state makes two steps for each token, one that reads the token and one that reads what attention found
    (Nematus, Sennrich et al. 2017)."""
    query_input: bool = False
    """With attention_position "before": add the last token to the query."""
    coverage: bool = False
    """Score each source position with the attention that it had before (See et al. 2017); slower to train, as attention
    then recurs."""
    input_feeding: bool = False
    """Add the readout to the next step's input (Luong et al. 2015, 3.3)."""
    readout: bool = True
    """A tanh layer of the embedding's width between the decoder and the output layer."""
    bridge: BridgeName = "dense"
    """How the encoder's last state becomes the decoder's first."""
    residual: bool = False
    """Add each layer's input to its output from the second layer on."""
    dropout: float = 0.3
    """Dropout rate on every layer's input and before the output layer."""
    input_dropout: float | None = None
    """On the embeddings; none: as dropout."""
    output_dropout: float | None = None
    """Before the output layer; none: as dropout."""
    word_dropout: float = 0.0
    """Share of the tokens whose whole embedding becomes 0 in training."""
    weight_dropout: float = 0.0
    """Dropout rate on the recurrent weights; needs attention between, after or none."""
    variational_dropout: bool = False
    """One dropout mask for all steps of a sequence instead of one for each step."""


class Model(Section):
    """The network."""

    embedding: int = 256
    """Width of the embeddings."""
    tie: Literal["none", "target", "all"] = "all"
    """One matrix for target embedding and output layer ("target"), and for the source embedding too ("all", needs a
    joint vocabulary); with model.words the source always has its own."""
    pointer: bool = False
    """Let the decoder copy source tokens that it attends to (See et al. 2017); needs a joint vocabulary."""
    selector: bool = False
    """Also learn which source words the target keeps, so that search.extract can write just these (Gehrmann et al.
    2018); needs a joint vocabulary and training.selector_loss above 0."""
    words: bool = False
    """Let the encoder read words instead of tokens: the vector of a word is the mean of its tokens' vectors plus
    vectors of its spelling, which words that begin, end or look alike share. For small corpora of languages that
    separate words by spaces."""
    encoder: Encoder = Encoder()
    """The encoder."""
    decoder: Decoder = Decoder()
    """The decoder."""


class Training(sections.TokenTraining):
    """How to train."""

    grow_vocabulary: int = 0
    """With start_from: tokens of the training text that the vocabulary of that run gains, each side's where not joint,
    at most; tags of tokenizer.tags besides. Characters come first. 0: the vocabulary stays as it is."""
    coverage_loss: float = 0.0
    """Weight of the loss for attending again to the same source positions (See et al. 2017); needs
    model.decoder.coverage. 1 is usual."""
    coverage_from: int = 0
    """Add the coverage loss after this many epochs; it helps late in training."""
    alignment_loss: float = 0.0
    """Weight of the loss for attending elsewhere than data.train_alignments say (Chen et al. 2016). 0.5 to 1 is usual;
    0 is off."""
    alignment_epochs: int = 0
    """Add the alignment loss in this many epochs only, the first ones; 0 is all."""
    selector_loss: float = 0.0
    """With model.selector: weight of the cross-entropy of its choices, summed over source tokens. 1 is usual."""
    agreement_loss: float = 0.0
    """Read every pair twice, with other values dropped, and add this many times how far the two differ (R-Drop; Wu et
    al. 2021). For small corpora: 5 is usual there. A step takes about twice as long. 0 is off."""
    risk_loss: float = 0.0
    """Weight of the expected risk (minimum risk training; Shen et al. 2016): of outputs that the model draws for each
    source, those that a score of whole texts finds better become likelier. For a run that is trained already; see
    training.start_from. A step takes several times as long. 0 is off."""
    risk_score: Literal["auto", "bleu", "chrf", "ter", "rouge", "exact_match", "wer", "cer"] = "auto"
    """With risk_loss: the score of each output against its target. BLEU is that of a sentence, smoothed; rouge the mean
    of ROUGE-1, -2 and -L. auto: the one that chooses the best epoch."""
    risk_samples: int = 5
    """With risk_loss: outputs drawn for each source, at least 2. Each counts in batching.tokens as a target does, so
    that a batch has fewer pairs. The target itself is none of them: token_loss asks for it."""
    risk_sharpness: float = 0.005
    """With risk_loss: exponent of the probabilities of the outputs drawn, before they are made to sum to 1. 0.005 is
    that of Shen et al.; near 0 all count alike."""
    token_loss: float = 1.0
    """With risk_loss: weight of the usual loss of the target's tokens beside it, above 0."""
    wait_k: tuple[int, ...] = ()
    """For simultaneous translation, which writes while it reads: how many words to read before the first is written
    (Ma et al. 2019). Several numbers, one drawn for each pair, make one model for them all (Elbayad et al. 2020):
    1,2,3,5,7,9. Needs model.encoder.bidirectional false, model.decoder.bridge zero and attention_position between or
    after. Empty: only whole sentences."""
    select_by: Literal["auto", "bleu", "chrf", "ter", "rouge", "exact_match", "cer", "loss"] = "auto"
    """What chooses the best epoch on the validation text: a score of greedy outputs, or the loss. auto: BLEU for
    translation, otherwise the mean of ROUGE-1, -2 and -L; chrf where targets have fewer than 4 words per line on
    average; exact_match where each occurs four times or more on average. Of equal scores the lower loss wins."""


class Recipe(sections.Recipe):
    """Everything that decides a run."""

    task: Literal["translation", "summarization", "compression"] = "translation"
    """What is measured: BLEU, chrF and TER; ROUGE; or ROUGE and the words kept."""
    data: Data = Data()
    """What to learn from."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes tokens."""
    model: Model = Model()
    """The network."""
    batching: Batching = Batching()
    """How pairs become batches."""
    training: Training = Training()
    """How to train."""
    search: SearchOptions = SearchOptions()
    """How to search when the run is scored; commands can override it."""
    exports: tuple[Literal["saved_model", "litert", "onnx"], ...] = ("saved_model",)
    """What to export at the end into export/ of the run folder; empty is nothing."""

    @property
    def tokenization(self) -> Tokenization:
        """How scores split the target's text into words; ValueError where a named tokeniser is not installed."""
        return Tokenization.of(self.data.target_language, self.data.score_tokenizer)

    def model_post_init(self, _: Any) -> None:
        """Raises ValueError for fields that contradict each other or are out of range."""
        problems = list(contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))
