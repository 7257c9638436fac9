"""Integral files: FCIDUMP for electrons, EBDUMP for the electron-boson coupling, BOSDUMP for the bosons."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import whole_number
from ..._core.places import folder_of
from ...clusters import InvalidValue, custom
from ...hamiltonians import Electrons, Model, Operator, Phonons, Sector, annihilate, create, displacement, phonon
from ...hamiltonians.algebra import canonical
from ...hamiltonians.json_form import FixedTerm
from ...hamiltonians.notation import formula_text
from ...hamiltonians.operators import total
from .integral_files import IntegralFile
from .orbitals import Integrals
from .terms import Terms

NAMES = ("FCIDUMP", "EBDUMP", "BOSDUMP")
MOST_ORBITALS = 16
"""Largest number of orbitals that is read: the number of terms grows as its fourth power."""
MOST_MODES = 64
SMALLEST = 1e-15
SYMMETRIC = 1e-9
"""Tolerance for elements related by symmetry, in units of the largest one."""
SPINS = (("up", "up"), ("dn", "dn"), ("up", "dn"))
"""Order of the two-body integrals of files with IUHF = 1."""
BLOCKS = (0, 2, 1)
"""The same order, as indices of the blocks of `Integrals`."""


def write_fcidump(model: Model, sector: Sector | int, folder: str | os.PathLike[str]) -> list[Path]:
    """Write the integrals of a model: ``FCIDUMP``, and with phonons ``EBDUMP`` and ``BOSDUMP``.

    ======================  ============================================================
    FCIDUMP ``x p q r s``   ``(pq|rs)`` of ``1/2 sum (pq|rs) c+_ps c+_rt c_st c_qs``
    FCIDUMP ``x p q 0 0``   ``h_pq``
    FCIDUMP ``x 0 0 0 0``   the constant; the last line
    EBDUMP ``x m p q``      ``V_mpq c+_p c_q (a_m + a+_m)``, summed over spin
    BOSDUMP ``x m n``       ``w_mn a+_m a_n``
    ======================  ============================================================

    Orbitals and modes are numbered from 1. A local pair is a pair of electrons in an additional orbital; these follow
    the orbitals of the sites, and a large integral suppresses their single occupation (`orbitals`). NELEC is
    N = N_e + 2 N_b.

    If possible, the integrals have the permutational symmetry of real orbitals,
    ``(pq|rs) = (qp|rs) = (pq|sr) = (rs|pq)``, and one of each eight is written. Pair hopping, ``(ij|ij)``, and spin
    exchange, ``(ij|ji)``, break it: all integrals are then written, with ``IGENERAL=1`` in the header, as in block2;
    programs that ignore this key would symmetrise them. If the spins differ (a field, spin-orbit coupling), the header
    has ``IUHF=1`` and the file contains the integrals of up with up, down with down and up with down, h of up and h of
    down, each followed by a line of zeros.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff; the cutoff is not written to the files.
    sector : Sector or int
        N and S_z.
    folder : path
        Folder of the files.

    Returns
    -------
    list of Path
        Paths of the files.

    Raises
    ------
    InvalidValue
        If the model has terms that the files cannot represent; the message names one of them.
    """
    if model.phonons is not None:
        model = replace(model, phonons=replace(model.phonons, frame="none", dressing=None, basis="number"))
    terms = Terms.of(model, sector)
    integrals = Integrals.of(terms).with_permutations()
    n, modes = integrals.one.shape[1], terms.modes
    if not n:
        raise InvalidValue("the model has neither electrons nor local pairs; integral files describe these only")
    symmetry = ",".join(["1"] * n)
    numbers = f"NORB={n},NELEC={terms.sector.charge},MS2={terms.sector.spin_excess}"
    keys = "IUHF=1," * (not integrals.is_restricted) + "IGENERAL=1," * (not integrals.is_permutable)
    head = f" &FCI {numbers},\n  ORBSYM={symmetry},\n  ISYM=1,{keys}\n &END\n"
    texts = {"FCIDUMP": head + "".join(_electron_lines(integrals))}
    if modes:
        coupling = (
            _line(float(integrals.coupling[m, p, q]), m + 1, p + 1, q + 1) for m, p, q in np.ndindex(modes, n, n)
        )
        boson = (_line(integrals.boson[m, k], m + 1, k + 1) for m, k in product(range(modes), repeat=2))
        texts["EBDUMP"] = _counted(f"EBDUMP NORB={n},NMODE={modes}", coupling)
        texts["BOSDUMP"] = _counted(f"BOSDUMP NMODE={modes}", boson)
    target = folder_of("folder", folder)
    for name, text in texts.items():
        (target / name).write_text(text, encoding="ascii")
    return [target / name for name in texts]


def _counted(head: str, lines: Iterator[str]) -> str:
    """Return a file whose header contains its number of lines."""
    kept = [line for line in lines if line]
    return f" &{head},NLINES={len(kept)},\n &END\n" + "".join(kept)


def _line(value: float, *indices: int) -> str:
    return f" {value: .17e} {' '.join(f'{i:4d}' for i in indices)}\n" if abs(value) > SMALLEST else ""


def _closing(value: float = 0.0) -> str:
    return f" {value: .17e}    0    0    0    0\n"


def _electron_lines(integrals: Integrals) -> Iterator[str]:
    """Yield the integrals, by spin if the spins differ, with zeros after each block, and the constant last."""
    spins = (1,) if integrals.is_restricted else BLOCKS
    for block in spins:
        alike = len(spins) == 1 or block != 1
        yield from _two_body_lines(integrals.two[block], alike=alike, general=not integrals.is_permutable)
        yield _closing() * (len(spins) > 1)
    for one in integrals.one[: 2 if len(spins) > 1 else 1]:
        yield from (_line(one[p, q], p + 1, q + 1, 0, 0) for p in range(len(one)) for q in range(p + 1))
        yield _closing() * (len(spins) > 1)
    yield _closing(integrals.constant)


def _two_body_lines(two: NDArray[np.float64], *, alike: bool, general: bool) -> Iterator[str]:
    """Yield one of each eight equal integrals (four between opposite spins), or all of them."""
    n = len(two)
    pairs = [(p, q) for p in range(n) for q in range(n if general else p + 1)]
    for a, (p, q) in enumerate(pairs):
        for r, s in pairs[: a + 1] if alike and not general else pairs:
            yield _line(two[p, q, r, s], p + 1, q + 1, r + 1, s + 1)


def read_fcidump(
    path: str | os.PathLike[str],
    ebdump: str | os.PathLike[str] | None = None,
    bosdump: str | os.PathLike[str] | None = None,
    *,
    max_quanta: int | None = None,
) -> tuple[Model, Sector]:
    """Read integral files into a model of a cluster without bonds, with all couplings in one user-defined term.

    Parameters
    ----------
    path : path
        FCIDUMP file with real integrals; IUHF=1 and IGENERAL=1 are supported, see `write_fcidump`.
    ebdump, bosdump : path, optional
        Files of the electron-boson coupling and of the bosons; both or none.
    max_quanta : int, optional
        Largest number of bosons per mode; required with bosons.

    Returns
    -------
    model : Model
        The sites are the orbitals, in their order; the oscillators are placed on the sites in turn, from the first.
    sector : Sector
        NELEC and MS2.

    Raises
    ------
    InvalidValue
        If a file cannot be read, is damaged, or is inconsistent with the others; the message names file and line.
    """
    file = IntegralFile.read(path, ("NORB", "NELEC"), 4)
    n = file.head["NORB"]
    if not 1 <= n <= MOST_ORBITALS:
        raise InvalidValue(f"{file.path}: NORB = {n}; allowed: 1 to {MOST_ORBITALS}")
    constant, one, two = _electrons(file, n)
    formula = [total(_one_body(one)), total(_two_body(two)), Operator({((), ()): constant})]
    phonons = None
    if (ebdump is None) != (bosdump is None):
        raise InvalidValue("ebdump and bosdump belong together: give both, or none")
    if ebdump is not None and bosdump is not None:
        cap = whole_number("max_quanta", max_quanta, 0)
        coupling = IntegralFile.read(ebdump, ("NORB", "NMODE"), 3)
        frequencies, others = _bosons(coupling, IntegralFile.read(bosdump, ("NMODE",), 2), n)
        formula += others
        branches = {str(k + 1): frequencies[start : start + n] for k, start in enumerate(range(0, len(frequencies), n))}
        on = {name: list(range(len(values))) for name, values in branches.items()}
        single = len(branches) == 1
        phonons = Phonons(frequencies if single else branches, on=on["1"] if single else on, max_quanta=cap)
    cluster = custom([[float(i), 0.0] for i in range(n)], [])
    term = FixedTerm(formula_text(canonical(*formula)))
    model = Model(cluster, Electrons(), phonons=phonons, name=file.path.name, terms=(term,))
    return model, Sector(file.head["NELEC"], file.head.get("MS2", file.head["NELEC"] % 2))


def _electrons(file: IntegralFile, n: int) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the constant, h of both spins, and (pq|rs) in the order of `SPINS`."""
    for key in ("IUHF", "IGENERAL"):
        if file.head.get(key, 0) not in (0, 1):
            raise InvalidValue(f"{file.path}: {key} = {file.head[key]}; allowed: 0 or 1")
    by_spin, general = file.head.get("IUHF", 0) == 1, file.head.get("IGENERAL", 0) == 1
    one, two = np.full((2, n, n), np.nan), np.full((3, n, n, n, n), np.nan)
    orders = (((0, 1), (2, 3)),) if general else tuple(product(((0, 1), (1, 0)), ((2, 3), (3, 2))))
    constant, closed = None, 0
    for number, value, places in file.rows:
        p, q, r, s = places
        if p == q == r == s == 0:
            closed += 1
            if not by_spin or closed == 6:
                file.same(number, value, constant)
                constant = value
        elif q == r == s == 0:
            continue  # energy of an orbital, which some programs add
        elif r == s == 0:
            file.check(number, (p, q), (n, n))
            block = one[closed - 3 : closed - 2] if by_spin else one
            if not len(block) or (by_spin and closed < 3):
                raise InvalidValue(f"{file.path}, line {number}: h of IUHF = 1 must follow three lines of zeros")
            _put(file, number, value, block, [(p - 1, q - 1), (q - 1, p - 1)])
        else:
            file.check(number, (p, q, r, s), (n,) * 4)
            block = two[closed : closed + 1] if by_spin else two
            if not len(block):
                raise InvalidValue(f"{file.path}, line {number}: an integral follows three lines of zeros")
            ways = [(*x, *y) for x, y in orders]
            if not by_spin or closed < 2:
                ways += [(*y, *x) for x, y in orders]
            _put(file, number, value, block, [tuple(places[k] - 1 for k in way) for way in ways])
    if constant is None:
        wanted = "six lines of zeros, the last with" if by_spin else "the last line,"
        raise InvalidValue(f'{file.path}: {wanted} the constant "x 0 0 0 0", is missing: the file is truncated')
    return constant, np.nan_to_num(one), np.nan_to_num(two)


def _put(
    file: IntegralFile, number: int, value: float, blocks: NDArray[np.float64], places: Sequence[tuple[int, ...]]
) -> None:
    """Set elements that are equal by symmetry; raise an error if one has another value already."""
    for place in places:
        before = float(blocks[0][place])
        file.same(number, value, None if np.isnan(before) else before)
        for block in blocks:
            block[place] = value


def _one_body(one: NDArray[np.float64]) -> Iterator[Operator]:
    for block, spin in zip(one, ("up", "dn"), strict=True):
        for p, q in np.argwhere(block).tolist():
            yield float(block[p, q]) * (create(p, spin) * annihilate(q, spin))


def _two_body(two: NDArray[np.float64]) -> Iterator[Operator]:
    for block, (one, other) in zip(two, SPINS, strict=True):
        for p, q, r, s in np.argwhere(block).tolist():
            word = create(p, one) * create(r, other) * annihilate(s, other) * annihilate(q, one)
            yield (0.5 if one == other else 1.0) * float(block[p, q, r, s]) * word


def _bosons(coupling: IntegralFile, bosons: IntegralFile, n: int) -> tuple[list[float], list[Operator]]:
    """Return the frequencies of the modes, and all other terms of the bosons as operators."""
    modes = bosons.head["NMODE"]
    if coupling.head["NMODE"] != modes or coupling.head["NORB"] != n:
        found = f"NORB = {coupling.head['NORB']}, NMODE = {coupling.head['NMODE']}"
        raise InvalidValue(f"{coupling.path}: {found}; the other files have {n} and {modes}")
    if not 1 <= modes <= MOST_MODES:
        raise InvalidValue(f"{bosons.path}: NMODE = {modes}; allowed: 1 to {MOST_MODES}")
    matrix, formula = _array(bosons, (modes, modes)), []
    if low := np.flatnonzero(np.diag(matrix) <= 0).tolist():
        found = f"mode {low[0] + 1} has the frequency {matrix[low[0], low[0]]}"
        raise InvalidValue(f"{bosons.path}: {found}; allowed: above 0")
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest <= 0:
        raise InvalidValue(
            f"{bosons.path}: a normal mode has the frequency {lowest:.3g}, so the energy is unbounded below; allowed: "
            "above 0"
        )
    for m, k in np.argwhere(matrix - np.diag(np.diag(matrix))).tolist():
        formula.append(float(matrix[m, k]) * (phonon(m).dag * phonon(k)))
    couplings = _array(coupling, (modes, n, n))
    for m, p, q in np.argwhere(couplings).tolist():
        for spin in ("up", "dn"):
            formula.append(float(couplings[m, p, q]) * (create(p, spin) * annihilate(q, spin) * displacement(m)))
    return np.diag(matrix).tolist(), formula


def _array(file: IntegralFile, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the numbers of a file as an array, zero if not listed, symmetric in the last two indices."""
    found: NDArray[np.float64] = np.full(shape, np.nan)
    for number, value, places in file.rows:
        file.check(number, places, shape)
        index = tuple(i - 1 for i in places)
        _put(file, number, value, found[None], [index])
    found = np.asarray(np.nan_to_num(found), np.float64)
    turned = np.swapaxes(found, -1, -2)
    if np.abs(found - turned).max(initial=0.0) > SYMMETRIC * np.abs(found).max(initial=0.0):
        *_, p, q = (int(i[0]) + 1 for i in np.nonzero(found != turned))
        raise InvalidValue(f"{file.path}: the elements ({p}, {q}) and ({q}, {p}) differ; allowed: equal elements")
    return found
