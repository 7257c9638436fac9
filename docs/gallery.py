"""Gallery of clusters, each drawn from the lines of a model file shown with it."""

import io
import tomllib

from matplotlib import rc_context
from pages import keep

from respair import Electrons, Model, Sector, observables
from respair.analysis import plots
from respair.clusters import KINDS
from respair.solvers import ground_state

CLUSTERS = (
    ("Two sites", 'kind = "dimer"'),
    ("Open chain", 'kind = "chain", sites = 5'),
    ("Ring", 'kind = "ring", sites = 6'),
    ("Ring with second neighbours, t and t'", 'kind = "ring", sites = 6, shells = 2'),
    ("Ladder", 'kind = "ladder", rungs = 3'),
    ("Open plaquettes", 'kind = "plaquette", size = [3, 2]'),
    ("Metal atoms around a ligand", 'kind = "ligand-centre", sites = 4'),
    ("Square lattice", 'kind = "square", size = [4, 2]'),
    ("Square lattice, eight sites, tilted", 'kind = "square", supercell = [[2, 2], [-2, 2]]'),
    ("Square lattice, ten sites, tilted", 'kind = "square", supercell = [[3, 1], [-1, 3]]'),
    ("Square lattice with second neighbours", 'kind = "square", size = [3, 3], shells = 2'),
    ("Square lattice, open along its second row", 'kind = "square", size = [4, 3], periodic = [true, false]'),
    ("Triangular lattice", 'kind = "triangular", size = [3, 3]'),
    ("Honeycomb lattice", 'kind = "honeycomb", size = [3, 2]'),
    ("Kagome lattice", 'kind = "kagome", size = [2, 2]'),
    ("Cubic lattice", 'kind = "cubic", size = [2, 2, 2]'),
    (
        "Copper and oxygen in a plane",
        'kind = "lattice", vectors = [[1, 0], [0, 1]], basis = [[0, 0], [0.5, 0], [0, 0.5]], '
        'classes = ["Cu", "O", "O"], size = [2, 2]',
    ),
    (
        "A molecule in space",
        'kind = "custom", positions = [[0, 0, 0], [1, 0, 0], [0.5, 0.9, 0], [0.5, 0.3, 0.8]], '
        "bonds = [[0, 1], [1, 2], [0, 2], [0, 3], [1, 3], [2, 3]]",
    ),
)
"""Titles, and the contents of ``cluster = { ... }``."""


def write(folder):
    """Draw all clusters, the momenta of those with a zone, and one correlation; write the body of the page."""
    lines = []
    for number, (title, text) in enumerate(CLUSTERS, 1):
        cluster = cluster_of(text)
        keep(folder / f"cluster-{number}.svg", _svg(plots.draw_cluster(cluster, title=title)))
        lines += [f"## {title}", "", "```toml", f"cluster = {{ {text} }}", "```", ""]
        lines += [f"![{title}: sites, bonds and images](generated/cluster-{number}.svg){{width=45%}}"]
        if cluster.cell and len(cluster.positions[0]) > 1:
            keep(folder / f"zone-{number}.svg", _svg(plots.draw_zone(cluster)))
            lines += [f"![{title}: momenta in the first zone](generated/zone-{number}.svg){{width=45%}}"]
        lines.append("")
    model = Model(cluster_of('kind = "square", supercell = [[2, 2], [-2, 2]]'), Electrons(1.0, hubbard_u=8.0))
    state = ground_state(model, Sector(8, 0, momentum=(0, 0), irrep="A1")).ground
    data = observables(state, ["spin_correlation"])
    keep(folder / "correlation.svg", _svg(plots.plot_correlation(data, model.cluster, "spin")))
    keep(folder / "clusters.md", "\n".join(lines))


def cluster_of(text):
    """Return the cluster of the keys of a model file."""
    keys = tomllib.loads(f"cluster = {{ {text} }}")["cluster"]
    return KINDS[keys.pop("kind")](**keys)


def _svg(ax):
    drawn = io.StringIO()
    with rc_context({"svg.hashsalt": "respair"}):
        ax.get_figure().savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
