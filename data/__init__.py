"""The catalogue of data sets: a module each, with `NAME`, `LANGUAGES`, `SPLITS`, `LICENCE`, `CITATION` and `load`.

Imported as `seq2seq.catalogue`, in the checkout and installed alike.
"""
