"""The Hamiltonian of a sector, H = sum_P A_P (x) P: factors, action on amplitudes, and matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import mul
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._core.display import counted
from .._core.lazy import splinalg
from ..clusters import Card, InvalidValue, Shown
from .algebra import canonical
from .arguments import a_model, a_sector
from .model import Model
from .operators import Operator
from .parameters import InvalidModel, Problem, show
from .sector import Sector
from .space.boundary import Beyond
from .space.product import Amplitudes, Factor, Space, sets_of
from .space.quspin_basis import Layout, QuspinBasis, SymmetryMap
from .symmetry.share import Share
from .terms import energy_scale, far_potential, level_width, sector_operator


@dataclass(frozen=True, repr=False)
class Hamiltonian(Shown):
    """The Hamiltonian of a model in one sector.

    A chemical potential far larger than all couplings is kept separately, as `constant`, to avoid loss of precision.

    Attributes
    ----------
    space : Space
        The Hilbert space of the sector.
    operator : Operator
        The formula in terms of the physical phonons.
    factors : tuple of Factor
        Charge matrices and lattice polynomials with H = sum A (x) P.
    """

    space: Space
    operator: Operator
    factors: tuple[Factor, ...]

    @classmethod
    def of(cls, model: Model, sector: Sector | int, mean_charge: int | None = None) -> Hamiltonian:
        """Build the Hamiltonian of a model in a sector; `mean_charge` replaces the charge of the phonon frame.

        Raises
        ------
        InvalidModel
            If the sector does not exist.
        ValueError
            If a user-defined term is not Hermitian or leaves the sector.

        Examples
        --------
        >>> from respair.clusters import dimer
        >>> from respair.hamiltonians import Electrons, Model, Sector
        >>> H = Hamiltonian.of(Model(dimer(), Electrons(hopping=1.0, hubbard_u=4.0)), Sector(2))
        >>> np.linalg.eigvalsh(H.matrix().toarray()).round(6) + 0.0
        array([-0.828427,  0.      ,  4.      ,  4.828427])
        """
        space = Space(a_model("model", model), a_sector("sector", sector), mean_charge)
        operator = sector_operator(model)
        if space.sector.parity is not None and far_potential(model):
            allowed = "allowed with parity: less than a thousand times the other couplings; give sector.charge instead"
            raise InvalidModel([Problem("ensemble.chemical_potential", show(model.chemical_potential), allowed)])
        if model.terms:
            _check_hermitian(space, operator)
        return cls(space, operator, space.factorise(operator))

    def in_caps(self, model: Model) -> Hamiltonian:
        """Return the Hamiltonian of the same model with other caps on its phonons.

        Where oscillator states follow the charges, the factors do not depend on the caps and are taken over.
        """
        if self.space.sets is None or sets_of(model) is not self.space.sets:
            return Hamiltonian.of(model, self.space.sector, self.space.mean_charge)
        space = replace(self.space, model=model)
        for name in ("charges", "set_labels"):
            vars(space)[name] = getattr(self.space, name)
        return replace(self, space=space)

    def card(self) -> Card:
        """Return a summary: sector, dimension, and the formula with its coefficients."""
        space, kind = self.space, "complex" if self.dtype is np.complex128 else "real"
        note = f"{kind}, {counted(len(self.factors), 'product')} of a charge and a lattice matrix"
        title = f"Hamiltonian of {space.sector.markup}: {space.size}"
        return Card(title, space.model.formula, note=note, picture=space.model.cluster.drawing)

    @cached_property
    def dtype(self) -> type[np.float64] | type[np.complex128]:
        """float64 if every factor is real, else complex128."""
        values = [value for factor in self.factors for _, value in factor.lattice]
        is_complex = any(np.imag(v) for v in values) or any(factor.dtype is np.complex128 for factor in self.factors)
        return np.complex128 if is_complex else np.float64

    @cached_property
    def scale(self) -> float:
        """The largest coefficient except the chemical potential: see `energy_scale`."""
        return energy_scale(self.space.model)

    @cached_property
    def potential(self) -> float:
        """The chemical potential that is not part of `operator`: see `far_potential`."""
        return far_potential(self.space.model)

    @property
    def constant(self) -> float:
        """Shift of the energies of `operator`: -mu N of a large chemical potential, else 0."""
        return -self.potential * self.space.sector.charge if self.potential else 0.0

    @property
    def unit(self) -> float:
        """The energy with which small energies are compared: see `energy_unit`."""
        return min(1.0, self.scale)

    @cached_property
    def level_width(self) -> float:
        """Distance below which levels are degenerate: see `level_width`."""
        return level_width(self.space.model)

    @property
    def lattice(self) -> tuple[sp.csr_array, ...]:
        """The lattice matrices P, cached for all blocks unless displacements make them large."""
        return self._lattice_matrices() if self.space.is_dressed else self._lattice

    @cached_property
    def _lattice(self) -> tuple[sp.csr_array, ...]:
        return self._lattice_matrices()

    def _lattice_matrices(self) -> tuple[sp.csr_array, ...]:
        return tuple(self.space.lattice_matrix(factor.lattice) for factor in self.factors)

    @property
    def actions(self) -> tuple[sp.csr_array | None, ...]:
        """The lattice matrices; None for those that are applied along fibres of the phonon space."""
        if self.space.sets is None:
            return self.lattice
        return tuple(self.space.lattice_action(factor.lattice) for factor in self.factors)

    @cached_property
    def _transposed(self) -> tuple[sp.csr_array, ...]:
        return tuple(sp.csr_array(matrix.T) for matrix in self.lattice)

    @cached_property
    def beyond(self) -> Beyond:
        """The phonon states just beyond the cutoff, cached for all blocks."""
        return Beyond.of(self.space.phonons, [factor.lattice for factor in self.factors])

    @cached_property
    def neighbours(self) -> dict[tuple[int, int], Hamiltonian]:
        """Cache of the Hamiltonians of other sectors, by the change of (N, N_up - N_dn)."""
        return {}

    @cached_property
    def symmetries(self) -> dict[object, bool]:
        """Cache of symmetry checks: whether the Hamiltonian has each symmetry."""
        return {}

    @cached_property
    def shares(self) -> dict[object, Share]:
        """Distribution of the rows of each block over the processes, by its symmetries."""
        return {}

    def power(self, power: int) -> tuple[Factor, ...]:
        """Return a power of H without truncation of intermediate states, as charge and lattice matrices; cached."""
        if power not in self._powers:
            self._powers[power] = self.space.factorise(reduce(mul, [self.operator] * power))
        return self._powers[power]

    @cached_property
    def _powers(self) -> dict[int, tuple[Factor, ...]]:
        return {}

    def apply(self, psi: Amplitudes) -> Amplitudes:
        """Return ``H psi`` for amplitudes ``psi[e, p]``."""
        return apply_factors(self.factors, self._transposed, psi)

    def matrix(self) -> sp.csr_array:
        """Return H as one sparse matrix of shape (dimension, dimension), index ``e * phonon states + p``."""
        return _product_matrix(self.space, self.factors, self.dtype)

    @property
    def linear_operator(self) -> splinalg.LinearOperator:
        """H as a SciPy `LinearOperator` on the same states, without its matrix: for `scipy.sparse.linalg`."""
        shape, kind = (self.space.dimension,) * 2, np.dtype(self.dtype)
        return splinalg.LinearOperator(shape, matvec=self._product, rmatvec=self._product, dtype=kind)

    def _product(self, v: NDArray[Any]) -> NDArray[Any]:
        return self.apply(v.reshape(self.space.shape)).ravel()

    def matrix_of(self, operator: Operator) -> sp.csr_array:
        """Return an operator that conserves N and S_z as a matrix on the same states."""
        return sparse_matrix(self.space, operator)

    @cached_property
    def kept_matrix(self) -> sp.csr_array:
        """The matrix of H, cached for all blocks of a small sector."""
        return self.matrix()

    def quspin_basis(self, maps: tuple[SymmetryMap, ...] = ()) -> QuspinBasis:
        """Return the QuSpin basis of the whole model."""
        space = self.space
        layout = Layout.of(space.charges, space.phonons.modes, space.phonons.max_quanta)
        return QuspinBasis(layout, layout.join(space.charges.states, space.phonons.occupations).ravel(), maps)

    def quspin(self, maps: tuple[SymmetryMap, ...] = (), dtype: type | None = None) -> tuple[QuspinBasis, sp.csr_array]:
        """Return the whole model in one QuSpin basis: the basis and its CSR matrix.

        Raises
        ------
        ValueError
            In the Lang-Firsov frame: a displacement operator is not a polynomial in ladder operators.
        """
        if self.space.is_dressed:
            raise InvalidValue(
                "QuSpin has no displacement operators; with the Lang-Firsov frame use Hamiltonian.matrix"
            )
        basis = self.quspin_basis(maps)
        return basis, basis.matrix(self.space.displaced(self.operator), dtype or self.dtype)


def sparse_matrix(space: Space, operator: Operator) -> sp.csr_array:
    """Return an operator that conserves N and S_z as a matrix on product states, index ``e * phonon states + p``."""
    return _product_matrix(space, space.factorise(operator))


def _product_matrix(space: Space, factors: tuple[Factor, ...], dtype: type = np.float64) -> sp.csr_array:
    total = sp.csr_array((space.dimension,) * 2, dtype=dtype)
    for factor in factors:
        total = total + sp.kron(factor.charges, space.lattice_matrix(factor.lattice), format="csr")
    return sp.csr_array(total)


def apply_factors(factors: tuple[Factor, ...], lattice: tuple[sp.csr_array, ...], psi: Amplitudes) -> Amplitudes:
    """Return ``sum_f A_f psi P_f^T``; `lattice` holds the transposed matrices P_f^T, square or not."""
    columns = lattice[0].shape[1] if lattice else psi.shape[1]
    out = np.zeros((psi.shape[0], columns), dtype=np.result_type(psi, *(f.charges for f in factors)))
    for factor, right in zip(factors, lattice, strict=True):
        moved = factor.charges @ psi
        if np.iscomplexobj(right) and not np.iscomplexobj(out):
            out = out.astype(np.complex128)
        out += moved if factor.is_identity and moved.shape == out.shape else moved @ right
    return out


def _check_hermitian(space: Space, operator: Operator) -> None:
    defect = canonical(operator, -operator.dag)
    for factor in space.factorise(defect):
        size = np.max(np.abs(factor.charges.data), initial=0.0)
        if size > 0:
            raise InvalidValue(
                f"the terms of the model are not Hermitian (H - H+ has elements of {size:.3g}); "
                "add the Hermitian conjugate, as in term + term.dag"
            )
