"""The atomic limit: independent sites at T = 0 and at finite temperature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from ...clusters import site as single_site
from ...hamiltonians import Model, Sector
from ...hamiltonians.parameters import COUPLINGS
from ...hamiltonians.sector import allowed_two_sz
from ...solvers import ground_state
from ..labelled import dataset_of
from ..thermal.averages import thermal_averages
from .base import Approximation, Condition, Where, temperature_of
from .charges import LOCAL, SUMMED
from .conditions import BRANCHES, CHARGES, LATTICE, knows


def site_model(model: Model, index: int) -> Model:
    """Return one site of a model, with its oscillators, as a separate model.

    Examples
    --------
    >>> from respair.clusters import ligand_centre
    >>> from respair.hamiltonians import Electrons
    >>> model = Model(ligand_centre(3), Electrons(1.0, level={"ligand": 1.5}))
    >>> site_model(model, 3).couplings.electron_level
    array([1.5])
    """
    electrons, bosons, phonons = model.electrons, model.bosons, None
    if electrons is not None:
        electrons = replace(electrons, **_at(model, "electrons", {"site": [index]}))
    if bosons is not None and index in model.boson_sites:
        bosons = replace(bosons, on="all", **_at(model, "bosons", {"boson site": [model.boson_sites.index(index)]}))
    else:
        bosons = None
    modes = [m for m, mode in enumerate(model.modes) if mode.host == "site" and mode.index == index]
    if modes and model.phonons is not None:
        frame = model.phonons.displacement
        own = frame if isinstance(frame, str) else [frame[mode] for mode in modes]
        on: Any = "all" if len(modes) == 1 else ["all"] * len(modes)
        phonons = replace(model.phonons, on=on, frame=own, **_at(model, "phonons", {"mode": modes}))
    return Model(single_site(), electrons, bosons, phonons, chemical_potential=model.chemical_potential)


def _at(model: Model, species: str, numbers: Mapping[str, list[int]]) -> dict[str, Any]:
    """Return the couplings of a species on one site; couplings between sites are zero."""
    found = {}
    for entry in (entry for entry in COUPLINGS.values() if entry.species == species):
        values = [0.0]
        if entry.place in numbers:
            array = getattr(model.couplings, entry.arrays[0])
            array = array / model.couplings.frequency if entry.factor else array
            values = array[numbers[entry.place]].tolist()
        found[entry.key.partition(".")[2]] = values if len(values) > 1 else values[0]
    return found


def atomic_limit(model: Model, where: Where) -> xr.Dataset:
    """Solve the sites independently and exactly, without hopping.

    In a sector, charge and spin are distributed over the sites such that the energy is lowest; at a temperature each
    site is in the grand-canonical state with the same mu. The average of the hopping vanishes in such states, so that
    energy and grand potential are upper bounds (Bogoliubov). The phonon cutoff is that of the model.

    Parameters
    ----------
    model : Model
        The Hamiltonian, without repulsion between sites.
    where : Sector or float
        Sector, or temperature above zero.

    Returns
    -------
    xarray.Dataset
        Sector: ``energies`` (one level). Temperature: ``grand_potential``, ``energy``, ``entropy``,
        ``specific_heat``, ``charge``, ``charge_variance``, and per site the densities and ``pair_exchange``. Both:
        ``residual``, 0.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> model = Model(dimer(), Electrons(0.1), Bosons(exchange=0.5))
    >>> atomic_limit(model, Sector(2)).energies.values, atomic_limit(model, 0.4).pair_exchange.values.round(6)
    (array([-0.5]), array([-0.163848, -0.163848]))
    """
    if isinstance(where, Sector):
        return _sector(model, where)
    t, parts = temperature_of(where), []
    for i in range(model.cluster.sites):
        alone = site_model(model, i)
        needs = {"boson_density": alone.bosons, "pair_exchange": alone.bosons and alone.electrons}
        names = [name for name in LOCAL if needs.get(name, alone.electrons) is not None]
        parts.append(thermal_averages(alone, [t], names=names).isel(temperature=0))
    table: dict[str, tuple[Any, ...]] = {}
    for name in SUMMED:
        value = float(sum(part[name] for part in parts))
        table[name] = (value, "", f"sum over sites of {name}", parts[0][name].attrs["units"])
    for name in (n for n in LOCAL if any(n in part for part in parts)):
        values = np.array([np.real(part[name].values[0]) if name in part else 0.0 for part in parts])
        table[name] = (values, "site", f"{name} of a site alone")
    return dataset_of({**table, "residual": RESIDUAL})


RESIDUAL = (0.0, "", "nothing is self-consistent", "energy")


def _sector(model: Model, sector: Sector) -> xr.Dataset:
    best: dict[tuple[int, int], float] = {(0, 0): 0.0}
    for i in range(model.cluster.sites):
        alone = site_model(model, i)
        levels = {
            (n, s): float(ground_state(alone, Sector(n, s)).energies[0])
            for n in range(alone.max_charge + 1)
            for s in allowed_two_sz(alone, n)
        }
        joined: dict[tuple[int, int], float] = {}
        for ((n, s), e), ((m, r), f) in product(best.items(), levels.items()):
            key = (n + m, s + r)
            joined[key] = min(joined.get(key, np.inf), e + f)
        best = joined
    energy = np.array([best[sector.charge, sector.spin_excess]])
    return dataset_of({"energies": (energy, "level", "sum of levels of the sites", "energy"), "residual": RESIDUAL})


def sites_alone(model: Model, where: Where) -> str | None:
    """Condition that lattice and cutoff are local."""
    if any(mode.host == "bond" for mode in model.modes):
        return "the modes are on bonds, and it treats only modes on sites"
    table = model.phonons
    if not isinstance(where, Sector) and table is not None and table.total_quanta is not None and len(model.modes) > 1:
        return "phonons.total_quanta couples the sites; give only max_quanta"
    if np.any(model.couplings.boson_electron_repulsion_by_site):
        return "bosons.electron_repulsion couples different sites; give one number instead of shells of distance"
    return None


def above_zero(model: Model, where: Where) -> str | None:
    """Condition that the temperature is positive."""
    if isinstance(where, Sector) or where > 0:
        return None
    return f"the temperature is {where:g}, and must be above 0; give a sector for its ground state"


ON_SITE = tuple(
    entry.key
    for entry in COUPLINGS.values()
    if entry.place in ("site", "boson site", "mode") and entry.key not in (*CHARGES, *LATTICE)
)
OTHERS = ("phonons.bond_coupling", BRANCHES)
KNOWN = tuple(key for key in (*CHARGES, *LATTICE, *ON_SITE, *OTHERS) if key != "electrons.repulsion")
"""Couplings on a site, and hopping terms, which are neglected."""
CONDITIONS: tuple[Condition, ...] = (knows(*KNOWN), sites_alone, above_zero)
ATOMIC_LIMIT = Approximation("atomic-limit", atomic_limit, CONDITIONS, "upper", "t -> 0")
