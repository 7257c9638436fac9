"""Ground-state energy from one code in a separate process, with its time and memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from ...hamiltonians import Model, Sector
from ...hamiltonians.json_form import from_json_form, to_json_form
from .codes import CODES

MARK = "respair crosscheck: "
"""Prefix of the line with the answer, to tell it from the output of other codes."""
KIB_ON_LINUX = 1024
RUN = "from respair.studies.interfaces.measure import answer; answer()"


def measured(name: str, model: Model, sector: Sector, limit: float) -> Mapping[str, Any]:
    """Return ``energy``, ``error``, ``seconds`` and ``memory`` (bytes) of a code, or ``note``, the reason of a failure.

    Parameters
    ----------
    name : str
        One of `CODES`.
    model, sector
        Model and sector to solve.
    limit : float
        Time limit in seconds.
    """
    question = json.dumps({"code": name, "model": to_json_form(model), "sector": to_json_form(sector)})
    try:
        done = subprocess.run(
            [sys.executable, "-c", RUN], input=question, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return {"note": f"stopped after {limit:g} s"}
    lines = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if lines:
        found: Mapping[str, Any] = json.loads(lines[-1])
        return found
    last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
    return {"note": f"failed: {last[0][:200]}"}


def answer() -> None:
    """Solve the problem given on standard input, and print the answer."""
    asked = json.loads(sys.stdin.read())
    model, sector, code = from_json_form(asked["model"]), from_json_form(asked["sector"]), CODES[asked["code"]]
    terms = code.terms(model, sector)
    if reason := code.why_not(terms):
        found: dict[str, Any] = {"note": f"cannot: {reason}"}
    else:
        begun = time.perf_counter()
        energy, error = code.energy(terms)
        found = {"energy": energy, "error": error, "seconds": time.perf_counter() - begun}
        unit = 1 if sys.platform == "darwin" else KIB_ON_LINUX
        who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        found["memory"] = unit * max(resource.getrusage(each).ru_maxrss for each in who)
    sys.stdout.write(f"{MARK}{json.dumps(found)}\n")
