"""Reference of the model file, generated from the tables that check it and the classes that they describe."""

import dataclasses
import inspect
import itertools
import re
import types
from typing import Annotated, Literal, Union, get_args, get_origin

from numpydoc.docscrape import NumpyDocString
from pages import keep

from respair.analysis import Sampling
from respair.clusters import KINDS
from respair.hamiltonians import Model, Sector
from respair.hamiltonians.parameters import COUPLINGS, SPECIES
from respair.solvers import Options
from respair.studies.file.kept_file import KeptFile
from respair.studies.file.schema import CLUSTERS, TABLES, AxisTable, RefineTable
from respair.studies.file.values import DisorderTable, Grid, Table
from respair.studies.tasks.entanglement import CutTable
from respair.studies.tasks.evolution_probe import ProbeTable
from respair.studies.tasks.evolution_tables import KickTable, PulseTable, StateTable
from respair.studies.tasks.observable_names import named
from respair.studies.tasks.table import TASKS

DESCRIBED = {
    **{name: (species,) for name, species in SPECIES.items()},
    "field": (Model,),
    "ensemble": (Model,),
    "sector": (Sector,),
    "solver": (Options,),
    "kept": (KeptFile,),
    **{name: (task,) for name, task in TASKS.items()},
    "thermal": (TASKS["thermal"], Sampling),
}
"""Classes built from the tables, with the descriptions and defaults of the keys."""
INNER = {
    "electrons": (("A level, or `zeeman`, as a table with disorder (also for bosons):", DisorderTable),),
    "entanglement": (("A cut as a table:", CutTable),),
    "evolution": (
        ("`state` as a table:", StateTable),
        ("`kick` as a table, of `exp(-i strength O)`:", KickTable),
        ("`pulse` as a table, with `A(t) = amplitude exp(-(t - centre)^2 / (2 width^2)) cos(frequency (t - centre))`:",
         PulseTable),
        ("`probe` as a table:", ProbeTable),
    ),
}  # fmt: skip
"""Nested tables, each with its heading."""
LEFT_OUT = "optional"
AVERAGED = "Axes of realisations, such as seeds of disorder: means and standard errors over them are added."
LINKED = "Keys that vary together with the first of their list; those without values take the values of the first."
NONE = types.MappingProxyType({})
SAID = (None, "true or false", "a whole number", "a finite number")
"""Allowed values that are clear from the type."""
WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", dict: "table", object: "anything"}


def write(folder):
    """Write the reference of all tables as part of a page."""
    keep(folder / "model-tables.md", "\n".join(_lines()))


def _lines():
    yield from _section("[cluster]", "The sites and bonds. The other keys depend on `kind`.")
    for kind, table in CLUSTERS.items():
        yield from (f'### `kind = "{kind}"`', "", *_prose(KINDS[kind]), "")
        yield from _keys(table, (KINDS[kind],), leave=("kind",))
    for name, table in TABLES.items():
        yield from _section(f"[{name}]", "")
        if name in TASKS or name == "kept":
            yield from (*_prose(DESCRIBED[name][0]), "")
        yield from _keys(table, DESCRIBED[name], couplings=_couplings(name))
        for words, inner in INNER.get(name, ()):
            yield from (words, "", *_keys(inner, ()))
    yield from _section("[sweep]", "Each key except three is the dotted key of a number of the file, in quotes.")
    yield from _keys(AxisTable, (), names={"values": '"table.key"'})
    yield from ("`linked`", f": *list of lists of text*; {LEFT_OUT}. {LINKED}", "")
    yield from ("`refine`", f": *table*; {LEFT_OUT}. Adds values of an axis where a quantity changes rapidly:", "")
    yield from _keys(RefineTable, ())
    yield from ("`average`", f": *list of text*; {LEFT_OUT}. {AVERAGED}", "")
    yield from _section("Grids", "In place of a list of numbers, a table can define equal steps, ends included:")
    yield from _keys(Grid, ())


def _section(title, text):
    return (f"## {title}", "", text, "")


def _prose(thing):
    """Return the summary and the extended summary."""
    text = NumpyDocString(inspect.getdoc(thing))
    return [_markdown(line) for line in (*text["Summary"], "", *text["Extended Summary"])]


def _couplings(species):
    """Return the meaning of each coupling of a species, with its term."""
    own = {key.partition(".")[2]: entry for key, entry in COUPLINGS.items() if entry.species == species}
    return {
        key: f"${entry.symbol}$ [{entry.unit}] in ${entry.latex}$: {_markdown(entry.words)}."
        for key, entry in own.items()
    }


def _keys(table, described, leave=(), names=NONE, couplings=NONE):
    """Yield the keys of a table as a list of definitions."""
    for key, field in table.model_fields.items():
        if key in leave or field.exclude:
            continue
        meaning = couplings.get(key) or meaning_of(key, (table, *described))
        default = "required" if field.is_required() else _default(key, field, described)
        kinds = " or ".join(dict.fromkeys(type_words(_annotation(field))))
        yield f"`{names.get(key, key)}`"
        yield f": *{kinds}*; {default}. {meaning}"
        yield f"  Allowed: {_allowed(named(field.description))}." if field.description not in SAID else ""
        yield ""


def _annotation(field):
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def type_words(annotation):
    """Yield the names of the TOML types of an annotation."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from type_words(args[0])
    elif origin in (Union, types.UnionType):
        for part in args:
            if part is not types.NoneType:
                yield from type_words(part)
    elif origin is Literal:
        yield "text"
    elif origin in (list, tuple):
        yield f"list of {' or '.join(dict.fromkeys(_plural(word) for word in type_words(args[0])))}"
    elif origin is dict or (inspect.isclass(annotation) and issubclass(annotation, Table)):
        yield "table"
    else:
        yield WORDS[annotation]


PLURALS = {
    "whole number": "whole numbers", "number": "numbers", "table": "tables", "anything": "values",
    "true or false": "true or false",
}  # fmt: skip


def _plural(word):
    return PLURALS.get(word, re.sub(r"^list\b", "lists", word))


def _default(key, field, described):
    """Return the default as text: that of the class described by the table, or of the table."""
    values = [f.default for thing in described for f in _fields(thing) if f.name == key]
    value = values[0] if values else field.default
    if value is dataclasses.MISSING or value is None:
        return LEFT_OUT
    shown = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return f"default `{shown}`".replace("'", '"')


def _fields(thing):
    return dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()


def meaning_of(key, described):
    """Return the meaning of a key, from the attributes of the first docstring that contains it.

    Raises
    ------
    LookupError
        If no docstring contains it.
    """
    for thing in described:
        described_in = NumpyDocString(inspect.getdoc(thing))
        for names, _, lines in (*described_in["Attributes"], *described_in["Parameters"]):
            if key in names.split(", "):
                return _markdown(" ".join(lines))
    raise LookupError(f"no docstring of {[thing.__name__ for thing in described]} describes the key {key}")


def _markdown(text):
    """Return text as Markdown: code stays in backticks, and None becomes an omitted key."""
    parts = re.split(r"(``.*?``|`[^`]*`)", text)
    plain = [re.sub(r"\bNone\b(?=:)", "left out", part).replace("<", "&lt;").replace("_", r"\_") for part in parts[::2]]
    return "".join(itertools.chain(*itertools.zip_longest(plain, parts[1::2], fillvalue="")))


def _allowed(text):
    return re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|--\w+ [A-Z]+', lambda found: f"`{found[0]}`", text)
