"""Engines: ways to store the vectors of a block and to act with H on them, one file each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
