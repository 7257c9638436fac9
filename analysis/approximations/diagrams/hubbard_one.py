"""Hubbard-I approximation: exact atomic Green's functions with bare hopping."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ....hamiltonians import Model
from ...labelled import dataset_of
from ...spectra.greens_functions import thermal_greens_function
from ..atomic_limit import site_model
from ..base import Approximation, Condition, Where, temperature_of
from ..conditions import BRANCHES, ELECTRONS_THERE, LATTICE, knows, temperature_only
from ..symmetries import one_electron_matrix
from .axis import Axis
from .results import COUNT, caps_there, greens_function_row, positive_temperature


def hubbard_one(model: Model, where: Where) -> xr.Dataset:
    r"""Hubbard-I approximation, ``G^{-1}(z) = G_{at}^{-1}(z) - h`` with the hopping h between sites.

    The Green's function of each site, with its local pair and its oscillators, is that of the atomic limit at the
    temperature.

    Parameters
    ----------
    model : Model
        A model with electrons and any local couplings.
    where : float
        T above 0.

    Returns
    -------
    xarray.Dataset
        ``matsubara_greens_function`` (matsubara, site, site_).

    References
    ----------
    J. Hubbard, Proc. R. Soc. London A 276, 238 (1963).
    """
    t = temperature_of(where)
    h = one_electron_matrix(model)
    atoms = [thermal_greens_function(site_model(model, i), t, COUNT)["values"].values[:, 0, 0] for i in range(len(h))]
    inverse = np.zeros((COUNT, *h.shape), complex)
    inverse[:, np.arange(len(h)), np.arange(len(h))] = 1 / np.array(atoms).T
    g = np.asarray(np.linalg.inv(inverse - (h - np.diag(np.diag(h)))), complex)
    return dataset_of(greens_function_row(Axis(t, 0), g))


KNOWN = (
    "electrons.hopping", "electrons.level", "electrons.hubbard_u", "ensemble.chemical_potential", "field.flux",
    "bosons.level", "bosons.exchange", *LATTICE, BRANCHES,
)  # fmt: skip
CONDITIONS: tuple[Condition, ...] = (
    temperature_only, positive_temperature, ELECTRONS_THERE, knows(*KNOWN), caps_there,
)  # fmt: skip
HUBBARD_ONE = Approximation("hubbard-one", hubbard_one, CONDITIONS, asymptotic="t -> 0")
