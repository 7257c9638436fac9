"""Pairing: amplitudes, density matrices, condensation, binding and phase."""
