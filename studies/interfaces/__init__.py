"""Interfaces to other codes: exports, imports, and the comparison of energies; each needs its library when called."""
