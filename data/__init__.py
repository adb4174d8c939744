"""The catalogue of data sets: a module each, with `NAME`, `LANGUAGES`, `SPLITS`, `LICENCE`, `CITATION` and `load`.

Pairs of text have `load(split, source, target)`, texts for language models `load(split)`, speech
`load(split)` with the path of a manifest, series `load(split)` with a table of series (NAB, faults: with readings and
labels), music `load(split, steps_per_quarter)` with a list of pieces.

Imported as `seq2seq.catalogue`, in the checkout and installed alike.
"""
