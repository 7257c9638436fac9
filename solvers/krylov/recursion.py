"""The three-term recursion of Lanczos, ``b_k q_{k+1} = H q_k - a_k q_k - b_{k-1} q_{k-1}``, as a generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .operator import HermitianOperator, Matvec, Vector


@dataclass(frozen=True)
class Tridiagonal:
    """H in the Lanczos vectors.

    Attributes
    ----------
    diagonal, coupling : list of float
        a_k and b_k of each step taken.
    """

    diagonal: list[float] = field(default_factory=list)
    coupling: list[float] = field(default_factory=list)


def lanczos_vectors(
    operator: HermitianOperator,
    start: Vector,
    matrix: Tridiagonal,
    *,
    product: Matvec | None = None,
    begin: int = 0,
    previous: Vector | None = None,
) -> Iterator[Vector]:
    """Yield Lanczos vectors one after the other, until no more are asked for.

    Three vectors are held. The one that is yielded may be changed in place, and the last coupling with it, before the
    next one is asked for; only then H acts on it.

    Parameters
    ----------
    operator : HermitianOperator
        H.
    start : (n,)
        The first vector that is yielded, of norm 1; it is overwritten later.
    matrix : Tridiagonal
        a_k and b_k are appended; those that are there already, from an earlier pass, are used.
    product : function, optional
        Acts in the place of H.
    begin : int
        Number k of the first vector.
    previous : (n,), optional
        q_{k-1} where k is not 0; it is overwritten.

    Examples
    --------
    >>> from itertools import islice
    >>> from respair.solvers.krylov.operator import FunctionOperator
    >>> levels = np.array([0.0, 1.0, 5.0])
    >>> diagonal = FunctionOperator(lambda v, out: np.multiply(levels, v, out=out), 3, np.dtype(float))
    >>> matrix = Tridiagonal()
    >>> len([*islice(lanczos_vectors(diagonal, np.sqrt(np.ones(3) / 3), matrix), 3)])
    3
    >>> np.round(matrix.diagonal, 9), np.round(matrix.coupling, 9)
    (array([2.        , 3.28571429]), array([2.1602469, 0.8247861]))
    """
    now, image = start, np.empty_like(start)
    before = np.zeros_like(start) if previous is None else previous
    step = begin
    while True:
        yield now
        is_known = step < len(matrix.coupling)
        known = (matrix.diagonal[step], matrix.coupling[step]) if is_known else None
        back = matrix.coupling[step - 1] if step else 0.0
        a, b = operator.step(product or operator.product, before, now, back, image, known)
        if not is_known:
            matrix.diagonal.append(a)
            matrix.coupling.append(b)
        now, before, step = before, now, step + 1
