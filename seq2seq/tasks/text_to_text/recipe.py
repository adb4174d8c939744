"""Recipes as values: typed, frozen, checked when made, with a docstring at every field that `--help` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from seq2seq.layers.names import AttentionName, AttentionPosition, BridgeName, CellName
from seq2seq.metrics.tokenization import Tokenization, TokenizerName
from seq2seq.pipeline.plan import Batching
from seq2seq.run import sections
from seq2seq.run.sections import Section
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.text_checks import text_contradictions


class Files(Section):
    """A text of the user's own."""

    source: str = ""
    """File with an input a line; or with both sides: a .tsv with source and target in its first columns, a .csv, a
    .jsonl with a JSON object a line, or a .json with an array of objects. Each may be compressed (.gz, .xz, .bz2, or a
    .zip of one file). Several are read one after the other: a.en,b.en"""
    target: str = ""
    """File of equally many lines, or as many files as source has; empty where source holds both sides."""


class Data(Section):
    """What to learn from."""

    corpus: Literal["grammar", "multi30k", "tatoeba_spa", "phrases", "aeslc", "sentence_compression", "files"] = (
        "grammar"
    )
    """A data set of the catalogue, or "files" for the user's own, named below."""
    source_language: str = "en"
    """Code of the language translated from (ISO 639-1)."""
    target_language: str = "de"
    """Code of the language written; scores split text into words by its rules."""
    score_tokenizer: TokenizerName = "auto"
    """How scores split text into words, by sacreBLEU's names. auto follows target_language: 13a where blanks part
    words, zh for Chinese; ja-mecab and ko-mecab for Japanese and Korean, flores200 for Thai, Lao, Khmer, Burmese and
    Tibetan, where installed, otherwise char."""
    tests: tuple[str, ...] = ("test",)
    """Test splits of the catalogue to score at the end. For "files": "test" where one is given."""
    train: Files = Files()
    """For "files": what to train on."""
    validation: Files = Files()
    """For "files": what to choose the best epoch by. Where none is given, one training pair in fifty (at most 1,000)
    is kept for it and not trained on."""
    test: Files = Files()
    """For "files": what to score at the end; none is fine."""
    source_field: str = ""
    """For "files": the source's field in JSON ("source" where empty; translation.en is the field en in the field
    translation), or its column in a .csv or .tsv whose first line names the columns. Where empty, a .tsv has no such
    line, and a .csv has one if it reads as names (en,de); their first two columns are source and target."""
    target_field: str = ""
    """For "files": the target's, "target" where empty."""
    reference_fields: tuple[str, ...] = ()
    """For "files": fields with further references, of tests."""
    right_to_left: bool = False
    """Learn to write the target from its last piece to its first; what is read and printed stays as it is. Such a run
    reranks what another found: seq2seq rerank."""
    train_alignments: str = ""
    """For training.guided_attention: file with a line a training pair, the words that belong together as Pharaoh has
    them: `0-0 1-2`, source-target from 0, words as blanks part them. It may be compressed."""
    max_train: int = 0
    """Use only the first so many training pairs; 0 is all."""
    max_length: int = 150
    """Training pairs with more pieces on one side are left out, and counted."""
    cut_source: int = 0
    """Above 0: of a longer source only the first so many pieces are read in training, and how many were cut is told.
    For use the same is search.max_input with search.cut_input."""


class Tokenizer(Section):
    """How text becomes pieces."""

    kind: Literal["unigram", "bpe"] = "unigram"
    """Kind of SentencePiece model."""
    size: int = 5000
    """Vocabulary size, of each side where not joint."""
    joint: bool = True
    """One vocabulary learned from both sides; embeddings can then be shared."""
    byte_fallback: bool = False
    """Spell unknown characters as bytes instead of an unknown symbol; takes 256 ids of the vocabulary."""
    split_digits: bool = False
    """Make every digit a piece; otherwise digits join each other and punctuation ("2014." may be one)."""
    normalization: str = "keep"
    """What happens to text before it is cut. keep: text stays as the training text has it; control characters go, tabs
    become blanks, and characters that the training text lacks become equal ones that it has (a no-break space, a
    ligature, a full-width letter). lossless: for code and tables, text comes back to the last blank; implies
    byte_fallback. identity, nfkc, nmt_nfkc, nfkc_cf, nmt_nfkc_cf: SentencePiece's own. Or the path of a TSV with rules
    in SentencePiece's form (00BD, a tab, 0031 002F 0032)."""
    source_normalization: str = ""
    """The same for the source, where not joint; empty is as the target's."""
    casing: Literal["keep", "mark"] = "keep"
    """mark: write a capital as a mark and the small letter, so that "Hello" and "hello" share pieces; it takes keep,
    lossless, identity or an own TSV as normalization."""
    placeholders: tuple[str, ...] = ()
    """What is copied from source to target as it is, in place of being translated: url, email, tag (<b>, &amp;), braces
    ({name}), printf (%s), emoji, number, or regular expressions of one's own between slashes, with bounded repeats:
    /[A-Z]{2,4}-[0-9]{1,6}/. Strings that both sides of a training pair have become numbered symbols."""
    character_coverage: float = 1.0
    """Share of the characters that get a piece of their own; 0.9995 for scripts of thousands of characters."""
    sampling: float = 0.0
    """Cut training text anew at random in every epoch. Unigram: smoothness, smaller is more random, 0.1 to 0.5 is
    usual; BPE: share of merges dropped, 0.1 is usual. 0 is off."""


class Encoder(Section):
    """The recurrent encoder."""

    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 256
    """Width of one direction of each layer."""
    num_layers: int = 1
    """Layers on top of each other."""
    bidirectional: bool = True
    """Read in both directions; the memory is then 2 x units wide."""
    residual: bool = False
    """Add each layer's input to its output where they are equally wide."""
    dropout: float = 0.3
    """Dropout rate on every layer's input and on the memory."""
    variational_dropout: bool = False
    """One dropout mask a sentence instead of one a step."""


class Decoder(Section):
    """The recurrent decoder."""

    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 512
    """Width of each layer."""
    num_layers: int = 1
    """Layers on top of each other."""
    attention: AttentionName = "additive"
    """additive: Bahdanau et al. 2015; general, dot: Luong et al. 2015; multi_head: Vaswani et al. 2017; none: the
    plain encoder-decoder of Sutskever et al. 2014."""
    attention_units: int = 0
    """Width of the keys; 0: as wide as the decoder."""
    heads: int = 4
    """Heads of multi-head attention."""
    attention_position: AttentionPosition = "before"
    """before: attention before the recurrent layers (Bahdanau); between: after the first of at least two layers, which
    trains faster, as attention leaves the time loop; after: after all of them (Luong)."""
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
    variational_dropout: bool = False
    """One dropout mask a sentence instead of one a step."""


class Model(Section):
    """The network."""

    embedding: int = 256
    """Width of the embeddings."""
    tie: Literal["none", "target", "all"] = "all"
    """One matrix for target embedding and output layer ("target"), and for the source embedding too ("all", wants a
    joint vocabulary); with model.words the source has its own in any case."""
    pointer: bool = False
    """Let the decoder copy pieces of the source where attention points to them (See et al. 2017); wants a joint
    vocabulary."""
    selector: bool = False
    """Learn too which words of the source the target takes over, so that search.extract can write just these (Gehrmann
    et al. 2018); wants a joint vocabulary and training.selector_loss above 0."""
    words: bool = False
    """Let the encoder go from word to word, whatever the pieces: a word's vector is the mean of its pieces' and the sum
    of those of its spelling, shared by the words that begin, end or look alike. For small corpora of languages that
    part words by blanks."""
    encoder: Encoder = Encoder()
    """The encoder."""
    decoder: Decoder = Decoder()
    """The decoder."""


class Training(sections.Training):
    """How to train."""

    coverage_loss: float = 0.0
    """What it costs to attend again to what was attended to before, beside the loss of the pieces; wants
    model.decoder.coverage. 1 is usual."""
    coverage_from: int = 0
    """The loss of coverage counts after so many epochs; it helps late."""
    guided_attention: float = 0.0
    """What it costs to attend elsewhere than data.train_alignments say, beside the loss of the pieces (Chen et al.
    2016). 0.5 to 1 is usual; 0 is off."""
    guided_until: int = 0
    """Attention is guided in so many epochs only, the first ones; 0 is in all."""
    selector_loss: float = 0.0
    """With model.selector: what the cross-entropy of its choices, a source piece each, counts beside the loss of the
    target's pieces. 1 is usual."""
    select_by: Literal["auto", "bleu", "chrf", "ter", "rouge", "exact_match", "cer", "loss"] = "auto"
    """What makes an epoch the best one, on the validation text: a score of greedy outputs, or the loss. auto: BLEU for
    translation, otherwise the mean of ROUGE-1, -2 and -L; chrf where the targets have fewer than 4 words a line on
    average; exact_match where each comes four times or more on average. Of equal scores the lower loss is better."""


class Recipe(sections.Recipe):
    """All that decides about a run."""

    task: Literal["translation", "summarization", "compression"] = "translation"
    """What is measured: BLEU, chrF and TER; ROUGE; or ROUGE and the kept words."""
    data: Data = Data()
    """What to learn from."""
    tokenizer: Tokenizer = Tokenizer()
    """How text becomes pieces."""
    model: Model = Model()
    """The network."""
    batching: Batching = Batching()
    """How pairs become batches."""
    training: Training = Training()
    """How to train."""
    search: SearchOptions = SearchOptions()
    """How to translate when the run is scored; commands can override it."""
    exports: tuple[Literal["saved_model", "litert", "onnx"], ...] = ("saved_model",)
    """What to export at the end, into the run folder's export/; empty is nothing."""

    @property
    def tokenization(self) -> Tokenization:
        """How scores split the target's text into words; ValueError where a named tokeniser is not installed."""
        return Tokenization.of(self.data.target_language, self.data.score_tokenizer)

    def model_post_init(self, _: Any) -> None:
        """Tells what no single field can be blamed for."""
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    if recipe.model.tie == "all" and not recipe.tokenizer.joint:
        yield "model.tie 'all' shares one matrix of both sides and wants tokenizer.joint true (or model.tie target)"
    decoder, training = recipe.model.decoder, recipe.training
    if recipe.model.pointer and not recipe.tokenizer.joint:
        yield "model.pointer copies source pieces into the target and wants tokenizer.joint true"
    if recipe.model.selector and (not recipe.tokenizer.joint or recipe.data.right_to_left):
        yield "model.selector keeps source pieces as they are, and wants tokenizer.joint true, data.right_to_left false"
    if recipe.model.selector != (training.selector_loss > 0):
        yield "model.selector and training.selector_loss above 0 want each other"
    if recipe.model.selector and training.guided_attention:
        yield "model.selector finds links of its own, and wants training.guided_attention 0"
    if recipe.search.extract and not recipe.model.selector:
        yield "search.extract wants model.selector"
    if decoder.attention == "none":
        wanting = {
            "model.pointer": recipe.model.pointer,
            "model.decoder.input_feeding": decoder.input_feeding,
            "model.decoder.coverage": decoder.coverage,
            "training.guided_attention": training.guided_attention > 0,
            "search.coverage_penalty": recipe.search.coverage_penalty > 0,
        }
        yield from (f"{name} wants attention" for name, wants in wanting.items() if wants)
    if training.coverage_loss and not decoder.coverage:
        yield "training.coverage_loss wants model.decoder.coverage"
    if training.guided_attention > 0 and not recipe.data.train_alignments:
        yield "training.guided_attention wants data.train_alignments"
    if training.guided_attention > 0 and recipe.data.right_to_left:
        yield "training.guided_attention wants data.right_to_left false: links count words from the left"
    for name, value in (
        ("data.train_alignments", recipe.data.train_alignments),
        ("training.guided_until", training.guided_until),
    ):
        if value and not training.guided_attention:
            yield f"{name} wants training.guided_attention above 0"
    if decoder.attention_position == "between" and (decoder.num_layers < 2 or decoder.input_feeding):
        yield "model.decoder.attention_position 'between' needs num_layers of at least 2 and no input_feeding"
    if decoder.query_input and (decoder.attention_position != "before" or decoder.attention == "none"):
        yield "model.decoder.query_input needs attention, and attention_position 'before'"
    if decoder.attention != "none" and not decoder.readout:
        yield "model.decoder.readout must be true where there is attention"
    yield from text_contradictions(recipe)
    if recipe.data.corpus == "files" and not recipe.data.train.source:
        yield "data.train.source must name a file where data.corpus is 'files'"
    at_least_one = {
        "tokenizer.size": recipe.tokenizer.size,
        "model.embedding": recipe.model.embedding,
        "model.encoder.units": recipe.model.encoder.units,
        "model.encoder.num_layers": recipe.model.encoder.num_layers,
        "model.decoder.units": decoder.units,
        "model.decoder.num_layers": decoder.num_layers,
        "model.decoder.heads": decoder.heads,
        "data.max_length": recipe.data.max_length,
        "training.epochs": training.epochs,
        "training.accumulate": training.accumulate,
        "training.loss_budget_mb": training.loss_budget_mb,
    }
    for name, value in at_least_one.items():
        if value < 1:
            yield f"{name} must be at least 1, received {value}"
    rates = {
        "model.encoder.dropout": recipe.model.encoder.dropout,
        "model.decoder.dropout": decoder.dropout,
        "training.label_smoothing": training.label_smoothing,
        "training.ema": training.ema,
    }
    for name, rate in rates.items():
        if not 0 <= rate < 1:
            yield f"{name} must be in [0, 1), received {rate}"
    not_negative = {
        "data.max_train": recipe.data.max_train,
        "data.cut_source": recipe.data.cut_source,
        "training.coverage_loss": training.coverage_loss,
        "training.coverage_from": training.coverage_from,
        "training.guided_attention": training.guided_attention,
        "training.guided_until": training.guided_until,
        "training.selector_loss": training.selector_loss,
        "model.decoder.attention_units": decoder.attention_units,
        "tokenizer.sampling": recipe.tokenizer.sampling,
        "training.warmup_steps": training.warmup_steps,
        "training.gradient_clip": training.gradient_clip,
        "training.weight_decay": training.weight_decay,
        "training.patience": training.patience,
        "training.keep_epochs": training.keep_epochs,
        "training.skip_bad_steps": training.skip_bad_steps,
        "training.checkpoint_minutes": training.checkpoint_minutes,
    }
    for name, number in not_negative.items():
        if number < 0:
            yield f"{name} must not be negative, received {number}"
    if training.learning_rate <= 0:
        yield f"training.learning_rate must be above 0, received {training.learning_rate}"
    if not 0 < recipe.tokenizer.character_coverage <= 1:
        yield f"tokenizer.character_coverage must be in (0, 1], received {recipe.tokenizer.character_coverage}"
