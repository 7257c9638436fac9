"""Conversion of models and sectors to JSON values and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ..clusters import Bond, Cluster, InvalidValue, Mode
from ..clusters.translations import Translation
from .flux import own_term
from .model import Model
from .notation import formula_text, long_operator
from .operators import Operator
from .parameters import Bosons, Electrons, Phonons
from .sector import Sector
from .space.oscillator_sets import OscillatorSets
from .symmetry.operations import Symmetry


@dataclass(frozen=True)
class FixedTerm:
    """A user-defined term as a fixed formula, independent of the parameters of the model.

    Attributes
    ----------
    formula : str
        The formula in the notation of `respair.operator`.
    """

    formula: str

    def __call__(self, model: Model) -> Operator:
        """Return the operator of the formula, the same for all models."""
        return long_operator(self.formula)


KINDS: Mapping[str, type[Any]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (Bond, Bosons, Cluster, Electrons, FixedTerm, Mode, Model, OscillatorSets, Phonons, Sector,
                     Symmetry, Translation)
    }
)  # fmt: skip
"""Classes that can be read back, by name; no other objects are ever created from a file."""
CALL: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "list": list,
        "dict": dict,
        "complex": lambda parts: complex(*parts),
        "array": lambda parts: np.array(parts[1], np.dtype(parts[0])).reshape(parts[2]),
    }
)
"""Constructors of other values, by the single key of their JSON object."""
PLAIN = (str, int, float, bool, type(None))
ARRAYS = ("<f8", "<i8", "<c16", "|b1")
"""Types of arrays that can be read."""


def to_json_form(value: Any) -> Any:
    """Return a model, a sector, or a part of them as lists, dictionaries, strings and numbers.

    User-defined terms become fixed formulas (`FixedTerm`).

    Examples
    --------
    >>> from respair.clusters import site
    >>> model = Model(site(), Electrons(hubbard_u=4.0))
    >>> from_json_form(to_json_form(model)) == model
    True
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Model) and value.terms:
        terms = tuple(FixedTerm(formula_text(own_term(value, n))) for n in range(len(value.terms)))
        own = {each.name: getattr(value, each.name) for each in fields(value)} | {"terms": terms}
        return {"Model": {name: to_json_form(item) for name, item in own.items()}}
    if is_dataclass(value) and type(value).__name__ in KINDS:
        own = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
        return {type(value).__name__: {name: to_json_form(item) for name, item in own.items()}}
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, np.ndarray):
        flat = value.astype(value.dtype.newbyteorder("<")).ravel().tolist()
        return {"array": [value.dtype.newbyteorder("<").str, to_json_form(flat)["list"], list(value.shape)]}
    if isinstance(value, Mapping):
        return {"dict": [[to_json_form(key), to_json_form(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return [to_json_form(item) for item in value]
    if isinstance(value, list):
        return {"list": [to_json_form(item) for item in value]}
    raise InvalidValue(f"a {type(value).__name__} cannot be kept in a file; models of the package's own values can")


def from_json_form(data: Any) -> Any:
    """Return the value encoded by `to_json_form`.

    Raises
    ------
    InvalidValue
        If the data are not of a known kind or invalid.
    """
    try:
        return _made(data)
    except InvalidValue:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidValue(f"a value in the file is invalid ({error}); write the file anew") from None


def _made(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_made(item) for item in data)
    if not isinstance(data, dict):
        return data
    ((name, content),) = data.items()
    if name in KINDS:
        kind = KINDS[name]
        known = {each.name for each in fields(kind) if each.init}
        if unknown := sorted(set(content) - known):
            raise InvalidValue(f"{name} has no {unknown[0]!r}; the file is of another version of respair, or damaged")
        return kind(**{key: _made(item) for key, item in content.items()})
    if name == "array" and content[0] not in ARRAYS:
        raise InvalidValue(f"arrays of type {content[0]!r} are not read; allowed: {', '.join(ARRAYS)}")
    if name not in CALL:
        raise InvalidValue(f"{name!r} is not a value of a model; allowed: {', '.join([*KINDS, *CALL])}")
    parts = _made(content)
    return CALL[name](parts)
