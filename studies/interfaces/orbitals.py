r"""Electrons and local pairs as electrons in orbitals, and their Hamiltonian as one- and two-body integrals.

A local pair is a pair of electrons in a second orbital of its site, :math:`b = d_\downarrow d_\uparrow`, which is empty
or doubly occupied: no term of the model leaves this subspace. In

.. math:: H = E_0 + \sum_{pq\sigma} h_{pq} c^+_{p\sigma} c_{q\sigma}
          + \frac12\sum_{pqrs\,\sigma\tau} (pq|rs)\, c^+_{p\sigma} c^+_{r\tau} c_{s\tau} c_{q\sigma}

:math:`W (n_{d\uparrow} + n_{d\downarrow} - 2 n_{d\uparrow} n_{d\downarrow})` suppresses singly occupied orbitals d.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Operator
from ...hamiltonians.operators import ChargeWord, LatticeWord
from .terms import Terms

Letter = tuple[int, int, int]
"""1 for a creation, 0 for an annihilation operator; spin (0 up, 1 down); orbital."""
LADDERS: Mapping[str, tuple[tuple[int, int], ...]] = MappingProxyType(
    {
        "c+up": ((1, 0),), "cup": ((0, 0),), "c+dn": ((1, 1),), "cdn": ((0, 1),),
        "nup": ((1, 0), (0, 0)), "ndn": ((1, 1), (0, 1)),
        "b+": ((1, 0), (1, 1)), "b": ((0, 1), (0, 0)),
    }
)  # fmt: skip
"""Each charge operator in terms of electron operators; local pairs in their additional orbitals."""
MARGIN = 10.0
"""W in units of the sum of the absolute values of all coefficients."""


def orbital_of(terms: Terms, symbol: str, site: int) -> int:
    """Return the orbital of a charge operator: that of the site or, after those of all sites, of its local pair."""
    return terms.orbitals + terms.pairs.index(site) if symbol in ("b", "b+", "nb") else site


def as_ladders(terms: Terms, word: ChargeWord) -> list[tuple[float, tuple[Letter, ...]]]:
    """Return a charge operator as a sum of products of electron operators.

    The number of local pairs is half the number of electrons in the orbital, which is exact if it is empty or full.
    """
    found: list[tuple[float, tuple[Letter, ...]]] = [(1.0, ())]
    for symbol, site in word:
        orbital = orbital_of(terms, symbol, site)
        parts: list[tuple[float, tuple[Letter, ...]]]
        if symbol == "nb":
            parts = [(0.5, ((1, spin, orbital), (0, spin, orbital))) for spin in (0, 1)]
        else:
            parts = [(1.0, tuple((kind, spin, orbital) for kind, spin in LADDERS[symbol]))]
        found = [(x * y, left + right) for x, left in found for y, right in parts]
    return found


def kept_apart(terms: Terms) -> float:
    """Return W; 0 without local pairs."""
    return MARGIN * sum(abs(value) for value, *_ in terms) if terms.pairs else 0.0


Product = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]
"""Creation and annihilation operators, each (spin, orbital), in ascending order."""


def normal_ordered(letters: tuple[Letter, ...]) -> dict[Product, float]:
    """Return a product of electron operators as a sum of normal-ordered products."""
    for k in range(len(letters) - 1):
        (kind, *one), (later, *other) = letters[k], letters[k + 1]
        swapped = (*letters[:k], letters[k + 1], letters[k], *letters[k + 2 :])
        if not kind and later:
            found = {product: -value for product, value in normal_ordered(swapped).items()}
            if one == other:
                for product, value in normal_ordered(letters[:k] + letters[k + 2 :]).items():
                    found[product] = found.get(product, 0.0) + value
            return found
        if kind == later and one == other:
            return {}
        if kind == later and one > other:
            return {product: -value for product, value in normal_ordered(swapped).items()}
    ups, lows = (tuple((spin, p) for kind, spin, p in letters if kind == wanted) for wanted in (1, 0))
    return {(ups, lows): 1.0}


@dataclass(frozen=True)
class Integrals:
    """One- and two-body integrals by spin, including the orbitals of local pairs.

    Attributes
    ----------
    constant : float
        E_0.
    one : (2, n, n) float
        h of spin up and down.
    two : (3, n, n, n, n) float
        (pq|rs) of up with up, up with down, and down with down. All three are equal to that of up with down if the
        integrals do not depend on spin. Permutational symmetry only after `with_permutations`.
    coupling : (modes, n, n) float
        V of ``V_mpq c+_ps c_qs (a_m + a+_m)``.
    boson : (modes, modes) float
        w of ``w_mn a+_m a_n``.
    pairs : int
        Number of orbitals of local pairs, the last ones.
    """

    constant: float
    one: NDArray[np.float64]
    two: NDArray[np.float64]
    coupling: NDArray[np.float64]
    boson: NDArray[np.float64]
    pairs: int = 0

    @classmethod
    def of(cls, terms: Terms) -> Integrals:
        """Return the integrals of a Hamiltonian.

        Raises
        ------
        InvalidValue
            If a term is not of this form; the message names it.
        """
        n, modes = terms.orbitals + len(terms.pairs), terms.modes
        one, two = np.zeros((2, n, n)), np.zeros((3, n, n, n, n))
        coupling, boson = np.zeros((2, modes, n, n)), np.zeros((modes, modes))
        constant = terms.constant
        for value, charge, lattice in terms:
            if value.imag:
                raise _refused("complex coefficients", charge, lattice, value)
            for share, letters in as_ladders(terms, charge):
                for (ups, lows), sign in normal_ordered(letters).items():
                    number = value.real * share * sign
                    if not lattice and not ups:
                        constant += number
                    elif not lattice and len(ups) == 1:
                        one[ups[0][0], ups[0][1], lows[0][1]] += number
                    elif not lattice and len(ups) == 2:
                        _add_pair(number, ups, lows, two)
                    elif len(ups) == 1 and len(lattice) == 1 and lattice[0][1:] in ((1, 0), (0, 1)):
                        coupling[ups[0][0], lattice[0][0], ups[0][1], lows[0][1]] += 0.5 * number
                    elif not ups and sum(up for _, up, _ in lattice) == sum(low for *_, low in lattice) == 1:
                        mode, other = (next(m for m, *k in lattice if k[which]) for which in (0, 1))
                        boson[mode, other] += number
                    else:
                        raise _refused("more than two electrons, or lattice terms other than c+ c (a + a+)", charge,
                                       lattice, value)  # fmt: skip
        weight = kept_apart(terms)
        for d in range(terms.orbitals, n):
            one[:, d, d] += weight
            two[1, d, d, d, d] -= 2 * weight
        if not _alike(coupling[0], coupling[1]):
            raise InvalidValue("the coupling of electrons to phonons must be the same for both spins in integrals")
        exchanged = two[1].transpose(2, 3, 0, 1)
        if _alike(one[0], one[1]) and _alike(two[1], exchanged) and _alike(*map(_antisymmetric, two)):
            one, two = np.array([one[0]] * 2), np.array([two[1]] * 3)
        return cls(constant, one, two, coupling[0], boson, len(terms.pairs))

    @property
    def is_restricted(self) -> bool:
        """True if the integrals are the same for both spins."""
        return bool(np.array_equal(self.one[0], self.one[1]) and np.array_equal(self.two[0], self.two[1]))

    @property
    def is_permutable(self) -> bool:
        """True if ``(pq|rs) = (qp|rs) = (pq|sr)``, as for real orbitals and a Coulomb repulsion."""
        return all(_alike(self.two, self.two.transpose(order)) for order in ((0, 2, 1, 3, 4), (0, 1, 2, 4, 3)))

    def with_permutations(self) -> Integrals:
        """Return the same Hamiltonian with ``(pq|rs) = (qp|rs) = (pq|sr)``, if possible.

        If ``(pq|pq)`` contains an orbital of a local pair, the missing permutations are added; their action on doubly
        occupied orbitals, ``-(pq|pq) n_p n_q`` in total, is cancelled by ``(pp|qq)``. Pair hopping and spin exchange
        between sites have no such form: the integrals are then returned unchanged.
        """
        two, n = self.two[1].copy(), len(self.one[0])
        for p in range(n) if self.is_restricted else ():
            for q in range(n - self.pairs, n):
                value = two[p, q, p, q]
                if p == q or not value or (p >= n - self.pairs and p > q):
                    continue
                two[p, q, q, p] += value
                two[q, p, p, q] += value
                two[p, p, q, q] += 0.5 * value
                two[q, q, p, p] += 0.5 * value
        found = replace(self, two=np.array([two] * 3)) if self.is_restricted else self
        return found if found.is_permutable else self


def _alike(array: NDArray[np.float64], *others: NDArray[np.float64]) -> bool:
    """Return True if arrays are equal up to rounding errors."""
    scale = 1e-12 * (1.0 + max(np.abs(each).max(initial=0.0) for each in (array, *others)))
    return all(np.abs(array - other).max(initial=0.0) <= scale for other in others)


def _antisymmetric(two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part that acts on electrons of one spin: odd under exchange of the annihilation operators."""
    both = two + two.transpose(2, 3, 0, 1)
    return np.asarray(both - both.transpose(0, 3, 2, 1))


def _add_pair(
    value: float, ups: tuple[tuple[int, int], ...], lows: tuple[tuple[int, int], ...], two: NDArray[np.float64]
) -> None:
    """Add ``value c+_A c+_B c_C c_D`` to the integrals of two spins.

    For opposite spins, (p, q) = (A, D) and (r, s) = (B, C); for equal spins, (p, q) = (A, C) and (r, s) = (B, D) with
    the opposite sign, so that a density-density repulsion is (pp|rr).
    """
    (s, p), (t, r) = ups
    (u, x), (v, y) = lows
    if (t, s) != (u, v):
        (u, x), (v, y), value = (v, y), (u, x), -value
    if (t, s) != (u, v):
        raise InvalidValue("a term flips spins; integrals conserve S_z of every pair of orbitals")
    if s == t:
        two[2 * s, p, x, r, y] -= value
        two[2 * s, r, y, p, x] -= value
    else:
        two[1, p, y, r, x] += value


def _refused(what: str, charge: ChargeWord, lattice: LatticeWord, value: complex) -> InvalidValue:
    shown = repr(Operator({(charge, lattice): value}))
    return InvalidValue(f"integrals cannot represent {what}: {shown}")
