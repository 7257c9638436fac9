"""The transformation of Lang and Firsov: charges that carry their lattice along, standard and variational."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import scipy.optimize as so
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Sector, hamiltonian_operator
from ..labelled import labelled
from .charges import DIAGONAL, ChargeSector, charge_ground, charge_model
from .conditions import (
    electrons_or_bosons,
    lattice_couples_to_charges,
    lattice_there,
    no_own_terms,
    sector_only,
    whole_sector,
)
from .face import Approximation, Condition, Where, sector_of

CONDITIONS: tuple[Condition, ...] = (
    sector_only, lattice_there, electrons_or_bosons, no_own_terms, lattice_couples_to_charges,
)  # fmt: skip
SCAN = np.linspace(0.0, 1.5, 31)
"""Fractions of the full displacement at which a single one is scanned for minima."""
SAME = 1e-4
STEP = 1e-5


@dataclass(frozen=True)
class Dressing:
    r"""How far each mode follows the charges: ``U = exp(sum_m q_m (a+_m - a_m))`` on a squeezed vacuum.

    Attributes
    ----------
    electron, boson : (modes,) float
        f and f_b in ``q = f n + f_b b+b``; g / omega0 and alpha empty the coupling.
    squeezing : (modes,) float
        r: the lattice state has ``<P^2> = exp(-2 r) / 2``.
    """

    electron: NDArray[np.float64]
    boson: NDArray[np.float64]
    squeezing: NDArray[np.float64] = field(repr=False)

    @classmethod
    def full(cls, model: Model) -> Dressing:
        """Return the standard one, which empties the coupling."""
        c = model.couplings
        return cls(c.electron_phonon / c.frequency, c.boson_phonon / c.frequency, np.zeros(len(model.modes)))


def effective_model(model: Model, dressing: Dressing | None = None) -> tuple[Model, float]:
    r"""Transform a model and average it over the lattice vacuum.

    With ``q = f n + f_b b+b`` on the site of each mode, ``U+ H U`` averaged over the vacuum squeezed by r has

    - ``eps + omega0 f^2 - 2 g f``, ``U + 2 (omega0 f^2 - 2 g f)``, ``Delta_B + omega0 f_b^2 - 2 omega0 alpha f_b``, and
      the contact ``2 (omega0 f f_b - g f_b - omega0 alpha f) n b+b``;
    - for each operator that changes q_m by d_m the factor ``prod_m exp(-d_m^2 exp(-2 r_m) / 2)``: hopping
      ``t exp(-(f_i^2 + f_j^2)/2)``, exchange ``v exp(-(f_b - 2 f)^2/2)``, and so on;
    - the constant ``sum omega0 sinh^2 r``.

    With f = g / omega0 and f_b = alpha: polaron levels ``eps - g^2/omega0`` and ``Delta_B - alpha^2 omega0``, the
    attraction ``U - 2 g^2/omega0``, hopping ``t exp(-(g/omega0)^2)``, exchange ``v exp(-alpha^2/2)``.

    Parameters
    ----------
    model : Model
        With phonons coupled to the charges of their sites.
    dressing : Dressing, optional
        The full one by default.

    Returns
    -------
    model : Model
        The charges with their effective couplings.
    constant : float
        To be added to its energies.

    References
    ----------
    I. G. Lang and Y. A. Firsov, Sov. Phys. JETP 16, 1301 (1963).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(2.0, electron_coupling=0.5, max_quanta=1))
    >>> c = effective_model(model)[0].couplings
    >>> c.electron_hopping.round(6), c.electron_level, c.hubbard_u
    (array([0.778801]), array([-0.5, -0.5]), array([-1., -1.]))
    """
    c, d = model.couplings, dressing or Dressing.full(model)
    sites = model.cluster.sites
    f, fb, width, shift, u, pair_shift, contact = np.zeros((7, sites))
    for m, mode in enumerate(model.modes):
        if mode.host == "site":
            w, g, gb, own, pair = c.frequency[m], c.electron_phonon[m], c.boson_phonon[m], d.electron[m], d.boson[m]
            i, f[mode.index], fb[mode.index], width[mode.index] = mode.index, own, pair, np.exp(-2 * d.squeezing[m])
            shift[i], u[i] = w * own**2 - 2 * g * own, 2 * (w * own**2 - 2 * g * own)
            pair_shift[i], contact[i] = w * pair**2 - 2 * gb * pair, 2 * (w * own * pair - g * pair - gb * own)
    on, bonds = list(model.boson_sites), model.cluster.bonds
    pairs = np.array([(b.start, b.end) for b in bonds], int).reshape(-1, 2)
    has_pair = np.isin(np.arange(sites), on)
    effective = charge_model(
        model,
        contact=(contact * has_pair).tolist() if model.electrons is not None else (),
        electron_hopping=c.electron_hopping * np.exp(-0.5 * np.sum((f**2 * width)[pairs], axis=1)),
        electron_level=c.electron_level + shift,
        hubbard_u=c.hubbard_u + u,
        boson_level=c.boson_level + pair_shift[on],
        exchange=c.exchange * np.exp(-0.5 * ((fb - 2 * f) ** 2 * width)[on]),
        boson_hopping=c.boson_hopping * np.exp(-0.5 * np.sum((fb**2 * width)[pairs], axis=1)),
    )
    return effective, float(np.sum(c.frequency * np.sinh(d.squeezing) ** 2))


def lang_firsov(model: Model, where: Where) -> xr.Dataset:
    """The standard transformation: `effective_model` with f = g / omega0 and f_b = alpha, solved exactly.

    The state is the transformed product of the charges and the lattice vacuum, so that the energy is an upper bound of
    the ground energy of the sector; it is exact at t = v = 0, and as omega0 -> infinity at fixed g/omega0, alpha and
    polaron shifts, with an error that falls as 1 / omega0.

    Returns
    -------
    xarray.Dataset
        ``energies``, densities, ``pair_exchange``, ``displacement`` = 2 <q>; ``electron_displacement`` and
        ``boson_displacement`` (mode,), the f and f_b; ``residual``, 0: nothing is optimised.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons, Sector
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=1.2, max_quanta=1))
    >>> lang_firsov(model, Sector(1)).energies.values.round(9)
    array([-1.67692776])
    """
    return _dressed(model, sector_of(where), Dressing.full(model), 0.0)


def lang_firsov_variational(model: Model, where: Where, one_value: bool = False) -> xr.Dataset:
    """The transformation with the displacements that minimise the energy, one f and one f_b for each class of modes.

    Upper bound of the ground energy of the sector, never above `lang_firsov`. For one electron on a dimer it is the
    minimum of ``-t exp(-f^2) + omega0 f^2 - 2 g f``.

    Parameters
    ----------
    model : Model
        With phonons coupled to the charges of their sites.
    where : Sector
        The sector.
    one_value : bool
        One fraction of the full displacement for all classes of modes.

    Returns
    -------
    xarray.Dataset
        As `lang_firsov`; ``minima`` (minimum,), all minima that were found, ascending, and ``minima_fraction``
        (minimum, parameter), the f / (g/omega0) and f_b / alpha of each class: the lowest one is taken; ``residual``,
        the slope that is left there.

    References
    ----------
    H. Zheng, D. Feinberg and M. Avignon, Phys. Rev. B 39, 9405 (1989).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons, Sector
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=1.2, max_quanta=1))
    >>> lang_firsov_variational(model, Sector(1)).energies.values.round(9)
    array([-1.80784374])
    """
    return _optimised(Parameters(model, one_value=one_value), sector_of(where))


def lang_firsov_squeezed(model: Model, where: Where) -> xr.Dataset:
    """The variational transformation with a squeezed lattice vacuum as well, one r for each class of modes.

    Squeezing P makes the charges less heavy, ``exp(-f^2 exp(-2 r))``, and costs ``omega0 sinh^2 r`` a mode. Upper
    bound of the ground energy of the sector, never above `lang_firsov_variational`.

    Returns
    -------
    xarray.Dataset
        As `lang_firsov_variational`, with ``squeezing`` (mode,).

    References
    ----------
    H. Zheng, Solid State Commun. 65, 731 (1988).
    """
    return _optimised(Parameters(model, squeezed=True), sector_of(where))


@dataclass(frozen=True)
class Parameters:
    """The free parameters: a fraction of the full displacement for each class and species, and a squeezing."""

    model: Model
    squeezed: bool = False
    one_value: bool = False

    @property
    def labels(self) -> list[str]:
        """The class of each mode, as far as classes are told apart."""
        return ["all" if self.one_value else mode.label for mode in self.model.modes]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """(species, class) of each parameter."""
        full, labels = Dressing.full(self.model), self.labels
        coupled = {"electron": full.electron != 0, "boson": full.boson != 0}
        either = coupled["electron"] | coupled["boson"]
        wanted = coupled | ({"squeezing": either} if self.squeezed else {})
        return [(k, c) for k, on in wanted.items() for c in dict.fromkeys(labels) if on[[x == c for x in labels]].any()]

    def dressing(self, values: NDArray[np.float64]) -> Dressing:
        """Return the dressing with these parameters."""
        full = Dressing.full(self.model)
        arrays = {"electron": full.electron.copy(), "boson": full.boson.copy(), "squeezing": full.squeezing.copy()}
        for (kind, label), value in zip(self.kinds, values, strict=True):
            here = np.array([name == label for name in self.labels])
            arrays[kind][here] = value if kind == "squeezing" else value * arrays[kind][here]
        return Dressing(**arrays)


def _optimised(parameters: Parameters, sector: Sector) -> xr.Dataset:
    model = parameters.model
    charges = ChargeSector(model, sector)

    def energy(values: NDArray[np.float64]) -> float:
        effective, constant = effective_model(model, parameters.dressing(np.atleast_1d(values)))
        return charges.lowest(charges.matrix(hamiltonian_operator(effective)))[0] + constant

    if not parameters.kinds:
        return _dressed(model, sector, Dressing.full(model), 0.0)
    starts = _starts(parameters, energy)
    if parameters.squeezed:
        unsqueezed = np.count_nonzero([kind != "squeezing" for kind, _ in parameters.kinds])
        rest = np.zeros(len(parameters.kinds) - unsqueezed)
        better = _minimised(lambda x: energy(np.concatenate([x, rest])), [start[:unsqueezed] for start in starts])
        starts += [np.concatenate([x, rest]) for _, x in better]
    found = _minimised(energy, starts)
    x = found[0][1]
    unit = STEP * np.eye(len(x))
    residual = max(abs(energy(x + e) - energy(x - e)) / (2 * STEP) for e in unit)
    data = _dressed(model, sector, parameters.dressing(x), residual)
    names = [f"{kind} {label}" for kind, label in parameters.kinds]
    return data.assign(
        minima=labelled("minima", np.array([e for e, _ in found]), ["minimum"], "minima of <H>", "energy"),
        minima_fraction=labelled(
            "minima_fraction",
            np.array([at for _, at in found]),
            ["minimum", "parameter"],
            "f / (g / omega0), f_b / alpha, or r",
            coords={"parameter": names},
        ),
    )


def _minimised(
    energy: Callable[[NDArray[np.float64]], float], starts: list[NDArray[np.float64]]
) -> list[tuple[float, NDArray[np.float64]]]:
    """Return the different minima that are reached from some starts, the lowest first."""
    found: list[tuple[float, NDArray[np.float64]]] = []
    for start in starts:
        best = so.minimize(energy, start, method="BFGS", options={"gtol": 1e-7})
        if not any(np.max(np.abs(best.x - x)) < SAME for _, x in found):
            found.append((float(best.fun), best.x))
    return sorted(found, key=lambda pair: pair[0])


def _starts(parameters: Parameters, energy: Callable[[NDArray[np.float64]], float]) -> list[NDArray[np.float64]]:
    kinds = parameters.kinds
    if len(kinds) == 1:
        values = np.array([energy(np.array([s])) for s in SCAN])
        padded = np.concatenate([[np.inf], values, [np.inf]])
        return [np.array([s]) for s in SCAN[(padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:])]]
    choices = [(0.1,) if kind == "squeezing" else (1.0, 0.05) for kind, _ in kinds]
    return [np.array(values) for values in list(product(*choices))[:16]]


def _dressed(model: Model, sector: Sector, d: Dressing, residual: float) -> xr.Dataset:
    effective, constant = effective_model(model, d)
    data = charge_ground(effective, sector, (*DIAGONAL, "pair_exchange"), constant)
    sites = [mode.index if mode.host == "site" else 0 for mode in model.modes]  # modes on bonds do not move
    moved = np.zeros(len(sites))
    if "electron_density" in data:
        moved = moved + d.electron * data["electron_density"].values[sites]
    if "boson_density" in data:
        moved = moved + d.boson * data["boson_density"].values[sites]
    if "pair_exchange" in data:
        overlap = np.ones(model.cluster.sites)
        overlap[sites] = np.exp(-0.5 * (d.boson - 2 * d.electron) ** 2 * np.exp(-2 * d.squeezing))
        data["pair_exchange"] = data["pair_exchange"].copy(data=data["pair_exchange"].values * overlap)
    own = {"electron_displacement": d.electron, "boson_displacement": d.boson, "squeezing": d.squeezing}
    return data.assign(
        {name: labelled(name, values, ["mode"], f"{name} of each mode") for name, values in own.items()}
    ).assign(
        displacement=labelled("displacement", 2 * moved, ["mode"], "<x> = 2 (f <n> + f_b <b+b>)"),
        residual=labelled("residual", residual, [], "largest slope of the energy", "energy"),
    )


OPTIMISED: tuple[Condition, ...] = (*CONDITIONS, whole_sector)
INFINITE = "omega0 -> infinity at fixed g/omega0, alpha and polaron shifts"
LANG_FIRSOV = Approximation("lang-firsov", lang_firsov, CONDITIONS, "upper", INFINITE)
LANG_FIRSOV_VARIATIONAL = Approximation(
    "lang-firsov-variational", lang_firsov_variational, OPTIMISED, "upper", INFINITE
)
LANG_FIRSOV_SQUEEZED = Approximation("lang-firsov-squeezed", lang_firsov_squeezed, OPTIMISED, "upper", INFINITE)
ANTI_ADIABATIC = Approximation("anti-adiabatic", lang_firsov, CONDITIONS, "none", INFINITE)
