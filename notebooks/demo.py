"""The main job: sweep the lattice coupling through the bipolaron resonance, keep the data, draw the figure.

Usage: python demo.py MODEL_FILE RESULT_FOLDER
"""

import sys
import time
from pathlib import Path

import numpy as np

from respair.analysis.plots import plot_resonance
from respair.studies import Result, read, run, write

AXIS = "phonons.electron_coupling"


def exact_resonance(model):
    """Return alpha_c with alpha_c^2 = (2 eps_P + U_P + 4 t) / (4 omega0)."""
    c, ligand = model.couplings, model.cluster.sites - 1
    level, repulsion, hopping = c.electron_level[ligand], c.hubbard_u[ligand], c.electron_hopping[0]
    return float(np.sqrt((2 * level + repulsion + 4 * hopping) / (4 * c.frequency[0])))


def show(number: int, result: Result) -> None:
    """Print every eighth point as it is finished."""
    if number % 8:
        return
    point, data = result.points[-1]
    energies, density = data["energies"].values, data["electron_density"].values
    print(
        f"alpha = {point[AXIS]:.3f}   E0 = {energies[0]:.10f}   gap = {energies[1] - energies[0]:.6f}   "
        f"charge on the ligand = {density[-1]:.6f}   error bar = {data['energy_errors'].values[0]:.0e}",
        flush=True,
    )


def main(model_file: str, folder: str) -> None:
    """Run the sweep, write NetCDF and figure."""
    started = time.perf_counter()
    study = read(model_file)
    print(f"{study.name}: {len(study.sweep[0].values)} couplings", flush=True)
    result = run(study, finished=show)
    target = write(result, Path(folder) / f"{Path(model_file).stem}.nc")
    ligand = study.model.cluster.sites - 1
    figure = plot_resonance(result.data, AXIS, site=ligand, resonance=exact_resonance(study.model))
    picture = target.with_suffix(".png")
    figure.savefig(picture, dpi=160)
    print(f"wrote {target} and {picture} in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
