"""Files with approximations of the user's own in a dataset: published beside the model files, run only if named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...analysis.approximations import PluginError, fingerprint
from ..definition import Study
from ..execution.folder import plugins_of
from .integrity import MODELS, DatasetError

Plugins = Sequence[str | os.PathLike[str]]


def check_names(studies: Mapping[str, Study]) -> None:
    """Raise DatasetError if two different files have one name: they are published side by side."""
    known: dict[str, tuple[str, str]] = {}
    for path, digest in (pair for study in studies.values() for pair in plugins_of(study).items()):
        other, its_digest = known.setdefault(Path(path).name, (path, digest))
        if its_digest != digest:
            raise DatasetError(f"--plugin: {other} and {path} have one name; rename one, they are published together")


def publish(folder: Path, studies: Mapping[str, Study]) -> None:
    """Copy the files to the model files of a dataset."""
    for study in studies.values():
        for path in plugins_of(study):
            shutil.copyfile(path, folder / MODELS / Path(path).name)


def named(study: Study) -> dict[str, str]:
    """Return what the manifest tells of them: the SHA-256 of each by its name."""
    return {Path(path).name: digest for path, digest in plugins_of(study).items()}


def needed(folder: Path, manifest: Mapping[str, Any], plugins: Plugins) -> Mapping[str, list[str]]:
    """Return by study those of the files that it was made with.

    Raises
    ------
    DatasetError
        If one of them is not named, or none is as it was.
    """
    given = {_digest(path): path for path in map(os.fsdecode, plugins)}
    wanted = {name: told.get("plugins", {}) for name, told in manifest["studies"].items()}
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
