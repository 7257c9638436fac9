"""Entanglement between two parts of a system: entropy and spectrum of the reduced state by charge and spin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block
from ...solvers import State
from ...solvers.arguments import state_of
from ..labelled import dataset
from .cuts import Cut, CutBlock, PhononCut, cut_blocks, cut_matrices, lattice_cut, separates, site_cut
from .dressed_cuts import charge_spectrum, displacement_matrices, part_spectrum

LARGEST = 8000
"""Largest dimension of a block of a reduced density matrix."""
ZERO = 1e-15
"""Probabilities below this are rounding errors."""
FRAME = (
    "in the Lang-Firsov frame an oscillator can be separated from its site only together with all others; "
    'take phonons.frame = "none" or "mean", or another cut'
)

Spectrum = list[tuple[int, int, NDArray[np.float64]]]
"""Charge and two_sz of the part, with the eigenvalues of its reduced state there, descending."""


@taking(state=state_of)
def entanglement(state: State, cut: Cut | str | Sequence[int] = "lattice") -> xr.Dataset:
    r"""Compute the entanglement of a part of the system with the rest.

    .. math:: \rho_A = \mathrm{tr}_B \rho = \sum_k \lambda_k |k\rangle\langle k|,\qquad
              S = -\sum_k \lambda_k \ln\lambda_k

    The creation operators of the orbitals of A precede those of B, so that rho_A gives the averages of all operators on
    A. Charge and spin of A are good quantum numbers of rho_A and label its eigenvalues.

    Parameters
    ----------
    state : State
        Pure or mixed.
    cut : Cut, "lattice", or sequence of int
        A: all oscillators, or some sites with their oscillators (without them use `site_cut`).

    Returns
    -------
    xarray.Dataset
        ``spectrum`` lambda_k over ``schmidt``, descending, with ``charge`` and ``two_sz`` of A; ``entropy`` S of the
        reduced state; ``number_entropy``, its contribution from the fluctuation of charge and spin between A and B;
        ``entanglement``, the average entropy of the pure states of the mixture; ``entropy_limit``, the logarithm of the
        largest possible number of eigenvalues; and ``pure``. For a pure state entropy and entanglement agree. A
        degenerate level is represented by a mixture: its ``entropy`` then also contains the entropy of the mixture and
        is not entanglement, and ``entanglement``, an upper bound of the entanglement of formation, depends on the
        choice of states within the level.

    Raises
    ------
    ValueError
        If the cut does not fit the model, or separates oscillators from sites whose charges they follow.
    MemoryError
        If the smaller side of the cut is too large to be diagonalised.

    References
    ----------
    I. Peschel and V. Eisler, J. Phys. A 42, 504003 (2009); C. H. Bennett et al., Phys. Rev. A 54, 3824 (1996).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> data = entanglement(ground_state(Model(dimer(), Electrons(hopping=1.0)), 2).ground, [0])
    >>> data.spectrum.values.round(12), round(float(data.entropy / np.log(4)), 12)
    (array([0.25, 0.25, 0.25, 0.25]), 1.0)
    """
    if isinstance(cut, Cut):
        part = cut
    elif not isinstance(cut, str):
        part = site_cut(state.hamiltonian.space.model, cut)
    elif cut == "lattice":
        part = lattice_cut(state.hamiltonian.space.model)
    else:
        raise InvalidValue(f'{cut!r} is not a cut; allowed: "lattice", or a list of sites')
    whole = _reduced(state, part)
    every = np.concatenate([values for *_, values in whole])
    order = np.argsort(-every, kind="stable")
    charge, two_sz = (np.repeat([block[i] for block in whole], [len(block[2]) for block in whole]) for i in (0, 1))
    pure = sum(len(p.weights) for p in state.parts) == 1
    mean = _entropy(every) if pure else 0.0
    for p in state.parts if not pure else ():
        for n, weight in enumerate(p.weights.tolist()):
            one = replace(p, amplitudes=p.amplitudes[n : n + 1], weights=np.ones(1))
            mean += weight * _entropy(np.concatenate([values for *_, values in _reduced(one, part)]))
    values = every[order]
    kept = values > ZERO
    by_block = np.array([values.sum() for *_, values in whole])
    return dataset(
        ("spectrum", values[kept], ["schmidt"], "eigenvalues of the reduced density matrix"),
        ("charge", charge[order][kept], ["schmidt"], "N_e + 2 N_b of the part"),
        ("two_sz", two_sz[order][kept], ["schmidt"], "N_up - N_dn of the part"),
        ("entropy", _entropy(every), [], "-sum lambda ln lambda"),
        (
            "number_entropy",
            _entropy(by_block),
            [],
            "-sum p ln p, p the probability of each charge and spin of the part",
        ),
        ("entanglement", mean, [], "entropy of each pure state, averaged"),
        ("entropy_limit", np.log(max(1, len(every))), [], "ln of the number of levels"),
        ("pure", np.array(pure), [], "the state is pure: its entropy is entanglement"),
    )


def _entropy(values: NDArray[np.float64]) -> float:
    """Return ``-sum lambda ln lambda``."""
    there = values[values > ZERO]
    return abs(float(there @ np.log(there)))


def _reduced(state: State, cut: Cut) -> Spectrum:
    """Return the spectrum of the reduced state, computed on the smaller side of the cut.

    A mixture is treated as a pure state with the index of the mixture as part of the rest.
    """
    space = state.hamiltonian.space
    states = [(p.block, np.sqrt(weight) * phi) for p in state.parts for weight, phi in p.mixture]
    if not (space.is_dressed and separates(space.model, cut)):
        phonons = PhononCut.of(space.phonons, cut)
        return [(b.charge, b.two_sz, _spectrum(states, b, phonons)) for b in cut_blocks(space.charges, cut)]
    matrices = displacement_matrices(space)  # the frame follows the charges: all oscillators are on one side
    if not cut.sites and len(cut.modes) == len(space.model.modes):
        _check_size(len(space.charges) * len(states), 0, 0)
        return [(0, 0, _descending(charge_spectrum(states, matrices)))]
    if cut.modes:
        raise InvalidValue(FRAME)
    blocks = list(cut_blocks(space.charges, cut))
    for block in blocks:
        _check_size(len(block.configurations), block.charge, block.two_sz)
    return [(b.charge, b.two_sz, _descending(part_spectrum(states, b, matrices))) for b in blocks]


def _descending(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(ascending[::-1], 0.0)


def _check_size(states: int, charge: int, two_sz: int) -> None:
    if states > LARGEST:
        raise MemoryError(
            f"the smaller part of the cut has {states:,} states with N = {charge} and 2 S_z = {two_sz}; "
            f"at most {LARGEST:,} can be diagonalised: choose fewer sites or modes"
        )


def _spectrum(states: list[tuple[Block, Amplitudes]], cut: CutBlock, phonons: PhononCut) -> NDArray[np.float64]:
    own, other = (n * size for n, size in zip(cut.configurations.shape, phonons.sizes, strict=True))
    other *= len(states)
    _check_size(min(own, other), cut.charge, cut.two_sz)
    if own <= other:
        pieces = (m for block, phi in states for m in cut_matrices(block, phi, cut, phonons, along_part=False))
        gram = sum(m @ m.conj().T for m in pieces)
    else:
        walks = [cut_matrices(block, phi, cut, phonons, along_part=True) for block, phi in states]
        gram = sum(np.hstack(ms).T @ np.hstack(ms).conj() for ms in zip(*walks, strict=True))
    return _descending(np.linalg.eigvalsh(gram))
