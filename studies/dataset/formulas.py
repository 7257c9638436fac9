"""The Hamiltonian of a study as text and formulas, made from the terms that its model has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from ...hamiltonians import TERMS
from ...hamiltonians.parameters import OLDER_NAMES, Phonons
from ..definition import Study
from ..file.tables import inline
from ..sweep import AS_LISTS


@dataclass(frozen=True)
class Wording:
    """One term of the Hamiltonian for readers.

    Attributes
    ----------
    formula : str
        LaTeX.
    words : str
        What it does.
    keys : tuple of str
        The keys of the model file that set it.
    """

    formula: str
    words: str
    keys: tuple[str, ...]


WORDING: Mapping[str, Wording] = MappingProxyType(
    {name: Wording(term.coupling.latex, term.coupling.words, (term.key,)) for name, term in TERMS.items()}
)
"""Every term of the model file."""


def hamiltonian_lines(study: Study) -> Iterator[str]:
    r"""Yield the Hamiltonian of a study as Markdown: the formula, and each term with its meaning and its values.

    Terms that are zero in the file, and whose couplings are not swept, are left out.

    Examples
    --------
    >>> from respair.studies import parse
    >>> text = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 0.5\nsector.charge = 1'
    >>> for line in hamiltonian_lines(parse(text, "dimer.toml")):
    ...     print(line)
    $$H = -\sum_{\langle ij\rangle\sigma} t_{ij} (e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)$$
    <BLANKLINE>
    - electron hopping along the bonds; theta = phi/L on each bond of a ring with flux phi: electrons.hopping = 0.5
    """
    swept = swept_keys(study)
    found = [
        wording
        for name, wording in WORDING.items()
        if TERMS[name](study.model).terms or any(_sets(key, own) for key in swept for own in wording.keys)
    ]
    formula = " ".join(
        (w.formula if w.formula.startswith("-") or not i else f"+{w.formula}") for i, w in enumerate(found)
    )
    yield f"$$H = {formula or '0'}$$"
    yield ""
    for wording in found:
        values = ", ".join(_value(study, swept, key) for key in wording.keys)
        yield f"- {wording.words}: {values}"


def swept_keys(study: Study) -> dict[str, str]:
    """Return every key that the sweep varies, with its values as text."""
    axes = [each for axis in study.sweep for each in (axis, *axis.linked)]
    return {axis.key: f"{len(axis.values)} values, {min(axis.values):.6g} to {max(axis.values):.6g}" for axis in axes}


def _sets(key: str, own: str) -> bool:
    """True where the key of an axis changes what another one, or a part of it, says."""
    return key == own or key.startswith(f"{own}.")


def _value(study: Study, swept: Mapping[str, str], key: str) -> str:
    table, name = key.split(".")
    tables: Mapping[str, Any] = study.tables
    varied = [f"{axis} swept ({values})" for axis, values in swept.items() if _sets(axis, key)]
    given = tables.get(table, {}).get(name)
    return ", ".join([*([f"{key} = {inline(given)}"] if given is not None and key not in swept else []), *varied])


def setting_lines(study: Study) -> Iterator[str]:
    """Yield cluster, phonon space, sector and tasks as the model file has them, and the sweep."""
    tables: Mapping[str, Any] = study.tables
    swept = swept_keys(study)
    for name in ("cluster", "phonons", "field", "sector", "solver", *(task.name for task in study.tasks)):
        keys = {key: value for key, value in tables.get(name, {}).items() if f"{name}.{key}" not in swept}
        shown = {key: value for key, value in keys.items() if name != "phonons" or key in PHONON_SPACE}
        if shown:
            yield f"- {name}: " + ", ".join(
                f"{json.dumps(key)[1:-1]} = {inline(value)}" for key, value in shown.items()
            )
    for key, values in swept.items():
        yield f"- sweep: {key}, {values}" + (", one at a time" if key in AS_LISTS else "")


PHONON_SPACE = (*(f.name for f in fields(Phonons) if "coupling" not in f.metadata), *OLDER_NAMES)
"""Keys of ``[phonons]`` that are no couplings."""
