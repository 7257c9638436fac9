"""The Hilbert space of a sector, and operators on it as sums of charge matrix x lattice matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.display import counted
from ..._core.lazy import sp
from ...clusters import Card, InvalidValue, Shown
from ..conservation import frame_charge
from ..model import Model
from ..operators import ChargeWord, LatticeWord, Operator, displace
from ..parameters import InvalidModel, Problem, show
from ..sector import Sector, check_sector, resolved
from .charge_masks import Entries, charge_rows, word_entries
from .charges import ChargeBasis, charge_dimension
from .fibres import set_modes
from .frame import frame_parts, in_frame, phonon_frame
from .oscillator_sets import OscillatorSets
from .phonons import PhononSpace, Polynomial, word_matrix
from .set_products import in_sets

FEW_PHONONS = 1000
"""Phonon states up to which lattice matrices are kept."""
MOST_MODES = 3
"""Modes up to which lattice operators act on fibres where oscillator states follow the charges."""
IDENTITY: Polynomial = (((), 1.0),)


@dataclass(frozen=True, repr=False)
class Factor(Shown):
    """One product ``A (x) P`` of a factorised operator.

    Attributes
    ----------
    build : function
        Makes A, or its rows that are given as an array.
    dtype : type
        float64 or complex128, of A.
    lattice : Polynomial
        P, on the phonons; its matrix depends on the cutoff.
    """

    build: Callable[[NDArray[np.int64] | None], sp.csr_array] = field(repr=False)
    dtype: type[np.float64] | type[np.complex128]
    lattice: Polynomial

    @cached_property
    def charges(self) -> sp.csr_array:
        """A, on the electron-boson configurations, shape (charge dimension, charge dimension)."""
        return self.build(None)

    def rows(self, chosen: NDArray[np.int64] | None) -> sp.csr_array:
        """Return some rows of A, without the others where it is not kept yet; all for None."""
        return self.charges if chosen is None else self.build(chosen)

    def card(self) -> Card:
        """Return the size of A, and the number of products in P."""
        rows, columns = self.charges.shape
        size = f"A of {rows:,} × {columns:,} with {counted(self.charges.nnz, 'element')}"
        return Card(f"A ⊗ P: {size}, P of {counted(len(self.lattice), 'ladder product')}")

    @property
    def is_identity(self) -> bool:
        """True where P = 1."""
        return self.lattice == IDENTITY


@dataclass(frozen=True, repr=False)
class Space(Shown):
    """The states of one (N, S_z) sector: electron-boson configuration x phonon state.

    Amplitudes are arrays ``psi[e, p]`` of shape `shape`.

    Attributes
    ----------
    model : Model
        Where it comes from.
    sector : Sector
        Its quantum numbers; a momentum or reflection does not shrink this space, only what solvers keep.
    mean_charge : int or None
        The charge whose mean shift the phonon frame takes; that of the sector by default.
    """

    model: Model
    sector: Sector
    mean_charge: int | None = None

    def __post_init__(self) -> None:
        check_sector(self.model, self.sector)
        object.__setattr__(self, "sector", resolved(self.model, self.sector))
        open_keys = (
            ("cutoff", "auto", "a Hamiltonian needs max_quanta or total_quanta; ground_state finds them itself"),
            ("dressing", "optimal", "a Hamiltonian needs a number from 0 to 1; ground_state finds the best one itself"),
            ("frame", "auto", "a Hamiltonian needs a frame; ground_state chooses one itself"),
            ("basis", "optimal", "a Hamiltonian needs oscillator states; ground_state finds them itself"),
            ("basis", "squeezed", "a Hamiltonian needs oscillator states; ground_state finds them itself"),
        )
        for key, automatic, allowed in open_keys:
            if self.model.phonons is not None and automatic == getattr(self.model.phonons, key):
                raise InvalidModel([Problem(f"phonons.{key}", show(automatic), allowed)])

    @cached_property
    def charges(self) -> ChargeBasis:
        """The electron-boson configurations."""
        return ChargeBasis.of(self.model, self.sector)

    @cached_property
    def phonons(self) -> PhononSpace:
        """The phonon states."""
        return _phonon_space(self.model)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(electron-boson configurations, phonon states)."""
        return dimensions(self.model, self.sector)

    @property
    def size(self) -> str:
        """The number of states, as text."""
        charges, phonons = self.shape
        product = f" ({charges:,} charge × {phonons:,} phonon)" if self.model.modes else ""
        return f"{counted(self.dimension, 'state')}{product}"

    def card(self) -> Card:
        """Return quantum numbers, dimension and model."""
        return Card(f"{self.sector.markup}: {self.size}", [(escape(self.model.cluster.size),)])

    @property
    def dimension(self) -> int:
        """Number of states."""
        charges, phonons = self.shape
        return charges * phonons

    @cached_property
    def frame(self) -> NDArray[np.float64]:
        """Displacement lambda_m(e), shape (configurations, modes): a = a' + lambda, x = x' + 2 lambda."""
        return phonon_frame(self.model, self.frame_parts, self.charges)

    @property
    def sets(self) -> OscillatorSets | None:
        """Oscillator states that follow the charges; None where phonon numbers are counted."""
        return sets_of(self.model)

    @cached_property
    def set_labels(self) -> NDArray[np.int8]:
        """The charge that chooses the oscillator states of each mode, shape (configurations, modes)."""
        assert self.sets is not None
        return self.sets.labels(self.model, self.charges)

    @cached_property
    def frame_parts(self) -> NDArray[np.float64]:
        """The displacement as numbers for each mode: uniform, for the electrons and for the boson of each site."""
        if self.sets is not None:
            parts = np.zeros((1 + 2 * self.model.cluster.sites, len(self.model.modes)))
            parts[0] = self.sets.displacements
            return parts
        return frame_parts(self.model, self.mean)

    @property
    def mean(self) -> int:
        """The charge whose mean shift the phonon frame takes."""
        return frame_charge(self.model, self.sector) if self.mean_charge is None else self.mean_charge

    @cached_property
    def is_dressed(self) -> bool:
        """True where displacements or oscillator states follow the charges: what moves a charge moves the lattice."""
        if self.sets is not None:
            return True
        if not np.any(self.frame_parts[1:]):
            return False
        return bool(len(self.frame)) and bool(np.any(self.frame != self.frame[0]))

    def charge_matrix(
        self, words: Mapping[ChargeWord, complex], dtype: type, chosen: NDArray[np.int64] | None = None
    ) -> sp.csr_array:
        """Return the matrix of a sum of charge operators on the electron-boson configurations, or some of its rows."""
        states = self.charges.states if chosen is None else self.charges.states[chosen]
        matrix = charge_rows(words, self.charges, states).astype(dtype, casting="safe", copy=False)
        matrix.eliminate_zeros()
        matrix.sort_indices()
        return matrix

    def word_entries(self, word: ChargeWord) -> Entries:
        """Return the elements of a charge operator on the electron-boson configurations, with rows and columns."""
        return word_entries(word, self.charges)

    def lattice_matrix(self, lattice: Polynomial) -> sp.csr_array:
        """Return the matrix of a lattice polynomial on the phonon states, real where it can be; small ones are kept."""
        if len(self.phonons) > FEW_PHONONS:
            return self._lattice_matrix(lattice)
        if lattice not in self._known_lattice:
            self._known_lattice[lattice] = self._lattice_matrix(lattice)
        return self._known_lattice[lattice]

    def lattice_action(self, lattice: Polynomial) -> sp.csr_array | None:
        """Return the same, or None where the polynomial is a small matrix on the fibres of a few modes."""
        modes = set_modes(lattice) if self.sets is not None else None
        if modes is not None and len(modes) > MOST_MODES:
            raise InvalidValue(
                f"a term acts on {len(modes)} oscillators at once; with optimal oscillator states at most {MOST_MODES} "
                "are possible: leave phonons.basis out"
            )
        return None if modes is not None else self.lattice_matrix(lattice)

    @cached_property
    def symmetries(self) -> dict[object, tuple[Operator, bool]]:
        """Operators, and whether they have the symmetries that were checked so far."""
        return {}

    @cached_property
    def _known_lattice(self) -> dict[Polynomial, sp.csr_array]:
        return {}

    def _lattice_matrix(self, lattice: Polynomial) -> sp.csr_array:
        weights = [value.real if np.imag(value) == 0 else value for _, value in lattice]
        return sp.csr_array(
            sum(
                (weight * word_matrix(word, self.phonons) for (word, _), weight in zip(lattice, weights, strict=True)),
                sp.csr_array((len(self.phonons), len(self.phonons))),
            )
        )

    def factorise(self, operator: Operator) -> tuple[Factor, ...]:
        """Write an operator (in the physical phonons a) as few products of charge and lattice matrices.

        Words with the same charge part share one charge matrix: n_i (a + a+) is one factor, not two.

        Raises
        ------
        ValueError
            If the operator changes N or S_z, or names a site, boson or mode that is not there.
        """
        check_operator(self.model, operator, self.sector)
        if not self.is_dressed:
            return self.plain_factors(operator)
        if self.sets is None:
            physical = ((factor.charges, factor.lattice) for factor in self._factors(operator))
            products = in_frame(physical, self.frame)
        else:
            displaced = ((factor.charges, factor.lattice) for factor in self.plain_factors(operator))
            products = in_sets(displaced, self.sets, self.set_labels)
        return tuple(
            Factor(partial(_rows, charges), np.complex128 if np.iscomplexobj(charges) else np.float64, lattice)
            for charges, lattice in products
        )

    def displaced(self, operator: Operator) -> Operator:
        """Return the formula of an operator in a frame that is the same for all configurations."""
        uniform, *others = self.frame_parts
        if np.any(others) and len(self.frame):
            uniform = self.frame[0]
        return displace(operator, dict(enumerate(uniform.tolist())))

    def plain_factors(self, operator: Operator) -> tuple[Factor, ...]:
        """Write an operator as products in phonons about the same displacement for all configurations."""
        return self._factors(self.displaced(operator))

    def _factors(self, operator: Operator) -> tuple[Factor, ...]:
        by_lattice: defaultdict[LatticeWord, dict[ChargeWord, complex]] = defaultdict(dict)
        for (charge, lattice), value in operator.terms.items():
            by_lattice[lattice][charge] = value
        by_charge: dict[tuple[tuple[ChargeWord, complex], ...], list[tuple[LatticeWord, complex]]] = {}
        for lattice, words in by_lattice.items():
            scale = next(iter(words.values()))
            unit = tuple(sorted((word, value / scale) for word, value in words.items()))
            by_charge.setdefault(unit, []).append((lattice, scale))
        factors = []
        for unit, lattice_words in by_charge.items():
            words, polynomial = dict(unit), tuple(sorted(lattice_words))
            if len(polynomial) == 1:  # the number belongs to the charges, so that P = 1 is recognised
                (word, scale), *_ = polynomial
                words, polynomial = {w: scale * value for w, value in words.items()}, ((word, 1.0),)
            dtype = np.float64 if all(np.imag(value) == 0 for value in words.values()) else np.complex128
            factors.append(Factor(partial(self.charge_matrix, words, dtype), dtype, polynomial))
        return tuple(factors)

    def label(self, number: int) -> str:
        """Return a basis state as text: electrons, bosons and phonon numbers."""
        e, p = divmod(number, len(self.phonons))
        return self.charges.label(e) + (f" {self.phonons.label(p)}" if self.phonons.modes else "")

    def table(self, limit: int = 40) -> str:
        """Return the basis as text: for each state its number, sites (. u d 2), bosons (B) and phonon numbers.

        Examples
        --------
        >>> from respair.clusters import site
        >>> from respair.hamiltonians import Bosons, Electrons, Model, Sector
        >>> print(Space(Model(site(), Electrons(), Bosons(exchange=0.2)), Sector(2)).table())
        2 states: electrons (. u d 2)|bosons (B)
           0  .|B
           1  2|.
        """
        head = f"{self.dimension} states: electrons (. u d 2)"
        head += "|bosons (B)" if self.charges.boson_sites else ""
        head += " (phonon numbers)" if self.phonons.modes else ""
        rows = [f"{number:4d}  {self.label(number)}" for number in range(min(limit, self.dimension))]
        more = [f" ... {self.dimension - limit} more"] if self.dimension > limit else []
        return "\n".join([head, *rows, *more])


def _rows(matrix: sp.csr_array, chosen: NDArray[np.int64] | None) -> sp.csr_array:
    return matrix if chosen is None else matrix[chosen]


def dimensions(model: Model, sector: Sector) -> tuple[int, int]:
    """Return the numbers of charge configurations and of phonon states, without enumerating them."""
    return charge_dimension(model, resolved(model, sector)), _phonon_space(model).size


def _phonon_space(model: Model) -> PhononSpace:
    table, sets = model.phonons, sets_of(model)
    caps = (table.max_quanta, table.total_quanta) if table else (None, None)
    if sets is None:
        return PhononSpace.capped(len(model.modes), *caps)
    most = sets.size - 1 if caps[0] is None else min(caps[0], sets.size - 1)
    return PhononSpace.capped(len(model.modes), most, caps[1], sets.costs or ())


def sets_of(model: Model) -> OscillatorSets | None:
    """Return the oscillator states of a model that follow the charges, where there are some."""
    basis = model.phonons.basis if model.phonons else None
    return basis if isinstance(basis, OscillatorSets) else None


CHARGE_OF: Mapping[str, tuple[int, int]] = {
    "c+up": (1, 1), "c+dn": (1, -1), "cup": (-1, -1), "cdn": (-1, 1), "b+": (2, 0), "b": (-2, 0),
}  # fmt: skip
"""Change of (N, N_up - N_dn) by each letter."""
CONSERVED = 1 << 30
"""Steps of a quantum number that has only one value."""


def check_operator(model: Model, operator: Operator, sector: Sector) -> None:
    """Raise ValueError if an operator leaves its sector or names something that the model does not have."""
    steps = np.array([2 if sector.parity else CONSERVED, 2 if sector.has_all_spins else CONSERVED])
    for charge, _ in operator.terms:
        change = np.sum([CHARGE_OF.get(symbol, (0, 0)) for symbol, _ in charge], axis=0) if charge else np.zeros(2)
        if np.any(change % steps != 0):
            product = " ".join(f"{symbol}_{index}" for symbol, index in charge)
            raise InvalidValue(
                f"{product} changes (N, N_up - N_dn) by {tuple(int(x) for x in change)}; an operator within one sector "
                'must keep both, or lead to what a sector with two_sz = "all" or parity = "even" holds'
            )
    check_names(model, operator)


def check_names(model: Model, operator: Operator) -> None:
    """Raise ValueError if an operator names a site, boson or mode that the model does not have."""
    for charge, lattice in operator.terms:
        for symbol, index in charge:
            _check_letter(model, symbol, index)
        for mode, *_ in lattice:
            if not 0 <= mode < len(model.modes):
                raise InvalidValue(f"phonon mode {mode} does not exist; the model has {len(model.modes)} modes")


def _check_letter(model: Model, symbol: str, index: int) -> None:
    if symbol in ("b", "b+", "nb"):
        if (index % model.cluster.sites if model.most_bosons > 1 else index) not in model.boson_sites:
            raise InvalidValue(f"site {index} carries no boson; boson sites are {list(model.boson_sites)}")
    elif not 0 <= index < model.cluster.sites:
        raise InvalidValue(f"site {index} does not exist; sites are 0 to {model.cluster.sites - 1}")
    elif model.electrons is None:
        raise InvalidValue("the model has no electrons; give it Electrons(...)")


Amplitudes = NDArray[Any]
"""psi[e, p], shape (charge configurations, phonon states), real or complex."""
