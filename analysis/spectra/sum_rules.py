r"""Moments of a spectrum from commutators, without excited states.

With ``L X = [X, H]`` the moments of the lines between probes A and B are

.. math:: M_n = \sum_m \langle 0|A^\dagger|m\rangle\langle m|B|0\rangle\,\omega_m^n = \langle (L^n A^\dagger)\,B \rangle

for operators that conserve the charge, and the averages of ``(L^n A+) B + B (L^n A+)`` if charge is added and removed.
In an eigenstate commutators can be shifted from one factor to the other, ``<(L^n A+) B> = <(L^(n-k) A+) [H, [H, ...
B]]>`` with k commutators of B, so that M_3 requires two of one factor and one of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Operator, hamiltonian_operator
from ...hamiltonians.algebra import canonical, commutator, without_double_occupancy
from ...hamiltonians.soft_core import expanded
from ...hamiltonians.transitions import charge_change
from ...solvers import State
from ..labelled import dataset_of
from ..observables.averages import expectation
from .excitations import images_of
from .probes import Probe

MOST_WORK = 2e9
"""Largest number of terms times amplitudes of the average of a commutator; higher moments are omitted."""
MOST_TERMS = 6000
"""Largest number of terms of a commutator."""
LEFT_OUT = f"their commutators have more than {MOST_TERMS} terms, or {MOST_WORK:.0e} terms times amplitudes"
"""Reason for an omitted sum rule."""
MOST_PRODUCTS = 20_000
"""Largest number of products of terms of a formula."""
ROUNDING = 1e-10


def moments_from_commutators(state: State, left: Probe, right: Probe, count: int = 4) -> NDArray[np.complex128]:
    """Return the first moments as ground-state averages; NaN if the commutators get too long.

    M_0 is the average of one operator. The others are overlaps of two images of the state, without long products of
    operators.

    Parameters
    ----------
    state : State
        The ground level.
    left, right : Probe
        A and B.
    count : int
        Number of moments.

    Returns
    -------
    (count,) complex
        M_0, M_1, ... [energy^n].
    """
    found = np.full(count, np.nan, complex)
    size = sum(len(part.amplitudes) * part.block.entries for part in state.parts)
    model, energy = state.hamiltonian.space.model, state.hamiltonian.operator
    if state.hamiltonian.potential and charge_change(model, right.addition)[0]:
        energy = hamiltonian_operator(model)
    energy, outer, inner = (_kept(model, each) for each in (energy, left.addition.dag, right.addition))
    for n in range(count):
        if n % 2:
            outer = commutator(outer, energy)
        elif n:
            inner = commutator(energy, inner)
        terms = len(outer.terms) + len(inner.terms)
        if terms * size > MOST_WORK or terms > MOST_TERMS:
            break
        first = _kept(model, right.addition)
        found[n] = _overlap(state, outer, inner, right) if n else expectation(state, _product(outer, first, right))
    return found


def _kept(model: Model, operator: Operator) -> Operator:
    """Return an operator in the algebra of the model: projected electrons, soft-core pairs."""
    operator = expanded(operator, model)
    return without_double_occupancy(operator) if model.most_electrons == 1 else canonical(operator)


def _overlap(state: State, outer: Operator, inner: Operator, right: Probe) -> complex:
    """Return the average of ``X Y``, or of ``X Y + Y X`` if charge is added and removed."""
    if not outer.terms or not inner.terms:
        return 0.0j
    pairs = [(outer.dag, inner)] + ([(inner.dag, outer)] if right.removal is not None else [])
    images = (each for bra, ket in pairs for each in images_of(state, ket, bra))
    both = ((block, u, v) for block, kets, bras in images for u, v in zip(bras or (), kets, strict=True))
    return complex(sum(block.dot(u, v) for block, u, v in both))


def _product(outer: Operator, inner: Operator, right: Probe) -> Operator:
    product = outer * inner
    return canonical(product if right.removal is None else product + inner * outer)


def moment_formulas(model: Model, energy: Operator, left: Probe, right: Probe) -> Iterator[Operator]:
    """Yield the operators whose averages are M_0, M_1, ..., up to a limit of their length."""
    energy, outer, inner = (_kept(model, each) for each in (energy, left.addition.dag, right.addition))
    while len(outer.terms) * len(inner.terms) <= MOST_PRODUCTS:
        yield _product(outer, inner, right)
        outer = commutator(outer, energy)


def allowed_defects(
    images: float,
    near_cutoff: NDArray[np.float64],
    scale: float,
    residual: float,
    least: float = 1.0,
    size: float = 1.0,
) -> NDArray[np.float64]:
    """Return the allowed defect of the sum rule of each moment.

    Parameters
    ----------
    images : float
        Squared norms of the images of the ground level.
    near_cutoff : (count,) float
        Weight of the level and its images on phonon states near the cutoff, which affects the n-th moment.
    scale : float
        Largest excitation energy.
    residual : float
        Residual of the ground level.
    least, size : float
        The largest coupling, and a bound on the squared norm of an image.

    Returns
    -------
    (count,) float
        Allowed defects due to rounding, the residual of the level, and the cutoff.
    """
    orders, scale = np.arange(len(near_cutoff)), max(least, scale)
    numerical = ROUNDING * scale**orders + 8 * orders * scale ** np.maximum(orders - 1, 0) * residual
    return np.asarray(numerical * max(size, images) + near_cutoff * (4.0 * scale) ** orders)


def rule_variables(
    what: str, found: NDArray[Any], wanted: NDArray[Any], allowed: NDArray[np.float64], units: str
) -> xr.Dataset:
    """Return ``sum_rules`` and ``sum_rule_errors``, the largest defects allowed.

    Raises
    ------
    ArithmeticError
        If a moment violates its sum rule by more than the allowed defect.
    """
    for n, (got, want, most) in enumerate(zip(found, wanted, allowed, strict=True)):
        if abs(got - want) > most:
            raise ArithmeticError(
                f"moment {n} of {what} is {got:.12g} and its sum rule {want:.12g}; they may differ by {most:.1e}: "
                "lower solver.tolerance, or report this model"
            )
    rules = {"sum_rules": (wanted, "order", "averages of commutators", units)}
    return dataset_of({**rules, "sum_rule_errors": (allowed, "order", "largest defect allowed", units)})
