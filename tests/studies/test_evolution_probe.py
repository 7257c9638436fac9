"""``[evolution.probe]``: the numbers of the Python function, files and terminal, and what is refused."""

import numpy as np
import pytest

import respair as rp
from respair.studies import parse, read_data, records, run, write

TEXT = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, hubbard_u = 4.0 }
sector = { charge = 2 }
[evolution]
times = [0.0, 4.0]
pulse = { amplitude = 0.6, frequency = 4.0, centre = 3.0, width = 0.6 }
tolerance = 1e-5
[evolution.probe]
operator = "electron"
momentum = 1
spin = "dn"
times = [-2.0, 4.0]
frequencies = [-2.0, 0.5, 3.0]
duration = 0.5
"""


@pytest.mark.long
def test_a_model_file_gives_the_numbers_of_the_function(tmp_path):
    result = run(parse(TEXT, "probe.toml"))
    model = rp.Model(rp.ring(3), rp.Electrons(1.0, hubbard_u=4.0))
    pulse = rp.Pulse(0.6, 4.0, 3.0, 0.6)
    seen = rp.probe(model, "electron", momentum=1, spin="dn")
    expected = rp.time_resolved_spectrum(
        model, seen, [-2.0, 4.0], [-2.0, 0.5, 3.0], 0.5, 2, pulse=pulse, tolerance=1e-5
    )
    data = read_data(write(result, tmp_path / "probe.nc"))
    for name in ("intensity", "removal", "addition_weight"):
        np.testing.assert_allclose(data[f"evolution_probe_{name}"], expected[name], rtol=0, atol=1e-9)
    record = records(result)[0]["evolution"]
    probe = record["probe"]
    assert probe["times"] == [-2.0, 4.0]
    assert probe["frequencies"] == [-2.0, 0.5, 3.0]
    np.testing.assert_allclose(probe["errors"], expected.errors, rtol=1e-6)
    assert not any(name.startswith("probe") for name in record["observables"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("momentum = 1", "momentum = 9", r"evolution\.probe\.momentum: got 9; "),
        (
            "momentum = 1",
            "momentum = 1\nsite = 0",
            r"evolution\.probe\.momentum: got 1; allowed: either site or momentum",
        ),
        ("duration = 0.5", "duration = 0.0", r"evolution\.probe\.duration: got 0\.0; allowed: a number above 0"),
        ('operator = "electron"', 'operator = "boson"', r"evolution\.probe\.operator: got \"boson\"; .*\[bosons\]"),
        ('operator = "electron"', 'operator = "current"', r"evolution\.probe\.operator: got \"current\"; allowed: "),
        ("tolerance = 1e-5", "level = 1", r"evolution\.probe: .*begins with the ground level"),
        (
            "tolerance = 1e-5",
            'kick = { operator = "density", strength = 0.2 }',
            r"evolution\.probe\.times: got -2; allowed: times from 3\.1 on",
        ),
        (
            "sector =",
            'phonons = { frequency = 1.0, electron_coupling = 0.1, cutoff = "auto" }\nsector =',
            r"evolution\.probe: .*numbers for max_quanta or total_quanta",
        ),
    ],
)
def test_what_does_not_fit_is_refused(old, new, told):
    with pytest.raises(rp.InvalidModel, match=told):
        parse(TEXT.replace('spin = "dn"\n', "").replace(old, new, 1), "probe.toml")
