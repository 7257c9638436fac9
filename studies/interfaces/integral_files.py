"""Integral files in text form: a header with numbers, and lines with a value and its indices."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._core.places import path_of
from ...clusters import InvalidValue
from ...hamiltonians.values import LARGEST

MOST_BYTES = 200_000_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([ed][+-]?\d+)?", re.IGNORECASE)
INDEX = re.compile(r"[+-]?\d+")
COUNTS = ("NORB", "NELEC", "MS2", "NMODE", "NLINES", "IUHF", "IGENERAL")
"""Integer keys of the header."""
FOREIGN = ("UHF", "TREL", "ST-III")
"""Keys that, if true, mark another file layout."""
SAME = 1e-9
"""Largest relative difference between repeated values of an integral."""


@dataclass(frozen=True)
class IntegralFile:
    """An integral file.

    Attributes
    ----------
    path : Path
        Path of the file.
    head : dict
        Integers of the header.
    rows : list of (int, float, list of int)
        Line number, value and indices.
    """

    path: Path
    head: dict[str, int]
    rows: list[tuple[int, float, list[int]]]

    @classmethod
    def read(cls, path: str | os.PathLike[str], needed: Sequence[str], indices: int) -> IntegralFile:
        """Read and check a file, except for the range of its indices.

        Raises
        ------
        InvalidValue
            If the file cannot be read or is damaged; the message names the line.
        """
        place = path_of("path", path, "FCIDUMP")
        text = _text(place)
        found = re.match(r"\s*&(\w+)(.*?)(?:&END|/)[^\n]*\n", text, re.DOTALL | re.IGNORECASE)
        if found is None:
            raise InvalidValue(f'{place}: no header found, such as "&FCI NORB=4,NELEC=4,MS2=0, &END"')
        head = _head(place, found[2])
        if missing := [key for key in needed if key not in head]:
            raise InvalidValue(f"{place}: {missing[0]} is missing in the header")
        rows, first = [], text.count("\n", 0, found.end()) + 1
        for number, line in enumerate(text[found.end() :].splitlines(), first):
            value, *places = line.split() or [""]
            if not value:
                continue
            if not NUMBER.fullmatch(value) or not all(INDEX.fullmatch(each) for each in places):
                shown = line.strip()[:60].encode("unicode_escape").decode()
                raise InvalidValue(f'{place}, line {number}: "{shown}" is not a number with indices')
            row = (number, float(re.sub("[dD]", "e", value)), [int(each) for each in places])
            if len(places) != indices or not abs(row[1]) <= LARGEST:
                allowed = f"a finite number, at most {LARGEST:g} in size, and {indices} indices"
                raise InvalidValue(f"{place}, line {number}: allowed: {allowed}")
            rows.append(row)
        if head.get("NLINES", len(rows)) != len(rows):
            raise InvalidValue(f"{place}: NLINES = {head['NLINES']}, but the file has {len(rows)}; write it again")
        return cls(place, head, rows)

    def check(self, number: int, indices: Sequence[int], most: Sequence[int]) -> None:
        """Raise an error if an index is out of range; indices start at 1."""
        for index, largest in zip(indices, most, strict=True):
            if not 1 <= index <= largest:
                raise InvalidValue(f"{self.path}, line {number}: index {index} is invalid; allowed: 1 to {largest}")

    def same(self, number: int, value: float, before: float | None) -> None:
        """Raise an error if an earlier line gave another value."""
        if before is not None and abs(value - before) > SAME * max(1.0, abs(before)):
            raise InvalidValue(f"{self.path}, line {number}: {value!r} contradicts {before!r} on an earlier line")


def _text(place: Path) -> str:
    try:
        if place.stat().st_size > MOST_BYTES:
            raise InvalidValue(f"{place}: larger than {MOST_BYTES:,} bytes")
        return place.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise InvalidValue(f"{place}: not a text file in ASCII") from None
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{place}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _head(place: Path, text: str) -> dict[str, int]:
    """Return the integers of a header."""
    found = {key.upper(): value for key, value in re.findall(r"([\w-]+)\s*=\s*([^,\s]*)", text)}
    for key in FOREIGN:
        if found.get(key, "").strip(".").upper().startswith("T"):
            raise InvalidValue(f"{place}: {key} = {found[key]} is not supported; allowed: spatial orbitals, or IUHF=1")
    for key in COUNTS:
        if key in found and not INDEX.fullmatch(found[key]):
            raise InvalidValue(f"{place}: {key} = {found[key]} is invalid; allowed: a whole number")
    return {key: int(found[key]) for key in COUNTS if key in found}
