"""The catalogue of data sets: a module each, with `NAME`, `LANGUAGES`, `SPLITS`, `LICENCE`, `CITATION` and `load`.

Pairs of text have `load(split, source, target)`, texts for language models `load(split)`, speech
`load(split)` with the path of a manifest.

Imported as `seq2seq.catalogue`, in the checkout and installed alike.
"""
