"""Figures of the pages on method, architecture and findings, drawn with the package."""

import io
from functools import partial
from itertools import pairwise
from pathlib import Path
from runpy import run_path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from pages import keep

import respair
from respair import Bosons, Electrons, Hamiltonian, Model, Phonons, Sector, dimer
from respair.analysis.plots import COLOURS

FINDINGS = Path(__file__).resolve().parent.parent / "notebooks" / "findings"


def write(folder):
    """Draw all figures, reproducibly to the byte; those of the findings from the numbers in the notebooks."""
    findings = run_path(str(FINDINGS / "print_figures.py"))
    printed = [(name, partial(findings["draw"], name)) for name in findings["FIGURES"]]
    for name, draw in (("factors", factors), ("orbit", orbit), ("rooms", rooms), *printed):
        drawn = io.StringIO()
        with rc_context({"svg.hashsalt": "respair"}):
            draw().savefig(drawn, format="svg", metadata={"Date": None})
        keep(folder / f"{name}.svg", drawn.getvalue())


def factors():
    """Draw the matrix of a dimer, and the charge factors and phonon operators whose products sum to it."""
    model = Model(dimer(), Electrons(1.0), Bosons(-0.4, 0.8), Phonons(1.0, boson_coupling=1.0, total_quanta=6))
    hamiltonian = Hamiltonian.of(model, Sector(2))
    space = hamiltonian.space
    figure = Figure(figsize=(9.0, 3.3), layout="constrained")
    widths = [2.4] + [1.0] * len(hamiltonian.factors)
    whole, *columns = figure.subplots(1, len(widths), width_ratios=widths)
    _pattern(whole, hamiltonian.matrix(), COLOURS[0]).set_title(
        f"$H$: {space.dimension} x {space.dimension}", fontsize=9
    )
    for ax, factor in zip(columns, hamiltonian.factors, strict=True):
        ax.set_axis_off()
        upper, lower = ax.inset_axes((0.0, 0.56, 1.0, 0.38)), ax.inset_axes((0.0, 0.04, 1.0, 0.38))
        _pattern(upper, factor.charges, COLOURS[1]).set_title(f"$A$: {space.shape[0]} x {space.shape[0]}", fontsize=9)
        lattice = _pattern(lower, space.lattice_matrix(factor.lattice), COLOURS[2])
        lattice.set_xlabel(f"$P$: {space.shape[1]} x {space.shape[1]}", fontsize=9)
        ax.annotate("$\\otimes$", (0.5, 0.49), ha="center", va="center", fontsize=12)
    return figure


def _pattern(ax, matrix, colour):
    """Mark the nonzero entries of a matrix."""
    rows, columns = matrix.tocoo().coords
    size = matrix.shape[0]
    ax.scatter(columns, rows, s=min(30.0, 3000.0 / size**1.5), color=colour, marker="s", lw=0, rasterized=size > 100)
    ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal", xticks=[], yticks=[])
    return ax


def orbit():
    """Draw the orbit of a local pair with phonons on a ring of four sites, and its representative."""
    figure = Figure(figsize=(9.0, 2.3), layout="constrained")
    ax = figure.subplots()
    quanta = np.array([2, 0, 1, 0])
    for shift in range(4):
        _ring(ax, 2.6 * shift, shift, np.roll(quanta, shift), COLOURS[1] if shift == 0 else COLOURS[0])
    for here, there in pairwise(range(4)):
        start, end = (2.6 * there - 0.95, 0.0), (2.6 * here + 0.95, 0.0)
        ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color="0.3"))
        ax.annotate("$T^{-1}$", ((start[0] + end[0]) / 2, 0.22), ha="center", fontsize=9)
    ax.add_patch(Rectangle((-0.98, -1.2), 1.96, 2.3, fill=False, ec=COLOURS[1], lw=1.2))
    ax.annotate("representative, stored", (0.0, -1.5), ha="center", va="center", fontsize=9, color=COLOURS[1])
    ax.annotate("obtained by permuting the phonons", (5.2, -1.5), ha="center", va="center", fontsize=9)
    ax.set(xlim=(-1.2, 9.0), ylim=(-1.75, 1.2), aspect="equal")
    ax.set_axis_off()
    return figure


def _ring(ax, x, site, quanta, colour):
    angles = np.pi / 2 - np.pi / 2 * np.arange(4)
    at = np.column_stack([x + 0.6 * np.cos(angles), 0.6 * np.sin(angles)])
    ax.plot(*np.vstack([at, at[:1]]).T, color="0.6", lw=1.2, zorder=1)
    for i, point in enumerate(at):
        ax.add_patch(Circle(point, 0.2, fc=colour if i == site else "white", ec=colour, lw=1.4, zorder=2))
        ink = "white" if i == site else "0.2"
        ax.annotate(str(quanta[i]), point, ha="center", va="center", fontsize=8, color=ink, zorder=3)


ROOMS = {
    "_core": "messages, argument checks",
    "clusters": "Cluster",
    "hamiltonians": "Model, Sector, Hamiltonian",
    "solvers": "Eigenstates",
    "analysis": "Dataset",
    "studies": "records, files",
    "cli, explorer": "",
}
"""Main classes of each room."""


def rooms():
    """Draw the rooms from bottom to top, with their folders and main classes."""
    figure = Figure(figsize=(9.0, 4.6), layout="constrained")
    ax = figure.subplots()
    for floor, (room, handed_on) in enumerate(ROOMS.items()):
        ax.add_patch(Rectangle((0.0, floor), 7.0, 0.62, facecolor=COLOURS[floor % len(COLOURS)], alpha=0.25))
        ax.text(0.1, floor + 0.31, room, va="center", fontsize=10, weight="bold")
        ax.text(1.4, floor + 0.31, "  ".join(_folders(room)), va="center", fontsize=7.5)
        if handed_on:
            ax.add_patch(FancyArrowPatch((3.5, floor + 0.62), (3.5, floor + 1), arrowstyle="-|>", mutation_scale=10))
            ax.text(3.65, floor + 0.81, handed_on, va="center", fontsize=8, style="italic")
    ax.set(xlim=(0, 7), ylim=(0, len(ROOMS)))
    ax.set_axis_off()
    return figure


def _folders(room):
    folder = Path(respair.__file__).parent / room
    return sorted(path.parent.name for path in folder.glob("*/__init__.py"))
