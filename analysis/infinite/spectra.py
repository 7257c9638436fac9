"""Spectral functions of a particle that is put into an empty infinite lattice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, numbers, real_number, taking, whole_number
from ..._core.lazy import la, threads
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...solvers.infinite.growth import NarrowRowsError, Space
from ...solvers.infinite.levels import wave_vector_of
from ...solvers.infinite.search import bare_rows, distances, skeleton_of
from ...solvers.infinite.tables import Tables, bloch
from ...solvers.krylov.resolvents import Accuracy, Fraction
from ..labelled import dataset_of


@taking(model=a_model, sector=a_sector, frequencies=numbers)
def infinite_spectrum(
    model: Model,
    sector: Sector | int,
    frequencies: Sequence[float],
    broadening: float = 0.1,
    max_states: int = 200_000,
) -> xr.Dataset:
    r"""Compute the spectral function of bare charges in the empty lattice by a continued fraction.

    .. math:: A(k, \omega) = -\frac1\pi\,\mathrm{Im}\,\langle k|(\omega + i\eta - H)^{-1}|k\rangle

    with :math:`|k\rangle = c^\dagger_k |0\rangle` for one electron, and :math:`D^\dagger_k|0\rangle` (both electrons on
    one site; on neighbours for S_z = 1) or :math:`b^\dagger_k|0\rangle` (without electrons) for two. The space is
    that of n applications of H to this state, which makes the first 2n + 1 moments exact.

    Parameters
    ----------
    model : Model
        On an infinite lattice.
    sector : Sector or int
        Charge 1 or 2, with the wave vector.
    frequencies : (n,) float
        omega [energy].
    broadening : float
        eta, the half width of the Lorentzians [energy].
    max_states : int
        States of the space at most.

    Returns
    -------
    xarray.Dataset
        ``spectrum`` over ``frequency``; ``spectrum_error``, twice the difference from a space with one application
        less; ``poles`` and ``weights`` of the fraction over ``pole``; ``exact_moments``, how many.

    References
    ----------
    R. Haydock, V. Heine and M. J. Kelly, J. Phys. C 5, 2845 (1972).

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(infinite_chain(), Electrons(hopping=1.0), phonons=Phonons(1.0, electron_coupling=1.0))
    >>> lines = infinite_spectrum(model, 1, [-2.5, -2.0], broadening=0.1, max_states=5000)
    >>> round(lines.weights.sum().item(), 10), round(lines.poles[0].item(), 3)
    (1.0, -2.47)
    """
    if not model.cluster.is_infinite:
        raise InvalidValue(f"the cluster is a {model.cluster.kind}; spectral_function is for finite clusters")
    assert isinstance(sector, Sector)
    eta = real_number("broadening", broadening, "a number above 0", 1e-12)
    most = whole_number("max_states", max_states, 1)
    omega = np.asarray(finite_numbers("frequencies", frequencies), float)
    skeleton, inner = skeleton_of(model, sector)
    tables = skeleton.tables(bloch(wave_vector_of(model, sector)))
    rows = bare_rows(skeleton, int(distances(skeleton).min()))[-1:]  # of a pair and a local pair, the electrons
    spaces = list(_layers(tables, rows, inner, most))
    poles, weights = _lines(spaces[-1], tables, omega + 1j * eta)
    spectrum = _broadened(omega, poles, weights, eta)
    before = np.full(len(omega), np.nan)
    if len(spaces) > 1:
        before = _broadened(omega, *_lines(spaces[-2], tables, omega + 1j * eta), eta)
    return dataset_of(
        {
            "spectrum": (spectrum, "frequency", "A(k, omega)", "1/energy"),
            "spectrum_error": (2 * np.abs(spectrum - before), "frequency", "error bar of the spectrum", "1/energy"),
            "poles": (poles, "pole", "energies of the fraction", "energy"),
            "weights": (weights, "pole", "weights of the fraction"),
            "exact_moments": (2 * len(spaces) - 1, "", "moments that are exact"),
        },
        {"frequency": omega},
    )


def _layers(tables: Tables, rows: NDArray[np.int32], inner: NDArray[np.bool_], most: int) -> Iterator[Space]:
    """Yield the spaces of more and more applications of H."""
    space = Space.of(rows)
    while True:
        yield space
        try:
            ones = np.ones((len(space), 1), tables.move_value.dtype)
            new = np.concatenate([found for found, _, _ in space.beyond(tables, ones)])
        except NarrowRowsError:
            return
        new = new[inner[new[:, 0]]]
        if not len(new) or len(space) + len(new) > most:
            return
        space = Space.of(np.concatenate([space.states, new]))


def _lines(space: Space, tables: Tables, z: NDArray[np.complex128]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return poles and weights of the continued fraction from the first state."""
    operator = space.operator(tables)
    start = np.zeros(len(space), operator.dtype)
    start[0] = 1.0
    with threads.one_blas_thread():
        fraction = Fraction(operator, start, Accuracy(z), None)
        if not fraction.converges():
            raise ArithmeticError("the continued fraction has not converged; raise broadening")
    poles, vectors = la.eigh_tridiagonal(fraction.matrix.diagonal, fraction.matrix.coupling[:-1])
    return poles, vectors[0] ** 2


def _broadened(
    omega: NDArray[np.float64], poles: NDArray[np.float64], weights: NDArray[np.float64], eta: float
) -> NDArray[np.float64]:
    return np.asarray((eta / np.pi / ((omega[:, None] - poles) ** 2 + eta**2)) @ weights)
