"""Datasets for publication: built from model files, verified by computing points again, read back with their models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
