"""Sections of controls of the screen, in order; independent of the widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from ..analysis.evolution.kicks import KICKS
from ..analysis.spectra.probes import NAMES
from ..clusters import Cluster, momenta, point_group
from ..clusters.magnetic import without_field
from ..clusters.translations import Momentum, is_real
from ..hamiltonians import Model
from ..hamiltonians.parameters import COUPLINGS as TABLE
from ..hamiltonians.sector import PARITIES
from ..solvers.ensemble_blocks import ENSEMBLES
from .controls import ASKS, COUPLINGS, CUTOFF, SECTOR, Control, couplings, fields, with_cutoff, with_species
from .screen import ARGUMENTS, SHAPES, Screen
from .sweeps import along, axes_of, choices, ends

Option = tuple[str, Any]
"""Label and value of a list entry."""
FRAMES = (("at rest", "none"), ("mean", "mean"), ("follows the charges", "lang-firsov"))
PLACES = ("momentum", "reflection", "irrep")
SYMBOLS = {"electrons": "Electrons", "bosons": "Local pairs", "phonons": "Phonons"}


@dataclass(frozen=True)
class Choice:
    """Choice from a list.

    Attributes
    ----------
    paths : tuple of str
        Keys of the model file that it sets; the first identifies it.
    name : str
        Descriptive name.
    options : tuple of (str, value)
        Possible values with their labels.
    read : function
        Function of a screen that returns the chosen value.
    write : function
        Function of a screen and a value that returns the changed screen.
    """

    paths: tuple[str, ...]
    name: str
    options: tuple[Option, ...]
    read: Callable[[Screen], Any] = field(compare=False)
    write: Callable[[Screen, Any], Screen] = field(compare=False)


@dataclass(frozen=True)
class Section:
    """Group of controls.

    Attributes
    ----------
    title : str
        Title of the section.
    species : str
        Species that can be switched on and off; empty if none.
    entries : tuple of Control or Choice
        Controls in order.
    """

    title: str
    species: str = ""
    entries: tuple[Control | Choice, ...] = ()


def sections(screen: Screen, model: Model, panel: str) -> Iterator[Section]:
    """Yield the sections of a screen.

    Parameters
    ----------
    screen : Screen
        Current screen.
    model : Model
        Model of the screen, or the last valid one.
    panel : str
        Current panel, which can add controls.

    Examples
    --------
    >>> from respair.explorer.presets import preset
    >>> screen = preset("Hubbard ring")
    >>> [section.title for section in sections(screen, screen.study(["ground_state"]).model, "flux")]
    ['Flux', 'Cluster', 'Electrons', 'Local pairs', 'Phonons', 'Fields', 'Sector']
    """
    if panel in ASKS:
        kicked = screen.value("evolution.kick") is not None
        chosen: tuple[Choice, ...] = ()
        if panel in ("spectrum", "temperature"):
            chosen = _probe(model, with_maps=panel == "spectrum")
        if panel == "temperature":
            chosen = (*chosen, _ensemble())
        if panel == "flux" and model.cluster.fluxes > 1:
            chosen = (_direction(model.cluster.fluxes),)
        if panel == "motion" and kicked:
            chosen = (_kick(),)
        asks = (control for control in ASKS[panel] if kicked or not control.path.startswith("evolution.kick"))
        yield Section(panel.capitalize(), "", (*chosen, *asks))
    if panel == "sweep":
        yield Section("Sweep", "", (*_along(screen, model), *ends(screen)))
    yield Section("Cluster", "", (_kind(screen), *_size(screen)))
    for species, title in SYMBOLS.items():
        entries = _species(screen, model, species) if species in screen.tables else ()
        yield Section(title, species, tuple(entries))
    yield Section("Fields", "", tuple(fields(model)))
    yield Section("Sector", "", (*_charges(model), _blocks(model)))


def switched(screen: Screen, species: str, wanted: bool, model: Model) -> Screen:
    """Return the screen with a species switched on or off, and a valid charge."""
    changed = with_species(screen, species, wanted)
    sites = 2 * model.cluster.sites
    return changed.with_charge(sum(sites for each in ("electrons", "bosons") if each in changed.tables))


def _kind(screen: Screen) -> Choice:
    kinds = list(SHAPES)
    now = screen.value("cluster.kind")
    options = tuple((kind.replace("-", " "), kind) for kind in (*kinds, *([now] if now not in kinds else [])))
    return Choice(
        ("cluster.kind",), "kind", options, lambda s: s.value("cluster.kind"),
        lambda s, kind: s.on_cluster(kind) if kind in SHAPES else s,
    )  # fmt: skip


def _size(screen: Screen) -> Iterator[Control]:
    for key, argument in ARGUMENTS.get(str(screen.value("cluster.kind")), {}).items():
        if argument.first:
            yield Control(f"cluster.{key}", "L", argument.name, 1, 8, 1 if isinstance(argument.first, int) else 0.0, 4)


def _species(screen: Screen, model: Model, species: str) -> Iterator[Control | Choice]:
    if species == "phonons":
        classes = model.cluster.site_classes
        hosts = (("all sites", "all"), ("bonds", "bonds"), *((each, each) for each in classes if len(classes) > 1))
        yield Choice(
            ("phonons.on",), "modes on", hosts, partial(_host, model=model),
            _with_host,
        )  # fmt: skip
    yield from couplings(screen, model, species)
    if species == "phonons":
        yield Choice(
            ("phonons.frame",), "frame", FRAMES, lambda s: s.value("phonons.frame", "none"),
            lambda s, frame: s.changed("phonons.frame", frame).changed("phonons.dressing", None),
        )  # fmt: skip
        automatic = screen.value("phonons.cutoff") == "auto"
        yield Choice(
            ("phonons.cutoff",), "cutoff", (("by the error bar", True), ("fixed", False)),
            lambda s: s.value("phonons.cutoff") == "auto", with_cutoff,
        )  # fmt: skip
        yield from CUTOFF[:1] if automatic else CUTOFF[1:]


def _host(screen: Screen, model: Model) -> Any:
    on = screen.value("phonons.on")
    default = model.phonons.on if model.phonons is not None else "all"
    return default if on is None else on


def _with_host(screen: Screen, on: str) -> Screen:
    """Return the screen with modes on sites or bonds, without couplings that need modes on sites."""
    for key in (key for key, coupling in TABLE.items() if "modes on sites" in coupling.needs and on == "bonds"):
        screen = screen.changed(key, None)
    return _without_lists(screen).changed("phonons.on", on)


def _without_lists(screen: Screen) -> Screen:
    for control in COUPLINGS:
        if control.path.startswith("phonons.") and not isinstance(screen.value(control.path, 0.0), int | float | str):
            screen = screen.changed(control.path, control.default)
    listed = isinstance(screen.value("phonons.frame"), list)
    return screen.changed("phonons.frame", "mean") if listed else screen


def _charges(model: Model) -> Iterator[Control | Choice]:
    charge, spin = SECTOR
    if model.keeps_charge:
        yield Control(charge.path, charge.symbol, charge.name, 0, max(1, model.max_charge), 1)
    else:
        options = tuple((parity, parity) for parity in PARITIES)
        yield Choice((PARITY,), "parity of the charge", options, _parity, _with_parity)
    most = model.cluster.sites if model.electrons and model.keeps_spin else 0
    if most:
        yield Control(spin.path, spin.symbol, spin.name, -most, most, 1, None)


PARITY = "sector.parity"


def _parity(screen: Screen) -> str:
    return str(screen.value(PARITY, "even"))


def _with_parity(screen: Screen, parity: str) -> Screen:
    return screen.changed(PARITY, parity).changed("sector.two_sz", None)


def _blocks(model: Model) -> Choice:
    options = (("all blocks", ()), *_labels(model.cluster, bool(model.flux or model.magnetic_flux)))
    return Choice(tuple(f"sector.{key}" for key in PLACES), "symmetry", options, _block, _with_block)


def _block(screen: Screen) -> tuple[Option, ...]:
    found = ((key, screen.value(f"sector.{key}")) for key in PLACES)
    return tuple((key, value) for key, value in found if value is not None)


def _with_block(screen: Screen, block: Sequence[Option]) -> Screen:
    for key in PLACES:
        screen = screen.changed(f"sector.{key}", dict(block).get(key))
    return screen


@lru_cache(maxsize=32)
def _labels(cluster: Cluster, threaded: bool) -> tuple[Option, ...]:
    """Return the symmetry blocks of a cluster."""
    if len(momenta(cluster)) > 1:
        mirrors = () if threaded or cluster.reflection is None else (1, -1)
        blocks: list[tuple[tuple[str, Any], ...]] = []
        for m in momenta(cluster):
            blocks += [(("momentum", m),)]
            blocks += [(("momentum", m), ("reflection", r)) for r in sorted(mirrors) if is_real(cluster, m)]
        return tuple((_block_name(dict(block)), block) for block in blocks)
    return tuple((name, (("irrep", name),)) for name in point_group(cluster).irreps)


def _block_name(block: dict[str, Any]) -> str:
    mirror = {1: ", even", -1: ", odd"}.get(block.get("reflection", 0), "")
    return f"m = {_shown(block['momentum'])}{mirror}"


def _shown(momentum: Momentum) -> str:
    return str(list(momentum) if isinstance(momentum, tuple) else momentum)


def _along(screen: Screen, model: Model) -> Iterator[Choice]:
    """Yield the choices of the swept couplings, with one more axis if there are fewer than two."""
    offered = {control.path: control for control in choices(screen, model)}
    axes = axes_of(screen)

    def key(number: int, screen: Screen) -> str | None:
        return dict(enumerate(axes_of(screen))).get(number)

    def moved(number: int, screen: Screen, path: str | None) -> Screen:
        return along(screen, number, offered[path] if path else None)

    for number, words in enumerate(("along", "and along")[: len(axes) + 1]):
        free = [path for path in offered if path not in axes or path == key(number, screen)]
        none = () if axes and number == 0 else (("nothing", None),)
        options = (*none, *((path, path) for path in free))
        yield Choice((f"sweep.{number}",), words, options, partial(key, number), partial(moved, number))


def _direction(fluxes: int) -> Choice:
    rows = [[float(i == j) for j in range(fluxes)] for i in range(fluxes)]
    options = [(f"row {i + 1}", row) for i, row in enumerate(rows)] + [("all rows alike", [1.0] * fluxes)]
    return Choice(
        ("flux.along", "flux.values"), "along", tuple(options), lambda s: s.value("flux.along", rows[0]),
        lambda s, along: s.changed("flux.along", along),
    )  # fmt: skip


def _ensemble() -> Choice:
    return Choice(
        ("thermal.ensemble",), "ensemble", tuple((name, name) for name in ENSEMBLES),
        lambda s: s.value("thermal.ensemble", ENSEMBLES[0]), lambda s, kind: s.changed("thermal.ensemble", kind),
    )  # fmt: skip


def _kick() -> Choice:
    return Choice(
        ("evolution.kick.operator", "evolution.kick"), "kick", tuple((name, name) for name in KICKS),
        lambda s: s.value("evolution.kick.operator"), lambda s, name: s.changed("evolution.kick.operator", name),
    )  # fmt: skip


def _probe(model: Model, with_maps: bool = False) -> tuple[Choice, Choice]:
    operator = Choice(
        ("spectrum.operator", "spectrum.cross"), "operator", tuple((name.replace("_", " "), name) for name in NAMES),
        lambda s: s.value("spectrum.operator", "electron"), _with_operator,
    )  # fmt: skip
    waves = [(f"m = {_shown(m)}", ("momentum", m)) for m in momenta(without_field(model.cluster))]
    sites = [(f"site {i}", ("site", i)) for i in range(model.cluster.sites)]
    maps = [("all momenta: a map", ("momentum", "all"))] if with_maps and len(waves) > 1 else []
    options = (("site 0 / whole ring", ()), *maps, *sites[1:], *waves)
    return operator, Choice(("spectrum.site", "spectrum.momentum"), "place", options, _place, _with_place)


def _with_operator(screen: Screen, name: str) -> Screen:
    changed = screen.changed("spectrum.operator", name).changed("spectrum.cross", None)
    return _with_place(changed, ()) if name == "current" else changed


def _place(screen: Screen) -> Any:
    for key in ("momentum", "site"):
        value = screen.value(f"spectrum.{key}")
        if value is not None and (key, value) != ("site", 0):
            return key, value
    return ()


def _with_place(screen: Screen, place: Sequence[Any]) -> Screen:
    for key in ("site", "momentum"):
        screen = screen.changed(f"spectrum.{key}", place[1] if place and place[0] == key else None)
    return screen
