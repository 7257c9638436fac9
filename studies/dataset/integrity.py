"""The manifest of a dataset and the checksums of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...clusters import Told
from ..execution.folder import checksum, write_bytes

FORMAT, SCHEMA = "respair-dataset", 1
MANIFEST, README = "manifest.json", "README.md"
MODELS, DATA, TABLES = "models", "data", "tables"
"""Folders of a dataset: model files, NetCDF files, CSV files."""
KEYS = ("schema", "title", "licence", "authors", "versions", "studies", "files", "sha256")
"""What every manifest has."""


class DatasetError(Told, RuntimeError):
    """A folder that is not a dataset, or where none can be built; nothing in it has been changed."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    """Write a manifest with the sums of all files that are there, and one of its own."""
    files = {
        name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size} for name in _files(folder)
    }
    manifest = {"format": FORMAT, "schema": SCHEMA, **about, "files": files}
    text = json.dumps(manifest | {"sha256": checksum(manifest)}, indent=1, ensure_ascii=False)
    write_bytes(folder / MANIFEST, f"{text}\n".encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a dataset, whether its sum is right or not.

    Raises
    ------
    DatasetError
        If there is none, or it is not that of a dataset that this version can read.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{folder} is not a dataset, or has lost its manifest: {path} is not there") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise DatasetError(f"{path} is damaged: it is not JSON ({error})") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        kept = "; it keeps the points of a study" if isinstance(found, dict) and "fingerprint" in found else ""
        raise DatasetError(f"{folder} is not a dataset: {path} has no format {FORMAT!r}{kept}")
    if found.get("schema") != SCHEMA:
        raise DatasetError(f"{path} has schema {found.get('schema')!r}; this version of respair reads {SCHEMA}")
    if lacking := [key for key in KEYS if key not in found]:
        raise DatasetError(f"{path} is damaged: it has no {', '.join(lacking)}")
    return found


def damage(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words everything that differs between a manifest and the files that are there."""
    if manifest["sha256"] != checksum({key: value for key, value in manifest.items() if key != "sha256"}):
        yield f"{MANIFEST} was changed: its own SHA-256 does not agree with the rest of it"
    there, known = set(_files(folder)), manifest["files"]
    yield from (f"{name} is missing" for name in sorted(known.keys() - there))
    yield from (
        f"{name} does not belong to the dataset: the manifest does not name it" for name in sorted(there - known.keys())
    )
    for name in sorted(there & known.keys()):
        size, wanted = (folder / name).stat().st_size, known[name]
        if size != wanted["bytes"]:
            yield f"{name} was changed: it has {size} bytes, and {wanted['bytes']} in the manifest"
        elif (found := sha256(folder / name)) != wanted["sha256"]:
            yield f"{name} was changed: its SHA-256 is {found[:16]}..., and {wanted['sha256'][:16]}... in the manifest"


def _files(folder: Path) -> list[str]:
    """Return all files of a dataset but the manifest."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in found if name != MANIFEST)
