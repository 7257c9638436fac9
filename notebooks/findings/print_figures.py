"""The figures of the findings, at the size of a printed column, from the numbers in data/.

Usage: python print_figures.py FOLDER            draws them into FOLDER as PDF and SVG
       python print_figures.py FOLDER RESULTS    takes the numbers anew from the results of the model files before
"""

import csv
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from respair.analysis.plots import COLOURS, panel_letters, print_style, save

HERE = Path(__file__).resolve().parent
LIGAND, EXCHANGE, COUPLING = "electrons.level.ligand", "bosons.exchange", "phonons.boson_coupling"


def numbers(name):
    """Return the columns of data/NAME.csv."""
    with open(HERE / "data" / f"{name}.csv", encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, np.array(rows, float).T, strict=True))


def keep(name, columns):
    """Write columns of numbers to data/NAME.csv, with as many digits as a figure and a test need."""
    with open(HERE / "data" / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([f"{value:.9g}" for value in row] for row in zip(*columns.values(), strict=True))


def reduce(results):
    """Take what the figures show from the result files of the five model files."""
    from respair.studies import read_data

    data = read_data(results / "1-instability.nc")
    pair = np.abs(data["pair_correlation"].isel(site=0, site_=5).values)
    bar = data["pair_correlation_error"].isel(site=0, site_=5).values
    shift = data["displacement"].isel(mode=0).values
    columns = {"level": data[LIGAND].values, "displacement": shift, "pair_correlation": pair, "error": bar}
    keep("1-instability", columns)
    data = read_data(results / "2-tunnelling.nc")
    density = data["evolution_electron_density"].isel(site=5)
    lines = {f"density at {value:g}": density.sel({LIGAND: value}).values for value in data[LIGAND].values}
    keep("2-tunnelling", {"time": data["time"].values, **lines})
    data = read_data(results / "3-pseudogap.nc")
    columns = {"exchange": data[EXCHANGE].values}
    for estimator in ("pair_half", "nelson_kosterlitz"):
        one = data.sel(estimator=estimator)
        columns |= {estimator: one["crossover_value"].values, f"{estimator}_error": one["crossover_error"].values}
    keep("3-pseudogap", columns)
    for name, key in (("4-stiffness", EXCHANGE), ("5-lattice", COUPLING)):
        data = read_data(results / f"{name}.nc")
        quantities = ("amplitude", "stiffness", "stiffness_error")
        keep(name, {key.partition(".")[2]: data[key].values, **{q: data[f"coherence_{q}"].values for q in quantities}})


def instability():
    """Displacement and coherence of the pair against the level of the ligands."""
    data = numbers("1-instability")
    above, below = (axes := panels(2)).flat
    above.plot(data["level"], data["displacement"], "o-", color=COLOURS[0])
    above.set_ylabel(r"$\langle x\rangle$")
    below.errorbar(data["level"], 1e3 * data["pair_correlation"], 1e3 * data["error"], fmt="o-", color=COLOURS[1])
    below.set(xlabel=r"level of the ligands $\varepsilon_L/t$", ylabel=r"$10^3\,\langle D^\dagger_0 D_5\rangle$")
    return finished(axes)


def tunnelling():
    """Electrons on the other ligand against time, at, below and above the resonance."""
    data = numbers("2-tunnelling")
    axes = panels(1)
    styles = ("--", "-", ":")
    for colour, style, name in zip(COLOURS, styles, list(data)[1:], strict=False):
        label = rf"$\varepsilon_L = {name.rpartition(' ')[2]}$"
        axes[0].plot(data["time"], data[name], style, color=colour, label=label)
    axes[0].set(xlabel="time $t$", ylabel="electrons on the other ligand", ylim=(0, 1.75))
    axes[0].legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.6)
    return axes[0].get_figure()


def pseudogap():
    """The temperatures of pairs and of phases against the exchange."""
    data = numbers("3-pseudogap")
    axes = panels(1)
    for colour, style, name, label in (
        (COLOURS[0], "o-", "pair_half", "$T^*$: half of the pair amplitude"),
        (COLOURS[1], "s--", "nelson_kosterlitz", r"$T_\varphi$: Nelson and Kosterlitz"),
    ):
        axes[0].errorbar(data["exchange"], data[name], data[f"{name}_error"], fmt=style, color=colour, label=label)
    axes[0].set(xlabel="exchange $v/t$", ylabel="temperature $T/t$", ylim=(0, None))
    axes[0].legend()
    return axes[0].get_figure()


def stiffness():
    """Amplitude and stiffness against the exchange, and against the coupling to the lattice."""
    axes = panels(4)
    labels = (r"exchange $v/t$", r"coupling to the lattice $\alpha$")
    for column, (name, label) in enumerate(zip(("4-stiffness", "5-lattice"), labels, strict=True)):
        data = numbers(name)
        x = next(iter(data.values()))
        axes[0, column].plot(x, data["amplitude"], "o-", color=COLOURS[0])
        axes[1, column].errorbar(x, data["stiffness"], data["stiffness_error"], fmt="s--", color=COLOURS[1])
        axes[1, column].set_xlabel(label)
    axes[0, 0].set_ylabel("pair amplitude")
    axes[1, 0].set_ylabel("stiffness $D_s$")
    return finished(axes)


def panels(count):
    """Return the axes of one, two (one below the other) or four panels."""
    columns = 2 if count == 4 else 1
    with print_style(columns, height=6.0 if count == 1 else 8.0):
        figure = Figure()
        return np.atleast_1d(figure.subplots(-(-count // columns), columns, sharex="col"))


def finished(axes):
    """Give the panels their letters and return the figure."""
    panel_letters(axes.flat)
    return axes.flat[0].get_figure()


FIGURES = {
    "instability": (instability, "1-instability.toml"),
    "tunnelling": (tunnelling, "2-tunnelling.toml"),
    "pseudogap": (pseudogap, "3-pseudogap.toml"),
    "stiffness": (stiffness, "4-stiffness.toml and 5-lattice.toml"),
}
"""Each figure, with the model files whose results it shows."""


def draw(name):
    """Return a figure by its name."""
    with print_style():
        return FIGURES[name][0]()


def main(folder, results=None):
    """Draw all figures into a folder."""
    if results is not None:
        reduce(Path(results))
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        for kind in ("pdf", "svg"):
            save(draw(name), Path(folder) / f"{name}.{kind}")


if __name__ == "__main__":
    main(*sys.argv[1:])
