"""Accuracy of `respair estimate`: time and memory of many kinds of ground states.

Wall time from the model to the certified ground state, imports excluded, kernels compiled before; peak memory of the
process, Python and libraries included; each row in a fresh process. The ratios are the estimate over the measurement;
they should lie between 0.5 and 2.

Usage: python benchmarks/estimates.py [--only WORD]
"""

import argparse

from fresh import describe, header, line, row_of, serve, timed


def boson_fermion(sites: int, **phonons: object):
    from respair import Bosons, Electrons, Model, Phonons, ring

    return Model(ring(sites), Electrons(1.0), Bosons(0.5, 0.8), Phonons(1.0, boson_coupling=1.0, **phonons))


def holstein(sites: int, **phonons: object):
    from respair import Electrons, Model, Phonons, ring

    return Model(ring(sites), Electrons(1.0, hubbard_u=2.0), None, Phonons(1.0, electron_coupling=0.7, **phonons))


def no_lattice(sites: int):
    from respair import Bosons, Electrons, Model, ring

    return Model(ring(sites), Electrons(1.0), Bosons(0.5, 0.8))


FULL = {"momentum": 0, "reflection": 1}
FOLLOWING = {"frame": "lang-firsov"}
CASES = {
    "ring of 4, k = 0 even": (lambda: boson_fermion(4, max_quanta=8), {"charge": 8, **FULL}, {}),
    "ring of 4, whole sector": (lambda: boson_fermion(4, max_quanta=8), {"charge": 8}, {}),
    "ring of 4, quspin engine": (lambda: boson_fermion(4, max_quanta=6), {"charge": 8}, {"engine": "quspin"}),
    "ring of 4, three levels": (lambda: boson_fermion(4, total_quanta=14), {"charge": 8, "momentum": 0}, {"states": 3}),
    "ring of 6, k = 0 even": (lambda: boson_fermion(6, total_quanta=6), {"charge": 12, **FULL}, {}),
    "ring of 6, k = 1": (lambda: boson_fermion(6, total_quanta=5), {"charge": 12, "momentum": 1}, {}),
    "ring of 8, k = 0 even": (lambda: boson_fermion(8, total_quanta=2), {"charge": 16, **FULL}, {}),
    "ring of 4, lang-firsov": (lambda: boson_fermion(4, max_quanta=6, **FOLLOWING), {"charge": 8, **FULL}, {}),
    "ring of 6, lang-firsov": (lambda: boson_fermion(6, total_quanta=4, **FOLLOWING), {"charge": 12, **FULL}, {}),
    "Holstein ring of 4": (lambda: holstein(4, max_quanta=11), {"charge": 4, "momentum": 2, "reflection": -1}, {}),
    "Holstein ring of 6": (lambda: holstein(6, total_quanta=8), {"charge": 6, "momentum": 0}, {}),
    "boson-fermion ring of 10": (lambda: no_lattice(10), {"charge": 10, **FULL}, {}),
}
"""Model, sector and further arguments of `estimate` and `ground_state`."""


def measured(name: str) -> dict:
    from respair import Options, Sector, ground_state
    from respair.solvers import estimate

    make, sector, more = CASES[name]
    engine, states = more.get("engine", "auto"), more.get("states", 1)
    model, chosen = make(), Sector(**sector)
    ground_state(boson_fermion(4, max_quanta=2), Sector(8, momentum=1), 1, Options(engine="tensor"))
    ground_state(boson_fermion(4, max_quanta=2), Sector(8, momentum=0, reflection=1), 1, Options(engine="tensor"))
    need = estimate(model, chosen, engine, states)
    seconds, levels = timed(lambda: ground_state(model, chosen, states, Options(engine=engine)), enough=4.0)
    stored = levels.stored
    return {"states": need.dimension, "stored": stored, "seconds": seconds, "told": [need.seconds, need.memory / 2**20]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only rows whose name contains this word")
    chosen = parser.parse_args()
    describe("respair", "quspin", "numba", "numpy")
    sizes = ("states of the sector", "stored amplitudes")
    times = ("time (s)", "estimate (s)", "ratio")
    header("model", *sizes, *times, "peak memory (MiB)", "estimate (MiB)", "ratio")
    for name in CASES:
        if chosen.only not in name:
            continue
        row = row_of(__file__, "measured", name)
        seconds, memory = row["told"]
        cells = (f"{row['states']:,}", f"{row['stored']:,}", f"{row['seconds']:.2f}", f"{seconds:.2f}")
        ratios = f"{seconds / row['seconds']:.2f}", f"{memory / row['memory']:.2f}"
        line((name, *cells, ratios[0], f"{row['memory']:.0f}", f"{memory:.0f}", ratios[1]))


JOBS = {"measured": measured}


if __name__ == "__main__":
    serve(JOBS, main)
