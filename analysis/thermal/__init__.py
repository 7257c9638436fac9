"""Thermal states: averages, spectra, flux response and the two temperatures of pairing."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
