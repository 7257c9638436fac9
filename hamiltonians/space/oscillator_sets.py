r"""Optimal oscillator states: for each local charge of a mode's site an orthonormal set of its own.

A state of the basis is ``|e> prod_m |phi^{q_m(e)}_{n_m}>`` with the charge q_m(e) of the site of mode m, and

.. math:: |\phi^q_n\rangle = \sum_k U^q_{nk} |k\rangle

in number states about a displacement of the mode. An operator that changes the charge of a site from q to q' carries
the matrix :math:`U^{q'} W U^{qT}` on its mode, W being the lattice letters that stand there.

References
----------
C. Zhang, E. Jeckelmann and S. R. White, Phys. Rev. Lett. 80, 2661 (1998); A. Weisse, H. Fehske, G. Wellein and
A. R. Bishop, Phys. Rev. B 62, R747 (2000).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..._core.display import quantity
from ...clusters import Card, Shown
from ..model import Model
from .charges import ChargeBasis

Local = tuple[int, int, int, int, int]
"""(mode, charge label afterwards, charge label before, k, l) stands for ``U^{q'} a+^k a^l U^{qT}`` on the mode."""
LABELS: Mapping[str, int] = MappingProxyType({"bosons": 2, "electrons": 3, "both": 6})
"""What the sets follow: the local pair of the site, its electrons, or both; and how many labels that makes."""


@dataclass(frozen=True, repr=False, eq=False)
class OscillatorSets(Shown):
    """Oscillator states that follow the charge of the site, the same for all modes of a class.

    Attributes
    ----------
    follows : str
        The charge that chooses the set: "bosons" (b+ b), "electrons" (n) or "both" (2 n + b+ b as a label).
    classes : (modes,) tuple of int
        Class of each mode.
    shifts : (classes,) float
        Displacement s about which the number states are counted: a = a' + s.
    states : (classes, labels, n, k) float
        Real orthogonal matrices U^q: state n in number states k.
    weights : (classes, labels, n) float
        Probability of each state with its charge, as far as it is known: the natural occupations.
    free : int
        So many first states are combinations of as many number states; those after them are number states.
    costs : tuple of int or None
        What each state counts towards ``total_quanta``; n for the n-th by default.
    """

    follows: str
    classes: tuple[int, ...]
    shifts: NDArray[np.float64]
    states: NDArray[np.float64]
    weights: NDArray[np.float64]
    free: int
    costs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for array in (self.shifts, self.states, self.weights):
            array.setflags(write=False)

    def card(self) -> Card:
        """Return the natural occupations."""
        rows = [
            (str(c), str(q), quantity(self.weights[c, q][: min(6, self.size)]))
            for c in range(len(self.shifts))
            for q in range(self.states.shape[1])
        ]
        title = f"optimal oscillator states that follow the {self.follows}: {self.size} number states"
        return Card(title, rows, ("class", "charge label", "occupations"))

    def __str__(self) -> str:
        return f"OscillatorSets({self.follows}, {self.digest})"

    __repr__ = __str__

    @cached_property
    def digest(self) -> str:
        """A few letters that differ for different sets."""
        names = repr((self.follows, self.classes, self.free, self.costs)).encode()
        parts = names, self.shifts.tobytes(), self.states.tobytes()
        return hashlib.sha256(b"".join(parts)).hexdigest()[:12]

    @property
    def size(self) -> int:
        """Number of states of each set, that of number states."""
        return int(self.states.shape[2])

    @property
    def displacements(self) -> NDArray[np.float64]:
        """Displacement s of each mode."""
        return self.shifts[list(self.classes)]

    def is_kept(self, modes: tuple[int, ...]) -> bool:
        """True where modes keep their sets as mode m goes to ``modes[m]``."""
        return all(self.classes[image] == own for image, own in zip(modes, self.classes, strict=True))

    def labels(self, model: Model, charges: ChargeBasis) -> NDArray[np.int8]:
        """Return the charge label of each mode's site, shape (configurations, modes)."""
        found = np.zeros((len(charges), len(model.modes)), np.int8)
        for m, mode in enumerate(model.modes):
            bosons = charges.bosons(mode.index)
            electrons = charges.electrons(mode.index, "up") + charges.electrons(mode.index, "dn")
            kinds = {"bosons": bosons, "electrons": electrons, "both": 2 * electrons + bosons}
            found[:, m] = kinds[self.follows]
        return found

    def matrix(self, local: Local) -> NDArray[np.float64]:
        """Return the matrix of a letter with its change of charge, shape (states, states)."""
        mode, after, before, up, low = local
        key = (self.classes[mode], after, before, up, low)
        if key not in self._known:
            own = self.states[key[0]]
            letter = number_matrix(self.size, up, low)
            self._known[key] = own[after] @ letter @ own[before].T
            self._known[key].setflags(write=False)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[int, int, int, int, int], NDArray[np.float64]]:
        return {}


@dataclass(frozen=True, order=True)
class SetWord:
    """A product of lattice letters between oscillator sets, one factor for each mode that it changes.

    Attributes
    ----------
    locals : tuple of Local
        The factors, modes ascending.
    sets : OscillatorSets
        The states.
    """

    locals: tuple[Local, ...]
    sets: OscillatorSets = field(compare=False, repr=False)

    @property
    def modes(self) -> tuple[int, ...]:
        """The modes on which it acts."""
        return tuple(local[0] for local in self.locals)

    def matrices(self) -> list[NDArray[np.float64]]:
        """Return the matrix on each of these modes."""
        return [self.sets.matrix(local) for local in self.locals]


def number_matrix(size: int, up: int, low: int) -> NDArray[np.float64]:
    """Return ``<k| a+^up a^low |l>`` between the lowest number states, exact, shape (size, size)."""
    matrix = np.eye(size + up)
    lower = np.diag(np.sqrt(np.arange(1.0, size + up)), 1)
    for _ in range(low):
        matrix = lower @ matrix
    for _ in range(up):
        matrix = lower.T @ matrix
    return matrix[:size, :size]
