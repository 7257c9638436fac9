"""TeNPy: a model with its matrix-product operator, and its ground state by DMRG."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from ...hamiltonians import Model, Sector
from . import tensor_networks
from .library import library
from .tensor_networks import Places, occupied, settled
from .terms import Terms

PACKAGE = "physics-tenpy"
NAMES = {"c+up": "Cdu", "cup": "Cu", "nup": "Nu", "c+dn": "Cdd", "cdn": "Cd", "ndn": "Nd",
         "b+": "Bd", "b": "B", "nb": "N"}  # fmt: skip
SWEEPS = 20
FEWEST = 3
"""Smallest number of local spaces for DMRG sweeps."""


def to_tenpy(model: Model, sector: Sector | int) -> Any:
    """Return a TeNPy model: a chain of electrons, local pairs and oscillators, with its matrix-product operator.

    The charges N = N_e + 2 N_b and 2 S_z are conserved. The chain contains, site by site, the electrons
    (`SpinHalfFermionSite`), the local pair and the oscillators (`BosonSite`). The constant of the Hamiltonian is
    included.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff, `max_quanta` alone.
    sector : Sector or int
        N and S_z; they determine the phonon frame.

    Raises
    ------
    LibraryMissing
        If TeNPy is not installed.
    """
    return _built(Terms.of(model, sector))


def _built(terms: Terms) -> Any:
    site, lattice = library("tenpy.networks.site", PACKAGE), library("tenpy.models.lattice", PACKAGE)
    models, places = library("tenpy.models.model", PACKAGE), Places.of(terms)
    electrons = site.SpinHalfFermionSite("N", "Sz")
    pair, mode = site.BosonSite(1, "N"), site.BosonSite(max(1, terms.max_quanta), None)
    charges = [[(1, 0, "N"), (2, 1, "N")], [(1, 0, "2*Sz")]]
    site.set_common_charges([electrons, pair, mode], charges, ["N", "2*Sz"], [1, 1])
    own = {"electrons": electrons, "pair": pair, "mode": mode}
    chain = lattice.Lattice([1], [own[kind] for kind in places.kinds], bc="open", bc_MPS="finite")
    built = models.CouplingModel(chain)
    for value, charge, word in terms:
        letters = []
        for symbol, index in charge:
            place = places.pairs[terms.pairs.index(index)] if symbol in ("b", "b+", "nb") else places.electrons[index]
            letters.append((NAMES[symbol], [0, place]))
        for m, up, low in word:
            letters += [("Bd", [0, places.modes[m]])] * up + [("B", [0, places.modes[m]])] * low
        built.add_local_term(value.real if terms.is_real else value, letters)
    built.add_local_term(terms.constant, [("Id", [0, 0])])

    return models.MPOModel(chain, built.calc_H_MPO())


def why_not(terms: Terms) -> str:
    """Return why the model cannot be solved as a chain of local spaces; empty if it can."""
    count = len(Places.of(terms).kinds)
    few = f"{count} local spaces; allowed: at least {FEWEST}" if count < FEWEST else ""
    return tensor_networks.why_not(terms) or few


def energy(terms: Terms) -> tuple[float, float]:
    """Return the DMRG energy of the lowest state of the sector, and its error bar."""
    mps, dmrg = library("tenpy.networks.mps", PACKAGE), library("tenpy.algorithms.dmrg", PACKAGE)
    logging.getLogger("tenpy").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, places = _built(terms), Places.of(terms)
        held, pairs = occupied(terms)
        names = {"": "empty", "u": "up", "d": "down", "ud": "full"}
        product: list[Any] = [0] * len(places.kinds)
        for place, state in zip(places.electrons, held, strict=False):
            product[place] = names[state]
        for place, number in zip(places.pairs, pairs, strict=True):
            product[place] = number
        kind = float if terms.is_real else complex
        psi = mps.MPS.from_product_state(model.lat.mps_sites(), product, dtype=kind, unit_cell_width=1)
        how: dict[str, Any] = {"mixer": True, "max_E_err": 1e-13, "max_S_err": 1e-9, "max_sweeps": SWEEPS,
                               "min_sweeps": 6, "lanczos_params": {"N_max": 40, "E_tol": 1e-14}}  # fmt: skip

        def solve(bond: int) -> float:
            engine = dmrg.TwoSiteDMRGEngine(psi, model, {**how, "trunc_params": {"chi_max": bond, "svd_min": 1e-12}})
            value, _ = engine.run()
            return float(value)

        return settled(terms, solve)
