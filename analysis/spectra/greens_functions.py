r"""One-electron Green's functions between all sites at complex frequencies, and the self-energy by Dyson's equation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, annihilate, hamiltonian_operator
from ...hamiltonians.algebra import canonical
from ...hamiltonians.arguments import a_model
from ...solvers import Options
from ...solvers.arguments import levels_of, read_options
from ...solvers.krylov.resolvents import Lines
from ..labelled import dataset_of
from ..thermal.ensembles import Ensemble, ThermalSum
from .cutoff_bars import Levels, thermal_with_bars, with_bars
from .matsubara import complex_frequencies, lines_between, matsubara_frequencies, places, resolvent
from .probes import Probe
from .sum_rules import moments_from_commutators
from .thermal_lines import exact_sum, thermal_weights

ORDERS = 3
"""Number of moments of the tail: G(z) = M_0 / z + M_1 / z^2 + M_2 / z^3 + ..."""
SPINS = ("up", "dn")
RULES = 1e-9
"""Largest defect of a moment, in units of the couplings."""


@taking(levels=levels_of, options=read_options)
def greens_function(
    levels: Levels,
    frequencies: Sequence[complex] | NDArray[np.complex128],
    spin: str = "up",
    sites: Sequence[int] | None = None,
    options: Options | None = None,
    *,
    error_bars: bool = False,
) -> xr.Dataset:
    r"""Compute the one-electron Green's function between sites in the ground level.

    .. math:: G_{ij}(z) = \langle c_i\,[z - (H - E_0)]^{-1} c_j^+\rangle
              + \langle c_j^+\,[z + (H - E_0)]^{-1} c_i\rangle

    at frequencies z above the real axis, such as ``matsubara_frequencies(T, n)`` (a fine mesh on the imaginary axis) or
    ``omega + i eta``. z is measured from the chemical potential, which is contained in H. If all sites are included,
    the self-energy

    .. math:: \Sigma(z) = z - h - G(z)^{-1}

    is returned as well, where h is the matrix of hops and levels of H; the self-energy contains all other terms,
    including the coupling to the lattice and to local pairs.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used; a degenerate one is averaged.
    frequencies : (n,) complex
        z [energy].
    spin : str
        "up" or "dn".
    sites : sequence of int, optional
        i and j; all by default.
    options : Options, optional
        Engine and memory.
    error_bars : bool
        Whether to compute error bars due to the phonon cutoff, ``values_error``, ``self_energy_error`` and others, by a
        second calculation in another phonon space. The cost increases by a factor of two or more.

    Returns
    -------
    xarray.Dataset
        ``values`` over (frequency, site, ``site_``) [1/energy]; ``moments`` over (order, site, ``site_``), the tail
        ``M_0 / z + M_1 / z^2 + M_2 / z^3``, with ``sum_rules`` from commutators (``M_0 = 1``); ``error``, a bound on
        the error of continued fractions; and with all sites ``self_energy`` and ``self_energy_tail``, its limit
        ``M_1 - h`` at large z.

    Raises
    ------
    InvalidValue
        If a frequency is not above the real axis, a site does not exist, or there are no electrons.
    ArithmeticError
        If a moment violates its sum rule by more than rounding and the phonon cutoff allow.

    References
    ----------
    A. L. Fetter and J. D. Walecka, Quantum Theory of Many-Particle Systems, chapter 3.

    Examples
    --------
    The self-energy of an atom at half filling is U^2 / (4 z) plus the mean-field part U / 2:

    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> atom = Model(site(), Electrons(hubbard_u=4.0), chemical_potential=2.0)
    >>> from respair.analysis import matsubara_frequencies
    >>> data = greens_function(ground_state(atom, 1), [2.0j], "dn")  # an up electron is there
    >>> complex(np.round(data.self_energy.values[0, 0, 0], 12))
    (4+0j)
    """
    z, model = complex_frequencies("frequencies", frequencies), levels.hamiltonian.space.model
    chosen, options = _checked(model, spin, sites), options or Options()

    def compute(levels: Levels) -> xr.Dataset:
        return _of_levels(levels, z, spin, chosen, options)

    step = 1 if spin == "up" else -1
    return with_bars(levels, [(1, step), (-1, -step)], compute, options) if error_bars else compute(levels)


def _of_levels(
    levels: Levels, z: NDArray[np.complex128], spin: str, chosen: Sequence[int], options: Options
) -> xr.Dataset:
    """Return the Green's function of a ground level."""
    found, error = _Matrix.of(z, len(chosen)), 0.0
    for a, b in combinations_with_replacement(range(len(chosen)), 2):
        left, right = (Probe("electron", annihilate(i, spin).dag, annihilate(i, spin)) for i in (chosen[a], chosen[b]))
        assert left.removal is not None
        assert right.removal is not None
        add = lines_between(levels, right.addition, right.addition if a == b else left.addition, z, 1, options)
        cut = lines_between(levels, left.removal, left.removal if a == b else right.removal, z, -1, options)
        error = max(error, add.error + cut.error)
        found.put(a, b, (add, cut), moments_from_commutators(levels.ground, left, right, ORDERS))
    if not levels.hamiltonian.space.model.modes:
        found.check(levels.hamiltonian.scale, float(levels.certificate.residuals[0]))
    return found.dataset(levels.hamiltonian.space.model, spin, chosen, error)


@taking(model=a_model, options=read_options)
def thermal_greens_function(
    model: Model,
    temperature: float,
    frequencies: Sequence[complex] | NDArray[np.complex128] | int,
    spin: str = "up",
    sites: Sequence[int] | None = None,
    ensemble: Ensemble | str = "grand-canonical",
    options: Options | None = None,
    *,
    error_bars: bool = False,
) -> xr.Dataset:
    r"""Compute the one-electron Green's function between sites in a thermal state, from all levels.

    .. math:: G_{ij}(z) = \sum_{mn} (p_m + p_n)\,\frac{\langle m|c_i|n\rangle\langle n|c_j^+|m\rangle}{z - E_n + E_m}

    in the grand-canonical ensemble. In other ensembles the p_n are the weights of the initial states of the removal.

    Parameters
    ----------
    model : Model
        The Hamiltonian, with its chemical potential.
    temperature : float
        T above 0 [energy].
    frequencies : (n,) complex, or int
        z above the real axis; an integer gives the number of Matsubara frequencies at this temperature.
    spin, sites, error_bars
        As for `greens_function`; error bars are needed for ``phonons.cutoff = "auto"``.
    ensemble : Ensemble or str
        The ensemble.
    options : Options, optional
        Engine and memory.

    Returns
    -------
    xarray.Dataset
        As for `greens_function`; ``error`` is 0, since the sum over states is complete within the phonon cutoff.

    Raises
    ------
    InvalidValue
        If there are too many lines, or as for `greens_function`.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons
    >>> atom = Model(site(), Electrons(hubbard_u=4.0), chemical_potential=2.0)
    >>> data = thermal_greens_function(atom, 0.5, [2.0j])
    >>> complex(np.round(data.self_energy.values[0, 0, 0], 12))  # U / 2 + U^2 / (4 z)
    (2-2j)
    """
    given = matsubara_frequencies(temperature, frequencies) if isinstance(frequencies, int) else frequencies
    z, chosen = complex_frequencies("frequencies", given), _checked(model, spin, sites)

    def compute(asked: ThermalSum) -> xr.Dataset:
        found, no_rules = _Matrix.of(z, len(chosen)), np.full(ORDERS, np.nan, complex)
        for a, b in combinations_with_replacement(range(len(chosen)), 2):
            left, right = (
                Probe("electron", annihilate(i, spin).dag, annihilate(i, spin)) for i in (chosen[a], chosen[b])
            )
            found.put(a, b, (thermal_weights(asked, right, None if a == b else left),), no_rules)
        found.rules[0] = np.eye(len(chosen))
        if not asked.model.modes:
            found.check(1.0, 0.0)
        return found.dataset(asked.model, spin, chosen, 0.0)

    asked = exact_sum(model, temperature, ensemble, options, automatic=error_bars)
    return thermal_with_bars(asked, compute) if error_bars else compute(asked)


def one_body_matrix(model: Model, spin: str) -> NDArray[np.complex128]:
    """Return h of ``sum_ij h_ij c+_i c_j``: hops, levels and chemical potential of one spin, shape (sites, sites)."""
    h = np.zeros((model.cluster.sites,) * 2, complex)
    for (charge, lattice), value in canonical(hamiltonian_operator(model)).terms.items():
        symbols, at = tuple(symbol for symbol, _ in charge), [site for _, site in charge]
        if lattice:
            continue
        if symbols == (f"n{spin}",):
            h[at[0], at[0]] += value
        elif symbols == (f"c+{spin}", f"c{spin}"):
            h[at[0], at[1]] += value
        elif symbols == (f"c{spin}", f"c+{spin}"):
            h[at[1], at[0]] -= value
    return h


def _checked(model: Model, spin: str, sites: Sequence[int] | None) -> list[int]:
    """Return the sites after checking model, spin and sites."""
    if model.electrons is None:
        raise InvalidValue("the model has no electrons; their Green's function needs Electrons(...)")
    if spin not in SPINS:
        raise InvalidValue(f'spin = {spin!r} is unknown; allowed: "up", "dn"')
    return places("sites", sites, model.cluster.sites)


@dataclass(frozen=True)
class _Matrix:
    """Matrices over pairs of sites: G, the moments of its lines, and their sum rules."""

    z: NDArray[np.complex128]
    values: NDArray[np.complex128]
    moments: NDArray[np.complex128]
    rules: NDArray[np.complex128]

    @classmethod
    def of(cls, z: NDArray[np.complex128], count: int) -> _Matrix:
        """Return matrices of NaN."""
        empty = (np.full((n, count, count), np.nan, complex) for n in (len(z), ORDERS, ORDERS))
        return cls(z, *empty)

    def put(self, a: int, b: int, parts: Sequence[Lines], rule: NDArray[np.complex128]) -> None:
        """Set the elements (a, b) and (b, a), whose weights are complex conjugates."""
        powers = np.arange(ORDERS)[:, None]
        for i, j, lines in ((a, b, parts), (b, a, [replace(each, weights=each.weights.conj()) for each in parts])):
            self.values[:, i, j] = sum(resolvent(each, self.z) for each in lines)
            self.moments[:, i, j] = sum(each.energies**powers @ each.weights for each in lines)
        self.rules[:, a, b], self.rules[:, b, a] = rule, rule.conj()

    def check(self, scale: float, residual: float) -> None:
        """Raise ArithmeticError if a moment violates its sum rule."""
        for n, (got, want) in enumerate(zip(self.moments, self.rules, strict=True)):
            most = (RULES + 8 * n * residual) * max(1.0, scale) ** n * len(got) ** 2
            away = np.abs(got - want)
            if np.any(away > most):
                raise ArithmeticError(
                    f"moment {n} of the Green's function misses its sum rule by {np.nanmax(away):.1e}; "
                    f"allowed: {most:.1e}: lower solver.tolerance, or report this model"
                )

    def dataset(self, model: Model, spin: str, chosen: Sequence[int], error: float) -> xr.Dataset:
        """Return the Green's function with its tail and, for all sites, the self-energy."""
        over = "frequency site site_"
        table: dict[str, tuple[object, ...]] = {
            "values": (self.values, over, "G_ij(z)", "1/energy"),
            "moments": (self.moments, "order site site_", "M_n of M_0 / z + M_1 / z^2 + ...", "energy^order"),
            "sum_rules": (self.rules, "order site site_", "averages of commutators", "energy^order"),
            "error": (error, "", "bound on what continued fractions miss", "1/energy"),
        }
        if len(chosen) == model.cluster.sites:
            one_body = one_body_matrix(model, spin)[np.ix_(chosen, chosen)]
            own = self.z[:, None, None] * np.eye(len(chosen)) - one_body - np.linalg.inv(self.values)
            table["self_energy"] = (own, over, "z - h - G(z)^-1", "energy")
            table["self_energy_tail"] = (self.moments[1] - one_body, "site site_", "M_1 - h", "energy")
        labels = np.array(chosen)
        return dataset_of(table, {"frequency": self.z, "site": labels, "site_": labels})
