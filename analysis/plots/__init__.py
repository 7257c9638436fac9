"""Figures. Every function takes an axes (or makes one) and returns it; nothing here computes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
