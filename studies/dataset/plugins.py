"""Files with approximations of the authors' own in a dataset: they run only if they are named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...analysis.approximations import PluginError, fingerprint
from .integrity import MODELS, DatasetError

Plugins = Sequence[str | os.PathLike[str]]


def needed(folder: Path, manifest: Mapping[str, Any], plugins: Plugins) -> Mapping[str, list[str]]:
    """Return by study those of the files that it was made with.

    Raises
    ------
    DatasetError
        If one of them is not named, or none is as it was.
    """
    given = {_digest(path): path for path in map(os.fsdecode, plugins)}
    wanted = {name: each.get("plugins", {}) for name, each in manifest["studies"].items()}
    if lacking := {file: d for files in wanted.values() for file, d in files.items() if d not in given}:
        got = ", ".join(given.values()) or "nothing"
        allowed = "; ".join(f"{file} with the SHA-256 {digest[:16]}..." for file, digest in lacking.items())
        options = " ".join(f"--plugin {folder / MODELS / file}" for file in lacking)
        raise DatasetError(f"--plugin: got {got}; needed: {allowed}; {options} runs what was published: read it before")
    return {name: [given[digest] for digest in files.values()] for name, files in wanted.items()}


def _digest(path: str) -> str:
    try:
        return fingerprint(path)
    except PluginError as error:
        raise DatasetError(f"--plugin: {path} {error}") from None
