"""Derivatives of the Hamiltonian with respect to the flux."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .._core.display import counted
from ..clusters import InvalidValue
from .algebra import ROUNDING
from .conservation import needs_conserved
from .flux import Word, own_series
from .model import Model
from .operators import Operator, total, without_rounding
from .terms import TERMS


def flux_derivative(model: Model, order: int = 1, *, along: Sequence[Sequence[float]] | None = None) -> Operator:
    """Return ``d^n H / d phi^n``, including phonon-assisted hopping; the persistent current is ``-<dH/dphi>``.

    On lattices, the derivative along directions of the flux vector, such as ``sum_jk e_j f_k d2H / dphi_j dphi_k``.

    Parameters
    ----------
    model : Model
        The model; the derivative is taken at its flux.
    order : int
        Order n of the derivative.
    along : sequence of (fluxes,) float, optional
        Directions e, f, ... of the flux, one for each derivative; used instead of `order` if the flux has several
        components.

    Returns
    -------
    Operator
        The derivative [energy].

    Raises
    ------
    InvalidModel
        If a user-defined term moves charges between sites and does not depend on the flux; see `hop`.
    ValueError
        If directions are missing, or have a wrong number of components.
    """
    needs_conserved(model, "currents and other derivatives by a flux", "charge")
    directions = ((1.0,),) * order if along is None else tuple(tuple(map(float, e)) for e in along)
    if wrong := next((e for e in directions if len(e) != model.cluster.fluxes), None):
        numbers = counted(model.cluster.fluxes, "number")
        raise InvalidValue(
            f"along = {list(map(list, directions))}: {list(wrong)} must have {numbers}, one for each direction in "
            "which the cluster is closed; give along=[[1, 0]] for the first of two"
        )
    values: defaultdict[Word, complex] = defaultdict(complex)
    sizes: defaultdict[Word, float] = defaultdict(float)
    hops = (formula for term in TERMS.values() if term.hops for _, formula in term.parts(model, directions))
    for word, value in (item for formula in hops for item in formula.terms.items()):
        values[word] += value
        sizes[word] += abs(value)  # derivatives of doubled bonds may cancel
    own = (series.derivative(model.fluxes, directions) for series in own_series(model))
    bonds = {word: without_rounding(value, ROUNDING * sizes[word]) for word, value in values.items()}
    return total([Operator(bonds), *own])
