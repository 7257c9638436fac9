"""Thermal states: averages, spectra, flux response and the two temperatures of pairing."""
