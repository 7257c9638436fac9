"""How exact a level is: residual inside the truncated space, leak out of it, and the error bars that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..clusters import Card, Shown
from ..hamiltonians import Amplitudes, Block, Operator
from ..hamiltonians.kernels.spin_products import ElectronOperator
from ..hamiltonians.kernels.tensor import TensorOperator
from ..hamiltonians.space.boundary import Beyond
from ..hamiltonians.space.displacement_matrices import Dressed, spread_size
from ..hamiltonians.space.phonons import PhononSpace, Shell
from .dressed_mean import DressedMean
from .krylov.operator import add
from .set_leak import SetLeak

AT_A_TIME = 1 << 24
"""Amplitudes beyond the cutoff that are computed at a time."""
FAR = 1e-3
"""Share of a leak that E_Q may leave out where displacements spread it over ever more quanta."""
MOST_CUBED = 200_000
"""Products of terms of H^2 and H, times amplitudes, up to which H^3 is formed."""
MOST_SPREAD = 1e9
"""Elements of a displacement beyond the cutoff, up to which the leak is not taken from the mean of H^2."""
EPSILON = 4 * float(np.finfo(float).eps)
SAFETY = 6.0
"""Close to convergence true errors are 1 to 4.3 times the second-order shift; six times it covers."""
STEEP, MOST_STEEP = 60.0, 4.0
"""Factor on error bars for each unit of the steepest coefficient in units of the frequency, and its largest value."""
GRADES = ((1e-3, SAFETY), (3e-2, 12.0), (np.inf, 24.0))
"""Error bars in units of the second-order shift, for shifts up to some share of the lowest frequency."""


@dataclass(frozen=True, repr=False)
class Certificate(Shown):
    r"""Error bars of the levels of a truncated model against the model without a phonon cutoff.

    With Q the projector on the phonon states just beyond the cutoff,

    .. math:: r = \|H\psi - E\psi\|,\quad l = \|Q H\psi\|,\quad E_Q = \langle QH\psi|H|QH\psi\rangle / l^2.

    Attributes
    ----------
    residuals : (k,) float
        r, in the truncated space.
    leaks : (k,) float
        l, exact from the amplitudes next to the cutoff; where displacements spread them, up to 1e-15 of ||H psi||.
    leak_energies : (k,) float
        E_Q, there of the nearest states with all but 1e-3 of l^2; NaN where nothing leaks.
    energy_errors : (k,) float
        From the second-order shift by what leaks (`shifts`), plus the residual, see `graded`; where that is not
        small, or the caps miss a place where the lattice could be, from levels in a larger phonon space
        (`error_bars`). An estimate, not a bound.
    bounds : (k,) float
        sqrt(r^2 + l^2): an exact eigenvalue lies within this distance of E (Weinstein). Rigorous.
    """

    residuals: NDArray[np.float64]
    leaks: NDArray[np.float64]
    leak_energies: NDArray[np.float64]
    energy_errors: NDArray[np.float64]
    bounds: NDArray[np.float64]

    def card(self) -> Card:
        """Return error bar, residual, leak and bound of each level."""
        columns = zip(self.energy_errors, self.residuals, self.leaks, self.bounds, strict=True)
        rows = [(str(n), *(f"{value:.1e}" for value in row)) for n, row in enumerate(columns)]
        note = "error bar: an estimate; bound: rigorous, an exact eigenvalue lies within it"
        return Card("certificate", rows, ("level", "error bar", "residual", "leak", "bound"), note)

    def shifts(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far E_Q, coupled to E by l, pushes each level down: ``l^2 / (E_Q - E)`` where that is small."""
        half = 0.5 * np.where(self.leaks > 0, self.leak_energies - energies, 0.0)
        size = np.hypot(half, self.leaks)
        return np.where(half > 0, self.leaks**2 / (size + half + 1e-300), size - half)

    def temple_bounds(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Temple's lower bound of each level, assuming that the next exact level lies above its Weinstein bound.

        ``E - r^2 / (E_next - E)`` with ``E_next`` the next computed level less its bound; -inf where that is not
        above E (degenerate levels, the last level).
        """
        lower = np.full(len(energies), -np.inf)
        for n in range(len(energies) - 1):
            gap = energies[n + 1] - self.bounds[n + 1] - energies[n]
            if gap > 0:
                lower[n] = energies[n] - self.bounds[n] ** 2 / gap
        return lower


class Certifier:
    """Certificates for states of one block; the phonon states beyond the cutoff are listed once.

    Parameters
    ----------
    block : Block
        Its factorised Hamiltonian is used, whatever engine found the states.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self._known: dict[int, tuple[TensorOperator, TensorOperator]] = {}

    def __repr__(self) -> str:
        return f"Certifier({self.block!r})"

    @property
    def _shell(self) -> Shell:
        return self.block.hamiltonian.beyond.shell

    @cached_property
    def _pieces(self) -> tuple[tuple[NDArray[np.intp], TensorOperator], ...]:
        """Q H, from the truncated space to the shell, some states of it at a time."""
        count = 1 + len(self._shell) * self.block.rows // AT_A_TIME
        states = np.array_split(np.arange(len(self._shell)), count)
        return tuple((numbers, self._to(self._part(numbers))) for numbers in states)

    def _part(self, states: NDArray[np.intp]) -> Beyond:
        whole = self.block.hamiltonian.beyond
        if len(states) == len(self._shell) and not self.block.space.is_dressed:
            return whole  # with its matrices, kept for all blocks; displacements make them large
        return Beyond(Shell.of(self._phonons, self._shell.occupations[states]), whole.polynomials)

    @property
    def _phonons(self) -> PhononSpace:
        return self.block.space.phonons

    def _to(self, part: Beyond) -> TensorOperator:
        """Q H, from the truncated space to some states of the shell."""
        return self._operator(part.outward, self._phonons, leaves=True)

    def _near(self, quanta: int) -> tuple[TensorOperator, TensorOperator]:
        """Q H and Q H Q for the states of the shell with up to so many quanta."""
        if quanta not in self._known:
            part = self._part(np.flatnonzero(self._quanta <= quanta))
            self._known[quanta] = self._to(part), self._operator(part.within, part.shell, leaves=False)
        return self._known[quanta]

    @cached_property
    def _quanta(self) -> NDArray[np.int64]:
        return np.asarray(self._shell.occupations.sum(axis=1))

    def _operator(self, lattice: tuple[sp.csr_array, ...], inside: PhononSpace | Shell, leaves: bool) -> TensorOperator:
        block, where = self.block, (inside, self.block.space.shape[0], self.block.orbits)
        return TensorOperator(block.hamiltonian.factors, lattice, *where, leaves=leaves, share=block.share)

    def leak(self, phi: Amplitudes) -> tuple[float, float]:
        """Return ``(||Q H psi||, E_Q)`` of one state, given by its stored amplitudes; (0, nan) where nothing leaks."""
        if not self.block.entries:
            return 0.0, np.nan
        if self.block.space.sets is not None:
            return self._of_sets.leak(phi)
        if self._is_spread:
            return self._leak_by_square(phi)
        if not len(self._shell):
            return 0.0, np.nan
        quanta, rest = self._reach(phi)
        outward, within = self._near(quanta)
        beyond = outward.apply(phi)
        norm = self.block.dot(beyond, beyond).real
        if norm == 0.0:
            return 0.0, np.nan
        return float(np.sqrt(norm + rest)), self.block.dot(beyond, within.apply(beyond)).real / norm

    @cached_property
    def _of_sets(self) -> SetLeak:
        return SetLeak(self.block)

    @cached_property
    def _is_spread(self) -> bool:
        """True where displacements lead to more phonon states than can be listed."""
        if not self.block.space.is_dressed:
            return False
        words = (word for factor in self.block.hamiltonian.factors for word, _ in factor.lattice)
        caps = (self._phonons.modes, self._phonons.max_quanta, self._phonons.total_quanta)
        sizes = (spread_size(word, *caps) for word in words if isinstance(word, Dressed))
        return max(sizes, default=0.0) > MOST_SPREAD

    @cached_property
    def _square(self) -> ElectronOperator | TensorOperator:
        """H^2 within the cutoff; intermediate states are not cut off."""
        operator = self.block.hamiltonian.operator
        return self.block.operator(operator * operator, self.block.energy.dtype)

    @cached_property
    def _cube(self) -> ElectronOperator | TensorOperator:
        """H^3 within the cutoff, nothing cut in between."""
        operator = self.block.hamiltonian.operator
        return self.block.operator(operator * operator * operator, self.block.energy.dtype)

    @cached_property
    def _is_cubed(self) -> bool:
        """True where H^3 has few enough terms."""
        operator = self.block.hamiltonian.operator
        return len((operator * operator).terms) * len(operator.terms) * self.block.entries <= MOST_CUBED

    def _power(self, phi: Amplitudes) -> Callable[[int], float]:
        """Return what gives ``<H^2>`` and ``<H^3>`` of a state, nothing cut in between."""
        hamiltonian, phonons = self.block.hamiltonian, self.block.space.phonons
        if self.block.share is None and DressedMean.fits(phonons, self.block.space.shape[0]):
            mean, psi = DressedMean(phonons), self.block.expand(phi)
            return lambda power: mean.mean(hamiltonian.power(power), psi)
        operators = {2: lambda: self._square, 3: lambda: self._cube}
        return lambda power: self.block.dot(phi, operators[power]().apply(phi)).real

    def _leak_by_square(self, phi: Amplitudes) -> tuple[float, float]:
        """Return l, from ``l^2 = <H^2> - ||P H psi||^2``, and E_Q, from ``<H^3> = E^3 + 2 E l^2 + E_Q l^2``.

        What leaks lies one quantum above at least.
        """
        image = self.block.energy.apply(phi)
        dot = self.block.dot
        inside, energy = dot(image, image).real, dot(phi, image).real
        power = self._power(phi)
        square = power(2)
        leak = max(square - inside, EPSILON * square)
        above = self.block.space.model.lowest_frequency
        if self._is_cubed:
            cube = power(3)
            rounding = EPSILON * abs(energy) ** 3
            above = max(above, (cube - energy**3 - rounding) / leak - 3 * energy)
        return float(np.sqrt(leak)), energy + above

    def _reach(self, phi: Amplitudes) -> tuple[int, float]:
        """Return the quanta up to which nearly all of l^2 lies, and the rest, which is zero without displacements."""
        if not self.block.space.is_dressed:
            return int(self._quanta.max()), 0.0
        weight = np.zeros(len(self._shell))
        for states, outward in self._pieces:
            weight[states] = self.block.total(np.sum(np.abs(outward.apply(phi)) ** 2, axis=0))
        further = np.cumsum(np.bincount(self._quanta, weight)[::-1])[::-1]
        last = int(np.flatnonzero(further >= FAR * further[0])[-1])
        return last, float(np.sum(weight[self._quanta > last]))

    def residual(self, energy: float, phi: Amplitudes) -> float:
        """Return ``||H psi - E psi||`` in the truncated space."""
        image = self.block.energy.apply(phi)
        add(np.array([-energy]), phi.reshape(1, -1), image.reshape(-1))
        return self.block.norm(image)

    def certify(
        self, energies: Sequence[float] | NDArray[np.float64], states: Amplitudes, leaks: bool = True
    ) -> Certificate:
        """Return the certificate of levels with their normalised states, given by stored amplitudes.

        Without leaks, which are NaN then, its error bars are the residuals.
        """
        residuals = np.array([self.residual(e, phi) for e, phi in zip(energies, states, strict=True)])
        if not leaks:
            unknown = np.full(len(residuals), np.nan)
            return Certificate(residuals, unknown, unknown, residuals, residuals)
        norms, leak_energies = np.array([self.leak(phi) for phi in states]).reshape(-1, 2).T
        plain = Certificate(residuals, norms, leak_energies, residuals, np.hypot(residuals, norms))
        frequency = self.block.space.model.lowest_frequency
        steep = steepness(self.block.hamiltonian.operator, frequency)
        errors = graded(plain.shifts(np.asarray(energies)), frequency, steep) + residuals
        return replace(plain, energy_errors=errors)


def steepness(operator: Operator, frequency: float) -> float:
    """Return by how much error bars from second-order shifts are larger in a steep potential.

    Powers of x that raise by three quanta or more lead far beyond a cutoff, to states of so high an energy that the
    second-order shift by all of them together is up to 22 times too small where they are strong.
    """
    steep = (abs(value) for (_, lattice), value in operator.terms.items() for _, up, _ in lattice if up > 2)
    largest = max(steep, default=0.0)
    return min(MOST_STEEP, 1.0 + STEEP * largest / frequency) if largest else 1.0


def graded(shifts: NDArray[np.float64], frequency: float, steep: float = 1.0) -> NDArray[np.float64]:
    """Return error bars from second-order shifts: six of them close to convergence, more where they are not small.

    Parameters
    ----------
    shifts : (k,) float
        From `Certificate.shifts`.
    frequency : float
        The lowest frequency of the lattice.
    steep : float
        From `steepness`.
    """
    factor = steep * np.select(
        [shifts < share * frequency for share, _ in GRADES], [grade for _, grade in GRADES], GRADES[-1][1]
    )
    return np.asarray(factor * shifts)
