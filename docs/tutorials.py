"""Notebooks as pages: copied to the documentation and executed there, without changes to the originals."""

import re
import shutil
from pathlib import Path

from pages import discard

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def names():
    """Return the numbered notebooks; applications have no number."""
    return sorted(path.name for path in NOTEBOOKS.glob("*.ipynb") if re.match(r"\d\d_", path.name))


def write(folder):
    """Copy notebooks and their input to a folder; times of files are kept, so that incremental builds use the cache."""
    discard(folder, "*.ipynb", names())
    others = [path.name for path in NOTEBOOKS.glob("*.ipynb") if path.name not in names()]
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".*", *others), dirs_exist_ok=True)
