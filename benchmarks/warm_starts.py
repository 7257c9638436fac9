"""Savings in a sweep from starting at the ground state of a neighbouring point.

Model: boson-fermion ring of 4 sites with phonons, t = 1, Delta_B = 0.5, v = 0.8, omega0 = 1, alpha = 1, N = 8, at most
8 quanta per mode, block k = 0, even. Products with H until the residual is 3e-11, from a random vector and from the
ground state at the neighbouring point, with one parameter changed by the step. "All" includes the search from a random
vector that confirms the multiplicity, which is needed after a warm start as well. The last column is the difference
of <n_b> between the two runs.

Sweeps start every point from random vectors: warm starts would save at most a third of all products, in sweeps of one
block; if all blocks are searched, the others start from random vectors anyway, and the saving is about an eighth. In
return, no point depends on the order of the points, on interruptions, or on workers.

Usage: python benchmarks/warm_starts.py
"""

from fresh import describe, header, line, serve

QUANTA, START = 8, {"exchange": 0.8, "alpha": 1.0}
STEPS = (0.2, 0.05, 0.01)


def block(exchange: float, alpha: float):
    from respair import Bosons, Electrons, Model, Phonons, Sector, ring
    from respair.hamiltonians import Block, Hamiltonian

    phonons = Phonons(1.0, boson_coupling=alpha, max_quanta=QUANTA)
    model = Model(ring(4), Electrons(1.0), Bosons(0.5, exchange), phonons)
    return Block.of(Hamiltonian.of(model, Sector(8, 0, momentum=0, reflection=1)))


def search(chosen, start=None):
    """Return the Ritz pair and the products of one search."""
    import numpy as np

    from respair.solvers import is_degenerate
    from respair.solvers.engines import TensorEngine
    from respair.solvers.krylov.deflation import Deflated
    from respair.solvers.krylov.memory import KEPT_BYTES, STORED_BYTES
    from respair.solvers.krylov.search import Limits, Memory, Stop, searched

    operator = Deflated(TensorEngine(chosen), 0)
    stop = Stop(Limits(1, 1e-10, 0, 20_000, is_degenerate), np.inf, 0 if start is None else 1)
    return searched(operator, start, stop, Memory(STORED_BYTES, KEPT_BYTES)), operator.products


def bosons(chosen, vector) -> float:
    import numpy as np

    from respair import State, observables

    amplitudes = vector.reshape(1, *chosen.shape)
    return float(np.mean(observables(State(chosen, amplitudes, np.ones(1)), ["boson_density"])["boson_density"]))


def main() -> None:
    from respair import Options, ground_state

    describe("respair", "numba", "numpy")
    columns = ("products, random start", "products, warm start", "all, random start", "difference of <n_b>")
    header("changed", "step", *columns)
    first = search(block(**START))[0].vector
    for name in START:
        for step in STEPS:
            chosen = block(**START | {name: START[name] + step})
            cold, products = search(chosen)
            warm, fewer = search(chosen, first.copy())
            model, sector = chosen.space.model, chosen.sector
            whole = ground_state(model, sector, 1, Options(engine="tensor")).matvecs
            apart = abs(bosons(chosen, cold.vector) - bosons(chosen, warm.vector))
            line((name, step, products, fewer, whole, f"{apart:.0e}"))


if __name__ == "__main__":
    serve({}, main)
