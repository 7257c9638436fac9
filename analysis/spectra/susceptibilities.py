r"""Susceptibilities of charge, spin, pairs and lattice at complex frequencies, and static response functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import instance, real_number, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, Operator
from ...hamiltonians.arguments import a_model, an_operator
from ...hamiltonians.space.product import check_operator
from ...hamiltonians.transitions import charge_change
from ...solvers import Options, solve, unfolded
from ...solvers.arguments import levels_of, read_options
from ...solvers.krylov.resolvents import Lines
from ..labelled import dataset_of
from ..observables.averages import expectation
from ..thermal.ensembles import Ensemble, ThermalSum
from .cutoff_bars import Levels, thermal_with_bars, with_bars
from .matsubara import complex_frequencies, lines_between, resolvent
from .probes import NAMES, Probe, probe_of
from .thermal_lines import exact_sum, thermal_weights

SOLVED = 1e-11
STATIC = 1e-12
"""Lines closer to zero than this, in units of T, contribute the Curie part."""
FAR = 500.0
"""Energy difference, in units of T, beyond which the weight of the higher level loses precision."""


def _formula(model: Model, name: str, given: Probe | Operator | str) -> Operator:
    """Return the operator of a probe, a formula, or the text of one."""
    if isinstance(given, Probe):
        return given.addition
    if isinstance(given, str) and given in NAMES:
        return probe_of(model, name, given).addition
    return an_operator(name, given)


@taking(levels=levels_of, options=read_options)
def susceptibility(
    levels: Levels,
    left: Probe | Operator | str,
    right: Probe | Operator | str,
    frequencies: Sequence[complex] | NDArray[np.complex128],
    options: Options | None = None,
    *,
    error_bars: bool = False,
) -> xr.Dataset:
    r"""Compute a susceptibility at T = 0 and complex frequencies.

    .. math:: \chi_{AB}(z) = \langle A^+\,Q\,[H - E_0 - z]^{-1} B\rangle + \langle B\,Q\,[H - E_0 + z]^{-1} A^+\rangle

    where Q projects onto the complement of the ground level: the response of ``<A+>`` to a field in ``H - h B``, at
    ``2 i n pi T`` (`matsubara_frequencies`) or ``omega + i eta``. It is positive at z = 0+ for A = B.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used; a degenerate one is averaged, without transitions within it.
    left, right : Probe, Operator or str
        A and B: a probe (its `addition`), an operator, its text, or the name of a probe on site 0, as "density".
        Probes with a momentum give chi(q). Both must cause the same change of N and S_z.
    frequencies : (n,) complex
        z above the real axis [energy].
    options : Options, optional
        Engine and memory.
    error_bars : bool
        As for `greens_function`.

    Returns
    -------
    xarray.Dataset
        ``values`` over ``frequency`` [1/energy for numbers], ``moments``, ``sum_n w_n omega_n^k`` of the first part for
        k = 0, 1, 2, and ``tail_moments``, T_1 and T_2 of ``-T_1 / z - T_2 / z^2 - ...``: ``<[A+, B]>`` and
        ``<[[A+, H], B]>`` without the ground level; ``error``, a bound on the error of continued fractions.

    Examples
    --------
    A free oscillator: 2 omega0 / (omega0^2 - z^2).

    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> from respair.solvers import ground_state
    >>> lattice = Model(site(), Electrons(), phonons=Phonons(0.5, max_quanta=3))
    >>> data = susceptibility(ground_state(lattice, 0), "x_0", "x_0", [1.0j])
    >>> float(np.round(data["values"][0].real, 12))
    0.8
    """
    z, model = complex_frequencies("frequencies", frequencies), levels.hamiltonian.space.model
    a, b = (_formula(model, name, given) for name, given in (("left", left), ("right", right)))
    change, options = _check_charges(model, a, b), options or Options()

    def compute(levels: Levels) -> xr.Dataset:
        return _of_levels(levels, a, b, z, options)

    return with_bars(levels, [change, (-change[0], -change[1])], compute, options) if error_bars else compute(levels)


def _of_levels(levels: Levels, a: Operator, b: Operator, z: NDArray[np.complex128], options: Options) -> xr.Dataset:
    """Return the susceptibility of a ground level."""
    same = a.terms == b.terms
    up = lines_between(levels, b, b if same else a, z, 1, options, off=True)
    down_right, down_left = a.dag, b.dag
    turned = -np.conj(z)  # also above the real axis
    down = lines_between(levels, down_right, down_right if same else down_left, turned, 1, options, off=True)
    values = -resolvent(up, z) - resolvent(down, -z)
    powers = np.arange(3)[:, None]
    first = up.energies**powers @ up.weights
    second = down.energies**powers @ down.weights
    tail = np.array([first[0] - second[0], first[1] + second[1]])
    return _dataset(z, values, first, tail, up.error + down.error)


@taking(model=a_model, options=read_options)
def thermal_susceptibility(
    model: Model,
    left: Probe | Operator | str,
    right: Probe | Operator | str,
    temperature: float,
    frequencies: Sequence[complex] | NDArray[np.complex128],
    ensemble: Ensemble | str = "grand-canonical",
    options: Options | None = None,
    *,
    error_bars: bool = False,
) -> xr.Dataset:
    r"""Compute a susceptibility in a thermal state, from all levels.

    .. math:: \chi_{AB}(z) = \sum_{mn} (p_m - p_n)\,\frac{\langle m|A^+|n\rangle\langle n|B|m\rangle}{E_n - E_m - z}

    At z = 0 the result is the isothermal static susceptibility of the ensemble: degenerate states contribute ``p_m /
    T`` each (Curie), and the product of the averages, ``<A+> <B> / T``, is subtracted. At other Matsubara frequencies
    both are absent.

    Parameters
    ----------
    model : Model
        The Hamiltonian, with its chemical potential.
    left, right : Probe, Operator or str
        As for `susceptibility`; operators that change the charge need the grand-canonical ensemble.
    temperature : float
        T above 0 [energy].
    frequencies : (n,) complex
        0, or above the real axis.
    ensemble, options, error_bars
        As for `thermal_greens_function`.

    Returns
    -------
    xarray.Dataset
        As for `susceptibility`.

    Examples
    --------
    The magnetic moment of an atom with one electron: Curie's law with S (S + 1) / 3 = 1 / 4.

    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons
    >>> atom = Model(site(), Electrons(hubbard_u=40.0), chemical_potential=20.0)
    >>> data = thermal_susceptibility(atom, "Sz_0", "Sz_0", 0.5, [0.0])
    >>> float(np.round(data["values"][0].real, 9))
    0.5
    """
    t = real_number("temperature", temperature, "a number above 0", np.finfo(float).tiny)
    given = np.atleast_1d(np.asarray(frequencies, complex))
    z = np.where(given == 0, 0.0, given)
    if np.any(z != 0):
        complex_frequencies("frequencies", z[z != 0])
    a, b = (_formula(model, name, each) for name, each in (("left", left), ("right", right)))
    change, same = _check_charges(model, a, b), a.terms == b.terms
    if change != (0, 0) and ensemble != "grand-canonical":
        raise InvalidValue(f"operators that change the charge need ensemble = 'grand-canonical', not {ensemble!r}")
    asked = exact_sum(model, t, ensemble, options, automatic=error_bars)

    def compute(asked: ThermalSum) -> xr.Dataset:
        lines = thermal_weights(asked, Probe("right", b), None if same else Probe("left", a))
        back = None
        if np.min(lines.energies, initial=0.0) < -FAR * t:
            hermitian = same and a.terms == a.dag.terms
            left = None if same else Probe("left", b.dag)
            back = lines if hermitian else thermal_weights(asked, Probe("right", a.dag), left)
        static = _means(asked, a, b) if change == (0, 0) and np.any(z == 0) else 0.0
        return _of_lines(lines, back, t, z, static)

    return thermal_with_bars(asked, compute) if error_bars else compute(asked)


def _of_lines(lines: Lines, back: Lines | None, t: float, z: NDArray[np.complex128], means: complex) -> xr.Dataset:
    """Return the susceptibility of a thermal state from its lines.

    Parameters
    ----------
    lines : Lines
        ``p_m <m|A+|n><n|B|m>`` at E_n - E_m.
    back : Lines or None
        ``p_m <m|B|n><n|A+|m>``, for lines downwards from levels whose p_m underflows; None if there are none.
    t, z : float, (n,) complex
        Temperature and frequencies.
    means : complex
        ``<A+> <B>`` for z = 0.
    """
    still = np.abs(lines.energies) <= STATIC * max(t, 1.0)
    up = ~still if back is None else ~still & (lines.energies > 0)
    omega, share = _shares(lines, up, t)
    values = (share / (omega - z[:, None])).sum(axis=1).astype(complex)
    tail = np.array([share.sum(), (omega * share).sum()])
    if back is not None:
        omega, share = _shares(back, back.energies > STATIC * max(t, 1.0), t)
        values = values + (share / (omega + z[:, None])).sum(axis=1)
        tail = tail + np.array([-share.sum(), (omega * share).sum()])
    values[z == 0] += (lines.weights[still].sum() - means) / t
    first = lines.energies[~still] ** np.arange(3)[:, None] @ lines.weights[~still]
    return _dataset(z, values, first, tail, 0.0)


def _shares(lines: Lines, there: NDArray[np.bool_], t: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return energies of selected lines, and ``(p_m - p_n) / p_m`` times their weights."""
    omega = lines.energies[there]
    return omega, -np.expm1(-omega / t) * lines.weights[there]


def _means(asked: ThermalSum, a: Operator, b: Operator) -> complex:
    """Return ``<A+> <B>`` in a thermal state, from the lines of each operator with the identity."""
    one = Probe("one", Operator({((), ()): 1.0}))
    lines = (thermal_weights(asked, Probe("operator", operator), one) for operator in (a.dag, b))
    left, right = (complex(each.weights.sum()) for each in lines)
    return left * right


def _check_charges(model: Model, a: Operator, b: Operator) -> tuple[int, int]:
    changes = [charge_change(model, operator) for operator in (a, b)]
    if changes[0] != changes[1]:
        raise InvalidValue(
            f"left changes (N, N_up - N_dn) by {changes[0]} and right by {changes[1]}; a susceptibility needs the "
            'same: the one of pairs takes "D+_0" twice'
        )
    if changes[0][0] % 2:
        raise InvalidValue("operators of one electron have a Green's function, no susceptibility: call greens_function")
    return changes[0]


def _dataset(
    z: NDArray[np.complex128],
    values: NDArray[np.complex128],
    moments: NDArray[np.complex128],
    tail: NDArray[np.complex128],
    error: float,
) -> xr.Dataset:
    return dataset_of(
        {
            "values": (values, "frequency", "chi_AB(z)", "1/energy"),
            "moments": (moments, "order", "sum_n w_n omega_n^order of <A+ ... B>", "energy^order"),
            "tail_moments": (tail, "tail_order", "T_1, T_2 of -T_1 / z - T_2 / z^2 - ..."),
            "error": (error, "", "bound on what continued fractions miss", "1/energy"),
        },
        {"frequency": z, "tail_order": [1, 2]},
    )


@taking(levels=levels_of)
def static_response(
    levels: Levels,
    fields: Mapping[str, Operator | str],
    observables: Mapping[str, Operator | str] | None = None,
    tolerance: float = SOLVED,
) -> xr.Dataset:
    r"""Compute the response of averages to static fields, by linear solves.

    .. math:: \frac{d\langle O\rangle}{dh} = 2\,\mathrm{Re}\,\langle O\,Q\,[H - E_0]^{-1} Q\,F\rangle
              \quad\text{for}\quad H - h F

    Q projects onto the complement of the ground level. F may be any Hermitian operator that conserves N and S_z;
    symmetries broken by F are not used. A degenerate ground level is averaged, and its splitting by F, which has no
    derivative, is omitted.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    fields : mapping of str to Operator or str
        Fields F by name, as operators or text.
    observables : mapping of str to Operator or str, optional
        Observables O by name; the fields by default.
    tolerance : float
        Relative residual of the linear solves.

    Returns
    -------
    xarray.Dataset
        ``response`` over (observable, field), ``averages`` over observable, and ``curvature``, ``-d^2E_0 / dh^2``, over
        field.

    Raises
    ------
    InvalidValue
        If an operator is not Hermitian, or changes N or S_z.

    Examples
    --------
    A free electron on two sites, d<n_0>/dh = 1 / (4 t):

    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> from respair.solvers import ground_state
    >>> data = static_response(ground_state(Model(dimer(), Electrons(hopping=1.0)), 1), {"level": "n_0"})
    >>> float(np.round(data.response.values[0, 0], 12))
    0.25
    """
    instance("fields", fields, Mapping, 'write {"level": "n_0"}')
    own = {name: an_operator(f"fields[{name!r}]", value) for name, value in fields.items()}
    asked = {name: an_operator(f"observables[{name!r}]", value) for name, value in (observables or own).items()}
    model = levels.hamiltonian.space.model
    for name, operator in {**own, **asked}.items():
        check_operator(model, operator, levels.hamiltonian.space.sector)
        if _largest(operator - operator.dag) > 1e-12 * max(1.0, _largest(operator)):
            raise InvalidValue(f"{name} is not Hermitian; add its conjugate, as in 'c+up_0 cup_1 + h.c.'")
    ground = levels.ground
    block, states = unfolded(ground)
    weights = np.concatenate([part.weights for part in ground.parts])
    energy = float(levels.relative[0])
    kind = states.dtype
    images = {
        name: np.array([block.operator(operator, kind).apply(phi) for phi in states])
        for name, operator in {**{f"field {k}": v for k, v in own.items()}, **asked}.items()
    }
    response = np.zeros((len(asked), len(own)))
    for f, name in enumerate(own):
        changes = solve(block, energy, images[f"field {name}"], states, tolerance)
        for o, other in enumerate(asked):
            pairs = zip(weights, images[other], changes, strict=True)
            response[o, f] = sum(2.0 * w * block.dot(u, v).real for w, u, v in pairs)
        bent = zip(weights, images[f"field {name}"], changes, strict=True)
        images[f"curvature {name}"] = np.array([2.0 * w * block.dot(u, v).real for w, u, v in bent])
    curvature = [float(images[f"curvature {name}"].sum()) for name in own]
    means = [expectation(ground, operator).real for operator in asked.values()]
    return dataset_of(
        {
            "response": (response, "observable field", "d<O>/dh for H - h F"),
            "averages": (np.array(means), "observable", "<O>"),
            "curvature": (np.array(curvature), "field", "-d^2 E_0 / dh^2 for H - h F"),
        },
        {"observable": list(asked), "field": list(own)},
    )


def _largest(operator: Operator) -> float:
    return max((abs(value) for value in operator.terms.values()), default=0.0)
