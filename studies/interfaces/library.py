"""Libraries of other codes; optional, and imported on first use."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...clusters import InvalidValue


class LibraryMissing(InvalidValue):
    """Raised if the library of an interface is not installed; the message says how to install it."""


def library(module: str, package: str = "") -> Any:
    """Import a module of another code.

    Parameters
    ----------
    module : str
        Name of the module.
    package : str
        Name of the package for pip, if different.

    Raises
    ------
    LibraryMissing
        If the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        raise LibraryMissing(
            f"{name} is not installed, or cannot be loaded ({error}); pip install '{name}', or all of the other codes "
            "with pip install 'respair[crosscheck]'"
        ) from None


def version_of(package: str) -> str:
    """Return the version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
