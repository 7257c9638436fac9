"""How the lattice answers a static force: susceptibility by a linear solve, softened frequencies, the f-sum rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg as la
import xarray as xr
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Block
from ...hamiltonians import displacement as x_operator
from ...hamiltonians.transitions import Transition, transitions
from ...solvers import Eigenstates, LabelledLevels, Options, Progress, State, solve
from ...solvers.work import silent
from ..labelled import dataset
from ..spectra.excitations import ground_in

WORK = 8
"""Vectors of a block that a linear solve needs beside those that are kept."""
DEPENDENT = 1e-12
"""A vector of which less is left beside others is a combination of them."""


def lattice_response(
    levels: Eigenstates | LabelledLevels, options: Options | None = None, progress: Progress = silent
) -> xr.Dataset:
    r"""Compute the static susceptibility of the lattice and the frequencies that follow from it.

    .. math:: \chi_{mm'} = 2 \sum_{n \ne 0} \frac{\langle 0|x_m|n\rangle\langle n|x_{m'}|0\rangle}{E_n - E_0},\qquad
              \Omega_m = \sqrt{2 \omega_m / \chi_{mm}}

    with x = a + a+, without excited states: by linear solves in the symmetry blocks to which the modes lead, one for
    all modes that the symmetry makes equal. ``chi = -d2E_0/dh dh'`` for forces ``-h_m x_m``. An oscillator left alone
    has ``chi = 2 / omega`` and ``Omega = omega``.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        The whole ground level of the (N, S_z) sector, over all its symmetry blocks: a force breaks the symmetry.
    options : Options, optional
        Its memory limit is observed.
    progress : Progress
        Called as the solver goes on.

    Returns
    -------
    xarray.Dataset
        ``susceptibility`` ``(mode, mode_)`` [1/energy]; ``softened_frequency`` Omega_m [energy]; ``mean_frequency``,
        the first moment of ``|<n|x_m|0>|^2`` over the zeroth, which lies above Omega_m;
        ``collective_frequencies``, the square roots of the eigenvalues of ``2 omega^1/2 chi^-1 omega^1/2``, ascending,
        and ``softest_mode``, the displacements of the first; ``fsum``, the sum of ``|<n|x_m|0>|^2 (E_n - E_0)``, which
        is ``omega_m`` but for the cutoff, and its ``fsum_defect``; ``first_order``, the largest difference of
        displacements within a degenerate ground level. For such a level all are averages over it, with all its
        states left out of the sum; where `first_order` is not zero the response to a weak force is not linear.

    Raises
    ------
    ValueError
        If the model has no phonon mode.
    MemoryError
        If the vectors of a block would not fit.
    ConvergenceError
        If a linear solve gave up.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Model, Phonons
    >>> from respair.solvers import ground_state
    >>> data = lattice_response(ground_state(Model(site(), phonons=Phonons(0.5, max_quanta=4)), 0))
    >>> data.susceptibility.values.round(9), data.softened_frequency.values.round(9)
    (array([[4.]]), array([0.5]))
    """
    space = levels.hamiltonian.space
    omega = space.model.couplings.frequency
    if not len(omega):
        raise InvalidValue("the lattice has no response: this model has no phonon mode; add Phonons(...)")
    chi, fsum, variance, spread = _summed(levels, len(omega), options or Options(), progress)
    with np.errstate(divide="ignore", invalid="ignore"):  # a lattice without phonons is infinitely stiff
        stiff, modes = _collective(chi, space.model.inverse_masses)
        softened, mean = np.sqrt(2 * omega / np.diag(chi)), fsum / variance
    of = ["mode"]
    return dataset(
        ("susceptibility", chi, ["mode", "mode_"], "2 sum_n <0|x_m|n><n|x_m'|0> / (E_n - E_0)", "1/energy"),
        ("softened_frequency", softened, of, "sqrt(2 omega_m / chi_mm)", "energy"),
        ("mean_frequency", mean, of, "sum |x|^2 (E_n - E_0) / sum |x|^2", "energy"),
        ("collective_frequencies", stiff, ["branch"], "eigenvalues of 2 omega^1/2 chi^-1 omega^1/2, roots", "energy"),
        ("softest_mode", modes[:, 0], of, "displacements of the softest branch"),
        ("fsum", fsum, of, "sum |<n|x_m|0>|^2 (E_n - E_0)", "energy"),
        ("fsum_defect", np.abs(fsum - omega), of, "|fsum - omega_m|", "energy"),
        ("first_order", spread, of, "spread of <x_m> within the ground level"),
    )


def _summed(
    levels: Eigenstates | LabelledLevels, modes: int, options: Options, progress: Progress
) -> tuple[NDArray[np.float64], ...]:
    """Return chi, the f-sums, the variances of x, and the spread of its averages within the ground level."""
    energy, weight = float(levels.relative[0]), 1.0 / levels.multiplicity
    chi, fsum, variance = np.zeros((modes, modes)), np.zeros(modes), np.zeros(modes)
    inside = np.zeros((modes, levels.multiplicity, levels.multiplicity), complex)
    for block, first, images in _images(levels.ground, modes):
        own, numbers = ground_in(levels.ground, block)
        vectors = modes + len(own) + WORK
        wanted = 16 * block.most_entries * vectors
        if wanted > options.memory_limit:
            raise MemoryError(
                f"the response of the lattice needs {vectors} vectors of a block, {wanted / 2**30:.3g} GiB; "
                f"memory_limit is {options.memory_limit / 2**30:.3g} GiB: raise it, or lower the phonon cutoff"
            )
        off = own.reshape(-1, *block.shape) if len(own) else None
        for k in range(images.shape[1]):
            inside[:, first + k, numbers] = overlaps = block.overlaps(own, images[:, k]).T
            basis, parts = _independent(block, images[:, k] - overlaps @ own)
            pushed = basis.reshape(-1, *block.shape)
            answer = solve(block, energy, pushed, off, progress=progress)
            heated = np.array([block.energy.apply(w) - energy * w for w in pushed]).reshape(pushed.shape)
            response, sums = (block.overlaps(basis, v) for v in (answer, heated))
            chi += 2 * weight * (parts.conj() @ response @ parts.T).real
            fsum += weight * np.einsum("ma,ab,mb->m", parts.conj(), sums, parts).real
            variance += weight * np.sum(np.abs(parts) ** 2, axis=1)
    spread = np.array([np.ptp(np.linalg.eigvalsh(matrix)) for matrix in inside])
    return 0.5 * (chi + chi.T), fsum, variance, spread


def _images(state: State, modes: int) -> Iterator[tuple[Block, int, NDArray[Any]]]:
    """Yield a block, the number of a first state k, and what of ``x_m |k>``, ``x_m |k + 1>``, ... lies in the block.

    Rows are the modes m, then the states of one part of the level, then flat amplitudes.
    """
    first = 0
    for part in state.parts:
        by_block: dict[object, list[Transition | None]] = {}
        for m in range(modes):
            for transition in transitions(part.block, x_operator(m)):
                by_block.setdefault(transition.target.symmetries, [None] * modes)[m] = transition
        for found in by_block.values():
            target = next(each for each in found if each is not None).target
            empty = np.zeros((len(part.amplitudes), *target.shape))
            images = [empty if t is None else np.array([t.apply(phi) for phi in part.amplitudes]) for t in found]
            yield target, first, np.array(images).reshape(modes, len(part.amplitudes), -1)
        first += len(part.amplitudes)


def _independent(block: Block, vectors: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return orthonormal vectors w_a and the coefficients of ``v_m = sum_a parts[m, a] w_a``."""
    basis: list[NDArray[Any]] = []
    parts = np.zeros((len(vectors), len(vectors)), vectors.dtype)
    for m, v in enumerate(vectors):
        length = block.norm(v)
        for _ in range(2):
            for a, w in enumerate(basis):
                overlap = block.overlaps(w[None], v[None])[0, 0]
                parts[m, a] += overlap
                v = v - overlap * w
        left = block.norm(v)
        if left > DEPENDENT * max(1.0, length):
            parts[m, len(basis)] = left
            basis.append(v / left)
    return np.array(basis, vectors.dtype).reshape(len(basis), vectors.shape[1]), parts[:, : len(basis)]


def _collective(
    chi: NDArray[np.float64], masses: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the frequencies of the harmonic lattice with the static force constants 1/chi, and its displacements."""
    if np.any(masses != np.diag(np.diag(masses))):
        root = np.real(la.sqrtm(masses))
        inverse = la.inv(root)
        softness, vectors = np.linalg.eigh(inverse @ chi @ inverse / 2)
        vectors = root @ vectors[:, ::-1]
    else:
        diagonal = np.sqrt(np.diag(masses))
        softness, vectors = np.linalg.eigh(chi / np.outer(diagonal, diagonal) / 2)
        vectors = vectors[:, ::-1] * diagonal[:, None]
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    size = np.abs(vectors)
    largest = vectors[np.argmax(size > np.max(size, axis=0) - 1e-9, axis=0), np.arange(len(masses))]
    return 1.0 / np.sqrt(np.maximum(softness[::-1], 0.0)), vectors * np.sign(largest)
