"""Spectral functions, optical conductivity, sum rules and derived quantities."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
