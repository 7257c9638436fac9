r"""Electrons and local pairs as electrons in orbitals, and their Hamiltonian as integrals.

A local pair is a pair of electrons in a second orbital of its site, :math:`b = d_\downarrow d_\uparrow`, which is empty
or doubly occupied: no term of the model leads out of these states. With

.. math:: H = E_0 + \sum_{pq\sigma} h_{pq} c^+_{p\sigma} c_{q\sigma}
          + \frac12\sum_{pqrs\,\sigma\tau} (pq|rs)\, c^+_{p\sigma} c^+_{r\tau} c_{s\tau} c_{q\sigma}

:math:`W (n_{d\uparrow} + n_{d\downarrow} - 2 n_{d\uparrow} n_{d\downarrow})` keeps the singly occupied orbitals d away.
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
"""1 for a creator, 0 for an annihilator; spin (0 up, 1 down); orbital."""
LADDERS: Mapping[str, tuple[tuple[int, int], ...]] = MappingProxyType(
    {
        "c+up": ((1, 0),), "cup": ((0, 0),), "c+dn": ((1, 1),), "cdn": ((0, 1),),
        "nup": ((1, 0), (0, 0)), "ndn": ((1, 1), (0, 1)),
        "b+": ((1, 0), (1, 1)), "b": ((0, 1), (0, 0)),
    }
)  # fmt: skip
"""Each letter as creators and annihilators of spins; local pairs on their own orbitals."""
MARGIN = 10.0
"""W in units of the sum of all coefficients."""


def orbital_of(terms: Terms, symbol: str, site: int) -> int:
    """Return the orbital of a letter: that of the site, or of its local pair, which come after the sites."""
    return terms.sites + terms.pairs.index(site) if symbol in ("b", "b+", "nb") else site


def as_ladders(terms: Terms, word: ChargeWord) -> list[tuple[float, tuple[Letter, ...]]]:
    """Return a charge operator as a sum of products of creators and annihilators.

    The number of a pair is half the number of its electrons, which is the same where the orbital is empty or full.
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
"""Creators and annihilators, each (spin, orbital), ascending."""


def normal_ordered(letters: tuple[Letter, ...]) -> dict[Product, float]:
    """Return a product of electron ladder operators with all creators in front, as a sum of such products."""
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
    """One- and two-body integrals of electrons, those of local pairs included, the same for both spins.

    Attributes
    ----------
    constant : float
        E_0.
    one : (n, n) float
        h.
    two : (n, n, n, n) float
        (pq|rs) = (rs|pq); further symmetry only after `with_permutations`.
    coupling : (modes, n, n) float
        V of ``V_mpq c+_ps c_qs (a_m + a+_m)``.
    boson : (modes, modes) float
        w of ``w_mn a+_m a_n``.
    pairs : int
        So many last orbitals are those of local pairs.
    """

    constant: float
    one: NDArray[np.float64]
    two: NDArray[np.float64]
    coupling: NDArray[np.float64]
    boson: NDArray[np.float64]
    pairs: int = 0

    @classmethod
    def of(cls, terms: Terms) -> Integrals:
        """Sort the terms into integrals.

        Raises
        ------
        InvalidValue
            If they have another form; the message names the term.
        """
        n, modes = terms.sites + len(terms.pairs), terms.modes
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
        for d in range(terms.sites, n):
            one[:, d, d] += weight
            two[1, d, d, d, d] -= 2 * weight
        own = cls(constant, one[0], two[1], coupling[0], boson, len(terms.pairs))
        own._check_spins(one, two, coupling)
        return own

    def _check_spins(self, one: NDArray[np.float64], two: NDArray[np.float64], coupling: NDArray[np.float64]) -> None:
        """Raise an error where up and down electrons do not have the same integrals."""
        scale = 1e-12 * (1.0 + max(np.abs(array).max(initial=0.0) for array in (one, two, coupling)))
        mixed = two[1] - two[1].transpose(2, 3, 0, 1)
        same = [_antisymmetric(array) - _antisymmetric(two[1]) for array in (two[0], two[2])]
        wrong = [one[0] - one[1], coupling[0] - coupling[1], mixed, *same]
        if any(np.abs(array).max(initial=0.0) > scale for array in wrong):
            raise InvalidValue("integrals must be the same for both spins; a field on the spins breaks that")

    def with_permutations(self) -> Integrals:
        """Return integrals with ``(pq|rs) = (qp|rs) = (pq|sr)``, as quantum-chemistry files have them.

        Where ``(pq|pq)`` has an orbital of a local pair, the missing orders are added; what they do to doubly occupied
        orbitals, ``-(pq|pq) n_p n_q`` in all, is taken back by ``(pp|qq)``.

        Raises
        ------
        InvalidValue
            If integrals without this symmetry remain, as those of pair hopping and of the exchange of spins.
        """
        two, n = self.two.copy(), len(self.one)
        for p in range(n):
            for q in range(n - self.pairs, n):
                value = two[p, q, p, q]
                if p == q or not value or (p >= n - self.pairs and p > q):
                    continue
                two[p, q, q, p] += value
                two[q, p, p, q] += value
                two[p, p, q, q] += 0.5 * value
                two[q, q, p, p] += 0.5 * value
        wrong = max(np.abs(two - two.transpose(order)).max(initial=0.0) for order in ((1, 0, 2, 3), (0, 1, 3, 2)))
        if wrong > 1e-12 * (1.0 + np.abs(two).max(initial=0.0)):
            raise InvalidValue(
                "files of integrals have the symmetry (pq|rs) = (qp|rs) of real orbitals, which pair hopping and the "
                "exchange of spins break; leave electrons.pair_hopping and electrons.spin_exchange out"
            )
        return replace(self, two=two)


def _antisymmetric(two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what integrals do to electrons of one spin: the part that is odd in the exchange of annihilators."""
    both = two + two.transpose(2, 3, 0, 1)
    return np.asarray(both - both.transpose(0, 3, 2, 1))


def _add_pair(
    value: float, ups: tuple[tuple[int, int], ...], lows: tuple[tuple[int, int], ...], two: NDArray[np.float64]
) -> None:
    """Add ``value c+_A c+_B c_C c_D`` to the integrals of two spins: (p, q) are A and D, (r, s) are B and C."""
    (s, p), (t, r) = ups
    (u, x), (v, y) = lows
    if (t, s) != (u, v):
        (u, x), (v, y), value = (v, y), (u, x), -value
    if (t, s) != (u, v):
        raise InvalidValue("a term turns spins around; integrals keep S_z of every pair of orbitals")
    if s == t:
        two[2 * s, p, y, r, x] += value
        two[2 * s, r, x, p, y] += value
    else:
        two[1, p, y, r, x] += value


def _refused(what: str, charge: ChargeWord, lattice: LatticeWord, value: complex) -> InvalidValue:
    shown = repr(Operator({(charge, lattice): value}))
    return InvalidValue(f"integrals have no place for {what}: {shown}")
