"""Every figure of the package, drawn from small results; and which of its labels lie on each other."""

from functools import cache
from itertools import combinations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import respair as rp
from respair.analysis import amplitude_and_phase, pair_rings, plots
from respair.studies import parse, run

RING = """
schema = 1
name = "ring"
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0 }
bosons = { level = -0.2, exchange = 0.8 }
sector = { charge = 2, two_sz = 0 }
"""
LATTICE = """
schema = 1
name = "dimer"
cluster = { kind = "dimer" }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.6, max_quanta = 5 }
sector = { charge = 2, two_sz = 0 }
"""
SQUARE = """
schema = 1
name = "square"
cluster = { kind = "square", supercell = [[2, 1], [-1, 2]] }
electrons = { hopping = 1.0, hubbard_u = 4.0 }
sector = { charge = 2, two_sz = 0 }
ground_state = { observables = ["electron_density", "density_correlation", "structure_factor"] }
"""
TABLES = {
    "ring": RING
    + """
ground_state = { states = 4 }
charge_scan = { charges = [0, 1, 2, 3, 4, 5, 6] }
flux = { values = { start = 0.0, stop = 6.0, count = 13 }, criterion = true }
pairing = { form_factors = ["boson", "on-site", "combined"] }
entanglement = { cuts = [[0]] }
coherence = {}
[thermal]
ensemble = "canonical"
temperatures = { start = 0.05, stop = 4.0, count = 9, spacing = "log" }
observables = ["pair_exchange"]

[crossover]
""",
    "lattice": LATTICE
    + """
ground_state = { states = 2 }
lattice = {}
spectrum = { operator = "displacement", site = 0, frequencies = { start = 0.0, stop = 3.0, count = 61 } }
compare = { approximations = ["adiabatic", "lang-firsov"] }

[evolution]
times = { start = 0.0, stop = 4.0, count = 9 }
initial = { "electrons.hubbard_u" = 0.0 }
observables = ["double_occupancy", "displacement", "displacement_distribution"]
""",
    "square": SQUARE,
    "probe": """
schema = 1
cluster = { kind = "dimer" }
electrons = { hopping = 1.0, hubbard_u = 4.0 }
sector = { charge = 2 }
[evolution]
times = [4.0]
initial = { "electrons.hubbard_u" = 0.0 }
[evolution.probe]
frequencies = { start = -6.0, stop = 8.0, count = 57 }
duration = 0.6
""",
}


@cache
def result(name):
    return run(parse(TABLES[name], f"{name}.toml"))


SWEPT = {
    "map": LATTICE
    + """
ground_state = { states = 2 }
compare = { approximations = ["adiabatic", "lang-firsov"] }
[sweep]
"electrons.hubbard_u" = [0.0, 100.0, 200.0, 1000.0]
"phonons.electron_coupling" = [0.2, 0.4, 0.6]
""",
    "family": LATTICE
    + """
spectrum = { operator = "displacement", site = 0, frequencies = { start = 0.0, stop = 3.0, count = 61 } }
[sweep]
"phonons.electron_coupling" = [0.2, 0.4, 0.6]
""",
    "crossovers": RING.replace("sites = 3", "sites = 2").replace('"ring"', '"chain"')
    + """
[thermal]
ensemble = "canonical"
temperatures = { start = 0.05, stop = 4.0, count = 7, spacing = "log" }
observables = ["pair_exchange"]
[crossover]
[sweep]
"bosons.exchange" = [0.4, 0.8, 1.6]
""",
    "resonance": """
schema = 1
cluster = { kind = "ligand-centre", sites = 3 }
electrons = { hopping = { ring = 1.0, centre = 0.3 }, level = { ligand = 1.5 } }
phonons = { frequency = 1.0, electron_coupling = 1.3, max_quanta = 12 }
sector = { charge = 2, two_sz = 0 }
ground_state = { states = 2 }
[sweep]
"phonons.electron_coupling" = [1.0, 1.2, 1.4]
""",
    "search": """
schema = 1
cluster = { kind = "ligand-centre", sites = 3 }
electrons = { hopping = { ring = 1.0, centre = 0.3 }, level = { ligand = 1.5 } }
phonons = { frequency = 1.0, electron_coupling = 1.3, max_quanta = 12 }
sector = { charge = 2, two_sz = 0 }
resonance = { parameter = "phonons.electron_coupling", bracket = [1.0, 1.6], on = [3] }
""",
}


@cache
def swept(name):
    return run(parse(SWEPT[name], f"{name}.toml")).data


@cache
def spectra():
    model = rp.Model(rp.ring(3), rp.Electrons(hopping=0.5), rp.Bosons(exchange=1.0))
    levels, omega = rp.ground_state(model, 2), np.linspace(-4.0, 4.0, 81)
    return {
        "curve": rp.spectral_function(levels, rp.probe(model, "electron"), omega, 0.1),
        "map": rp.spectral_map(levels, "electron", omega, 0.1),
        "thermal": rp.thermal_spectral_function(model, rp.probe(model, "electron"), [0.2, 1.0], omega, 0.1),
    }


def of(name, plot, *arguments):
    """Draw from the result of a model file."""
    return lambda: getattr(plots, plot)(result(name).data, *arguments)


U, G = "electrons.hubbard_u", "phonons.electron_coupling"
FIGURES = {
    **{
        plot: of("ring", plot)
        for plot in (
            "plot_charge_scan",
            "plot_coherence",
            "plot_crossover",
            "plot_entanglement",
            "plot_flux",
            "plot_flux_period",
            "plot_gaps",
            "plot_levels",
            "plot_pairing",
            "plot_thermal",
        )
    },
    **{
        plot: of("lattice", plot)
        for plot in ("plot_distribution", "plot_errors", "plot_evolution", "plot_lattice", "plot_natural_phonons")
    },
    "plot_probe_spectrum": of("probe", "plot_probe_spectrum"),
    "plot_motion": of("lattice", "plot_motion", "displacement_distribution"),
    "plot_structure_factors": of("square", "plot_structure_factors"),
    "plot_structure_factor": lambda: plots.plot_structure_factor(
        result("square").data, result("square").study.model.cluster, "density"
    ),
    "plot_correlation": lambda: plots.plot_correlation(
        result("square").data, result("square").study.model.cluster, "density"
    ),
    "plot_correlations": lambda: plots.plot_correlations(result("square").data, result("square").study.model.cluster),
    "draw_zone": lambda: plots.draw_zone(result("square").study.model.cluster),
    "draw_cluster": lambda: plots.draw_cluster(rp.ligand_centre(4)),
    "plot_spectrum": lambda: plots.plot_spectrum(spectra()["curve"]),
    "plot_spectral_map": lambda: plots.plot_spectral_map(spectra()["map"]),
    "plot_thermal_spectrum": lambda: plots.plot_thermal_spectrum(spectra()["thermal"]),
    "plot_lines": lambda: plots.plot_lines(swept("family"), G),
    "plot_amplitude_and_phase": lambda: plots.plot_amplitude_and_phase(
        amplitude_and_phase(pair_rings({"exchange": [0.25, 1.0, 3.0]}, sites=3, filling=2 / 3)), "exchange"
    ),
    "plot_best_map": lambda: plots.plot_best_map(swept("map"), "energies", U, G),
    "plot_error_map": lambda: plots.plot_error_map(swept("map"), "energies", "adiabatic", U, G),
    "plot_error_lines": lambda: plots.plot_error_lines(swept("map").isel({G: 0}), "energies", U),
    "plot_map": lambda: plots.plot_map(swept("map"), [U, G], "energies"),
    "plot_sweep": lambda: plots.plot_sweep(swept("map").isel({G: 0}), U, "energies"),
    "plot_family": lambda: plots.plot_family(swept("family"), [G], "spectrum_values"),
    "plot_crossovers": lambda: plots.plot_crossovers(swept("crossovers"), "bosons.exchange"),
    "plot_resonance": lambda: plots.plot_resonance(swept("resonance"), G, site=3),
    "plot_resonance_search": lambda: plots.plot_resonance_search(swept("search")),
}
"""A small figure by every function that draws one."""


def texts(figure):
    """Yield each text that is drawn, with a name and its box in pixels."""
    renderer = figure.canvas.get_renderer()
    for text in [*figure.texts, figure._suptitle, figure._supxlabel, figure._supylabel]:
        if text is not None and text.get_text().strip():
            yield text.get_text(), text.get_window_extent(renderer)
    legends = list(figure.legends)
    for ax in figure.axes:
        legends += [ax.get_legend()] if ax.get_legend() is not None else []
        words = [*ax.texts, ax.title]
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                low, high = sorted(axis.get_view_interval())
                edge = 1e-9 * (high - low)
                ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
                inside = [tick for tick in ticks if low - edge <= tick.get_loc() <= high + edge]
                words += [label for tick in inside for label in (tick.label1, tick.label2) if label.get_visible()]
                words += [axis.label, axis.get_offset_text()]
        for text in words:
            if text.get_visible() and text.get_text().strip():
                yield text.get_text(), text.get_window_extent(renderer)
    for legend in legends:
        for text in legend.get_texts():
            yield f"legend: {text.get_text()}", text.get_window_extent(renderer)


def collisions(drawn, slack=0.5):
    """Return the pairs of texts that lie on each other, and the texts that are cut off at the edge of the figure."""
    figure = drawn if isinstance(drawn, Figure) else drawn.get_figure()
    FigureCanvasAgg(figure).draw()
    boxes = list(dict.fromkeys((name, tuple(box.extents)) for name, box in texts(figure)))
    width, height = figure.bbox.size
    found = [
        f"{one!r} on {other!r}"
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a[2], b[2]) - max(a[0], b[0]) > slack and min(a[3], b[3]) - max(a[1], b[1]) > slack
    ]
    cut = [name for name, (x, y, right, top) in boxes if x < -1 or y < -1 or right > width + 1 or top > height + 1]
    return found + [f"{name!r} is cut off" for name in cut]
