"""How the lattice answers a static force: susceptibility by a linear solve, softened frequencies, the f-sum rule."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..hamiltonians import Block
from ..hamiltonians import displacement as x_operator
from ..solvers import Eigenstates, LabelledLevels, Options, Progress, solve, unfolded
from ..solvers.recursion import silent
from .labelled import labelled

WORK = 8
"""Vectors of the whole sector that a linear solve needs beside those that are kept."""


def lattice_response(
    levels: Eigenstates | LabelledLevels, options: Options | None = None, progress: Progress = silent
) -> xr.Dataset:
    r"""Compute the static susceptibility of the lattice and the frequencies that follow from it.

    .. math:: \chi_{mm'} = 2 \sum_{n \ne 0} \frac{\langle 0|x_m|n\rangle\langle n|x_{m'}|0\rangle}{E_n - E_0},\qquad
              \Omega_m = \sqrt{2 \omega_m / \chi_{mm}}

    with x = a + a+, without excited states: by one linear solve a mode. ``chi = -d2E_0/dh dh'`` for forces
    ``-h_m x_m``. An oscillator left alone has ``chi = 2 / omega`` and ``Omega = omega``.

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
        ``susceptibility`` (mode, mode_) [1/energy]; ``softened_frequency`` Omega_m [energy]; ``mean_frequency``, the
        first moment of ``|<n|x_m|0>|^2`` over the zeroth, which lies above Omega_m;
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
        If the vectors of the whole sector would not fit.
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
        raise ValueError("the lattice has no response: this model has no phonon mode; add Phonons(...)")
    states = levels.multiplicity
    _check_memory(space.dimension, (len(omega) + 1) * states + WORK, options or Options())
    block, ground = unfolded(levels.ground)
    energy, weight = float(levels.energies[0]), 1.0 / states
    pushed, spread = zip(*(_pushed(block, ground, m) for m in range(len(omega))), strict=True)
    chi, fsum = np.zeros((len(omega),) * 2), np.zeros(len(omega))
    for m, right in enumerate(pushed):
        answer = solve(block, energy, right, ground, progress=progress)
        chi[:, m] = [2 * weight * np.vdot(left, answer).real for left in pushed]
        fsum[m] = weight * sum(np.vdot(v, block.energy.apply(v) - energy * v).real for v in right)
    chi = 0.5 * (chi + chi.T)
    variance = np.array([weight * np.vdot(right, right).real for right in pushed])
    with np.errstate(divide="ignore", invalid="ignore"):  # a lattice without phonons is infinitely stiff
        stiff, modes = _collective(chi, omega)
        softened, mean = np.sqrt(2 * omega / np.diag(chi)), fsum / variance
    of = "mode"
    found = (
        ("susceptibility", chi, [of, "mode_"], "2 sum_n <0|x_m|n><n|x_m'|0> / (E_n - E_0)", "1/energy"),
        ("softened_frequency", softened, [of], "sqrt(2 omega_m / chi_mm)", "energy"),
        ("mean_frequency", mean, [of], "sum |x|^2 (E_n - E_0) / sum |x|^2", "energy"),
        ("collective_frequencies", stiff, ["branch"], "eigenvalues of 2 omega^1/2 chi^-1 omega^1/2, roots", "energy"),
        ("softest_mode", modes[:, 0], [of], "displacements of the softest branch", "1"),
        ("fsum", fsum, [of], "sum |<n|x_m|0>|^2 (E_n - E_0)", "energy"),
        ("fsum_defect", np.abs(fsum - omega), [of], "|fsum - omega_m|", "energy"),
        ("first_order", np.array(spread), [of], "spread of <x_m> within the ground level", "1"),
    )
    return xr.Dataset({name: labelled(name, *parts) for name, *parts in found})


def _check_memory(dimension: int, vectors: int, options: Options) -> None:
    wanted = 16 * dimension * vectors
    if wanted > options.memory_limit:
        raise MemoryError(
            f"the response of the lattice needs {vectors} vectors of the whole sector, {wanted / 2**30:.3g} GiB; "
            f"memory_limit is {options.memory_limit / 2**30:.3g} GiB: raise it, or lower the phonon cutoff"
        )


def _pushed(block: Block, ground: NDArray[np.float64], mode: int) -> tuple[NDArray[np.float64], float]:
    """Return ``Q x_m |k>`` for the states k of the ground level, and how much ``<x_m>`` differs within it."""
    x = block.operator(x_operator(mode), ground.dtype)
    moved = np.array([x.apply(phi) for phi in ground])
    flat, images = ground.reshape(len(ground), -1), moved.reshape(len(ground), -1)
    inside = images @ flat.conj().T  # inside[k, l] = <l|x|k>
    values = np.linalg.eigvalsh(inside)
    return (images - inside @ flat).reshape(moved.shape), float(values[-1] - values[0])


def _collective(
    chi: NDArray[np.float64], omega: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the frequencies of the harmonic lattice with the static force constants 1/chi, and its displacements."""
    root = np.sqrt(omega)
    softness, vectors = np.linalg.eigh(chi / np.outer(root, root) / 2)
    vectors = vectors[:, ::-1] * root[:, None]
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    size = np.abs(vectors)
    largest = vectors[np.argmax(size > np.max(size, axis=0) - 1e-9, axis=0), np.arange(len(omega))]
    return 1.0 / np.sqrt(np.maximum(softness[::-1], 0.0)), vectors * np.sign(largest)
