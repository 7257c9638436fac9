"""Conditions of approximations on a model; each returns the reason if it is not met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from ...hamiltonians import Model, Sector
from ...hamiltonians.branches import share_places
from .base import Condition, Where


def sector_only(model: Model, where: Where) -> str | None:
    """Condition for approximations of the ground state of a sector."""
    return None if isinstance(where, Sector) else "it describes the ground state of a sector; omit the temperature"


def temperature_only(model: Model, where: Where) -> str | None:
    """Condition for approximations of the grand-canonical ensemble."""
    if isinstance(where, Sector):
        return "it describes the grand-canonical ensemble, not a single charge; give a temperature (0 or more)"
    return None if where >= 0 else f"the temperature is {where:g}, and must be 0 or more"


def whole_sector(model: Model, where: Where) -> str | None:
    """Condition for approximations that break the symmetries of the cluster."""
    if isinstance(where, Sector) and where.has_symmetry:
        return f"it breaks the symmetry of the cluster; leave {' and '.join(where.labels)} out of the sector"
    return None


def needs(*species: str, why: str) -> Condition:
    """Return the condition that a model has at least one of the species; `why` is the reason otherwise."""
    return partial(_lacks, species, why)


def _lacks(species: Sequence[str], why: str, model: Model, where: Where) -> str | None:
    return why if all(getattr(model, name) is None for name in species) else None


LATTICE_THERE = needs("phonons", why="the model has no phonons")
ELECTRONS_THERE = needs("electrons", why="the model has no electrons")
ELECTRONS_OR_BOSONS = needs("electrons", "bosons", why="the model has no charges")
CHARGES = (
    "electrons.hopping", "electrons.level", "electrons.hubbard_u", "electrons.repulsion", "bosons.level",
    "bosons.exchange", "bosons.hopping", "field.flux", "ensemble.chemical_potential",
)  # fmt: skip
"""Couplings of the charges, which an exact solution of the charges includes."""
LATTICE = ("phonons.frequency", "phonons.boson_coupling", "phonons.electron_coupling")
"""Couplings of a lattice displaced by the local charges."""

DISTANT = "phonons: other sites"
"""Denotes couplings of an oscillator to charges on other sites, in the list of supported couplings."""
BRANCHES = "phonons: branches"
"""Denotes several oscillators on a site or bond, in the list of supported couplings."""
STILL = ("electrons.spin_exchange", "electrons.zeeman", "bosons.repulsion", "bosons.electron_repulsion")
"""Couplings that conserve the charge of every site."""
MOVING = ("electrons.pair_hopping", "bosons.bond_exchange")
"""Further couplings that move charges."""

BONDS_ARE_LEFT = MappingProxyType(
    {"phonons.bond_coupling": "which moves the hopping, and it shifts the lattice with the charges of the sites only"}
)


def knows(*keys: str, why: Mapping[str, str] = MappingProxyType({})) -> Condition:
    """Return the condition that a model has no couplings but these, and no user-defined terms.

    Parameters
    ----------
    *keys : str
        Keys of the supported couplings in model files. All others are rejected, including those added to the
        package later.
    why : mapping of str to str
        Explanation for unsupported couplings, by their keys or species.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model, Sector
    >>> only_levels = knows("electrons.level")
    >>> only_levels(Model(dimer(), Electrons(hopping=1.0, level=0.5)), Sector(1))
    'it does not include electrons.hopping; set electrons.hopping to 0'
    """
    return partial(_unknown, keys, why)


def _unknown(keys: Sequence[str], why: Mapping[str, str], model: Model, where: Where) -> str | None:
    def because(key: str) -> str:
        return f", {why[key]}" if key in why else ""

    known = {key.partition(".")[0] for key in keys}
    strange = [name for name in SPECIES if getattr(model, name) is not None and name not in known]
    others = [key for key in model.active if key not in keys and key.partition(".")[0] not in strange]
    reasons = (
        ["it couples each oscillator only to the charges of its own site; set other sites to 0"]
        if (model.couples_at_a_distance and DISTANT not in keys)
        else []
    )
    if BRANCHES not in keys and share_places(model.modes):
        reasons.append("it allows one oscillator per site, and the model has several; give phonons.on one branch")
    if model.most_electrons == 1:
        reasons.append("it requires double occupancy; leave electrons.double_occupancy out")
    if model.most_bosons > 1:
        reasons.append("it supports only hard-core pairs; leave bosons.max_occupation out")
    reasons += [f"it does not include [{name}]{because(name)}; leave [{name}] out" for name in strange]
    for reason in dict.fromkeys(map(because, others)):
        same = " and ".join(key for key in others if because(key) == reason)
        reasons.append(f"it does not include {same}{reason}; set {same} to 0")
    if model.terms:
        reasons.append("it does not support user-defined terms")
    return "; ".join(reasons) or None


SPECIES = ("electrons", "bosons", "phonons")
