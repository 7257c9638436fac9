"""Checks of the folders and files for results, made before anything is computed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .arguments import instance
from .errors import InvalidValue


def path_of(name: str, value: Any, example: str) -> Path:
    """Return a path; raise an error if the value is not a path."""
    given: Any = instance(name, value, (str, os.PathLike), f'write a path, as "{example}"')
    return Path(given)


def folder_of(name: str, value: Any) -> Path:
    """Return a folder, which is created if it does not exist.

    Raises
    ------
    InvalidValue
        If it cannot be created.
    """
    target = path_of(name, value, "results")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unusable(name, target, error, "a folder that can be written to") from None
    return target


def file_of(name: str, value: Any) -> Path:
    """Return the path of a writable file.

    Raises
    ------
    InvalidValue
        If the path is a folder, or its folder does not exist.
    """
    target = path_of(name, value, "levels.nc")
    if target.is_dir() or not target.name:
        raise InvalidValue(f"{name} = {str(target)!r} is a folder; give a file in it, as {str(target / 'levels.nc')!r}")
    if not target.parent.is_dir():
        raise InvalidValue(f"{name} = {str(target)!r}: there is no folder {str(target.parent)!r}; make it first")
    return target


def file_name(name: str, value: Any) -> str:
    """Return a file name without a folder.

    Raises
    ------
    InvalidValue
        If the name contains a folder or is empty.
    """
    found = instance(name, value, str, 'write a name, as "model"')
    if not found or os.path.basename(found) != found or found in (".", "..") or "\0" in found:
        raise InvalidValue(f"{name} = {found!r} is invalid; allowed: the name of a file, without a folder")
    return found


def _unusable(name: str, target: Path, error: Exception, allowed: str) -> InvalidValue:
    reason = getattr(error, "strerror", None) or error
    return InvalidValue(f"{name} = {str(target)!r} cannot be used ({reason}); allowed: {allowed}")
