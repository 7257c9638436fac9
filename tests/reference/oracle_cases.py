"""The oracle cases as model files: what each asks `respair run`, and how its answer is read."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tomli_w

CASES = json.loads((Path(__file__).parent / "oracles.json").read_text())["cases"]
Record = Mapping[str, object]


def files(case: dict) -> dict[str, str]:
    """Return the model files of a case: a name for each, and its text."""
    return {name: tomli_w.dumps({"schema": 1, **table}) for name, table in BUILDERS[case["family"]](case).items()}


def answers(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    """Return (quantity, value got, value wanted) for everything that the case states."""
    return READERS[case["family"]](case, records)


def _cluster(p: dict) -> dict:
    geometry = p.get("geometry", "single site")
    if "chain" in geometry:
        return {"kind": "chain", "sites": p["L"]}
    if p["L"] == 1:
        return {"kind": "site"}
    return {"kind": "dimer"} if p["L"] == 2 else {"kind": "ring", "sites": p["L"]}


def _bfm(p: dict) -> dict:
    table = {
        "cluster": _cluster(p),
        "electrons": {"hopping": p.get("t", 0.0), "hubbard_u": p.get("U", 0.0), "level": p.get("eps", 0.0)},
        "bosons": {"level": p["Delta_B"], "exchange": p["v"], "hopping": p.get("t_b", 0.0)},
        "ensemble": {"chemical_potential": p["mu"]},
    }
    if "alpha" in p:
        table["phonons"] = {"frequency": p["omega0"], "boson_coupling": p["alpha"]}
    return table


def _holstein(p: dict, cutoff: int) -> dict:
    return {
        "cluster": _cluster(p),
        "electrons": {"hopping": p["t"], "hubbard_u": p["U"]},
        "phonons": {
            "frequency": p["omega0"],
            "electron_coupling": p["g"] / p["omega0"],
            "max_quanta": cutoff,
        },
    }


def _sector(case: dict) -> dict:
    s = case["sector"]
    if "N_tot" in s:
        return {"charge": s["N_tot"], "two_sz": s["two_Sz"]}
    if "N_electrons" in s:
        return {"charge": s["N_electrons"], "two_sz": s.get("two_Sz", 0)}
    return {"charge": s["Nup"] + s["Ndn"], "two_sz": s["Nup"] - s["Ndn"]}


def _levels(case: dict) -> int:
    value = case["value"]
    if isinstance(value, list):
        return len(value)
    return len(value["E"]) if isinstance(value, dict) and "E" in value else 2


def _one(model: dict, case: dict, **ground: object) -> dict[str, dict]:
    return {"case": {**model, "sector": _sector(case), "ground_state": {"states": _levels(case), **ground}}}


def _capped(case: dict, cutoff: int) -> dict[str, dict]:
    model = _bfm(case["params"])
    model["phonons"]["max_quanta"] = cutoff
    grid = {"displacement_grid": case["params"]["Xs"]} if "Xs" in case["params"] else {}
    found = _one(model, case, **grid)
    if "x_lines" in case["value"]:
        found["x_lines"] = _lines(model, case, operator="displacement")
    return found


def _lines(model: dict, case: dict, **asked: object) -> dict:
    return {**model, "sector": _sector(case), "spectrum": {"frequencies": [0.0], **asked}}


def _momenta(case: dict) -> dict[str, dict]:
    p = case["params"]
    shape = {"frequencies": p["grid"], "broadening": p["eta"]}
    model, sector = _bfm(p), _sector(case)
    return {k: {**model, "sector": sector, "spectrum": {"momentum": int(k[1:]), **shape}} for k in case["value"]}


def _optical(case: dict) -> dict[str, dict]:
    asked = {"flux": {"values": [0.0]}, "spectrum": {"operator": "current", "frequencies": [1.0, 2.0]}}
    return {"case": {**_bfm(case["params"]), "sector": _sector(case), "ground_state": {}, **asked}}


def _independent_boson(case: dict) -> dict[str, dict]:
    p = case["params"]
    model = {
        "cluster": {"kind": "site"},
        "electrons": {"level": p["eps"], "hubbard_u": p["U"]},
        "phonons": {"frequency": p["omega0"], "electron_coupling": p["g"] / p["omega0"], "max_quanta": 60},
    }
    found = {f"E{n}": {**model, "sector": {"charge": n}} for n in (1, 2)}
    empty = {**model, "sector": {"charge": 0}, "spectrum": {"site": 0, "frequencies": [0.0]}}
    thermal = {"ensemble": "canonical", "temperatures": [p["T_thermal"]], "observables": []}
    return {"lines": empty, "thermal_lines": {**empty, "thermal": thermal}, **found}


def _atomic(case: dict) -> dict[str, dict]:
    own = {**case, "params": {**case["params"], "grid": [0.0], "eta": 0.1}}
    return _thermal(_bfm(own["params"]), own)


def _fixed(case: dict) -> int:
    return int(case["truncation"].split("<= ")[1].split()[0].rstrip(","))


def _free_ring(case: dict) -> dict[str, dict]:
    p = case["params"]
    ring = {"cluster": {"kind": "ring", "sites": p["L"]}, "field": {"flux": p["phi"]}}
    return _one({**ring, "electrons": {"hopping": p["t"]}}, case)


def _boson_ring(case: dict) -> dict[str, dict]:
    p = case["params"]
    ring = {"cluster": {"kind": "ring", "sites": p["L"]}, "field": {"flux": p["phi"]}}
    return {"case": {**ring, "bosons": {"hopping": p["t_b"]}, "sector": {"charge": 2 * case["sector"]["n_bosons"]}}}


def _hubbard(case: dict) -> dict[str, dict]:
    p = case["params"]
    return _one({"cluster": _cluster(p), "electrons": {"hopping": p["t"], "hubbard_u": p["U"]}}, case)


def ligand(p: dict, alpha: float, cutoff: int = 60) -> dict:
    """Return the ligand-centre model of physics.md section 5."""
    return {
        "cluster": {"kind": "ligand-centre", "sites": 4},
        "electrons": {
            "hopping": {"ring": p["t"], "centre": p["tp"]},
            "level": {"ligand": p["eps_P"]},
            "hubbard_u": {"ligand": p["U_P"]},
        },
        "phonons": {"frequency": p["omega0"], "electron_coupling": alpha, "max_quanta": cutoff},
    }


def _ligand(case: dict) -> dict[str, dict]:
    p = case["params"]
    return _one(ligand(p, p["alpha"]), case, displacement_grid=p["Xs"])


def _resonance(case: dict) -> dict[str, dict]:
    p, search = case["params"], {"parameter": "phonons.electron_coupling", "bracket": [1.0, 1.6]}
    found = {"case": {**ligand(p, 0.0), "sector": _sector(case), "resonance": search}}
    asked = {"n_P": {"operator": "density"}, "x": {"operator": "displacement"}}
    asked["cross"] = {**asked["x"], "cross": "density"}
    model = ligand(p, p["alpha_for_lines"])
    return found | {name: _lines(model, case, site=4, **keys) for name, keys in asked.items()}


def _ssh(case: dict) -> dict[str, dict]:
    p, optical = case["params"], "site" in case["truncation"]
    model = {
        "cluster": {"kind": "dimer"},
        "electrons": {"hopping": p["t"], "hubbard_u": p["U"]},
        "phonons": {
            "frequency": p["omega0"],
            "bond_coupling": p["g"],
            "on": "all" if optical else "bonds",
            "max_quanta": 22 if optical else 60,
        },
    }
    if optical:
        return {"E": {**model, "sector": {"charge": 2}, "ground_state": {"states": 3}}}
    charges = {"E_N2": (2, 4), "E_N1": (1, 2)}
    return {k: {**model, "sector": {"charge": n}, "ground_state": {"states": s}} for k, (n, s) in charges.items()}


def _binding(case: dict) -> dict[str, dict]:
    return {"case": {**_bfm(case["params"]), "charge_scan": {}}}


def _threaded(model: dict, case: dict) -> dict[str, dict]:
    p = case["params"]
    return {"case": {**model, "sector": _sector(case), "flux": {"values": p["phis"]}}}


def _flux(case: dict) -> dict[str, dict]:
    """Ask for levels against the flux; for the canonical free energy at phi = 0, 1 and pi where it is stated."""
    model = _bfm(case["params"])
    found = _threaded(model, case)
    if "F" in case["value"]:
        thermal = {"ensemble": "canonical", "temperatures": [case["params"]["T_canonical"]], "observables": []}
        warm = {"flux": {"values": [0.0, 1.0, float(np.pi)]}, "thermal": thermal}
        found["F"] = {**model, "sector": _sector(case), **warm}
    return found


def _phonon_flux(case: dict) -> dict[str, dict]:
    model = _bfm(case["params"])
    model["phonons"]["max_quanta"] = _fixed(case)
    return _threaded(model, case)


def _thermal(model: dict, case: dict, kind: str = "grand-canonical") -> dict[str, dict]:
    """Ask for thermal averages; with a charge, of its canonical ensemble or of its sector alone; A(omega) on a grid."""
    p = case["params"]
    if "grid" in p:
        model = {**model, "spectrum": {"frequencies": p["grid"], "broadening": p["eta"]}}
    thermal = {"ensemble": kind, "temperatures": [case["params"]["T"]], "observables": "all"}
    sector = {} if kind == "grand-canonical" else {"sector": _sector(case)}
    return {"case": {**model, **sector, "thermal": thermal}}


def _canonical(case: dict) -> dict[str, dict]:
    spin = case["sector"]["two_Sz"]
    summed = isinstance(spin, str)
    own = {**case, "sector": {**case["sector"], "two_Sz": case["sector"]["N_tot"] % 2 if summed else spin}}
    return _thermal(_bfm(case["params"]), own, "canonical" if summed else "sector")


def _warm_lattice(case: dict) -> dict[str, dict]:
    model = _bfm(case["params"])
    model["phonons"]["max_quanta"] = _fixed(case)
    return _thermal(model, case)


def _warm_holstein(case: dict) -> dict[str, dict]:
    return _thermal(_holstein(case["params"], _fixed(case)), case, "sector")


BUILDERS: dict[str, Callable[[dict], dict[str, dict]]] = {
    "bfm_energies": lambda case: _one(_bfm(case["params"]), case),
    "bfm_groundstate": lambda case: _one(_bfm(case["params"]), case),
    "bfm_flux": _flux,
    "bfm_optical": _optical,
    "bfm_phonon_flux": _phonon_flux,
    "bfm_phonon_L1": lambda case: _capped(case, 60),
    "bfm_phonon_L2": lambda case: _capped(case, 26),
    "bfm_phonon_fixed_cutoff": lambda case: _capped(case, _fixed(case)),
    "holstein_hubbard_fixed_cutoff": lambda case: _one(_holstein(case["params"], _fixed(case)), case),
    "holstein_hubbard_flux": lambda case: _threaded(_holstein(case["params"], _fixed(case)), case),
    "holstein_hubbard_converged": lambda case: _one(_holstein(case["params"], 46), case),
    "hubbard_analytic": _hubbard,
    "free_fermion_flux": _free_ring,
    "hardcore_boson_ring": _boson_ring,
    "ligand_cluster": _ligand,
    "ligand_resonance": _resonance,
    "ssh_dimer": _ssh,
    "pair_binding": _binding,
    "bfm_thermal_gc": lambda case: _thermal(_bfm(case["params"]), case),
    "bfm_thermal_can": _canonical,
    "bfm_phonon_L1_thermal": _warm_lattice,
    "holstein_hubbard_thermal": _warm_holstein,
    "bfm_spectral_T0": _momenta,
    "independent_boson": _independent_boson,
    "atomic_limit_spectral": _atomic,
    "bfm_spectral_gc": lambda case: _thermal(_bfm(case["params"]), case),
}


def _energies(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    value = case["value"]
    ground = records["case"]["ground_state"]
    wanted = value if isinstance(value, dict) else {"E": np.atleast_1d(value)}
    found = []
    for key, want in wanted.items():
        if key in QUANTITIES:
            found.append((key, QUANTITIES[key](ground), want))
        elif key not in ELSEWHERE:
            raise KeyError(f"{case['id']}: no reader for {key}")
    return found


def _obs(name: str) -> Callable[[dict], object]:
    return lambda ground: ground["observables"][name]


def _row(name: str) -> Callable[[dict], object]:
    return lambda ground: ground["observables"][name][0]


def _entry(name: str, i: int, j: int | None = None) -> Callable[[dict], object]:
    return lambda ground: ground["observables"][name][i] if j is None else ground["observables"][name][i][j]


QUANTITIES: dict[str, Callable[[dict], object]] = {
    "E": lambda ground: ground["energies"],
    "E0": lambda ground: ground["energies"][0],
    "gap": lambda ground: ground["energies"][1] - ground["energies"][0],
    "nF": _obs("electron_density"),
    "nF_site": _entry("electron_density", 0),
    "nB": _entry("boson_density", 0),
    "nB_site": _entry("boson_density", 0),
    "docc_site": _entry("double_occupancy", 0),
    "pair_amplitude": _entry("pair_exchange", 0),
    "pair_amplitude_site": _entry("pair_exchange", 0),
    "bb": _row("boson_correlation"),
    "DD": _row("pair_correlation"),
    "Db": _row("pair_boson_correlation"),
    "PO_boson": lambda ground: ground["observables"]["condensate"]["boson"],
    "PO_fermion_pair": lambda ground: ground["observables"]["condensate"]["electron_pair"],
    "PO_combined_2L": lambda ground: ground["observables"]["condensate"]["combined"],
    "bb_nn": _entry("boson_correlation", 0, 1),
    "DD_nn": _entry("pair_correlation", 0, 1),
    "SS_nn": _entry("spin_correlation", 0, 1),
    "N_ph": _entry("quanta", 0),
    "N_ph_site": _entry("quanta", 0),
    "x": _entry("displacement", 0),
    "x_site": _entry("displacement", 0),
    "x2": _entry("displacement_squared", 0),
    "x2_site": _entry("displacement_squared", 0),
    "nB_x": _entry("boson_lattice", 0, 0),
    "nB0_x0": _entry("boson_lattice", 0, 0),
    "nB0_x1": _entry("boson_lattice", 0, 1),
    "n0_x0": _entry("electron_lattice", 0, 0),
    "n0_x1": _entry("electron_lattice", 0, 1),
    "n0_x": _row("electron_lattice"),
    "nP": _entry("electron_density", 4),
    "doccP": _entry("double_occupancy", 4),
    "nP_x": _entry("electron_lattice", 4, 0),
    "PX": lambda ground: ground["observables"]["displacement_distribution"]["P"][0],
}
ELSEWHERE = ("pair_transfer", "x_lines", "A_eta", "M2")
"""Quantities that are no averages of observables; tested through Python, or spectra."""
THERMODYNAMICS = {
    "Omega": "grand_potential",
    "F": "free_energy",
    "H": "energy",
    "E": "energy",
    "entropy": "entropy",
    "C": "specific_heat",
    "specific_heat_fixed_mu": "specific_heat",
    "N_tot": "charge",
    "N_variance": "charge_variance",
}
"""The keys of thermal records for those of the cases."""


def _two_site_quantity(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    """Read a dimer, whose `bb` and `DD` are <b+_0 b_1> and <D+_0 D_1>."""
    adjusted = [(k, got[1] if k in ("bb", "DD") else got, want) for k, got, want in _energies(case, records)]
    return adjusted


def _one_site_quantity(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    ground = records["case"]["ground_state"]
    rest = {**case, "value": {k: v for k, v in case["value"].items() if k != "nB"}}
    found = [("nB", ground["observables"]["boson_density"][0], case["value"]["nB"]), *_energies(rest, records)]
    if "x_lines" not in case["value"]:
        return found
    return [*found, ("x_lines", records["x_lines"]["spectrum"]["poles"][:6], case["value"]["x_lines"])]


def _momentum_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    found = []
    for k, value in case["value"].items():
        spectrum = records[k]["spectrum"]
        got = (*spectrum["weights"].values(), spectrum["moments"][1], spectrum["values"])
        wanted = (value[key] for key in ("add_weight", "rem_weight", "M1", "A_eta"))
        found += [(f"{k} {n}", g, w) for n, (g, w) in enumerate(zip(got, wanted, strict=True))]
    return found


def _optical_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    value, spectrum = case["value"], records["case"]["spectrum"]
    hopping = records["case"]["ground_state"]["observables"]["hopping_energy"]
    assert len(spectrum["poles"]) == len(value["poles"])
    return [
        ("poles", spectrum["poles"], value["poles"]),
        ("D", spectrum["drude"], value["D"]),
        ("kin", hopping, value["kin"]),
        ("fsum_defect", spectrum["fsum_defect"], value["fsum_defect"]),
        *_drude_answer(case, records),
    ]


def _independent_boson_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    value = case["value"]
    lines = records["lines"]["spectrum"]["poles"]
    found = [(key, records[key]["ground_state"]["energies"][0], value[key]) for key in ("E1", "E2")]
    warm = [
        line for line in records["thermal_lines"]["spectrum"]["poles"] if line[0] < value["thermal_lines"][-1][0] + 0.5
    ]
    found.append(("thermal_lines", warm[-len(value["thermal_lines"]) :], value["thermal_lines"]))
    return [*found, ("lines", lines[: len(value["lines"])], value["lines"])]


def _spectral_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    spectrum, value = records["case"]["spectrum"], case["value"]
    if isinstance(value, list):
        return [("poles", spectrum["poles"], value)]
    return [
        ("A_eta", spectrum["values"][0], value["A_eta"]),
        ("moments", spectrum["moments"][0], value["moments"]),
        ("sum rules", spectrum["sum_rules"][0], value["moments"]),
        ("n_up", spectrum["balance"][0], value["n_up"]),
        ("n_up", spectrum["weights"]["removal"][0], value["n_up"]),
    ]


def _disordered(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    value = case["value"]
    if not isinstance(value, dict):
        return _energies(case, records)
    rest = {**case, "value": {k: v for k, v in value.items() if k != "nB"}}
    return [("nB", _obs("boson_density")(records["case"]["ground_state"]), value["nB"]), *_energies(rest, records)]


def _lowest(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    return [("E0", records["case"]["ground_state"]["energies"][0], case["value"])]


def _hubbard_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    return _lowest(case, records)


def _resonance_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    p, alpha = case["params"], records["case"]["resonance"]["value"]
    exact = np.sqrt((2 * p["eps_P"] + p["U_P"] + 4 * p["t"]) / (4 * p["omega0"]))
    found = [("alpha_c", alpha, case["value"]["alpha_c"]), ("alpha_LF", exact, case["value"]["alpha_LF_estimate"])]
    for column, name in enumerate(("n_P", "x", "cross"), 1):
        bright = [line for line in records[name]["spectrum"]["poles"] if line[0] > 1e-6][:4]
        found.append((name, bright, [[line[0], line[column]] for line in case["value"]["lines"]]))
    return found


def _ssh_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    wanted = case["value"] if isinstance(case["value"], dict) else {"E": case["value"]}
    return [(key, records[key]["ground_state"]["energies"], want) for key, want in wanted.items()]


def _binding_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    scan = records["case"]["charge_scan"]
    return [("E", scan["energies"], case["value"]["E"]), ("binding", scan["binding"], case["value"]["binding"])]


def _flux_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    flux, value = records["case"]["flux"], case["value"]
    if not isinstance(value, dict):
        return [("E0", flux["energies"], value)]
    one, length = flux["phi"].index(1.0), records["case"]["cluster"]["sites"]
    warm = [("F", records["F"]["thermal"]["flux"]["free_energy"][0], value["F"])] if "F" in value else []
    return [
        *warm,
        ("E0", flux["energies"], value["E0"]),
        ("I_phi1", flux["current"][one], value["I_phi1"]),
        ("curv_phi1", flux["stiffness"][one] / (np.pi * length), value["curv_phi1"]),
    ]


def _drude_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    record, value = records["case"], case["value"]
    kinetic = record["ground_state"]["observables"]["hopping_energy"]
    return [("D", record["flux"]["stiffness"][0], value["D"]), ("kin", kinetic, value["kin"])]


def _thermal_answer(case: dict, records: Mapping[str, Record]) -> list[tuple[str, object, object]]:
    """Read thermodynamics and averages at the one temperature."""
    record, value = records["case"]["thermal"], case["value"]
    cut = record.get("cutoff_errors", {})  # all levels are summed: there is no other error
    for key in THERMODYNAMICS.values():
        if key in record:
            np.testing.assert_allclose(record["errors"][key], cut.get(key, np.zeros(len(record[key]))), atol=1e-12)
    averages = {"observables": {name: at[0] for name, at in record["observables"].items() if isinstance(at, list)}}
    found = [(k, record[THERMODYNAMICS[k]][0], want) for k, want in value.items() if k in THERMODYNAMICS]
    for key in value.keys() - THERMODYNAMICS.keys() - set(ELSEWHERE):
        found.append((key, QUANTITIES[key](averages), value[key]))
    if "A_eta" in value:
        spectrum = records["case"]["spectrum"]
        found += [("A_eta", spectrum["values"][0], value["A_eta"]), ("M2", spectrum["moments"][0][2], value["M2"])]
    return found


READERS: dict[str, Callable[[dict, Mapping[str, Record]], list[tuple[str, object, object]]]] = {
    **dict.fromkeys(BUILDERS, _energies),
    "bfm_energies": _disordered,
    "bfm_flux": _flux_answer,
    "bfm_phonon_flux": _flux_answer,
    "holstein_hubbard_flux": _flux_answer,
    "bfm_phonon_L1": _one_site_quantity,
    "bfm_phonon_L2": _two_site_quantity,
    "free_fermion_flux": _lowest,
    "hardcore_boson_ring": _lowest,
    "hubbard_analytic": _hubbard_answer,
    "ligand_resonance": _resonance_answer,
    "ssh_dimer": _ssh_answer,
    "pair_binding": _binding_answer,
    **dict.fromkeys(
        ("bfm_thermal_gc", "bfm_thermal_can", "bfm_phonon_L1_thermal", "holstein_hubbard_thermal"), _thermal_answer
    ),
    "bfm_spectral_T0": _momentum_answer,
    "bfm_optical": _optical_answer,
    "independent_boson": _independent_boson_answer,
    "atomic_limit_spectral": _spectral_answer,
    "bfm_spectral_gc": _spectral_answer,
}
