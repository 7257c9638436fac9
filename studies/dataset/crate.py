"""Machine-readable descriptions of a dataset: RO-Crate metadata, and a data dictionary of every variable."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .integrity import sha256
from .published import PublishedStudy

CRATE, DICTIONARY = "ro-crate-metadata.json", "data-dictionary.csv"
PROFILE = "https://w3id.org/ro/crate/1.1"
FORMATS: Mapping[str, str] = {
    ".nc": "application/x-netcdf",
    ".csv": "text/csv",
    ".toml": "application/toml",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".json": "application/json",
}
COLUMNS = ("study", "variable", "dimensions", "shape", "type", "units", "meaning")


def data_dictionary(studies: Mapping[str, PublishedStudy]) -> str:
    """Return a CSV table with a row for each variable and coordinate of each study: dimensions, units, meaning."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for name, each in studies.items():
        for variable, array in sorted(each.data.variables.items(), key=lambda item: str(item[0])):
            shape = " ".join(map(str, array.shape))
            about = (str(array.attrs.get(key, "")) for key in ("units", "formula"))
            rows.writerow([name, variable, " ".join(map(str, array.dims)), shape, array.dtype, *about])
    return text.getvalue()


def crate_metadata(folder: Path, about: Mapping[str, Any]) -> str:
    """Return the RO-Crate 1.1 metadata (JSON-LD) of the files of a dataset that are there.

    Parameters
    ----------
    folder : Path
        Of the dataset.
    about : mapping
        The manifest, as far as it is known without the sums.

    References
    ----------
    S. Soiland-Reyes et al., Data Science 5, 97 (2022).
    """
    graph = [*_root(folder, about), *_files(folder), *_people(about), *_software(about)]
    text = json.dumps({"@context": f"{PROFILE}/context", "@graph": graph}, indent=1, ensure_ascii=False)
    return f"{text}\n"


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _root(folder: Path, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": PROFILE},
    }
    licence = about["licence"]
    points = sum(each["points"] for each in about["studies"].values())
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": about["title"],
        "description": f"Exact diagonalization of small clusters, {points:,} points with error bars; README.md says "
        "what is in it.",
        "datePublished": about["created"],
        "license": {"@id": f"https://spdx.org/licenses/{licence}"} if licence else "none given",
        "author": [{"@id": f"#author-{n}"} for n, _ in enumerate(about["authors"], start=1)],
        "hasPart": [{"@id": name} for name in _names(folder)],
    }


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    for name in _names(folder):
        path = folder / name
        yield {
            "@id": name,
            "@type": "File",
            "name": path.name,
            "encodingFormat": FORMATS.get(path.suffix, "application/octet-stream"),
            "contentSize": str(path.stat().st_size),
            "sha256": sha256(path),
        }


def _people(about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for n, author in enumerate(about["authors"], start=1):
        yield {"@id": f"#author-{n}", "@type": "Person", "name": author}


def _software(about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, version in about["versions"].items():
        yield {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "version": version}
    yield {
        "@id": "#build",
        "@type": "CreateAction",
        "name": " ".join(about["command"]),
        "instrument": [{"@id": f"#{name}"} for name in about["versions"]],
        "result": {"@id": "./"},
        "endTime": about["created"],
    }
