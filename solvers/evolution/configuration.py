"""Charges on sites with oscillators in coherent states: where a motion may begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...hamiltonians import Model


@dataclass(frozen=True)
class Configuration:
    """Charges on sites, and every oscillator in a coherent state.

    Attributes
    ----------
    up, dn : sequence of int
        Sites with an electron of each spin.
    bosons : sequence of int
        Sites with a local pair.
    displacement : float or sequence of float
        <x> of every oscillator, x = a + a+, or a list with one number for each.

    Examples
    --------
    >>> Configuration(up=[0], dn=[0]).charge
    2
    """

    up: Sequence[int] = ()
    dn: Sequence[int] = ()
    bosons: Sequence[int] = ()
    displacement: float | Sequence[float] = field(default=0.0)

    @property
    def charge(self) -> int:
        """N = N_e + 2 N_b."""
        return len(self.up) + len(self.dn) + 2 * len(self.bosons)

    @property
    def two_sz(self) -> int:
        """N_up - N_dn."""
        return len(self.up) - len(self.dn)

    def problems(self, model: Model) -> dict[str, tuple[object, str]]:
        """Return what does not fit a model: by key, the value and what is allowed."""
        found: dict[str, tuple[object, str]] = {}
        sites = model.cluster.sites if model.electrons is not None else 0
        carriers = {"up": range(sites), "dn": range(sites), "bosons": model.boson_sites}
        for key, allowed in carriers.items():
            given = list(getattr(self, key))
            most = model.most_bosons if key == "bosons" else 1
            if any(given.count(i) > most for i in given) or not set(given) <= set(allowed):
                often = "once" if most == 1 else f"{most} times at most"
                places = f"sites among {list(allowed)}, each {often}" if len(allowed) else "an empty list in this model"
                found[key] = given, f"allowed: {places}"
        if model.most_electrons == 1 and set(self.up) & set(self.dn):
            found.setdefault(
                "dn", (list(self.dn), "allowed: sites without an up electron; none has two electrons here")
            )
        numbers = np.atleast_1d(np.asarray(self.displacement, float))
        if not np.all(np.isfinite(numbers)) or (np.ndim(self.displacement) and len(numbers) != len(model.modes)):
            found["displacement"] = self.displacement, f"allowed: a number, or a list of {len(model.modes)} numbers"
        return found

    def bits(self, model: Model) -> int:
        """Return the configuration as the integer that it is in a basis of charges."""
        sites = model.cluster.sites
        levels = model.most_bosons
        places = {site: 2 * sites + levels * b for b, site in enumerate(model.boson_sites)}
        pairs = [places[i] + k for i in dict.fromkeys(self.bosons) for k in range(list(self.bosons).count(i))]
        bits = [*self.up, *(sites + i for i in self.dn), *pairs]
        return sum(1 << bit for bit in bits)
