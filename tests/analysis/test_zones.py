"""Figures of clusters: zones with momenta, correlations on the drawing, images and cells."""

import numpy as np
import pytest
import xarray as xr

from respair.analysis import plots
from respair.clusters import cubic, kagome, lattice, momenta, ring, square, triangular
from respair.hamiltonians import Electrons, Model


def test_the_zone_of_a_triangular_lattice_is_a_hexagon_with_all_momenta():
    cluster = triangular(size=[3, 3])
    corners = plots.first_zone(cluster)
    assert len(corners) == 6
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 4 * np.pi / 3)
    ax = plots.draw_zone(cluster)
    assert [text.get_text() for text in ax.texts] == [f"{m}, {n}" for m, n in momenta(cluster)]


@pytest.mark.parametrize("cluster", [cubic(size=[2, 2, 2]), lattice([[1.0]], size=[4]), kagome(size=[2, 1])])
def test_zones_of_any_dimension_have_a_point_for_each_momentum(cluster):
    assert len(plots.draw_zone(cluster).texts) == len(momenta(cluster))


def test_momenta_that_a_field_leaves_are_filled():
    model = Model(square(size=[4, 2]), Electrons(1.0), magnetic_flux=2)
    points = plots.draw_zone(model).collections
    filled = [bool(np.any(each.get_facecolor()[0] < 0.99)) for each in points if len(each.get_offsets()) == 1]
    assert sum(filled) == len(momenta(model.cluster)) == 2


def test_open_clusters_have_no_zone():
    with pytest.raises(ValueError, match="a ring of 4 sites has no zone"):
        plots.draw_zone(ring(4))


def test_stubs_name_the_image_to_which_they_lead():
    cluster = square(size=[3, 3])
    ax = plots.draw_cluster(cluster)
    images = [text for text in ax.texts if text.get_fontsize() == 7]
    assert len(images) == 2 * 6  # six bonds over the edge, both ends
    right = next(t for t in images if t.get_position()[0] > 2.4 and abs(t.get_position()[1]) < 0.1)
    assert right.get_text() == "0"


def test_correlations_are_drawn_on_the_sites():
    matrix = np.diag([1.0, 1.0, 1.0, 1.0]) - 0.25
    data = xr.Dataset({"spin_correlation": (("site", "site_"), matrix)})
    ax = plots.plot_correlation(data, square(size=[2, 2]), "spin", 1)
    assert [text.get_text() for text in ax.texts] == ["-0.25", "0.75", "-0.25", "-0.25"]
    assert len(plots.plot_correlations(data, square(size=[2, 2])).axes) == 2
    with pytest.raises(ValueError, match="allowed are those in the data: spin"):
        plots.plot_correlation(data, square(size=[2, 2]), "density")
    with pytest.raises(ValueError, match="site 7 does not exist"):
        plots.plot_correlation(data, square(size=[2, 2]), "spin", 7)
