"""Wrong model files: each is refused with every mistake in it, its place, the value found and what is allowed."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respair.hamiltonians import InvalidModel
from respair.studies import parse, read

RING = {
    "cluster": 'kind = "ring"\nsites = 4',
    "electrons": "hopping = 1.0",
    "bosons": "level = -0.4\nexchange = 0.8",
    "phonons": "frequency = 1.0\nboson_coupling = 1.0\nmax_quanta = 4",
    "sector": "charge = 4",
}


def ring(*, top="schema = 1", **tables):
    """Return the text of a correct model file with some tables replaced, added, or (None) left out."""
    bodies = {**RING, **tables}
    return "\n".join([top, *(f"[{name}]\n{body}" for name, body in bodies.items() if body is not None)])


def cluster(body, **tables):
    return ring(**{"cluster": body, "bosons": None, "phonons": None, "sector": "charge = 0", **tables})


def custom(positions="[[0, 0], [1, 0], [2, 0]]", bonds="[[0, 1], [1, 2]]", more=""):
    return cluster(f'kind = "custom"\npositions = {positions}\nbonds = {bonds}\n{more}')


NAN_ANYWHERE = {
    "coupling": ring(electrons="hopping = nan"),
    "coupling by class": ring(electrons="hopping = { bond = nan }"),
    "coupling by bond": ring(electrons="hopping = [1, 1, 1, inf]"),
    "frequency": ring(phonons="frequency = inf\nmax_quanta = 2"),
    "shift": ring(phonons="frequency = 1.0\nmax_quanta = 2\ndisplacement = [0, 0, 0, nan]"),
    "flux": ring(field="flux = nan"),
    "chemical potential": ring(ensemble="chemical_potential = -inf"),
    "tolerance": ring(solver="tolerance = nan"),
    "grid of X": ring(ground_state="displacement_grid = [0.0, nan]"),
    "flux task": ring(flux="values = [0.0, inf]"),
    "start of a grid": ring(flux="values = { start = nan, stop = 1.0, count = 3 }"),
    "sweep": ring(sweep='"bosons.level" = [0.0, nan]'),
    "position": custom(positions="[[0, 0], [1, nan], [2, 0]]"),
}

CASES = {
    # keys and tables
    "unknown key": (ring(electrons="hoping = 1.0"), {"electrons.hoping": "1.0.*did you mean hopping.*hubbard_u"}),
    "unknown key like no other": (
        ring(solver="colour = 1"),
        {"solver.colour": "no such key; allowed in .solver.: engine"},
    ),
    "unknown table": (ring(bosns="level = 1.0"), {"bosns": "no such table; did you mean bosons"}),
    "misspelt table is not missed": (
        ring(bosons=None, bosns="exchange = 1.0", sector="charge = 12"),
        {"bosns": "did you mean bosons"},
    ),
    "unknown key at the top": (ring(top="schema = 1\ntitle = 'x'"), {"title": "no such key.*name"}),
    "table that is a number": (ring(top="schema = 1\nbosons = 3", bosons=None), {"bosons": r"3.*a table, \[bosons\]"}),
    "flux at the top": (ring(top="schema = 1\nflux = 0.7"), {"flux": r"did you mean field.flux\? allowed: a table"}),
    "coupling at the top": (
        ring(top="schema = 1\nhopping = 0.7"),
        {"hopping": r"did you mean electrons.hopping or bosons.hopping or phonons.hopping\?"},
    ),
    "table that is a list": (ring(top="schema = 1\nelectrons = []", electrons=None), {"electrons": "a table"}),
    "name that is a number": (ring(top="schema = 1\nname = 7"), {"name": "7.*text"}),
    "no schema": (ring(top=""), {"schema": "nothing.*add `schema = 1`"}),
    "schema 2": (ring(top="schema = 2"), {"schema": "2.*allowed: 1"}),
    "schema 1.0": (ring(top="schema = 1.0"), {"schema": "1.0.*allowed: 1"}),
    "schema true": (ring(top="schema = true"), {"schema": "True.*allowed: 1"}),
    "thermal without a temperature": (ring(thermal="samples = 3"), {"thermal.temperatures": "nothing"}),
    "a temperature of zero": (ring(thermal="temperatures = [0.0, 0.1]"), {"thermal.temperatures": "0.0.*above 0"}),
    "an unknown ensemble": (
        ring(thermal='temperatures = [1.0]\nensemble = "microcanonical"'),
        {"thermal.ensemble": "canonical"},
    ),
    "one random vector": (ring(thermal="temperatures = [1.0]\nsamples = 1"), {"thermal.samples": "from 2"}),
    "a density beyond all levels": (ring(thermal="temperatures = [1.0]\ndensity = 9"), {"thermal.density": "between"}),
    # types
    "bool as number": (ring(electrons="hopping = true"), {"electrons.hopping": "True.*number"}),
    "string as number": (ring(electrons='hopping = "1.0"'), {"electrons.hopping": '"1.0".*number'}),
    "date as number": (ring(bosons="level = 1979-05-27"), {"bosons.level": "1979.*number"}),
    "float as charge": (ring(sector="charge = 4.0"), {"sector.charge": "4.0.*a whole number"}),
    "bool as charge": (ring(sector="charge = true"), {"sector.charge": "True.*a whole number"}),
    "string as cutoff": (
        ring(phonons='frequency = 1.0\nmax_quanta = "8"'),
        {"phonons.max_quanta": '"8".*a whole number'},
    ),
    "bool in a table by class": (
        ring(electrons="hopping = { bond = true }"),
        {"electrons.hopping.bond": "True.*number"},
    ),
    "string in a list": (ring(electrons='hopping = [1, 1, "a", 1]'), {"electrons.hopping[2]": '"a".*a finite number'}),
    "number beyond any float": (ring(electrons=f"hopping = {10**400}"), {"electrons.hopping": "a finite number"}),
    "site number that is a float": (ring(bosons="on = [0, 1.0]"), {"bosons.on[1]": "1.0.*a whole number"}),
    # spectra
    "no frequencies": (ring(spectrum='operator = "pair"'), {"spectrum.frequencies": "nothing.*start, stop, count"}),
    "frequencies of nothing": (ring(spectrum="frequencies = []"), {"spectrum.frequencies": "a list of one or more"}),
    "zero broadening": (
        ring(spectrum="frequencies = [0.0]\nbroadening = 0.0"),
        {"spectrum.broadening": "0.0.*a number above 0"},
    ),
    "unknown operator": (
        ring(spectrum='frequencies = [0.0]\noperator = "elektron"'),
        {"spectrum.operator": "did you mean electron.*current"},
    ),
    "unknown line shape": (
        ring(spectrum='frequencies = [0.0]\nlineshape = "box"'),
        {"spectrum.lineshape": "lorentzian, gaussian"},
    ),
    "spectrum on a site that is not there": (
        ring(spectrum="frequencies = [0.0]\nsite = 4"),
        {"spectrum.site": "4.*0, 1, 2, 3"},
    ),
    "spectrum with site and momentum": (
        ring(spectrum="frequencies = [0.0]\nsite = 0\nmomentum = 1"),
        {"spectrum.momentum": "1.*either site or momentum"},
    ),
    "spectrum with a momentum too large": (
        ring(spectrum="frequencies = [0.0]\nmomentum = 4"),
        {"spectrum.momentum": "4.*0 to 3"},
    ),
    "all momenta of an open cluster": (
        ring(cluster='kind = "chain"\nsites = 4', spectrum='frequencies = [0.0]\nmomentum = "all"'),
        {"spectrum.momentum": '"all".*a chain has no translation'},
    ),
    "current with all momenta": (
        ring(spectrum='frequencies = [0.0]\noperator = "current"\nmomentum = "all"'),
        {"spectrum.momentum": '"all".*the current is that of the whole cluster'},
    ),
    "map with a site of the other operator": (
        ring(spectrum='frequencies = [0.0]\noperator = "density"\ncross = "spin"\ncross_site = 1\nmomentum = "all"'),
        {"spectrum.cross_site": "1.*both operators at each momentum"},
    ),
    "spectrum with a momentum on an open cluster": (
        ring(cluster='kind = "chain"\nsites = 4', spectrum="frequencies = [0.0]\nmomentum = 1"),
        {"spectrum.momentum": "1.*a chain has no translation"},
    ),
    "current on a chain": (
        ring(cluster='kind = "chain"\nsites = 4', spectrum='frequencies = [0.0]\noperator = "current"'),
        {"spectrum.operator": "current.*a chain carries no current"},
    ),
    "spectrum of a lattice that is not there": (
        ring(phonons=None, spectrum='frequencies = [0.0]\noperator = "displacement"'),
        {"spectrum.operator": r"displacement.*add \[phonons\]"},
    ),
    "cross spectrum of the conductivity": (
        ring(spectrum='frequencies = [0.0]\noperator = "current"\ncross = "density"'),
        {"spectrum.cross": "density.*one operator"},
    ),
    "cross spectrum of different charges": (
        ring(spectrum='frequencies = [0.0]\noperator = "electron"\ncross = "pair"'),
        {"spectrum.cross": "pair.*as electron does"},
    ),
    "cross spectrum and map of a thermal state": (
        ring(spectrum='frequencies = [0.0]\ncross = "pair"\nmomentum = "all"', thermal="temperatures = [1.0]"),
        {"spectrum.cross": "pair.*as electron does", "spectrum.momentum": "a whole number"},
    ),
    "spin of an operator without one": (
        ring(spectrum='frequencies = [0.0]\noperator = "boson"\nspin = "dn"\nmomentum = true'),
        {"spectrum.spin": "dn.*only the operator electron", "spectrum.momentum": 'True.*a whole number, or "all"'},
    ),
    "weight from parameters that are not there": (
        ring(spectrum='frequencies = [0.0]\ntransfer_from = { "bosons.mass" = 1.0, "phonons.frequency" = -1.0 }'),
        {
            'spectrum.transfer_from."bosons.mass"': "one of electrons.hopping",
            'spectrum.transfer_from."phonons.frequency"': "-1.0.*above 0",
        },
    ),
    "weight that moves in a thermal state": (
        ring(spectrum='frequencies = [0.0]\ntransfer_from = { "bosons.level" = 1.0 }', thermal="temperatures = [1.0]"),
        {"spectrum.transfer_from": r"leave \[thermal\] out"},
    ),
    "place of no cross spectrum": (
        ring(spectrum="frequencies = [0.0]\ncross_site = 1"),
        {"spectrum.cross_site": "1.*add cross"},
    ),
    # cluster
    "no cluster": (ring(cluster=None), {"cluster": "nothing.*kind.*ring"}),
    "no kind": (cluster("sites = 4"), {"cluster.kind": "nothing.*site, dimer"}),
    "unknown kind": (cluster('kind = "rink"'), {"cluster.kind": "rink.*did you mean ring.*allowed: site"}),
    "kind that is a number": (cluster("kind = 4"), {"cluster.kind": "4.*allowed: site"}),
    "ring without sites": (cluster('kind = "ring"'), {"cluster.sites": "nothing.*the number of sites"}),
    "ring with rungs": (
        cluster('kind = "ring"\nsites = 4\nrungs = 2'),
        {"cluster.rungs": "2.*allowed in a cluster.*sites"},
    ),
    "no sites": (cluster('kind = "chain"\nsites = 0'), {"cluster.sites": "0.*whole numbers from 1"}),
    "too many sites": (cluster('kind = "chain"\nsites = 1000000'), {"cluster.sites": "1000000.*from 1 to"}),
    "negative rungs": (cluster('kind = "ladder"\nrungs = -2'), {"cluster.rungs": "-2.*from 1"}),
    "plaquette of one number": (cluster('kind = "plaquette"\nsize = [2]'), {"cluster.size": r"\[2\].*two numbers"}),
    "plaquette too large": (cluster('kind = "plaquette"\nsize = [9, 9]'), {"cluster.size": r"\[9, 9\].*out of range"}),
    "dimer of three": (cluster('kind = "dimer"\nsites = 3'), {"cluster.sites": "3.*2, or leave it out"}),
    "custom without positions": (cluster('kind = "custom"'), {"cluster.positions": r"nothing.*points \[x, y\]"}),
    "positions in the plane and in space": (
        custom(positions="[[0, 0, 0], [1, 0], [2, 0]]"),
        {"cluster.positions": r"has 2 coordinates and positions\[0\] has 3"},
    ),
    "position without numbers": (
        custom(positions="[[], [1, 0], [2, 0]]"),
        {"cluster.positions[0]": r"points \[x, y\]"},
    ),
    "coincident positions": (
        custom(positions="[[0, 0], [1, 0], [0.0, 0.0]]"),
        {"cluster.positions[2]": r"positions\[0\] is the same"},
    ),
    "bond to itself": (custom(bonds="[[0, 1], [2, 2]]"), {"cluster.bonds[1]": "joins a site to itself"}),
    "bond given twice": (custom(bonds="[[0, 1], [1, 0]]"), {"cluster.bonds[1]": r"\[1, 0\].*is given twice"}),
    "bond to no site": (custom(bonds="[[0, 3], [1, 2]]"), {"cluster.bonds[0]": "sites are 0 to 2"}),
    "bond of one site": (custom(bonds="[[0], [1, 2]]"), {"cluster.bonds[0]": r"\[0\].*\[i, j\]"}),
    "bond of a bool": (custom(bonds="[[0, true]]"), {"cluster.bonds[0]": r"True.*\[i, j\]"}),
    "class for a missing site": (custom(more='classes = ["a", "b"]'), {"cluster.classes": "3 positions.*got 2"}),
    "several mistakes in a custom cluster": (
        custom("[[0, 0], [0, 0], [1, 0]]", "[[0, 1], [1, 1], [0, 7], [1, 0]]", 'classes = ["a"]'),
        {
            "cluster.positions[1]": "a different position",
            "cluster.bonds[1]": "itself",
            "cluster.bonds[2]": "0 to 2",
            "cluster.bonds[3]": "twice",
            "cluster.classes": "got 1",
        },
    ),
    # couplings
    "list of the wrong length": (ring(electrons="hopping = [1.0, 2.0]"), {"electrons.hopping": "each bond, 4 of them"}),
    "unknown class": (ring(electrons="level = { metal = 1.0 }"), {"electrons.level": 'metal.*allowed classes: "site"'}),
    "bosons on no site": (ring(bosons="on = [0, 4]"), {"bosons.on": "site 4 does not exist; .*sites 0 to 3"}),
    "bosons on bonds": (ring(bosons='on = "bonds"'), {"bosons.on": '"bonds".*allowed: .all.'}),
    "bosons twice on a site": (ring(bosons="on = [1, 1]"), {"bosons.on": "twice"}),
    "exchange without electrons": (ring(electrons=None), {"bosons.exchange": r"add an \[electrons\] table"}),
    "boson coupling without bosons": (ring(bosons=None), {"phonons.boson_coupling": r"add a \[bosons\] table"}),
    "electron coupling with modes on bonds": (
        ring(phonons='frequency = 1.0\non = "bonds"\nelectron_coupling = 1.0\nmax_quanta = 2'),
        {"phonons.electron_coupling": "on sites"},
    ),
    "boson coupling where no boson is": (
        ring(bosons="on = [0, 1]"),
        {"phonons.boson_coupling": "site 2, which carries no boson"},
    ),
    # phonons
    "no frequency": (ring(phonons="max_quanta = 2"), {"phonons.frequency": "nothing.*number"}),
    "frequency zero": (ring(phonons="frequency = 0\nmax_quanta = 2"), {"phonons.frequency": "0.*above 0"}),
    "no cutoff": (ring(phonons="frequency = 1.0"), {"phonons.max_quanta": "nothing.*total_quanta"}),
    "negative cutoff": (ring(phonons="frequency = 1.0\nmax_quanta = -1"), {"phonons.max_quanta": "-1.*from 0"}),
    "huge cutoff": (ring(phonons="frequency = 1.0\ntotal_quanta = 1000000000"), {"phonons.total_quanta": "from 0 to"}),
    "number too large for products": (
        ring(phonons="frequency = 1e200\nmax_quanta = 2"),
        {"phonons.frequency": r"1e\+200.*at most 1e\+50"},
    ),
    "accuracy of a given cutoff": (
        ring(phonons="frequency = 1.0\nmax_quanta = 2\naccuracy = 1e-6"),
        {"phonons.accuracy": '1e-06 allowed with cutoff = "auto"; leave it out'},
    ),
    "accuracy below the tolerance": (
        ring(phonons='frequency = 1.0\ncutoff = "auto"\naccuracy = 1e-12', solver="tolerance = 1e-9"),
        {"phonons.accuracy": "1e-12 allowed: 1e-09 or more, which is solver.tolerance"},
    ),
    "frequency zero in a list": (
        ring(phonons="frequency = [1, 1, 0, 1]\nmax_quanta = 2"),
        {"phonons.frequency": r"\[1.0, 1.0, 0.0, 1.0\] allowed: above 0"},
    ),
    "unknown frame": (
        ring(phonons='frequency = 1.0\nmax_quanta = 2\ndisplacement = "left"'),
        {"phonons.displacement": '"left".*"none", "mean"'},
    ),
    "shift for a missing mode": (
        ring(phonons="frequency = 1.0\nmax_quanta = 2\ndisplacement = [0.5]"),
        {"phonons.displacement": "one for each mode.*4"},
    ),
    # sector
    "no charge": (ring(sector="two_sz = 0"), {"sector.charge": "nothing.*a whole number"}),
    "charge out of range": (ring(sector="charge = 17"), {"sector.charge": "17.*from 0 to 16"}),
    "negative charge": (ring(sector="charge = -1"), {"sector.charge": "-1.*from 0 to 16"}),
    "odd charge without electrons": (
        ring(electrons=None, bosons="level = 1.0", phonons=None, sector="charge = 3"),
        {"sector.two_sz": "needs electrons"},
    ),
    "S_z of the wrong parity": (ring(sector="charge = 4\ntwo_sz = 1"), {"sector.two_sz": "1.*-4, -2, 0, 2, 4"}),
    "S_z too large": (ring(sector="charge = 2\ntwo_sz = 4"), {"sector.two_sz": "4.*-2, 0, 2"}),
    "momentum on a chain": (
        cluster('kind = "chain"\nsites = 4', sector="charge = 2\nmomentum = 0"),
        {"sector.momentum": "leave it out"},
    ),
    "momentum out of range": (ring(sector="charge = 4\nmomentum = 4"), {"sector.momentum": "4.*0 to 3"}),
    "reflection at k = pi/2": (
        ring(sector="charge = 4\nmomentum = 1\nreflection = 1"),
        {"sector.reflection": "0 or pi"},
    ),
    "reflection 0": (ring(sector="charge = 4\nmomentum = 0\nreflection = 0"), {"sector.reflection": "0.*1 or -1"}),
    "reflection with a flux": (
        ring(field="flux = 0.3", sector="charge = 4\nmomentum = 0\nreflection = 1"),
        {"sector.reflection": "a flux breaks"},
    ),
    "reflection with a flux task": (
        ring(flux="values = [0.0, 0.5]", sector="charge = 4\nmomentum = 0\nreflection = 1"),
        {"sector.reflection": r"a flux breaks.*\[flux\] has phi = 0.5"},
    ),
    "momentum where one level differs": (
        ring(bosons="level = [0, 0, 0, 1]", phonons=None, sector="charge = 4\nmomentum = 0"),
        {"sector.momentum": "lacks this symmetry.*leave it out"},
    ),
    "momentum with a mode on one site": (
        ring(phonons="frequency = 1.0\nmax_quanta = 2\non = [0]", sector="charge = 4\nmomentum = 0"),
        {"sector.momentum": "lacks this symmetry"},
    ),
    "representation with a flux task": (
        ring(phonons=None, flux="values = [0.0, 0.5]", sector='charge = 4\nirrep = "A1"'),
        {"sector.irrep": r"lacks this symmetry.*\[flux\] has phi = 0.5"},
    ),
    "block without a state": (
        ring(bosons=None, phonons=None, sector="charge = 8\nmomentum = 1"),
        {"sector.momentum": "1 no state with charge = 8 and two_sz = 0 is in this block"},
    ),
    # flux
    "flux on a chain": (cluster('kind = "chain"\nsites = 4', field="flux = 0.1"), {"field.flux": "0.1.*no loop"}),
    "flux on a ring of two": (cluster('kind = "ring"\nsites = 2', field="flux = 0.1"), {"field.flux": "0.1.*no loop"}),
    "flux task on a chain": (
        cluster('kind = "chain"\nsites = 4', flux="values = [0.0, 1.0]"),
        {"flux.values": r"no \[flux\] table.*no loop"},
    ),
    "flux task on a ring of two": (
        cluster('kind = "ring"\nsites = 2', flux="values = [0.0]"),
        {"flux.values": "no loop"},
    ),
    "flux task without values": (ring(flux=""), {"flux.values": "nothing.*start, stop, count"}),
    "flux task with no value": (ring(flux="values = []"), {"flux.values": "one or more numbers"}),
    # solver
    "engine slepc": (
        ring(solver='engine = "slepc"'),
        {"solver.engine": "not available yet; allowed: auto, dense, distributed, quspin, tensor"},
    ),
    "unknown engine": (ring(solver='engine = "quspn"'), {"solver.engine": "did you mean quspin.*allowed: auto"}),
    "tolerance 0": (ring(solver="tolerance = 0"), {"solver.tolerance": "0.*from 1e-14 to 1e-2"}),
    "tolerance 1": (ring(solver="tolerance = 1.0"), {"solver.tolerance": "1.0.*from 1e-14 to 1e-2"}),
    "negative seed": (ring(solver="seed = -1"), {"solver.seed": "-1.*whole number from 0"}),
    "memory in nonsense": (ring(solver='memory_limit = "plenty"'), {"solver.memory_limit": "plenty.*16 GiB"}),
    "memory without unit": (ring(solver='memory_limit = "16"'), {"solver.memory_limit": "16.*GiB"}),
    "memory in an unknown unit": (ring(solver='memory_limit = "16 GiX"'), {"solver.memory_limit": "16 GiX.*GiB"}),
    "memory of -1": (ring(solver="memory_limit = -1"), {"solver.memory_limit": "-1.*bytes"}),
    "memory beyond all": (ring(solver='memory_limit = "1e999 B"'), {"solver.memory_limit": "1e999.*bytes"}),
    "no matvecs": (ring(solver="max_matvecs = 0"), {"solver.max_matvecs": "0.*1 or more"}),
    "negative interval": (ring(solver="checkpoint_interval = -1"), {"solver.checkpoint_interval": "-1.*0 or more"}),
    # tasks
    "no task": (ring(sector=None), {"ground_state": r"the file has no task.*\[sector\].*\[charge_scan\]"}),
    "ground state without sector": (
        ring(sector=None, ground_state="states = 1"),
        {"sector": r"\[ground_state\] needs it"},
    ),
    "flux task without sector": (ring(sector=None, flux="values = [0.0]"), {"sector": r"\[flux\] needs it"}),
    "states 0": (ring(ground_state="states = 0"), {"ground_state.states": "0.*from 1 to 1000"}),
    "unknown observable": (
        ring(ground_state='observables = ["quanta", "spin_zz"]'),
        {"ground_state.observables[1]": "spin_zz.*did you mean spin_z.*allowed: electron_density"},
    ),
    "observables in a word": (
        ring(ground_state='observables = "some"'),
        {"ground_state.observables": '"some".*"all", or'},
    ),
    "observable of absent bosons": (
        ring(bosons=None, phonons=None, ground_state='observables = ["boson_density", "spin_z"]'),
        {"ground_state.observables[0]": r"boson_density.*add \[bosons\]"},
    ),
    "observable of absent phonons and bosons": (
        ring(bosons=None, phonons=None, ground_state='observables = ["boson_lattice"]'),
        {"ground_state.observables[0]": r"add \[bosons\] and \[phonons\]"},
    ),
    "P(X) without phonons": (
        ring(phonons=None, ground_state="displacement_grid = [0.0]"),
        {"ground_state.displacement_grid": r"add \[phonons\]"},
    ),
    "charge scan out of range": (
        ring(charge_scan="charges = [0, 16, 17, -1]"),
        {"charge_scan.charges[2]": "17.*0 to 16", "charge_scan.charges[3]": "-1.*0 to 16"},
    ),
    "charge scan with a charge twice": (ring(charge_scan="charges = [2, 2]"), {"charge_scan.charges[1]": "2.*once"}),
    "charge scan of odd charges without electrons": (
        ring(electrons=None, bosons="level = 1.0", phonons=None, charge_scan="charges = [2, 3]"),
        {"charge_scan.charges[1]": "3.*needs electrons"},
    ),
    "charge scan of no charge": (ring(charge_scan="charges = []"), {"charge_scan.charges": "one or more"}),
    # grids and sweeps
    "grid without count": (
        ring(flux="values = { start = 0, stop = 1 }"),
        {"flux.values.count": "nothing.*a whole number"},
    ),
    "grid with an unknown key": (
        ring(flux="values = { start = 0, stop = 1, count = 2, cont = 3 }"),
        {"flux.values.cont": "did you mean count.*start, stop"},
    ),
    "grid in unknown steps": (
        ring(flux='values = { start = 1, stop = 2, count = 2, spacing = "lin" }'),
        {"flux.values.spacing": '"lin".*"linear" or "log"'},
    ),
    "grid wider than floats": (
        ring(flux="values = { start = -1.5e308, stop = 1.5e308, count = 3 }"),
        {"flux.values.start": r"at most 1e\+50", "flux.values.stop": r"at most 1e\+50"},
    ),
    "sweep that is no table": (ring(top="schema = 1\nsweep = 3"), {"sweep": r"3.*a table, \[sweep\]"}),
    "sweep of an unknown key": (
        ring(sweep='"phonons.boson_couplin" = [1]'),
        {'sweep."phonons.boson_couplin"': "did you mean boson_coupling"},
    ),
    "sweep of an unknown table": (
        ring(sweep='"phonon.frequency" = [1]'),
        {'sweep."phonon.frequency"': "did you mean phonons"},
    ),
    "sweep of an absent table": (ring(sweep='"field.flux" = [1]'), {'sweep."field.flux"': r"add a \[field\] table"}),
    "sweep without quotes": (ring(sweep="phonons.frequency = [1]"), {"sweep.phonons": "a path in quotes"}),
    "sweep of a class of a plain number": (
        ring(sweep='"electrons.hopping.bond" = [1]'),
        {'sweep."electrons.hopping.bond"': "electrons.hopping is a table"},
    ),
    "sweep with count 0": (
        ring(sweep='"phonons.frequency" = { start = 1, stop = 2, count = 0 }'),
        {'sweep."phonons.frequency".count': "0.*from 1 to"},
    ),
    "sweep with a huge count": (
        ring(sweep='"phonons.frequency" = { start = 1, stop = 2, count = 1000000000 }'),
        {'sweep."phonons.frequency".count': "from 1 to 100000"},
    ),
    "sweep of too many points": (
        ring(
            sweep='"bosons.level" = { start = 1, stop = 2, count = 99999 }\n'
            '"bosons.exchange" = { start = 1, stop = 2, count = 99999 }'
        ),
        {"sweep": "9999800001 points.*at most"},
    ),
    "sweep in logarithms from 0": (
        ring(sweep='"phonons.frequency" = { start = 0, stop = 2, count = 3, spacing = "log" }'),
        {'sweep."phonons.frequency".start': "0.*above 0"},
    ),
    "sweep over no value": (ring(sweep='"phonons.frequency" = []'), {'sweep."phonons.frequency"': "one or more"}),
    "sweep over a number": (ring(sweep='"phonons.frequency" = 1.0'), {'sweep."phonons.frequency"': "1.0.*a list"}),
    "sweep over a bool": (
        ring(sweep='"phonons.frequency" = [1, true]'),
        {'sweep."phonons.frequency"[1]': "True.*a finite number"},
    ),
    "sweep with wrong points": (
        ring(sweep='"sector.charge" = [2, 16, 18, 20]'),
        {'sweep."sector.charge"': r"18.*from 0 to 16.*at sector.charge = 18 and 1 more point\)"},
    ),
    "sweep of a whole number in fractions": (
        ring(sweep='"sector.charge" = { start = 0, stop = 4, count = 4 }'),
        {'sweep."sector.charge"': "a whole number"},
    ),
    "sweep that breaks another key": (
        ring(sector="charge = 4\nmomentum = 3", sweep='"cluster.sites" = [4, 3]'),
        {"sector.momentum": "3.*0 to 2.*at cluster.sites = 3"},
    ),
    "sweep with one wrong corner": (
        ring(sweep='"cluster.sites" = [4, 2]\n"sector.charge" = [2, 12]'),
        {'sweep."sector.charge"': "12.*0 to 8.*at cluster.sites = 2, sector.charge = 12"},
    ),
    # several at once
    "mistakes in many tables": (
        ring(
            top="schema = 3",
            electrons="hopping = [1.0, 2.0]\nlevl = 0",
            bosons='on = "nowhere"',
            phonons="frequency = -1.0\nmax_quanta = -1",
            sector="charge = 4\nmomentum = 9\ntwo_sz = 1.5",
            solver="tol = 1e-8",
            ground_state="states = true",
            flux="values = []",
            sweep='"sector.spin" = [0]',
        ),
        {
            "schema": "3",
            "electrons.levl": "level",
            "electrons.hopping": "4 of them",
            "bosons.on": "nowhere",
            "phonons.frequency": "above 0",
            "phonons.max_quanta": "-1",
            "sector.two_sz": "1.5",
            "sector.momentum": "0 to 3",
            "solver.tol": "tolerance",
            "ground_state.states": "True",
            "flux.values": "one or more",
            'sweep."sector.spin"': "charge, two_sz",
        },
    ),
    "mistakes in one sector": (
        ring(sector="charge = 99\ntwo_sz = 50\nmomentum = -1\nreflection = 3"),
        {"sector.charge": "99", "sector.momentum": "-1", "sector.reflection": "3"},
    ),
    "wrong list beside an unknown key in its table": (
        ring(electrons="hopping = [1.0]\nhubbard = 2.0"),
        {"electrons.hubbard": "did you mean hubbard_u", "electrons.hopping": "4 of them"},
    ),
    "a wrong file and a wrong sweep": (
        ring(solver="colour = 1", sweep='"sector.charge" = [99]'),
        {"solver.colour": "no such key", 'sweep."sector.charge"': "99"},
    ),
    # not TOML
    "empty": ("", {"file": "empty"}),
    "only a comment": ("# nothing\n", {"file": "empty"}),
    "no TOML": ("schema = 1\nhopping: 1.0\n", {"line 2, column 8": "hopping: 1.0.*not TOML"}),
    "cut off": ("schema = 1\n[cluster", {"end of document": "cluster.*not TOML"}),
    "control characters": ("\x00\x01\x02", {"line 1, column 1": r"\\x00.*not TOML"}),
    "a key given twice": ("schema = 1\nschema = 1\n", {"line 2, column 11": "not TOML.*overwrite"}),
    "lists without end": ("a = " + "[" * 100_000, {"file": "too deeply"}),
    "digits without end": ("a = " + "9" * 10_000, {"file": "not TOML"}),
}


def problems_of(text):
    with pytest.raises(InvalidModel) as caught:
        parse(text, "model.toml")
    return caught.value.problems


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_each_mistake_and_no_other_is_reported(text, expected):
    problems = problems_of(text)
    assert sorted({p.path for p in problems}) == sorted(expected)
    for problem in problems:
        assert re.search(expected[problem.path], f"{problem.got} {problem.allowed}", re.DOTALL)


@pytest.mark.parametrize("text", NAN_ANYWHERE.values(), ids=NAN_ANYWHERE.keys())
def test_only_finite_numbers_are_taken(text):
    (problem,) = problems_of(text)
    assert re.search("nan|inf", problem.got)
    assert "number" in problem.allowed


def test_problems_come_in_the_order_of_the_file():
    text = ring(solver="tolerance = 0", sector="charge = 99", cluster='kind = "ring"\nsites = 4\nlength = 2')
    assert [p.path for p in problems_of(text)] == ["cluster.length", "sector.charge", "solver.tolerance"]


def test_long_lists_of_wrong_points_are_cut():
    text = ring(sweep='"sector.charge" = { start = 0, stop = 16, count = 17 }\n"sector.two_sz" = [0, 1, 2]')
    *first, last = problems_of(text)
    assert len(first) == 10
    assert (last.path, last.got) == ("sweep", "7 more problems")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidModel, match=r"file: got .*nowhere\.toml.*cannot be read: No such file"):
        read(tmp_path / "nowhere.toml")


def test_folder_is_no_model_file(tmp_path):
    with pytest.raises(InvalidModel, match="cannot be read"):
        read(tmp_path)


def test_impossible_file_name_is_refused():
    with pytest.raises(InvalidModel, match="cannot be read"):
        read("model\0.toml")


def test_binary_file_is_refused(tmp_path):
    file = tmp_path / "model.toml"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(InvalidModel, match="not a text file"):
        read(file)


JUNK = (
    "true", "nan", "-1", "3", "1.5", '""', '"x"', '"all"', "[]", "[0]", "[1, 2, 3, 4]", '["a"]', "[[0, 1]]", "[[]]",
    "{}", "{ site = 1 }", "{ start = 0, stop = 4, count = 3 }", "07:32:00", "99999999999999999999", "1e300",
)  # fmt: skip
KEYS = {
    "cluster": ("kind", "sites", "rungs", "size", "positions", "bonds", "classes"),
    "electrons": ("hopping", "level", "hubbard_u", "repulsion"),
    "bosons": ("level", "exchange", "hopping", "on"),
    "phonons": (
        "frequency", "on", "boson_coupling", "electron_coupling", "bond_coupling",
        "max_quanta", "total_quanta", "displacement",
    ),
    "field": ("flux",),
    "ensemble": ("chemical_potential",),
    "sector": ("charge", "two_sz", "momentum", "reflection"),
    "solver": ("engine", "tolerance", "seed", "memory_limit", "max_matvecs", "checkpoint_interval"),
    "ground_state": ("states", "observables", "displacement_grid"),
    "charge_scan": ("charges",),
    "flux": ("values",),
    "pairing": ("form_factors",),
    "entanglement": ("cuts", "levels"),
    "coherence": ("search",),
    "lattice": ("condition", "susceptibility"),
    "sweep": ('"sector.charge"', '"cluster.sites"', '"phonons.on"', '"electrons.hopping.bond"'),
}  # fmt: skip
PLACES = [(table, key) for table, keys in KEYS.items() for key in keys]
JARGON = re.compile(r"pydantic|validation|Input should|Traceback|\|(list|word|table|grid)")


def with_junk(junk):
    """Return a correct file with some values replaced."""
    lines = {table: dict(line.split(" = ", 1) for line in body.split("\n")) for table, body in RING.items()}
    for (table, key), value in junk.items():
        lines.setdefault(table, {})[key] = value
    return ring(**{table: "\n".join(f"{k} = {v}" for k, v in body.items()) for table, body in lines.items()})


def complaint(text):
    """Return the words in which a text is refused, or none; any other exception is a failure."""
    try:
        parse(text, "model.toml")
    except InvalidModel as error:
        return str(error)
    return ""


@pytest.mark.long
def test_any_value_anywhere_is_taken_or_refused_in_plain_words():
    for place, value in itertools.product(PLACES, JUNK):
        assert not JARGON.search(complaint(with_junk({place: value})))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(PLACES), st.sampled_from(JUNK), min_size=2, max_size=12))
def test_any_mixture_of_values_is_taken_or_refused_in_plain_words(junk):
    assert not JARGON.search(complaint(with_junk(junk)))
