"""The named recipes: in the checkout the modules of its folder recipes/, which an installed package has here."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[2] / "recipes")]
