"""Operator formulas as matrices of the independent construction, and spectra as sums over all states."""

from functools import reduce

import numpy as np
import scipy.sparse as sp
from independent import displacements, fock, full_hamiltonian, sector_states


def matrix_of(operator, f, shift=None):
    """The matrix of a formula on the whole Fock space, in the phonon frame a = a' + shift."""
    c = {**{f"c{s}": {i: m for (i, spin), m in f.c.items() if spin == s} for s in ("up", "dn")}, "b": f.b}

    def letter(symbol, index):
        if symbol in ("nup", "ndn", "nb"):
            lower = c["b" if symbol == "nb" else f"c{symbol[1:]}"][index]
            return lower.conj().T @ lower
        lower = c[symbol.replace("+", "")][index]
        return lower.conj().T if "+" in symbol else lower

    shift = np.zeros(len(f.a)) if shift is None else shift
    total = 0 * f.one
    for (charge, lattice), value in operator.terms.items():
        factors = [letter(*each) for each in charge]
        for m, up, low in lattice:
            moved = f.a[m] + shift[m] * f.one
            factors += [moved.T] * up + [moved] * low
        total = total + value * reduce(lambda x, y: x @ y, factors, f.one)
    return sp.csr_array(total)


class AllStates:
    """Every state of the Fock space within the phonon caps, in the phonon frame of one charge."""

    def __init__(self, model, sector):
        f = fock(model)
        self.f, self.shift = f, displacements(model, sector.charge)
        h = full_hamiltonian(model, f, sector.charge).tocsr()
        inside = sector_states(model, f, sector.charge, sector.two_sz)
        energies, vectors = np.linalg.eigh(h[inside][:, inside].toarray())
        self.energy, count = energies[0], np.sum(energies - energies[0] < 1e-8)
        self.ground = np.zeros((h.shape[0], count), complex)
        self.ground[inside] = vectors[:, :count]
        self.energies, self.vectors = np.linalg.eigh(h[f.kept][:, f.kept].toarray())

    def lines(self, operator, sign=1, left=None):
        """Poles and weights of an operator, averaged over the ground level."""
        right, other = (
            self.vectors.conj().T @ (matrix_of(o, self.f, self.shift) @ self.ground)[self.f.kept]
            for o in (operator, operator if left is None else left)
        )
        return sign * (self.energies - self.energy), np.mean(other.conj() * right, axis=1)


def curve(poles, weights, omega, eta):
    """Lorentzians of half width eta."""
    return (eta / np.pi / ((np.asarray(omega)[:, None] - poles) ** 2 + eta**2)) @ weights
