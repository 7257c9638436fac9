"""Thermodynamic quantities of thermal sums, each with its formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...hamiltonians import Model
from .ensembles import Ensemble
from .sums import Replicates, Totals


@dataclass(frozen=True)
class Quantity:
    """A thermodynamic quantity.

    Attributes
    ----------
    replicates : Replicates
        Its values over temperatures.
    formula, units : str
        What it is; "energy" stands for the user's unit, "1" for a number.
    """

    replicates: Replicates = field(repr=False)
    formula: str
    units: str


def thermodynamics(model: Model, kind: Ensemble, totals: Totals) -> Mapping[str, Quantity]:
    r"""Return the thermodynamic quantities of an ensemble, H with mu inside.

    .. math:: \Omega = -T\ln Z,\quad S = (\langle H\rangle - \Omega)/T,\quad C = \mathrm{Var}(H)/T^2,\quad
              \kappa = \mathrm{Var}(N)/T,\quad \chi = \mathrm{Var}(S_z)/T

    With a wanted density, mu depends on T and C is that at fixed mu nevertheless.
    """
    t = totals.temperatures
    potential = totals.lowest - t * totals.log_partition
    entropy = totals.log_partition + totals.energy / t
    name, formula = ("grand_potential", "Omega = -T ln Z") if kind.is_grand else ("free_energy", "F = -T ln Z")
    return {
        name: Quantity(potential, formula, "energy"),
        "energy": Quantity(totals.lowest + totals.energy, "<H>, mu inside H", "energy"),
        "entropy": Quantity(entropy, "(<H> + T ln Z) / T", "1"),
        "specific_heat": Quantity(totals.energy_variance / t**2, "(<H^2> - <H>^2) / T^2, at fixed mu", "1"),
        "charge": Quantity(totals.charge, "<N>, N = N_e + 2 N_b", "1"),
        "charge_variance": Quantity(totals.charge_variance, "<N^2> - <N>^2", "1"),
        "compressibility": Quantity(totals.charge_variance / t, "d<N>/dmu = (<N^2> - <N>^2) / T", "1/energy"),
        "spin_susceptibility": Quantity(totals.spin_variance / t, "(<S_z^2> - <S_z>^2) / T", "1/energy"),
        "chemical_potential": Quantity(model.chemical_potential + totals.shift, "mu", "energy"),
    }
