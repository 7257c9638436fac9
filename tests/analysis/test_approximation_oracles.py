"""Oracles of approximations through the command line, and random cases of the same families by other constructions."""

import json

import numpy as np
import pytest
import scipy.optimize as so
import tomli_w
from oracle_cases import CASES as EVERY_CASE
from scipy.special import factorial
from typer.testing import CliRunner

from respair.cli.commands import app

CASES = {case["family"]: case for case in EVERY_CASE}
SHORT = {"approx_mean_field": "mf", "approx_lang_firsov": "lf", "approx_adiabatic": "ad", "approx_perturbation": "pt"}


def model_files(p):
    """Model files of the oracles, by family, and where their values stand in the records."""
    head = {"schema": 1}
    lattice = {"frequency": p["lf"]["omega0"], "electron_coupling": p["lf"]["g"] / p["lf"]["omega0"]}
    dimers = {key: {"hopping": p[key]["t"], "hubbard_u": p[key]["U"]} for key in ("lf", "pt")}
    m, a = p["mf"], p["ad"]
    return {
        "approx_mean_field": head
        | {
            "cluster": {"kind": "ring", "sites": m["L"]},
            "electrons": {"hopping": m["t"]},
            "bosons": {"level": m["Delta_B"], "exchange": m["v"]},
            "ensemble": {"chemical_potential": m["mu"]},
            "compare": {"approximations": ["mean-field"], "temperature": m["T"]},
        },
        "approx_lang_firsov": head
        | {
            "cluster": {"kind": "dimer"},
            "electrons": dimers["lf"],
            "phonons": lattice | {"max_quanta": 24, "displacement": "mean"},
            "sector": {"charge": 1},
            "compare": {"approximations": ["lang-firsov", "lang-firsov-variational"]},
        },
        "approx_adiabatic": head
        | {
            "cluster": {"kind": "ligand-centre", "sites": 4},
            "electrons": {
                "hopping": {"ring": a["t"], "centre": a["tp"]},
                "level": {"ligand": a["eps_P"]},
                "hubbard_u": {"ligand": a["U_P"]},
            },
            "phonons": {"frequency": a["omega0"], "electron_coupling": a["alpha"], "max_quanta": 30},
            "sector": {"charge": 2},
            "compare": {"approximations": ["adiabatic"], "displacements": [0.0, 1.0, 2.0, 4.0]},
        },
        "approx_perturbation": head
        | {
            "cluster": {"kind": "dimer"},
            "electrons": dimers["pt"],
            "phonons": {"frequency": 1.0, "electron_coupling": p["pt"]["g"], "max_quanta": 16, "displacement": "mean"},
            "sector": {"charge": 2},
            "compare": {"approximations": ["bipolaron-perturbation"]},
        },
    }


READERS = {
    "approx_mean_field": {
        "rho": lambda c: c["mean-field"]["boson_amplitude"],
        "chi": lambda c: c["mean-field"]["pair_amplitude"],
        "Tc": lambda c: c["mean-field"]["critical_temperature"],
        "nF": lambda c: c["mean-field"]["electron_density"],
        "nB": lambda c: c["mean-field"]["boson_density"],
        "Omega": lambda c: c["mean-field"]["grand_potential"],
    },
    "approx_lang_firsov": {
        "E_LF_var": lambda c: c["lang-firsov-variational"]["energies"],
        "E_LF_standard": lambda c: c["lang-firsov"]["energies"],
        "E_exact": lambda c: c["exact"]["energies"],
    },
    "approx_adiabatic": {
        "minima": lambda c: c["adiabatic"]["minima"],
        "n_minima": lambda c: c["adiabatic"]["n_minima"],
        "E_at": lambda c: c["surface"]["adiabatic_energy"],
    },
    "approx_perturbation": {
        "E_even": lambda c: c["bipolaron-perturbation"]["energy_even"],
        "E_odd": lambda c: c["bipolaron-perturbation"]["energy_odd"],
        "t_b": lambda c: c["bipolaron-perturbation"]["pair_hopping"],
        "shift": lambda c: c["bipolaron-perturbation"]["shift"],
    },
}


def answers(params, folder):
    """Return what the command line says about a case of each family."""
    for family, text in model_files({SHORT[family]: params[family] for family in SHORT}).items():
        (folder / f"{family}.toml").write_text(tomli_w.dumps(text))
    paths = [str(folder / f"{family}.toml") for family in SHORT]
    done = CliRunner().invoke(app, ["run", *paths, "--json", "--out", str(folder)])
    assert done.exit_code == 0, done.stderr
    for family, line in zip(SHORT, done.stdout.splitlines(), strict=True):
        record = json.loads(line)["compare"]
        found = record | record["approximations"]
        yield family, {key: np.array(read(found)) for key, read in READERS[family].items()}


@pytest.mark.long
def test_oracles_of_approximations_through_the_command_line(tmp_path):
    for family, got in answers({family: CASES[family]["params"] for family in SHORT}, tmp_path):
        for key, value in got.items():
            want, tolerance = CASES[family]["value"][key], CASES[family]["tolerance"]
            np.testing.assert_allclose(value, want, rtol=0, atol=tolerance, err_msg=f"{family}: {key}")
    estimated = CliRunner().invoke(app, ["estimate", *(str(tmp_path / f"{family}.toml") for family in SHORT)])
    assert estimated.exit_code == 0, estimated.stderr


def mean_field(p):
    """The self-consistent averages of explicit two-level matrices, by iteration; T_c where they just begin to grow."""
    xi = -2 * p["t"] * np.cos(2 * np.pi * np.arange(p["L"]) / p["L"]) - p["mu"]
    boson = p["Delta_B"] - 2 * p["mu"]

    def thermal(matrix, operator, t):
        levels, psi = np.linalg.eigh(matrix)
        weight = np.exp(-(levels - levels[0]) / t)
        return np.einsum("ij,ik,kj->j", psi, operator, psi) @ weight / weight.sum()

    flip = np.array([[0.0, 1.0], [1.0, 0.0]])

    def image(rho, t):
        gap = p["v"] * rho
        chi = 0.0
        for x in xi:  # (empty, pair) of k up, -k dn beside the two broken pairs, which have the energy xi
            block = np.array([[0.0, gap], [gap, 2 * x]])
            levels = np.linalg.eigvalsh(block)
            least = min(levels[0], x)
            weights = np.exp(-(np.array([*levels, x, x]) - least) / t)
            share = weights[:2].sum() / weights.sum()
            chi += share * thermal(block, flip, t) / 2 / len(xi)
        rho = thermal(np.array([[0.0, p["v"] * chi], [p["v"] * chi, boson]]), flip, t) / 2
        return chi, rho

    rho = 0.5
    for _ in range(4000):
        chi, new = image(rho, p["T"])
        if abs(new - rho) < 1e-13:
            break
        rho = new
    small = 1e-5
    tc = so.brentq(lambda t: image(small, t)[1] / small - 1, 1e-3, 5.0)
    return {"rho": rho, "chi": chi, "Tc": tc}


def lang_firsov(p):
    """One electron on a dimer: a scan of E(f), and the exact energy of the relative mode."""
    t, g, w = p["t"], p["g"], p["omega0"]

    def energy(f):
        return -t * np.exp(-(f**2)) + w * f**2 - 2 * g * f

    grid = np.linspace(0.0, 3 * g / w, 400)
    at = grid[np.argmin(energy(grid))]
    best = so.minimize_scalar(energy, bounds=(max(0.0, at - 0.1), at + 0.1), method="bounded", options={"xatol": 1e-10})
    a = np.diag(np.sqrt(np.arange(1.0, 60)), 1)
    sign = np.kron(np.diag([1.0, -1.0]), a + a.T)
    h = w * np.kron(np.eye(2), a.T @ a) - g / np.sqrt(2) * sign - t * np.kron([[0, 1], [1, 0]], np.eye(60))
    exact = np.linalg.eigvalsh(h)[0] - g**2 / (2 * w)
    return {"E_LF_var": best.fun, "E_LF_standard": energy(g / w), "E_exact": exact}


def adiabatic(p):
    """Three electronic states of the two electrons, on a fine grid of x with parabolas through the minima."""

    def energy(x):
        level = p["eps_P"] - p["omega0"] * p["alpha"] * x
        hop = -2 * np.sqrt(2) * p["tp"]
        low = -2 * p["t"]
        h = [[2 * level + p["U_P"], hop, 0], [hop, level + low, hop], [0, hop, 2 * low]]
        return p["omega0"] * x**2 / 4 + np.linalg.eigvalsh(h)[0]

    grid = np.linspace(-1.0, 4 * p["alpha"] + 1.0, 300)
    values = np.array([energy(x) for x in grid])
    inside = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])) + 1
    tight = {"xatol": 1e-9}
    minima = [
        so.minimize_scalar(energy, bounds=(grid[i - 1], grid[i + 1]), method="bounded", options=tight).fun
        for i in inside
    ]
    return {"minima": minima, "n_minima": len(minima), "E_at": [energy(x) for x in (0.0, 1.0, 2.0, 4.0)]}


def perturbation(p):
    """The series over the phonons of the broken pair, term by term."""
    a, w, n = p["g"] / p["omega0"], p["omega0"], np.arange(60)
    binding = (2 * p["g"] ** 2 / w - p["U"]) / w
    scale = 2 * p["t"] ** 2 / w * np.exp(-2 * a**2)
    shift = -scale * np.sum((2 * a**2) ** n / factorial(n) / (n + binding))
    hop = scale * np.sum((-2 * a**2) ** n / factorial(n) / (n + binding))
    middle = p["U"] - 4 * p["g"] ** 2 / w + shift
    return {"E_even": middle - hop, "E_odd": middle + hop, "t_b": hop, "shift": shift}


OTHERS = dict(zip(SHORT, (mean_field, lang_firsov, adiabatic, perturbation), strict=True))


def random_params(seed):
    random = np.random.default_rng(seed)

    def number(low, high):
        return round(float(random.uniform(low, high)), 3)

    omega = number(0.5, 2.0)
    return {
        "approx_mean_field": {
            "L": int(random.integers(3, 7)), "t": number(0.5, 1.5), "Delta_B": number(-0.8, 0.3),
            "v": number(0.9, 1.8), "mu": number(-0.3, 0.2), "T": number(0.05, 0.12),
        },
        "approx_lang_firsov": {"t": number(0.3, 1.5), "U": 0.0, "g": number(0.2, 1.3) * omega, "omega0": omega},
        "approx_adiabatic": {
            "t": number(0.8, 1.2), "tp": number(0.2, 0.5), "eps_P": number(1.0, 2.0), "U_P": number(0.0, 0.5),
            "omega0": number(0.8, 1.2), "alpha": number(1.1, 1.5),
        },
        "approx_perturbation": {"t": number(0.01, 0.1), "U": number(0.0, 1.0), "g": number(0.9, 1.3), "omega0": 1.0},
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_random_cases_of_the_same_families(seed, tmp_path):
    params = random_params(seed)
    for family, got in answers(params, tmp_path):
        for key, want in OTHERS[family](params[family]).items():
            np.testing.assert_allclose(got[key], want, rtol=0, atol=1e-8, err_msg=f"{family}: {key} of {params}")
