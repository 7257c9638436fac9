"""The table by which levels show themselves: energies to the digits that their error bars support."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._core.display import counted
from .._core.formatting import with_error
from ..clusters import Card
from ..hamiltonians import Sector, Space
from .certificate import Certificate


def level_table(
    space: Space,
    energies: NDArray[np.float64],
    certificate: Certificate,
    labels: Sequence[Sector],
    multiplicity: int,
    how: str,
) -> Card:
    """Return levels with error bars, residuals and quantum numbers.

    Parameters
    ----------
    space : Space
        The states among which they were sought.
    energies : (k,) float
        Ascending.
    certificate : Certificate
        Of these levels.
    labels : sequence of Sector
        Their quantum numbers.
    multiplicity : int
        Of the ground level.
    how : str
        What found them.
    """
    columns = (energies, certificate.energy_errors, certificate.residuals, certificate.leaks)
    rows = [
        (str(n), with_error(energy, error), f"{residual:.1e}", f"{leak:.1e}", *filter(None, [label.label]))
        for n, (energy, error, residual, leak, label) in enumerate(zip(*columns, labels, strict=True))
    ]
    whole = Sector(space.sector.charge, space.sector.two_sz)
    title = f"{counted(len(energies), 'level')} of {whole.markup}: {space.size}"
    degenerate = f"the ground level has {counted(multiplicity, 'state')}; " if multiplicity > 1 else ""
    return Card(title, rows, ("level", "energy", "residual", "leak") if rows else (), degenerate + how)
