"""Time evolution compared with QuSpin and SciPy, for the same Hamiltonian and initial state, at equal accuracy.

A ring of four sites with electrons, local pairs and phonons; the initial state has random charges in the lowest phonon
states, with ``--complex`` also random phases. Compared are this package without and with lattice symmetry, QuSpin's
``expm_multiply_parallel`` and ``evolve`` (DOP853), and SciPy's ``expm_multiply``, with the matrix of the same sector.
Each runs three times in turn, and the shortest CPU time counts.

    python benchmarks/dynamics.py [total_quanta] [time] [--large] [--complex]

``--large`` evolves 2.3 million states to t = 50 instead, with an error of 1e-8 within the phonon space.
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
TIMES = 3


def model_of(total_quanta: int | None, max_quanta: int | None = None) -> Model:
    """Return the ring."""
    phonons = Phonons(1.0, boson_coupling=1.0, total_quanta=total_quanta, max_quanta=max_quanta)
    return Model(ring(4), Electrons(hopping=1.0), Bosons(level=-0.4, exchange=0.8), phonons)


def shown(name: str, seconds: tuple[float, float], fast: float, found: Any = None, exact: Any = None) -> None:
    """Print wall and CPU seconds, the distance from the exact state, and the ratio of CPU times."""
    apart = "" if exact is None else f"error {np.linalg.norm(found - exact):.1e}"
    wall, cpu = seconds
    print(f"{name:44}{wall:9.2f} s{cpu:9.2f} s CPU  {apart:16}{cpu / fast:8.1f} times as long", flush=True)


def timed(compute: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Run once; return wall and CPU seconds, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = compute()
    return (time.perf_counter() - wall, time.process_time() - cpu), found


def moved(block: Block, start: Any, duration: float) -> tuple[Any, int]:
    """Return the last state without the outflow, which the other codes lack, and the number of products with H."""
    motion = Motion.of_hamiltonian(block, "tensor", MEMORY)
    closed = replace(motion, outflow=_Closed())  # type: ignore[arg-type]  # the part of the interface that steps use
    *_, last = closed.moments(motion.vector(start), [0.0, duration], TOLERANCE / duration)
    return motion.amplitudes(last.vector), last.products


class _Closed:
    is_closed = True


def state_of(block: Block, phases: bool = False) -> Any:
    """Return a state of the block: random charges in their lowest phonon states, normalised."""
    phi, random = np.zeros(block.shape, np.complex128), np.random.default_rng(0)
    phi[:, 0] = random.standard_normal(block.shape[0])
    if phases:
        phi[:, 0] = phi[:, 0] + 1j * random.standard_normal(block.shape[0])
    flat = phi.ravel()
    block.energy.project(flat)
    return flat.reshape(block.shape) / np.linalg.norm(flat)


def compared(quanta: int, duration: float, phases: bool) -> None:
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
    start = folded.expand(state_of(folded, phases)).astype(np.complex128)
    for each in (whole, folded):
        moved(each, each.compress(start), 0.01)  # compiles
    matrix = hamiltonian.matrix().astype(np.complex128)
    flat = start.ravel()
    step = expm_multiply_parallel(matrix, a=-1j * duration, dtype=np.complex128)

    def slope(_: float, y: Any) -> Any:
        return -1j * (matrix @ y)

    def runge_kutta() -> Any:
        how = {"solver_name": "dop853", "rtol": 1e-9, "atol": 1e-10, "nsteps": 10**7}
        return evolve(flat, 0.0, np.array([duration]), slope, **how).ravel()

    small = folded.compress(start)
    programs: dict[str, Callable[[], Any]] = {
        "respair with symmetry": lambda: folded.expand(moved(folded, small, duration)[0]).ravel(),
        "respair without symmetry": lambda: moved(whole, start, duration)[0].ravel(),
        "QuSpin expm_multiply_parallel": lambda: step.dot(flat),
        "SciPy expm_multiply": lambda: sla.expm_multiply(-1j * duration * matrix, flat, traceA=0.0),
        "QuSpin evolve (DOP853)": runge_kutta,
    }
    best: dict[str, tuple[float, float]] = {}
    found = {}
    for _ in range(TIMES):
        for name, compute in programs.items():
            seconds, found[name] = timed(compute)
            best[name] = min(best.get(name, seconds), seconds, key=lambda pair: pair[1])
    fast = best["respair without symmetry"][1]
    for name, seconds in best.items():
        shown(name, seconds, fast, found[name], found["respair with symmetry"])


def large() -> None:
    """Evolve 2.3 million states to t = 50."""
    hamiltonian = Hamiltonian.of(model_of(None, 8), Sector(8, 0))
    print(f"{hamiltonian.space.size}, t = 50, error {TOLERANCE:g}")
    for name, sector in (("with symmetry", Sector(8, 0, momentum=0, reflection=1)), ("without symmetry", Sector(8, 0))):
        block = Block.of(hamiltonian, sector)
        start = state_of(block)
        moved(block, start, 0.01)
        seconds, (_, products) = timed(lambda block=block, start=start: moved(block, start, 50.0))
        shown(f"respair {name}, {products:,} products", seconds, seconds[1])


if __name__ == "__main__":
    numbers = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--large" in sys.argv:
        large()
    else:
        quanta, duration = int(numbers[0]) if numbers else 5, float(numbers[1]) if len(numbers) > 1 else 10.0
        compared(quanta, duration, "--complex" in sys.argv)
