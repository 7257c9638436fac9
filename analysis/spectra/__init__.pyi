"""Spectral functions, conductivity, their sum rules and what is read off them."""

from .excitations import LINESHAPES
from .functions import DEFAULT_BROADENING
from .probes import KINDS, NAMES, Probe, check_cross, formula_probe, probe_problems
from .sum_rules import LEFT_OUT

__all__ = [
    "DEFAULT_BROADENING",
    "KINDS",
    "LEFT_OUT",
    "LINESHAPES",
    "NAMES",
    "Probe",
    "check_cross",
    "formula_probe",
    "probe_problems",
]
