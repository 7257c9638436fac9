r"""Pair density matrices of local pairs and of electron pairs on sites or bonds, natural orbitals and correlations.

Every pair annihilator is a normalised amplitude over electrons and local pairs,

.. math:: \Delta_x = \sum_{jk} g^x_{jk}\, c_{j\downarrow} c_{k\uparrow} + \sum_i h^x_i\, b_i,\qquad
          \sum_{jk} |g^x_{jk}|^2 + \sum_i |h^x_i|^2 = 1,

so that ``Delta+_x |0>`` is normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ..._core.display import counted, quantity
from ...clusters import Card, InvalidValue, Shown, momenta
from ...clusters.magnetic import without_field
from ...clusters.translations import wave_numbers
from ...hamiltonians import Model, Operator, annihilate, boson
from ...hamiltonians.operators import total
from ...solvers import State
from ...solvers.arguments import state_of
from ..labelled import dataset
from ..observables.averages import Averages
from .directions import bond_middles, d_form_factor, distances
from .natural_orbitals import descending, natural_orbitals

Form = str | Sequence[float]
"""A pair operator by its name, or a form factor: one number for each bond of the cluster."""


@dataclass(frozen=True, repr=False)
class PairOperators(Shown):
    """Annihilators of normalised pairs.

    Attributes
    ----------
    electrons : (n, sites, sites) float
        g, the amplitude of ``c_{j dn} c_{k up}``.
    bosons : (n, sites) float
        h, the amplitude of ``b_i``.
    positions : (n, 2) float
        Position of each pair: its site, or the midpoint of its bond.
    """

    electrons: NDArray[np.float64]
    bosons: NDArray[np.float64]
    positions: NDArray[np.float64]

    def __post_init__(self) -> None:
        for array in vars(self).values():
            array.setflags(write=False)

    def card(self) -> Card:
        """Return a table of the pairs with their positions."""
        kinds = (("electron pairs", self.electrons), ("local pairs", self.bosons))
        of = " and ".join(name for name, amplitudes in kinds if np.any(amplitudes))
        rows = [(str(n), quantity(place)) for n, place in enumerate((self.positions.round(6) + 0.0).tolist())]
        return Card(f"{counted(len(rows), 'operator')} of {of}", rows, ("pair", "position"))

    @property
    def overlap(self) -> float:
        """The largest eigenvalue of the overlap matrix: 1 for orthogonal pairs, larger for s and d.

        The occupation of an orbital of these pairs at charge N is at most N / 2 times this value (Yang).
        """
        flat = np.hstack([self.electrons.reshape(len(self.electrons), -1), self.bosons])
        return float(np.linalg.norm(flat, 2) ** 2) if len(flat) else 0.0

    def operators(self) -> list[Operator]:
        """Return the annihilators as formulas."""
        found = []
        for g, h in zip(self.electrons, self.bosons, strict=True):
            electrons = (g[j, k] * (annihilate(j, "dn") * annihilate(k, "up")) for j, k in np.argwhere(g).tolist())
            found.append(total([*electrons, *(h[i] * boson(i) for i in np.flatnonzero(h).tolist())]))
        return found


def _on_site(model: Model) -> PairOperators:
    sites = model.cluster.sites
    g = np.zeros((sites,) * 3)
    g[(np.arange(sites),) * 3] = 1.0
    return PairOperators(g, np.zeros((sites, sites)), model.cluster.coordinates)


def _bosons(model: Model) -> PairOperators:
    sites, on = model.cluster.sites, list(model.boson_sites)
    return PairOperators(np.zeros((len(on), sites, sites)), np.eye(sites)[on], model.cluster.coordinates[on])


def _combined(model: Model) -> PairOperators:
    parts = [vars(form(model)) for form in (_on_site, _bosons)]
    return PairOperators(**{key: np.concatenate([part[key] for part in parts]) for key in parts[0]})


def _bonds(model: Model) -> PairOperators:
    """Return the singlet ``(c_{i dn} c_{j up} + c_{j dn} c_{i up}) / sqrt(2)`` of each pair of neighbours.

    Several bonds between two sites count as one pair, at the midpoint of the first bond.
    """
    every, pairs = _singlets(model), [frozenset((bond.start, bond.end)) for bond in model.cluster.bonds]
    first = [b for b, pair in enumerate(pairs) if pairs.index(pair) == b]
    return replace(
        every, electrons=every.electrons[first], bosons=every.bosons[first], positions=every.positions[first]
    )


def _singlets(model: Model) -> PairOperators:
    """Return the singlet of each bond."""
    cluster = model.cluster
    g = np.zeros((len(cluster.bonds), cluster.sites, cluster.sites))
    for b, bond in enumerate(cluster.bonds):
        g[b, bond.start, bond.end] = g[b, bond.end, bond.start] = np.sqrt(0.5)
    return PairOperators(g, np.zeros((len(g), cluster.sites)), bond_middles(cluster))


def _triplets(model: Model, axis: int) -> PairOperators:
    """Return p-wave pairs around each site: ``(c_{i dn} c_{j up} - c_{j dn} c_{i up}) / sqrt(2)`` of the bonds i -> j.

    The form factor is the component of the bond direction along an axis.
    """
    cluster, singlets = model.cluster, _singlets(model)
    if not cluster.cell or axis >= cluster.coordinates.shape[1]:
        raise InvalidValue("p-wave pairs need bond directions on a closed lattice; take for example square([4, 2])")
    g = singlets.electrons.copy()
    for b, bond in enumerate(cluster.bonds):
        g[b, bond.end, bond.start] *= -1
    vectors = np.array([cluster.vector(bond) for bond in cluster.bonds])
    factor = vectors[:, axis] / np.linalg.norm(vectors, axis=1)
    if np.max(np.abs(factor)) < 1e-9:
        raise InvalidValue(f"no bond of this {cluster.kind} has a component along axis {axis}, as p-wave pairs need")
    found = _around_sites(model, factor, replace(singlets, electrons=g))
    if not np.any(found.electrons):
        raise InvalidValue(f"both neighbours of a site along axis {axis} are the same site: there are no p-wave pairs")
    return found


def _around_sites(model: Model, factor: NDArray[np.float64], bonds: PairOperators | None = None) -> PairOperators:
    """Return the sum over the bonds of each site with a form factor; zero if it vanishes on all of them."""
    cluster, bonds = model.cluster, bonds or _singlets(model)
    touches = np.zeros((cluster.sites, len(factor)))
    for b, bond in enumerate(cluster.bonds):
        touches[[bond.start, bond.end], b] = factor[b]
    g = np.einsum("xb,bjk->xjk", touches, bonds.electrons)  # bonds to the same neighbour add up
    norms = np.linalg.norm(g, axis=(1, 2), keepdims=True)
    return replace(
        bonds,
        electrons=np.divide(g, norms, out=np.zeros_like(g), where=norms > 1e-12),
        bosons=np.zeros((cluster.sites,) * 2),
        positions=cluster.coordinates,
    )


FORMS: Mapping[str, tuple[Callable[[Model], PairOperators], tuple[str, ...]]] = MappingProxyType(
    {
        "boson": (_bosons, ("bosons",)),
        "on-site": (_on_site, ("electrons",)),
        "combined": (_combined, ("electrons", "bosons")),
        "bond": (_bonds, ("electrons",)),
        "s": (lambda model: _around_sites(model, np.ones(len(model.cluster.bonds))), ("electrons",)),
        "d": (lambda model: _around_sites(model, d_form_factor(model.cluster)), ("electrons",)),
        "p-x": (lambda model: _triplets(model, 0), ("electrons",)),
        "p-y": (lambda model: _triplets(model, 1), ("electrons",)),
    }
)
"""Pair operators and required species by name."""


def pair_operators(model: Model, form: Form) -> PairOperators:
    r"""Return the pair annihilators of a form.

    Parameters
    ----------
    model : Model
        The model that defines sites and bonds.
    form : str or sequence of float
        ``"boson"``: b_i; ``"on-site"``: D_i = c_dn c_up; ``"combined"``: (D_0 ... D_{L-1}, b ...); ``"bond"``: the
        singlet of each bond, ``(c_{i dn} c_{j up} + c_{j dn} c_{i up}) / sqrt(2)``; ``"s"`` and ``"d"``: bond singlets
        summed around each site with equal weights (extended s wave) or with ``cos 2 theta`` of the bond
        (`d_form_factor`); ``"p-x"`` and ``"p-y"``, on closed lattices: triplets with S_z = 0, with opposite signs for
        neighbours on opposite sides; numbers f_b: as "s" with any form factor,

        .. math:: \Delta_f(i) = \frac{\sum_j f_{ij} (c_{i\downarrow} c_{j\uparrow} + c_{j\downarrow} c_{i\uparrow})}
                  {\sqrt{2 \sum_j f_{ij}^2}}

    Raises
    ------
    ValueError
        If the name is unknown, the model lacks its species or its bonds, or a form factor has the wrong length.
    """
    bonds = len(model.cluster.bonds)
    if not isinstance(form, str):
        factor = np.asarray(form, dtype=float)
        if factor.shape != (bonds,):
            raise InvalidValue(f"a form factor of shape {factor.shape} does not fit; this cluster has {bonds} bonds")
        if model.electrons is None or not np.all(np.isfinite(factor)) or not np.any(factor):
            raise InvalidValue(
                f"form factor {factor.tolist()}: it needs electrons, and finite numbers that are not all zero"
            )
        return _around_sites(model, factor)
    if form not in FORMS:
        raise InvalidValue(f"{form!r} is not a kind of pair; allowed: {', '.join(FORMS)}, or one number for each bond")
    build, needs = FORMS[form]
    if missing := [name for name in needs if getattr(model, name) is None]:
        raise InvalidValue(f"pairs of the form {form!r} need {' and '.join(missing)}; this model has none")
    if form in ("bond", "s", "d", "p-x", "p-y") and not bonds:
        raise InvalidValue(f"pairs of the form {form!r} need a bond; a {model.cluster.kind} has none")
    return build(model)


def possible_forms(model: Model) -> tuple[str, ...]:
    """Return the names of the forms available in a model."""
    found = []
    for form in FORMS:
        with suppress(ValueError):
            pair_operators(model, form)
            found.append(form)
    return tuple(found)


def pair_density(state: State, form: Form = "on-site", averages: Averages | None = None) -> xr.Dataset:
    r"""Compute the density matrix of one kind of pairs, its natural orbitals and correlations.

    .. math:: \rho_{xy} = \langle\Delta^+_x \Delta_y\rangle = \sum_k \lambda_k\, \phi^*_k(x)\, \phi_k(y),\qquad
              \rho^c_{xy} = \rho_{xy} - \sum g^{x*}_{jk} g^y_{lm}
              \langle c^+_{k\uparrow} c_{m\uparrow}\rangle \langle c^+_{j\downarrow} c_{l\downarrow}\rangle

    In the connected part the contribution of independent electrons is subtracted (Wick's theorem for averages that
    conserve N and S_z). Nothing is subtracted for local pairs, since ``<b> = 0`` in a state of definite charge.

    Pairs of the forms s and d overlap if they share a bond. They are then counted more than once, and lambda_0 can
    exceed N / 2 (`PairOperators.overlap`).

    Parameters
    ----------
    state : State
        Pure or mixed.
    form : str or sequence of float
        Kind of pairs; see `pair_operators`.
    averages : Averages, optional
        Averages shared with other calculations in the same state.

    Returns
    -------
    xarray.Dataset
        ``matrix`` and ``connected`` ``(pair, pair_)``; ``eigenvalues`` lambda_k, descending, and ``orbitals`` phi_k
        (orbital, pair) of the matrix, in the phase convention of `natural_orbitals`; ``connected_eigenvalues``;
        ``fraction`` lambda_0 / tr rho (NaN without pairs); ``phase_correlation`` rho_xy / sqrt(rho_xx rho_yy) (NaN
        if a density vanishes); and, except for the combined pairs, ``correlation`` and ``connected_correlation``, the
        averages of rho_xy over all x, y at a ``distance``: Euclidean, in units of the bond length, to the nearest
        image on periodic clusters; along the circle on rings. On lattices ``structure_factor`` over ``momentum``, the
        momenta of the cluster in the order of `momenta`.

    References
    ----------
    O. Penrose and L. Onsager, Phys. Rev. 104, 576 (1956); C. N. Yang, Rev. Mod. Phys. 34, 694 (1962).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Model
    >>> from respair.solvers import ground_state
    >>> data = pair_density(ground_state(Model(ring(4), None, Bosons(hopping=1.0)), 4).ground, "boson")
    >>> data.eigenvalues.values.round(6)[0], round(3 / 4 + np.sqrt(1 / 2), 6)
    (np.float64(1.457107), np.float64(1.457107))
    """
    averages = averages or Averages(state)
    model = state.hamiltonian.space.model
    pairs = pair_operators(model, form)
    matrix = correlation_matrix(averages, pairs.operators())
    connected = matrix - _independent(averages, pairs, model)
    values, orbitals = natural_orbitals(matrix)
    density = np.sqrt(np.maximum(np.diag(matrix).real, 0.0))
    norm = np.outer(density, density)
    trace = float(np.trace(matrix).real)
    empty = np.full(matrix.shape, np.nan, complex)
    phases = np.divide(matrix, norm, out=empty, where=norm > EMPTY)
    both, formula = ["pair", "pair_"], "<Delta+_x Delta_y>"
    rows: list[tuple[Any, ...]] = [
        ("matrix", matrix, both, formula),
        ("connected", connected, both, f"{formula} less the product of one-electron averages"),
        ("eigenvalues", values, ["orbital"], f"eigenvalues of {formula}"),
        ("orbitals", orbitals, ["orbital", "pair"], "natural orbitals phi_k(x)"),
        ("connected_eigenvalues", descending(connected), ["orbital"], "eigenvalues of the connected part"),
        ("fraction", values[0] / trace if trace > EMPTY else np.nan, [], "lambda_0 / tr rho"),
        ("phase_correlation", phases, both, "rho_xy / sqrt(rho_xx rho_yy)"),
    ]
    r = None
    if form != "combined":
        r, where = np.unique(distances(model.cluster, pairs.positions), return_inverse=True)
        text = "average of rho_xy over all x, y at a distance"
        for name, of, words in (
            ("correlation", matrix, text),
            ("connected_correlation", connected, f"{text}, connected"),
        ):
            rows.append(
                (name, np.bincount(where.ravel(), of.real.ravel()) / np.bincount(where.ravel()), ["distance"], words)
            )
    if model.cluster.cell and len(matrix) == model.cluster.sites:
        whole = without_field(model.cluster)
        turns = np.array([wave_numbers(whole, q) for q in momenta(whole)])
        waves = np.exp(-2j * np.pi * turns)
        weights = np.einsum("qx,xy,qy->q", waves, matrix, waves.conj()).real / len(matrix)
        rows.append(("structure_factor", weights, ["momentum"], "(1/N) sum_xy exp(-i q . (r_x - r_y)) rho_xy"))
    return dataset(*rows, coords={"distance": r})


EMPTY = 1e-13
"""Densities of pairs below this are treated as zero, and ratios with them are not computed."""


def _independent(averages: Averages, pairs: PairOperators, model: Model) -> NDArray[np.complex128]:
    """Return the density matrix of independent electrons with the same one-electron averages."""
    if model.electrons is None or not np.any(pairs.electrons):
        return np.zeros((len(pairs.bosons),) * 2, complex)
    sites = range(model.cluster.sites)
    up, dn = (correlation_matrix(averages, [annihilate(i, spin) for i in sites]) for spin in ("up", "dn"))
    moved = np.einsum("ylm,km,jl->yjk", pairs.electrons, up, dn, optimize=True)
    return np.asarray(np.einsum("xjk,yjk->xy", pairs.electrons, moved))


def correlation_matrix(averages: Averages, operators: Sequence[Operator]) -> NDArray[np.complex128]:
    """Return ``<O+_i O_j>`` of charge operators, shape (n, n)."""
    values = [averages.operator(left.dag * right) for left in operators for right in operators]
    return np.array(values, complex).reshape((len(operators),) * 2)


@taking(state=state_of)
def pair_densities(state: State, forms: Sequence[Form] | None = None) -> xr.Dataset:
    """Compute the density matrices of several kinds of pairs in a state.

    Parameters
    ----------
    state : State
        Pure or mixed.
    forms : sequence of forms, optional
        Kinds of pairs, see `pair_operators`; by default all that are available in the model.

    Returns
    -------
    xarray.Dataset
        The results of `pair_density`, with the name of the form as prefix of variables and dimensions; a form factor
        given as numbers is named ``factor-0`` and so on by its position in the list.
    """
    averages = Averages(state)
    chosen = possible_forms(state.hamiltonian.space.model) if forms is None else forms
    parts = []
    for name, form in zip(form_names(chosen), chosen, strict=True):
        data = pair_density(state, form, averages)
        parts.append(data.rename({key: f"{name}_{key}" for key in (*data.data_vars, *data.dims)}))
    return xr.merge(parts, compat="no_conflicts", combine_attrs="override")


def form_names(forms: Sequence[Form]) -> tuple[str, ...]:
    """Return a name for each form; a list of numbers is named by its position, ``factor-0`` for the first form."""
    return tuple(form if isinstance(form, str) else f"factor-{place}" for place, form in enumerate(forms))
