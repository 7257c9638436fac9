"""Files of integrals: FCIDUMP for electrons, EBDUMP for their coupling to bosons, BOSDUMP for the bosons."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import whole_number
from ...clusters import InvalidValue, custom
from ...hamiltonians import Electrons, Model, Operator, Phonons, Sector, annihilate, create, displacement, phonon
from ...hamiltonians.json_form import FixedTerm
from ...hamiltonians.notation import formula_text
from ...hamiltonians.operators import total
from .orbitals import Integrals
from .terms import Terms

NAMES = ("FCIDUMP", "EBDUMP", "BOSDUMP")
MOST_ORBITALS = 16
"""Orbitals of a file that is read: the formula has their fourth power of terms."""
MOST_BYTES = 200_000_000
SMALLEST = 1e-15


def write_fcidump(model: Model, sector: Sector | int, folder: str | os.PathLike[str]) -> list[Path]:
    """Write the integrals of a model: ``FCIDUMP``, and with phonons ``EBDUMP`` and ``BOSDUMP``.

    ======================  ============================================================
    FCIDUMP ``x p q r s``   ``(pq|rs)`` of ``1/2 sum (pq|rs) c+_ps c+_rt c_st c_qs``
    FCIDUMP ``x p q 0 0``   ``h_pq``; last the constant
    EBDUMP ``x m p q``      ``V_mpq c+_p c_q (a_m + a+_m)``, summed over spin
    BOSDUMP ``x m n``       ``w_mn a+_m a_n``
    ======================  ============================================================

    Numbers of orbitals and modes begin at 1. A local pair is a pair of electrons in an orbital of its own, which come
    after those of the sites; a large integral keeps singly occupied ones away (`orbitals`). NELEC is N = N_e + 2 N_b.

    Parameters
    ----------
    model : Model
        With numbers for its phonon caps, which the files do not contain.
    sector : Sector or int
        N and S_z.
    folder : path
        Where the files are written.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidValue
        If the model has terms that such files do not hold; the message names one.
    """
    if model.phonons is not None:
        model = replace(model, phonons=replace(model.phonons, frame="none", dressing=None, basis="number"))
    terms = Terms.of(model, sector)
    integrals = Integrals.of(terms).with_permutations()
    n, modes = len(integrals.one), terms.modes
    symmetry = ",".join(["1"] * n)
    numbers = f"NORB={n},NELEC={terms.sector.charge},MS2={terms.sector.spin_excess}"
    head = f" &FCI {numbers},\n  ORBSYM={symmetry},\n  ISYM=1,\n &END\n"
    texts = {"FCIDUMP": head + "".join(_electron_lines(integrals))}
    if modes:
        texts["EBDUMP"] = f" &EBDUMP NORB={n},NMODE={modes},\n &END\n" + "".join(
            _line(float(integrals.coupling[m, p, q]), m + 1, p + 1, q + 1) for m, p, q in np.ndindex(modes, n, n)
        )
        texts["BOSDUMP"] = f" &BOSDUMP NMODE={modes},\n &END\n" + "".join(
            _line(integrals.boson[m, k], m + 1, k + 1) for m, k in product(range(modes), repeat=2)
        )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (target / name).write_text(text, encoding="ascii")
    return [target / name for name in texts]


def _line(value: float, *indices: int) -> str:
    return f" {value: .17e} {' '.join(f'{i:4d}' for i in indices)}\n" if abs(value) > SMALLEST else ""


def _electron_lines(integrals: Integrals) -> Iterator[str]:
    """Yield one of each eight equal integrals, then h, then the constant."""
    n = len(integrals.one)
    pairs = [(p, q) for p in range(n) for q in range(p + 1)]
    for a, (p, q) in enumerate(pairs):
        for r, s in pairs[: a + 1]:
            yield _line(integrals.two[p, q, r, s], p + 1, q + 1, r + 1, s + 1)
    for p, q in pairs:
        yield _line(integrals.one[p, q], p + 1, q + 1, 0, 0)
    yield f" {integrals.constant: .17e}    0    0    0    0\n"


@dataclass(frozen=True)
class _File:
    """A file of integrals: the numbers of its head, and its rows."""

    path: Path
    head: dict[str, int]
    rows: list[tuple[int, float, list[int]]]

    @classmethod
    def read(cls, path: str | os.PathLike[str], needed: Sequence[str], indices: int) -> _File:
        """Read a file, everything checked but the range of its indices."""
        place = Path(path)
        try:
            if place.stat().st_size > MOST_BYTES:
                raise InvalidValue(f"{place}: larger than {MOST_BYTES:,} bytes")
            text = place.read_text(encoding="ascii")
        except UnicodeDecodeError:
            raise InvalidValue(f"{place}: not a text file in ASCII") from None
        except OSError as error:
            raise InvalidValue(f"{place}: cannot be read ({error.strerror})") from None
        found = re.match(r"\s*&(\w+)(.*?)(?:&END|/)[^\n]*\n", text, re.DOTALL | re.IGNORECASE)
        if found is None:
            raise InvalidValue(f'{place}: begins with no head, as "&FCI NORB=4,NELEC=4,MS2=0, &END"')
        head = {key.upper(): int(value) for key, value in re.findall(r"(\w+)\s*=\s*(-?\d+)", found[2])}
        if missing := [key for key in needed if key not in head]:
            raise InvalidValue(f"{place}: {missing[0]} is missing in the head")
        rows, first = [], text.count("\n", 0, found.end()) + 1
        for number, line in enumerate(text[found.end() :].splitlines(), first):
            parts = line.replace("D", "e").replace("d", "e").split()
            if not parts:
                continue
            try:
                value, places = float(parts[0]), [int(part) for part in parts[1:]]
            except ValueError:
                shown = f'{place}, line {number}: "{line.strip()[:60]}"'
                raise InvalidValue(f"{shown} is not a number with indices") from None
            if len(places) != indices or not math.isfinite(value):
                raise InvalidValue(f"{place}, line {number}: allowed: a finite number and {indices} indices")
            rows.append((number, value, places))
        return cls(place, head, rows)

    def check(self, number: int, indices: Sequence[int], most: Sequence[int]) -> None:
        """Raise an error if an index is out of range; they begin at 1."""
        for index, largest in zip(indices, most, strict=True):
            if not 1 <= index <= largest:
                raise InvalidValue(f"{self.path}, line {number}: index {index} is not from 1 to {largest}")


def read_fcidump(
    path: str | os.PathLike[str],
    ebdump: str | os.PathLike[str] | None = None,
    bosdump: str | os.PathLike[str] | None = None,
    *,
    max_quanta: int | None = None,
) -> tuple[Model, Sector]:
    """Read files of integrals into a model of a cluster without bonds, whose couplings are one term of its own.

    Parameters
    ----------
    path : path
        FCIDUMP: real integrals of restricted orbitals.
    ebdump, bosdump : path, optional
        The coupling of electrons to bosons, and the bosons; both or none.
    max_quanta : int, optional
        Most bosons of a mode; needed with bosons.

    Returns
    -------
    model : Model
        Its sites are the orbitals, in their order; oscillators sit on the first sites.
    sector : Sector
        NELEC and MS2.

    Raises
    ------
    InvalidValue
        If a file cannot be read, is damaged, or does not fit the others; with file and line.
    """
    file = _File.read(path, ("NORB", "NELEC"), 4)
    n = file.head["NORB"]
    if not 1 <= n <= MOST_ORBITALS:
        raise InvalidValue(f"{file.path}: NORB = {n}; allowed: 1 to {MOST_ORBITALS}")
    if file.head.get("IUHF", 0):
        raise InvalidValue(f"{file.path}: IUHF = {file.head['IUHF']}; allowed: 0, the same integrals for both spins")
    constant, one, two = _electrons(file, n)
    formula = [total(_one_body(one)), total(_two_body(two)), Operator({((), ()): constant})]
    phonons = None
    if (ebdump is None) != (bosdump is None):
        raise InvalidValue("ebdump and bosdump belong together: give both, or none")
    if ebdump is not None and bosdump is not None:
        cap = whole_number("max_quanta", max_quanta, 0)
        frequencies, others = _bosons(_File.read(ebdump, ("NORB", "NMODE"), 3), _File.read(bosdump, ("NMODE",), 2), n)
        formula += others
        phonons = Phonons(frequencies, on=list(range(len(frequencies))), max_quanta=cap)
    cluster = custom([[float(i), 0.0] for i in range(n)], [])
    term = FixedTerm(formula_text(total(formula)))
    model = Model(cluster, Electrons(), phonons=phonons, name=file.path.name, terms=(term,))
    return model, Sector(file.head["NELEC"], file.head.get("MS2", file.head["NELEC"] % 2))


def _electrons(file: _File, n: int) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    constant, one, two = 0.0, np.zeros((n, n)), np.zeros((n, n, n, n))
    for number, value, (p, q, r, s) in file.rows:
        if p == q == r == s == 0:
            constant = value
        elif r == s == 0 and q > 0:
            file.check(number, (p, q), (n, n))
            one[p - 1, q - 1] = one[q - 1, p - 1] = value
        elif q == r == s == 0:
            continue  # energy of an orbital, which some programs add
        else:
            file.check(number, (p, q, r, s), (n,) * 4)
            for (a, b), (c, d) in (((p, q), (r, s)), ((r, s), (p, q))):
                for (i, j), (k, m) in product(((a, b), (b, a)), ((c, d), (d, c))):
                    two[i - 1, j - 1, k - 1, m - 1] = value
    return constant, one, two


def _one_body(one: NDArray[np.float64]) -> Iterator[Operator]:
    for p, q in np.argwhere(one).tolist():
        for spin in ("up", "dn"):
            yield float(one[p, q]) * (create(p, spin) * annihilate(q, spin))


def _two_body(two: NDArray[np.float64]) -> Iterator[Operator]:
    for p, q, r, s in np.argwhere(two).tolist():
        for one, other in product(("up", "dn"), repeat=2):
            word = create(p, one) * create(r, other) * annihilate(s, other) * annihilate(q, one)
            yield 0.5 * float(two[p, q, r, s]) * word


def _bosons(coupling: _File, bosons: _File, n: int) -> tuple[list[float], list[Operator]]:
    """Return the frequencies of the modes, and everything else about them as formulas."""
    modes = bosons.head["NMODE"]
    if coupling.head["NMODE"] != modes or coupling.head["NORB"] != n:
        found = f"NORB = {coupling.head['NORB']}, NMODE = {coupling.head['NMODE']}"
        raise InvalidValue(f"{coupling.path}: {found}; the other files have {n} and {modes}")
    if not 1 <= modes <= n:
        raise InvalidValue(f"{bosons.path}: NMODE = {modes}; allowed: 1 to NORB = {n}, a mode on each site at most")
    frequencies, formula = np.zeros(modes), []
    for number, value, (m, k) in bosons.rows:
        bosons.check(number, (m, k), (modes, modes))
        if m == k:
            frequencies[m - 1] = value
        else:
            formula.append(value * (phonon(m - 1).dag * phonon(k - 1)))
    if low := np.flatnonzero(frequencies <= 0).tolist():
        found = f"mode {low[0] + 1} has the frequency {frequencies[low[0]]}"
        raise InvalidValue(f"{bosons.path}: {found}; allowed: above 0")
    for number, value, (m, p, q) in coupling.rows:
        coupling.check(number, (m, p, q), (modes, n, n))
        for spin in ("up", "dn"):
            formula.append(value * (create(p - 1, spin) * annihilate(q - 1, spin) * displacement(m - 1)))
    return frequencies.tolist(), formula
