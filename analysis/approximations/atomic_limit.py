"""The atomic limit: sites that do not know of each other, at T = 0 and above, and their spectral weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import xarray as xr

from ...clusters import site as single_site
from ...hamiltonians import Model, Phonons, Sector
from ...hamiltonians.sector import allowed_two_sz
from ...solvers import ground_state
from ..labelled import labelled
from ..thermal.averages import thermal_averages
from .base import Approximation, Condition, Where, temperature_of
from .conditions import CHARGES, LATTICE, knows

OBSERVABLES = ("electron_density", "double_occupancy", "boson_density", "pair_exchange", "spin_z")
SUMMED = ("grand_potential", "energy", "entropy", "specific_heat", "charge", "charge_variance")


def site_model(model: Model, index: int) -> Model:
    """Return one site of a model, with its oscillator, as a model of its own.

    Examples
    --------
    >>> from respair.clusters import ligand_centre
    >>> from respair.hamiltonians import Electrons
    >>> model = Model(ligand_centre(3), Electrons(1.0, level={"ligand": 1.5}))
    >>> site_model(model, 3).couplings.electron_level
    array([1.5])
    """
    c, electrons, bosons, phonons = model.couplings, model.electrons, model.bosons, None
    if electrons is not None:
        level, u = float(c.electron_level[index]), float(c.hubbard_u[index])
        electrons = replace(electrons, hopping=0.0, level=level, hubbard_u=u, repulsion=0.0)
    if bosons is not None and index in model.boson_sites:
        b = model.boson_sites.index(index)
        bosons = replace(bosons, level=float(c.boson_level[b]), exchange=float(c.exchange[b]), hopping=0.0, on="all")
    else:
        bosons = None
    mode = next((m for m, mode in enumerate(model.modes) if mode.host == "site" and mode.index == index), None)
    if mode is not None:
        phonons = _oscillator(model, mode)
    return Model(single_site(), electrons, bosons, phonons, chemical_potential=model.chemical_potential)


def _oscillator(model: Model, mode: int) -> Phonons:
    c, table = model.couplings, model.phonons
    assert table is not None
    omega = float(c.frequency[mode])
    frame = table.displacement if isinstance(table.displacement, str) else [table.displacement[mode]]
    electron, boson = float(c.electron_phonon[mode]) / omega, float(c.boson_phonon[mode]) / omega
    return replace(
        table, frequency=omega, on="all", electron_coupling=electron, boson_coupling=boson, bond_coupling=0.0,
        frame=frame,
    )  # fmt: skip


def atomic_limit(model: Model, where: Where) -> xr.Dataset:
    """Leave out every hopping and solve the sites one by one, exactly.

    In a sector the sites share charge and spin so that the energy is lowest; with a temperature each site is in its own
    grand-canonical state with the same mu. Hopping has no average in such states, so that energy and grand potential
    are upper bounds (Bogoliubov). The lattice keeps the cutoff of the model.

    Parameters
    ----------
    model : Model
        Without repulsion between sites.
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
    sites = [site_model(model, i) for i in range(model.cluster.sites)]
    parts = [
        thermal_averages(m, [temperature_of(where)], names=[n for n in OBSERVABLES if _has(m, n)]).isel(temperature=0)
        for m in sites
    ]
    data = {}
    for name in SUMMED:
        units = parts[0][name].attrs["units"]
        value = float(sum(part[name] for part in parts))
        data[name] = labelled(name, value, [], f"sum over sites of {name}", units)
    for name in (n for n in OBSERVABLES if any(n in part for part in parts)):
        values = np.array([np.real(part[name].values[0]) if name in part else 0.0 for part in parts])
        data[name] = labelled(name, values, ["site"], f"{name} of a site alone")
    return xr.Dataset(data).assign(residual=labelled("residual", 0.0, [], "nothing is self-consistent", "energy"))


def _has(model: Model, name: str) -> bool:
    needs = {"boson_density": model.bosons, "pair_exchange": model.bosons and model.electrons}
    return needs.get(name, model.electrons) is not None


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
    energy = best[sector.charge, sector.spin_excess]
    return xr.Dataset(
        {
            "energies": labelled("energies", np.array([energy]), ["level"], "sum of levels of the sites", "energy"),
            "residual": labelled("residual", 0.0, [], "nothing is self-consistent", "energy"),
        }
    )


def sites_alone(model: Model, where: Where) -> str | None:
    """The lattice belongs to the sites, and its cutoff as well."""
    if any(mode.host == "bond" for mode in model.modes):
        return "the modes sit on bonds, and it knows sites only"
    table = model.phonons
    if not isinstance(where, Sector) and table is not None and table.total_quanta is not None and len(model.modes) > 1:
        return "phonons.total_quanta ties the sites together; give max_quanta alone"
    return None


def above_zero(model: Model, where: Where) -> str | None:
    """Its temperature is above zero."""
    if isinstance(where, Sector) or where > 0:
        return None
    return f"the temperature is {where:g}, and must be above 0; give a sector for its ground state"


KNOWN = tuple(key for key in (*CHARGES, *LATTICE, "phonons.bond_coupling") if key != "electrons.repulsion")
"""What a site has, and hops, which vanish in the limit."""
CONDITIONS: tuple[Condition, ...] = (knows(*KNOWN), sites_alone, above_zero)
ATOMIC_LIMIT = Approximation("atomic-limit", atomic_limit, CONDITIONS, "upper", "t -> 0")
