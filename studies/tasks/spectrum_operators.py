"""The operators of ``[spectrum]``: built-in ones with their places, and formulas of ``[operators]``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ... import analysis
from ..._core.wording import did_you_mean, listed
from ...analysis.spectra import KINDS, NAMES, Probe, check_cross, formula_probe, probe_problems
from ...clusters import InvalidValue, momenta
from ...clusters.magnetic import without_field
from ...hamiltonians import InvalidModel, Model, Problem, operator
from ...hamiltonians.parameters import show

if TYPE_CHECKING:
    from .spectrum import SpectrumTask

ALL = "all"
OWN = "or a name of [operators]"
PLACED = "leave it out; the formula in [operators] includes the site"


def operator_problems(task: SpectrumTask, model: Model) -> Iterator[Problem]:
    """Yield unknown operators, and problems of the site or momentum of B."""
    for name, allowed in (("operator", NAMES), ("cross", NAMES[:-1])):
        value = getattr(task, name)
        if value is not None and value not in (*allowed, *task.formulas):
            close = did_you_mean(value, (*allowed, *task.formulas))
            yield Problem(f"spectrum.{name}", show(value), f"{close}allowed: {listed(allowed)}, {OWN}")
    if task.operator in NAMES:
        first = (*momenta(without_field(model.cluster)), 0)[0] if task.momentum == ALL else task.one_momentum
        for problem in probe_problems(model, task.operator, task.site, first, task.spin, task.direction):
            is_map = task.momentum == ALL and problem.path == "spectrum.momentum"
            yield replace(problem, got=show(ALL)) if is_map else problem
    elif task.operator in task.formulas:
        for name in ("site", "momentum", "spin", "direction"):
            if (value := getattr(task, name)) is not None:
                yield Problem(f"spectrum.{name}", show(value), PLACED)


def cross_problems(task: SpectrumTask, model: Model) -> Iterator[Problem]:
    """Yield the problems of the operator A of a cross spectrum."""
    if task.cross is None:
        if task.cross_site is not None:
            yield Problem("spectrum.cross_site", show(task.cross_site), "leave it out, or add cross = an operator")
        return
    if task.operator == "current":
        yield Problem("spectrum.cross", show(task.cross), "leave it out; the conductivity has one operator")
        return
    if task.cross in KINDS:
        for problem in probe_problems(model, task.cross, *task.cross_place):
            yield replace(problem, path=problem.path.replace("operator", "cross").replace(".site", ".cross_site"))
    elif task.cross_site is not None:
        yield Problem("spectrum.cross_site", show(task.cross_site), PLACED)
    if not {task.operator, task.cross} <= {*KINDS, *task.formulas}:
        return
    try:
        left, right = probes_of(task, model)
        if left is not None:
            check_cross(model, left, right)
    except InvalidModel:
        return  # the problem of its place is reported
    except InvalidValue:
        allowed = f"allowed: an operator that changes the charge as {task.operator} does"
        yield Problem("spectrum.cross", show(task.cross), allowed)


def probes_of(task: SpectrumTask, model: Model) -> tuple[Probe | None, Probe]:
    """Return the probes A and B."""

    def found(name: str, *place: Any, **more: Any) -> Probe:
        if name in NAMES:
            return analysis.probe(model, name, *place, **more)
        return formula_probe(model, name, operator(task.formulas[name]))

    right = found(task.operator, task.site, task.one_momentum, task.spin, direction=task.direction)
    return None if task.cross is None else found(task.cross, *task.cross_place, task.spin), right
