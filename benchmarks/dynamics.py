"""Time evolution beside QuSpin and SciPy, on the same Hamiltonian, from the same state, at equal accuracy.

A ring of four sites with electrons, local pairs and phonons, after a quench of nothing: charges on sites begin to move.
The Krylov steps of this package without and with lattice symmetry, QuSpin's ``expm_multiply_parallel`` and ``evolve``
(DOP853), and SciPy's ``expm_multiply``, on QuSpin's matrix of the same sector.

    python benchmarks/dynamics.py [total_quanta] [time] [--large]

``--large`` moves 2.3 million states to t = 50 instead, to an error of 1e-8 within the phonon space.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse.linalg as sla

from respair.clusters import ring
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.solvers.evolution.motion import Motion

TOLERANCE = 1e-8
MEMORY = 8 << 30


def model_of(total_quanta: int | None, max_quanta: int | None = None) -> Model:
    """Return the ring."""
    phonons = Phonons(1.0, boson_coupling=1.0, total_quanta=total_quanta, max_quanta=max_quanta)
    return Model(ring(4), Electrons(hopping=1.0), Bosons(level=-0.4, exchange=0.8), phonons)


def timed(name: str, compute: Callable[[], Any], exact: Any = None, ratio: float | None = None) -> tuple[float, Any]:
    """Run once, print the seconds and the distance from what is exact."""
    start = time.perf_counter()
    found = compute()
    seconds = time.perf_counter() - start
    apart = "" if exact is None else f"error {np.linalg.norm(found - exact):.1e}"
    times = "" if ratio is None else f"{seconds / ratio:8.1f} times as long"
    print(f"{name:44}{seconds:9.2f} s  {apart:16}{times}", flush=True)
    return seconds, found


def moved(block: Block, start: Any, duration: float) -> tuple[Any, int]:
    """Return the last state without the outflow, which the others do not know, and the products with H."""
    motion = Motion.of_hamiltonian(block, "tensor", MEMORY)
    closed = replace(motion, outflow=_Closed())  # type: ignore[arg-type]  # all that steps ask of an outflow
    *_, last = closed.moments(motion.vector(start), [0.0, duration], TOLERANCE / duration)
    return motion.amplitudes(last.vector), last.products


class _Closed:
    is_closed = True


def state_of(block: Block) -> Any:
    """Return a state of the block: random charges in their lowest phonon states, normalised."""
    phi = np.zeros(block.shape, np.complex128)
    phi[:, 0] = np.random.default_rng(0).standard_normal(block.shape[0])
    flat = phi.ravel()
    block.energy.project(flat)
    return flat.reshape(block.shape) / np.linalg.norm(flat)


def compared(quanta: int, duration: float) -> None:
    """Print a line for each program."""
    from quspin.tools.evolution import evolve, expm_multiply_parallel

    hamiltonian = Hamiltonian.of(model_of(quanta), Sector(8, 0))
    blocks = {
        "without symmetry": Block.of(hamiltonian),
        "with momentum and reflection": Block.of(hamiltonian, Sector(8, 0, momentum=0, reflection=1)),
    }
    print(f"{hamiltonian.space.size}, t = {duration:g}, error {TOLERANCE:g}")
    whole = blocks["without symmetry"]
    folded = blocks["with momentum and reflection"]
    start = folded.expand(state_of(folded)).astype(np.complex128)
    for each in (whole, folded):
        moved(each, each.compress(start), 0.01)  # compiles
    fast, psi = timed("respair with symmetry", lambda: moved(folded, folded.compress(start), duration)[0])
    psi = folded.expand(psi).ravel()
    timed("respair without symmetry", lambda: moved(whole, start, duration)[0].ravel(), psi, fast)
    matrix = hamiltonian.matrix().astype(np.complex128)
    flat = start.ravel()
    step = expm_multiply_parallel(matrix, a=-1j * duration, dtype=np.complex128)
    timed("QuSpin expm_multiply_parallel", lambda: step.dot(flat), psi, fast)
    timed("SciPy expm_multiply", lambda: sla.expm_multiply(-1j * duration * matrix, flat, traceA=0.0), psi, fast)

    def slope(_: float, y: Any) -> Any:
        return -1j * (matrix @ y)

    def runge_kutta() -> Any:
        how = {"solver_name": "dop853", "rtol": 1e-9, "atol": 1e-10, "nsteps": 10**7}
        return evolve(flat, 0.0, np.array([duration]), slope, **how).ravel()

    timed("QuSpin evolve (DOP853)", runge_kutta, psi, fast)


def large() -> None:
    """Move 2.3 million states to t = 50."""
    hamiltonian = Hamiltonian.of(model_of(None, 8), Sector(8, 0))
    print(f"{hamiltonian.space.size}, t = 50, error {TOLERANCE:g}")
    for name, sector in (("with symmetry", Sector(8, 0, momentum=0, reflection=1)), ("without symmetry", Sector(8, 0))):
        block = Block.of(hamiltonian, sector)
        start = state_of(block)
        moved(block, start, 0.01)
        _, (_, products) = timed(f"respair {name}", lambda block=block, start=start: moved(block, start, 50.0))
        print(f"{'':44}{products:9,} products")


if __name__ == "__main__":
    numbers = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--large" in sys.argv:
        large()
    else:
        compared(int(numbers[0]) if numbers else 5, float(numbers[1]) if len(numbers) > 1 else 10.0)
