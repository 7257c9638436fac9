"""The standard approximations by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from .adiabatic import ADIABATIC, ADIABATIC_BOUND, COHERENT_PRODUCT
from .atomic_limit import ATOMIC_LIMIT
from .base import Approximation
from .diagrams.hubbard_one import HUBBARD_ONE
from .diagrams.migdal import BORN, MIGDAL_ELIASHBERG, SELF_CONSISTENT_BORN
from .diagrams.t_matrix import T_MATRIX
from .infinite_lattice import (
    LANG_FIRSOV_BAND,
    MOMENTUM_AVERAGE,
    STRONG_COUPLING,
    WEAK_COUPLING,
    finite_only,
)
from .lang_firsov import ANTI_ADIABATIC, LANG_FIRSOV
from .mean_field import MEAN_FIELD
from .mean_field_sites import MEAN_FIELD_SITES
from .pair_perturbation import BIPOLARON
from .variational_lang_firsov import LANG_FIRSOV_SQUEEZED, LANG_FIRSOV_VARIATIONAL

FINITE = (
    MEAN_FIELD, MEAN_FIELD_SITES, LANG_FIRSOV, LANG_FIRSOV_VARIATIONAL, LANG_FIRSOV_SQUEEZED, ANTI_ADIABATIC,
    ADIABATIC, ADIABATIC_BOUND, COHERENT_PRODUCT, BIPOLARON, ATOMIC_LIMIT, HUBBARD_ONE, BORN, SELF_CONSISTENT_BORN,
    MIGDAL_ELIASHBERG, T_MATRIX,
)  # fmt: skip
INFINITE = (LANG_FIRSOV_BAND, WEAK_COUPLING, STRONG_COUPLING, MOMENTUM_AVERAGE)
ALL = (*(replace(each, conditions=(finite_only, *each.conditions)) for each in FINITE), *INFINITE)
STANDARD: Mapping[str, Approximation] = MappingProxyType({each.name: each for each in ALL})
"""All built-in approximations by name; add user-defined ones in another mapping, ``{**STANDARD, "mine": mine}``."""
