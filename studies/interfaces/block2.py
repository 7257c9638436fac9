"""block2: matrix-product operator of a model, and its ground state by DMRG."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...hamiltonians import Model, Sector
from . import tensor_networks
from .library import library
from .tensor_networks import Places, settled
from .terms import Terms

NAMES = {"c+up": "c", "cup": "d", "nup": "cd", "c+dn": "C", "cdn": "D", "ndn": "CD", "b+": "P", "b": "M", "nb": "PM"}
MEMORY = 1 << 30
"""Memory of the stack of block2, in bytes."""
SWEEPS = 12


def to_block2(model: Model, sector: Sector | int, scratch: str | os.PathLike[str], threads: int = 1) -> tuple[Any, Any]:
    """Return a `DMRGDriver` of block2 with the local Hilbert spaces of a model, and its matrix-product operator.

    The chain contains, site by site, the electrons, the local pair and the oscillators; N = N_e + 2 N_b and 2 S_z
    are conserved. The operator includes the constant of the Hamiltonian.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff, `max_quanta` alone.
    sector : Sector or int
        N and S_z of the target state.
    scratch : path
        Folder for the temporary files of block2.
    threads : int
        Number of threads of block2.

    Raises
    ------
    LibraryMissing
        If block2 is not installed.

    Notes
    -----
    ``ket = driver.get_random_mps("KET", bond_dim=200)`` and ``driver.dmrg(mpo, ket)`` give the ground state.
    """
    return _built(Terms.of(model, sector), os.fspath(scratch), threads)


def _built(terms: Terms, scratch: str, threads: int) -> tuple[Any, Any]:
    core = library("pyblock2.driver.core", "block2")
    places, kinds = Places.of(terms), core.SymmetryTypes
    symmetry = kinds.SZ if terms.is_real else kinds.SZ | kinds.CPX
    driver = core.DMRGDriver(scratch=scratch, symm_type=symmetry, n_threads=threads, stack_mem=MEMORY)
    count, charge, excess = len(places.kinds), terms.sector.charge, terms.sector.spin_excess
    driver.initialize_system(n_sites=count, n_elec=charge, spin=excess, heis_twos=-1)
    q, spaces, operators = driver.bw.SX, [], []
    size = terms.max_quanta + 1
    ladder = np.diag(np.sqrt(np.arange(1.0, size)), -1)
    up, down = np.zeros((4, 4)), np.zeros((4, 4))
    up[1, 0] = up[3, 2] = down[2, 0] = 1.0  # empty, up, down, both = c+_up c+_dn
    down[3, 1] = -1.0
    own: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "electrons": ([(q(0, 0, 0), 1), (q(1, 1, 0), 1), (q(1, -1, 0), 1), (q(2, 0, 0), 1)],
                      {"": np.eye(4), "c": up, "d": up.T.copy(), "C": down, "D": down.T.copy()}),
        "pair": ([(q(0, 0, 0), 1), (q(2, 0, 0), 1)],
                 {"": np.eye(2), "P": np.diag([1.0], -1), "M": np.diag([1.0], 1)}),
        "mode": ([(q(0, 0, 0), size)], {"": np.eye(size), "E": ladder, "F": ladder.T.copy()}),
    }  # fmt: skip
    for kind in places.kinds:
        spaces.append(own[kind][0])
        operators.append(own[kind][1])
    driver.ghamil = driver.get_custom_hamiltonian(spaces, operators)
    builder = driver.expr_builder()
    for value, word, lattice in terms:
        text, indices = "", []
        for symbol, index in word:
            place = places.pairs[terms.pairs.index(index)] if symbol in ("b", "b+", "nb") else places.electrons[index]
            text += NAMES[symbol]
            indices += [place] * len(NAMES[symbol])
        for mode, ups, lows in lattice:
            text += "E" * ups + "F" * lows
            indices += [places.modes[mode]] * (ups + lows)
        builder.add_term(text, indices, value.real if terms.is_real else value)
    builder.add_const(terms.constant)
    return driver, driver.get_mpo(builder.finalize(adjust_order=True, fermionic_ops="cdCD"), iprint=0)


def why_not(terms: Terms) -> str:
    """Return why the model cannot be solved as a chain of local spaces; empty if it can."""
    return tensor_networks.why_not(terms)


def energy(terms: Terms) -> tuple[float, float]:
    """Return the DMRG energy of the lowest state of the sector, and its error bar."""
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        driver, mpo = _built(terms, scratch, 1)
        driver.bw.b.Random.rand_seed(1234)

        def solve(bond: int) -> float:
            """Start from a random state: one grown from a smaller bond dimension converges to too high an energy."""
            ket = driver.get_random_mps(tag=f"KET{bond}", bond_dim=bond, nroots=1)
            noises, thresholds = [1e-3] * 4 + [1e-5] * 4 + [0.0] * 4, [1e-9] * 4 + [1e-14] * 8
            return float(np.real(driver.dmrg(mpo, ket, n_sweeps=SWEEPS, bond_dims=[bond] * SWEEPS, noises=noises,
                                             thrds=thresholds, tol=1e-12, iprint=0)))  # fmt: skip

        return settled(terms, solve)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the terminal output of the other code."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
