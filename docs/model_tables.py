"""The reference of model files, from the tables that check them and the values that these tables describe."""

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
"""The values that tables are turned into, with the meanings and the defaults of their keys."""
INNER = {
    "electrons": (("A level, or `zeeman`, as a table with disorder (bosons have the same):", DisorderTable),),
    "entanglement": (("A cut as a table:", CutTable),),
    "evolution": (
        ("`state` as a table:", StateTable),
        ("`kick` as a table, of `exp(-i strength O)`:", KickTable),
        ("`pulse` as a table, with `A(t) = amplitude exp(-(t - centre)^2 / (2 width^2)) cos(frequency (t - centre))`:",
         PulseTable),
        ("`probe` as a table:", ProbeTable),
    ),
}  # fmt: skip
"""Tables inside the keys of others, each with the words above it."""
LEFT_OUT = "may be left out"
AVERAGED = "Axes whose values are realisations, as seeds of disorder: means and standard errors over them are added."
LINKED = "Keys that go in step with the first of their list; one without values of its own takes those of the first."
NONE = types.MappingProxyType({})
SAID = (None, "true or false", "a whole number", "a finite number")
"""What is allowed where the type says so already."""
WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", dict: "table", object: "anything"}


def write(folder):
    """Write the reference of all tables as a piece of a page."""
    keep(folder / "model-tables.md", "\n".join(_lines()))


def _lines():
    yield from _section("[cluster]", "Where things are. Which other keys there are depends on `kind`.")
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
    yield from _section("[sweep]", "Each key but three is the dotted path of a number of the file, in quotes.")
    yield from _keys(AxisTable, (), names={"values": '"table.key"'})
    yield from ("`linked`", f": *list of lists of text*; {LEFT_OUT}. {LINKED}", "")
    yield from ("`refine`", f": *table*; {LEFT_OUT}. More values of an axis where a quantity changes fast:", "")
    yield from _keys(RefineTable, ())
    yield from ("`average`", f": *list of text*; {LEFT_OUT}. {AVERAGED}", "")
    yield from _section("Grids", "Wherever numbers are listed, a table can stand for equal steps, ends included:")
    yield from _keys(Grid, ())


def _section(title, text):
    return (f"## {title}", "", text, "")


def _prose(thing):
    """The summary and the text below it."""
    text = NumpyDocString(inspect.getdoc(thing))
    return [_markdown(line) for line in (*text["Summary"], "", *text["Extended Summary"])]


def _couplings(species):
    """The meaning of each coupling of a species, with its term."""
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
        default = "needed" if field.is_required() else _default(key, field, described)
        kinds = " or ".join(dict.fromkeys(type_words(_annotation(field))))
        yield f"`{names.get(key, key)}`"
        yield f": *{kinds}*; {default}. {meaning}"
        yield f"  Allowed: {_allowed(named(field.description))}." if field.description not in SAID else ""
        yield ""


def _annotation(field):
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def type_words(annotation):
    """Yield the TOML types that an annotation takes, in words."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from type_words(args[0])
    elif origin in (Union, types.UnionType):
        for part in args:
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
    """The default in words: that of the value which the table describes, or the table's own."""
    values = [f.default for thing in described for f in _fields(thing) if f.name == key]
    value = values[0] if values else field.default
    if value is dataclasses.MISSING or value is None:
        return LEFT_OUT
    shown = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return f"default `{shown}`".replace("'", '"')


def _fields(thing):
    return dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()


def meaning_of(key, described):
    """Return what a key means, from the attributes of the first docstring that has it.

    Raises
    ------
    LookupError
        If none has.
    """
    for thing in described:
        described_in = NumpyDocString(inspect.getdoc(thing))
        for names, _, lines in (*described_in["Attributes"], *described_in["Parameters"]):
            if key in names.split(", "):
                return _markdown(" ".join(lines))
    raise LookupError(f"no docstring of {[thing.__name__ for thing in described]} says what {key} means")


def _markdown(text):
    """Backticks hold code in both languages; what Python calls None is left out of a file."""
    parts = re.split(r"(``.*?``|`[^`]*`)", text)
    plain = [re.sub(r"\bNone\b(?=:)", "left out", part).replace("<", "&lt;").replace("_", r"\_") for part in parts[::2]]
    return "".join(itertools.chain(*itertools.zip_longest(plain, parts[1::2], fillvalue="")))


def _allowed(text):
    return re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|--\w+ [A-Z]+', lambda found: f"`{found[0]}`", text)
