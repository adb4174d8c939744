"""The catalogue of data sets: in the checkout the modules of its folder data/, which an installed package has here."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[2] / "data")]
