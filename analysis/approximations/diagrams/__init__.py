"""Approximations of self-energies, on the Matsubara axis of a cluster."""
