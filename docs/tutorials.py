"""The notebooks as pages: copied beside the documentation, where they are executed without leaving anything behind."""

import re
import shutil
from pathlib import Path

from pages import discard

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def names():
    """Return the notebooks that tell something in order; applications have no number."""
    return sorted(path.name for path in NOTEBOOKS.glob("*.ipynb") if re.match(r"\d\d_", path.name))


def write(folder):
    """Copy notebooks and what they read to a folder; files keep their times, so that builds go on from caches."""
    discard(folder, "*.ipynb", names())
    others = [path.name for path in NOTEBOOKS.glob("*.ipynb") if path.name not in names()]
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".*", *others), dirs_exist_ok=True)
