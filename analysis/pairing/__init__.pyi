"""Pairing: amplitudes, density matrices, condensation, binding and phase."""

from .density_matrices import FORMS, Form, form_names, possible_forms
from .phase import QUANTITIES, SEARCHES, coherence

__all__ = [
    "FORMS",
    "QUANTITIES",
    "SEARCHES",
    "Form",
    "coherence",
    "form_names",
    "possible_forms",
]
