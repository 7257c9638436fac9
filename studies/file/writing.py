"""Tables of Python values as the text of a model file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np


def toml_text(tables: Mapping[str, Mapping[str, object]], name: str = "") -> str:
    """Return the text of a model file.

    Parameters
    ----------
    tables : mapping
        Its tables, each a mapping of numbers, text, lists and mappings of these.
    name : str
        Its title; none is written if it is empty.

    Examples
    --------
    >>> print(toml_text({"cluster": {"kind": "dimer"}, "electrons": {"level": [0.0, 1.5]}}), end="")
    schema = 1
    <BLANKLINE>
    [cluster]
    kind = "dimer"
    <BLANKLINE>
    [electrons]
    level = [0.0, 1.5]
    """
    titled = [f"name = {to_toml(name)}"] if name else []
    return "\n".join(["schema = 1", *titled, *_lines(tables)]) + "\n"


def _lines(tables: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for name, table in tables.items():
        yield f"\n[{name}]"
        yield from (f"{_key(key)} = {to_toml(value)}" for key, value in table.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def to_toml(value: object) -> str:
    """Return a value as TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {to_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, np.ndarray | np.generic):
        return to_toml(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    return repr(value) if type(value) in (int, float) else json.dumps(value, ensure_ascii=False)
