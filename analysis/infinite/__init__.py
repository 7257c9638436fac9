"""One and two particles on infinite lattices: bands, masses, phonon clouds, binding and spectra."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
