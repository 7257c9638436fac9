"""The Hamiltonian of a study in words and formulas, made from the terms that its model has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...hamiltonians import TERMS
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
    {
        "electron_hopping": Wording(
            r"-\sum_{\langle ij\rangle\sigma} t_{ij} (e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)",
            "electrons hop along the bonds; theta = phi/L on each bond of a ring with the flux phi",
            ("electrons.hopping",),
        ),
        "electron_level": Wording(r"\sum_i \varepsilon_i n_i", "the level of an electron", ("electrons.level",)),
        "hubbard": Wording(
            r"\sum_i U_i n_{i\uparrow} n_{i\downarrow}", "two electrons on a site repel", ("electrons.hubbard_u",)
        ),
        "repulsion": Wording(
            r"\sum_{\langle ij\rangle} V_{ij} n_i n_j",
            "electrons on neighbouring sites repel",
            ("electrons.repulsion",),
        ),
        "boson_level": Wording(
            r"\sum_i \Delta_{B,i} b^\dagger_i b_i", "the level of a local pair (a hard-core boson)", ("bosons.level",)
        ),
        "pair_exchange": Wording(
            r"\sum_i v_i (b^\dagger_i c_{i\downarrow} c_{i\uparrow} + h.c.)",
            "two electrons on a site turn into a local pair and back",
            ("bosons.exchange",),
        ),
        "boson_hopping": Wording(
            r"-\sum_{\langle ij\rangle} t_{b,ij} (e^{2i\theta_{ij}} b^\dagger_j b_i + h.c.)",
            "local pairs hop along the bonds, with twice the phase of an electron",
            ("bosons.hopping",),
        ),
        "lattice": Wording(
            r"\sum_m \omega_{0,m} a^\dagger_m a_m",
            "free oscillators, without zero-point energy",
            ("phonons.frequency",),
        ),
        "boson_lattice": Wording(
            r"-\sum_m \omega_{0,m} \alpha_m b^\dagger_m b_m (a_m + a^\dagger_m)",
            "a local pair pushes the oscillator of its site to positive displacements",
            ("phonons.boson_coupling",),
        ),
        "electron_lattice": Wording(
            r"-\sum_m \omega_{0,m} \alpha_{F,m} n_m (a_m + a^\dagger_m)",
            "an electron pushes the oscillator of its site to positive displacements (Holstein, g = omega_0 alpha_F)",
            ("phonons.electron_coupling",),
        ),
        "bond_lattice": Wording(
            r"-\sum_{\langle ij\rangle\sigma} g_{ij} y_{ij} (e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)",
            "the lattice modulates the hopping: y is x = a + a^+ of the mode on the bond, or x_j - x_i of its ends",
            ("phonons.bond_coupling",),
        ),
        "chemical_potential": Wording(
            r"-\mu \sum_i (n_i + 2 b^\dagger_i b_i)", "the chemical potential", ("ensemble.chemical_potential",)
        ),
    }
)
"""Every term of the model file."""


def hamiltonian_lines(study: Study) -> Iterator[str]:
    r"""Yield the Hamiltonian of a study as Markdown: the formula, and each term in words with its values.

    Terms that are zero in the file, and whose couplings are not swept, are left out.

    Examples
    --------
    >>> from respair.studies import parse
    >>> text = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 0.5\nsector.charge = 1'
    >>> for line in hamiltonian_lines(parse(text, "dimer.toml")):
    ...     print(line)
    $$H = -\sum_{\langle ij\rangle\sigma} t_{ij} (e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)$$
    <BLANKLINE>
    - electrons hop along the bonds; theta = phi/L on each bond of a ring with the flux phi: electrons.hopping = 0.5
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
    """Return every key that the sweep varies, with its values in words."""
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
        told = {key: value for key, value in keys.items() if name != "phonons" or key in PHONON_SPACE}
        if told:
            yield f"- {name}: " + ", ".join(
                f"{json.dumps(key)[1:-1]} = {inline(value)}" for key, value in told.items()
            )
    for key, values in swept.items():
        yield f"- sweep: {key}, {values}" + (", one at a time" if key in AS_LISTS else "")


PHONON_SPACE = ("on", "max_quanta", "total_quanta", "cutoff", "accuracy", "displacement", "dressing")
"""Keys of ``[phonons]`` that are no couplings."""
