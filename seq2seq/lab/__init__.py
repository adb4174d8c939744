"""The classroom: experiments that show how recurrent networks work, measured on small real models."""

EXPERIMENTS = {
    "equations": "seq2seq.lab.equations",
    "gradients": "seq2seq.lab.gradients",
    "memory": "seq2seq.lab.memory",
    "cells": "seq2seq.lab.cells",
    "transformer": "seq2seq.lab.rivals",
    "units": "seq2seq.lab.units",
    "attention": "seq2seq.lab.attention",
    "reading": "seq2seq.lab.reading",
}
"""Modules by the names of their experiments. Each has `TITLE`, `QUESTION` and `run(settings, progress) -> Report`."""
