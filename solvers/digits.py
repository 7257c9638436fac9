"""Numbers as text, with as many digits as their error bars support."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def with_error(value: float, error: float) -> str:
    """Return a value to the digits that its error bar supports, the error of the last one in brackets.

    Examples
    --------
    >>> with_error(-4.84252626123, 3.1e-8), with_error(-1.0, 0.0), with_error(2.31, 0.4)
    ('-4.84252626(4)', '-1.000000000000', '2.3(4)')
    """
    if not math.isfinite(value):
        return "-"
    if not math.isfinite(error):
        return f"{value:.6g}"
    if error < 5e-13:
        return f"{value:.12f}"
    digits = max(0, -math.floor(math.log10(error)))
    last = math.ceil(error * 10**digits - 1e-9)
    if last == 10:
        digits, last = max(0, digits - 1), 1 if digits else 10
    return f"{value:.{digits}f}({last})"


def decimals(error: float) -> int:
    """Return how many decimals of an average to show beside an energy with this error bar: from 2 to 8.

    Examples
    --------
    >>> decimals(5e-4), decimals(1e-12), decimals(0.3)
    (3, 8, 2)
    """
    return int(np.clip(math.floor(-math.log10(max(error, 1e-12))), 2, 8)) if math.isfinite(error) else 2


def number(value: complex, digits: int) -> str:
    """Return a real or complex number with so many decimals, a dash for none."""
    given = complex(value)
    if not np.isfinite(given):
        return "-"
    real, imaginary = round(given.real, digits) + 0.0, round(given.imag, digits)
    return f"{real:.{digits}f}{imaginary:+.{digits}f}i" if imaginary else f"{real:.{digits}f}"


def numbers(values: NDArray[Any], digits: int, most: int = 6) -> str:
    """Return the first few of an array of numbers."""
    shown = ", ".join(number(x, digits) for x in np.atleast_1d(values)[:most])
    return shown + (" ..." if values.size > most else "")
