"""Hamiltonians: parameters, sector, electron-boson basis, phonon space, terms, the factorised operator."""

from .derivatives import flux_derivative
from .flux import hop, path_phase
from .hamiltonian import Hamiltonian
from .model import Couplings, Model, TermFunction
from .notation import formula_text, operator
from .operators import (
    Operator,
    annihilate,
    boson,
    boson_number,
    create,
    displacement,
    electron_number,
    pair,
    phonon,
    quanta,
)
from .parameters import Bosons, Coupling, Electrons, InvalidModel, Phonons, Problem
from .parametric import ModelFunction, parameter_derivative, with_parameter
from .pulse import Pulse, PulseTrain, hop_steps
from .sector import Sector
from .space.charges import ChargeBasis
from .space.phonons import PhononSpace
from .space.product import Amplitudes, Factor, Space
from .symmetry.block import Block
from .terms import TERMS, hamiltonian_operator

__all__ = [
    "TERMS",
    "Amplitudes",
    "Block",
    "Bosons",
    "ChargeBasis",
    "Coupling",
    "Couplings",
    "Electrons",
    "Factor",
    "Hamiltonian",
    "InvalidModel",
    "Model",
    "ModelFunction",
    "Operator",
    "PhononSpace",
    "Phonons",
    "Problem",
    "Pulse",
    "PulseTrain",
    "Sector",
    "Space",
    "TermFunction",
    "annihilate",
    "boson",
    "boson_number",
    "create",
    "displacement",
    "electron_number",
    "flux_derivative",
    "formula_text",
    "hamiltonian_operator",
    "hop",
    "hop_steps",
    "operator",
    "pair",
    "parameter_derivative",
    "path_phase",
    "phonon",
    "quanta",
    "with_parameter",
]
