"""Independent construction of one and two particles on an infinite lattice: dictionaries, nothing of the package.

A state is (electrons, pairs, quanta): sorted tuples of (spin, site) with spin 0 up and 1 down, of sites, and of
(mode, number). Sites are tuples of integers; the mode on the bond that leaves a site along an axis is (site, axis).
"""

import numpy as np


def electron(state, spin, site, make):
    """Apply c+ (make) or c to (state, amplitude); fermions are ordered as in `sorted`."""
    if state is None:
        return None
    (electrons, pairs, quanta), value = state
    there = (spin, site) in electrons
    if there == make:
        return None
    before = sum(other < (spin, site) for other in electrons)
    left = tuple(sorted((*electrons, (spin, site)))) if make else tuple(e for e in electrons if e != (spin, site))
    return (left, pairs, quanta), value * (-1) ** before


def boson(state, site, make):
    if state is None:
        return None
    (electrons, pairs, quanta), value = state
    if (site in pairs) == make:
        return None
    left = tuple(sorted((*pairs, site))) if make else tuple(p for p in pairs if p != site)
    return (electrons, left, quanta), value


def ladder(state, mode, make):
    if state is None:
        return None
    (electrons, pairs, quanta), value = state
    numbers = dict(quanta)
    n = numbers.get(mode, 0)
    if not make and n == 0:
        return None
    numbers[mode] = n + (1 if make else -1)
    factor = np.sqrt(n + 1 if make else n)
    return (electrons, pairs, tuple(sorted(((m, c) for m, c in numbers.items() if c), key=repr))), value * factor


def x(states, mode):
    found = [ladder(s, mode, make) for s in states for make in (False, True)]
    return [s for s in found if s is not None]


def plus(site, axis, steps=1):
    return tuple(c + (steps if a == axis else 0) for a, c in enumerate(site))


class Reference:
    """H on an infinite chain or square lattice, with named couplings; those left out are zero."""

    def __init__(self, dimension, **couplings):
        self.dimension, self.g = dimension, couplings

    def get(self, name):
        return self.g.get(name, 0.0)

    def near(self, state):
        """Return the sites on and around charges and quanta."""
        electrons, pairs, quanta = state
        seeds = {site for _, site in electrons} | set(pairs)
        seeds |= {m[0] if isinstance(m[0], tuple) else m for m, _ in quanta}
        sites = set(seeds)
        for _ in range(2):
            sites |= {plus(s, a, d) for s in sites for a in range(self.dimension) for d in (-1, 1)}
        return sorted(sites)

    def apply(self, state):
        """Return H|state> as a dictionary."""
        found = {}

        def put(items, value):
            for item in items:
                if item is not None:
                    found[item[0]] = found.get(item[0], 0.0) + value * item[1]

        start, electrons, pairs, quanta = (state, 1.0), state[0], state[1], dict(state[2])
        g, sites = self.get, self.near(state)
        count = {site: sum(e[1] == site for e in electrons) for site in sites}

        def pair_from(i, j, s):
            """c_{i dn} c_{j up}"""
            return electron(electron(s, 0, j, False), 1, i, False)

        def dag_pair_from(i, j, s):
            """c+_{j up} c+_{i dn}"""
            return electron(electron(s, 1, i, True), 0, j, True)

        for i in sites:
            put([start], g("level") * count[i] + g("frequency") * quanta.get(i, 0))
            if self.get("bond_modes"):
                for axis in range(self.dimension):
                    put([start], g("frequency") * quanta.get((i, axis), 0))
            if count[i] == 2:
                put([start], g("hubbard_u"))
            if i in pairs:
                put([start], g("boson_level") + g("electron_repulsion") * count[i])
                put(x([start], i), -g("boson_phonon"))
            put(x([start], i), -g("electron_phonon") * count[i])
            if count[i]:
                put(x(x([start], i), i), g("electron_quadratic") * count[i])
            exchanged = [boson(pair_from(i, i, start), i, True), dag_pair_from(i, i, boson(start, i, False))]
            put(exchanged, g("exchange"))
            put(x([s for s in exchanged if s], i), -g("exchange_coupling"))
            for axis in range(self.dimension):
                j = plus(i, axis)
                if j not in count:
                    continue
                put([start], g("repulsion") * count[i] * count[j])
                put(x([start], j), -g("second_phonon") * count[i])
                put(x([start], i), -g("second_phonon") * count[j])
                for spin in (0, 1):
                    hops = [electron(electron(start, spin, a, False), spin, b, True) for a, b in ((i, j), (j, i))]
                    hops = [h for h in hops if h]
                    put(hops, -g("hopping"))
                    if g("bond_modes"):
                        put(x(hops, (i, axis)), -g("bond_coupling"))
                    else:
                        put(x(hops, j), -g("bond_coupling"))
                        put(x(hops, i), g("bond_coupling"))
                spin_z = {s: 0.5 * (((0, s) in electrons) - ((1, s) in electrons)) for s in (i, j)}
                put([start], g("spin_exchange") * spin_z[i] * spin_z[j])
                for a, b in ((i, j), (j, i)):
                    flipped = electron(electron(start, 0, b, False), 1, b, True)
                    flipped = electron(electron(flipped, 1, a, False), 0, a, True)
                    put([flipped], 0.5 * g("spin_exchange"))
                    moved = dag_pair_from(b, b, pair_from(a, a, start))
                    put([moved], -g("pair_hopping"))
                    put([boson(boson(start, a, False), b, True)], -g("boson_hopping"))
                    put([ladder(ladder(start, a, False), b, True)], -g("phonon_hopping"))
                    for end in (i, j):
                        put([boson(pair_from(a, b, start), end, True)], g("bond_exchange"))
                        put([dag_pair_from(a, b, boson(start, end, False))], g("bond_exchange"))
        return {s: v for s, v in found.items() if v}

    def canonical(self, state):
        """Return a state with its first charge at the origin, and where that was."""
        electrons, pairs, quanta = state
        origin = min(electrons)[1] if electrons else pairs[0]

        def moved(site):
            return tuple(c - o for c, o in zip(site, origin, strict=True))

        def mode(m):
            return (moved(m[0]), m[1]) if isinstance(m[0], tuple) else moved(m)

        moved_state = (
            tuple(sorted((spin, moved(site)) for spin, site in electrons)),
            tuple(moved(p) for p in pairs),
            tuple(sorted(((mode(m), n) for m, n in quanta), key=repr)),
        )
        return moved_state, origin

    def matrix(self, k, starts, times):
        """Return the states that `times` applications of H reach from some, and H between them at k."""
        states, rows = [self.canonical(s)[0] for s in starts], {}
        number = {s: n for n, s in enumerate(states)}
        for _ in range(times + 1):
            for s in [s for s in number if s not in rows]:
                rows[s] = [(*self.canonical(t), v) for t, v in self.apply(s).items()]
            if _ == times:
                break
            for s in list(rows):
                for t, _, _ in rows[s]:
                    number.setdefault(t, len(number))
        h = np.zeros((len(number),) * 2, complex)
        for s, n in number.items():
            for t, origin, v in rows[s]:
                if t in number:
                    h[number[t], n] += v * np.exp(-1j * np.dot(k, origin))
        return list(number), h
