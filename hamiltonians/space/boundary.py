"""The phonon states just beyond a cutoff, and how a Hamiltonian leads there and acts among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import scipy.sparse as sp

from .phonons import PhononSpace, Polynomial, Shell, Word


@dataclass(frozen=True)
class Beyond:
    """Lattice polynomials from a capped space to the states just beyond it that they reach.

    Attributes
    ----------
    shell : Shell
        These states, or a part of them.
    polynomials : tuple of Polynomial
        The lattice operators P.
    """

    shell: Shell
    polynomials: tuple[Polynomial, ...]

    @classmethod
    def of(cls, space: PhononSpace, polynomials: Sequence[Polynomial]) -> Beyond:
        """Collect all states that one application of any of the polynomials reaches."""
        words = (word for polynomial in polynomials for word, _ in polynomial)
        return cls(Shell.beyond(space, words), tuple(polynomials))

    @cached_property
    def outward(self) -> tuple[sp.csr_array, ...]:
        """Q P, from the capped space to the shell."""
        return self._matrices(self.shell.outward)

    @cached_property
    def within(self) -> tuple[sp.csr_array, ...]:
        """Q P Q, within the shell."""
        return self._matrices(self.shell.within)

    def _matrices(self, matrix: Callable[[Word], sp.csr_array]) -> tuple[sp.csr_array, ...]:
        return tuple(_summed(polynomial, matrix) for polynomial in self.polynomials)


def _summed(polynomial: Polynomial, matrix: Callable[[Word], sp.csr_array]) -> sp.csr_array:
    parts = [value * matrix(word) for word, value in polynomial]
    whole = sp.csr_array(sum(parts[1:], parts[0]))
    return whole if whole.data.imag.any() else sp.csr_array(whole.real)
