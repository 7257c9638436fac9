"""Evaluation of arithmetic expressions: pi/2, sqrt(2), 2*pi/3."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

NAMES: Mapping[str, float] = MappingProxyType({"pi": math.pi, "π": math.pi})
FUNCTIONS: Mapping[str, Callable[[float], float]] = MappingProxyType({"sqrt": math.sqrt, "exp": math.exp})
OPERATORS: Mapping[type, Callable[..., Any]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.USub: operator.neg,
        ast.UAdd: operator.pos,
    }
)
LONGEST = 200
"""Largest number of characters of an expression."""


def evaluated(text: str) -> Any:
    """Return the value of an expression of numbers, pi, sqrt, exp, + - * / and parentheses, or of a list of them.

    Raises
    ------
    ValueError
        If the text is not such an expression, or its value is not finite.

    Examples
    --------
    >>> evaluated("pi/2"), evaluated("[0, -sqrt(2)/2]")
    (1.5707963267948966, [0, -0.7071067811865476])
    """
    if len(text) > LONGEST:
        raise ValueError("an expression that is too long")
    try:
        found = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError("no expression of numbers") from error
    if not all(math.isfinite(number) for number in (found if isinstance(found, list) else [found])):
        raise ValueError("no finite number")
    return found


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.Name) and node.id in NAMES:
        return NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_number(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_number(node.left), _number(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        function = FUNCTIONS.get(node.func.id)
        if function is not None:
            return function(_number(node.args[0]))
    raise ValueError("no expression of numbers")


def _number(node: ast.expr) -> Any:
    found = _value(node)
    if isinstance(found, list):
        raise ValueError("a list in an expression")
    return found
