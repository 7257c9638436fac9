"""The README of a dataset: what is in it, of which Hamiltonian, how exact, and how to use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..execution.tables import with_error
from .crate import CRATE, DICTIONARY
from .formulas import hamiltonian_lines, setting_lines
from .integrity import DATA, MANIFEST, MODELS, TABLES
from .published import PublishedStudy
from .tables import column_groups, table_name

NO_LICENCE = "None was given: ask the authors before you use these data."
CONVENTIONS = r"""
- Energies are in the unit of the model file; $\hbar = k_B = 1$; $\mu$ is inside $H$; no zero-point energy.
- $D_i = c_{i\downarrow} c_{i\uparrow}$ is the pair of electrons on site $i$, $b_i$ the local pair there, a hard-core
  boson that commutes with the electrons; $N = N_e + 2 N_b$ is conserved.
- $x = a + a^\dagger = \sqrt2 X$; an occupied site is pushed to $x > 0$.
- A ring of $L$ sites threaded by the flux $\varphi = 2\pi\Phi/(hc/e)$ has the phase $\theta = \varphi/L$ on each bond.
- `residual` is $r = \|H\psi - E\psi\|$, `leak` is $l = \|QH\psi\|$ with $Q$ the states beyond the phonon cutoff. Within
  $\sqrt{r^2 + l^2}$ of each energy there is an exact one; the error bar of an energy is $6 l^2/(E_Q - E) + r$, with
  $E_Q$ the energy of what leaks, or comes from levels in a larger phonon space where that is not small.
- The variance of the energy in the model without a cutoff is $\langle H^2\rangle - \langle H\rangle^2 = r^2 + l^2$,
  the V-score $N (r^2 + l^2)/E^2$ with the zero of energy as reference.
- Complex numbers are two columns, `_re` and `_im`, in the tables, and a trailing axis `complex` (re, im) in NetCDF.
- A place that a point lacks, as a site of a smaller cluster, is empty, or NaN.
"""


def readme(about: Mapping[str, Any], studies: Mapping[str, PublishedStudy]) -> str:
    """Return the README of a dataset as Markdown.

    Parameters
    ----------
    about : mapping
        The manifest, as far as it is known without the sums.
    studies : mapping
        The studies by name.
    """
    return "\n".join(
        [
            *_head(about),
            *(line for name, each in studies.items() for line in _study(name, each, about)),
            *_use(next(iter(studies)), _plugins(about)),
        ]
    )


def _head(about: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"# {about['title']}", "")
    if about["authors"]:
        yield from (", ".join(about["authors"]), "")
    yield "Exact diagonalization of small clusters with respair: each energy has an error bar against the model without"
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    yield from (f"a phonon cutoff. Computed with {versions}.", "")
    yield from (f"Licence: {about['licence'] or NO_LICENCE}", "")
    yield from ("| file | holds |", "|---|---|")
    yield f"| `{MODELS}/NAME.toml` | the model file of each study: what was computed, completely |"
    for file in _plugins(about):
        yield f"| `{MODELS}/{file}` | approximations of the authors' own; the option `--plugin` runs it |"
    yield f"| `{DATA}/NAME.nc` | all its numbers (NetCDF4), with units and formulas |"
    yield f"| `{TABLES}/NAME*.csv` | the same numbers as text, to the last digit |"
    yield f"| `{DICTIONARY}` | every variable with dimensions, units and meaning |"
    yield f"| `{CRATE}` | the same files for repositories and search engines (RO-Crate 1.1, JSON-LD) |"
    yield f"| `{MANIFEST}` | SHA-256 of every file, versions, command, hardware, seeds, certificates |"
    yield from ("", "## Conventions", CONVENTIONS)


def _study(name: str, each: PublishedStudy, about: Mapping[str, Any]) -> Iterator[str]:
    facts = about["studies"][name]
    yield from (
        f"## `{name}`: {each.study.name}",
        "",
        *hamiltonian_lines(each.study),
        "",
        *setting_lines(each.study),
        "",
    )
    if count := facts.get("terms"):
        yield f"The Hamiltonian has {count} terms of their authors' own; the end of the model file has their formulas."
    yield f"{facts['points']} points; seed {facts['seed']}."
    bars = [f"{key.replace('_', ' ')} {value:.1e}" for key, value in facts["certificates"].items()]
    if bars:
        yield f"The largest of all points: {', '.join(bars)}."
    first = each.at(0)
    if "energies" in first:
        energy = with_error(float(first["energies"][0]), float(first["energy_errors"][0]))
        where = ", ".join(f"{key} = {value:.6g}" for key, value in each.points[0].items())
        yield f"First energy{f' ({where})' if where else ''}: {energy}."
    for dims, group in column_groups(each.data, each.axes).items():
        index = ", ".join(f"`{dim}`" for dim in (*each.axes, *dims))
        yield from ("", f"### `{TABLES}/{table_name(name, dims)}`", "")
        if index:
            yield from (f"A row for each {index}.", "")
        yield from ("| column | unit | is |", "|---|---|---|")
        for column, array in group.data_vars.items():
            formula = str(array.attrs.get("formula", "")).replace("|", r"\|")
            yield f"| `{column}` | {array.attrs.get('units', '1')} | {f'`{formula}`' if formula else ''} |"
    yield ""


def _plugins(about: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(file for each in about["studies"].values() for file in each["plugins"]))


def _use(first: str, plugins: list[str]) -> Iterator[str]:
    there, new = ("".join(f" --plugin {place}{MODELS}/{file}" for file in plugins) for place in ("DIR/", ""))
    given = f", plugins=[{', '.join(repr(f'DIR/{MODELS}/{file}') for file in plugins)}]" if plugins else ""
    yield from ("## Use", "")
    yield f"`respair dataset verify DIR{there}` checks all sums, computes points again,"
    yield "and compares within their certificates;"
    yield from (f"`respair dataset build {MODELS}/*.toml{new} --out NEW` makes the dataset anew. From Python:", "")
    yield from ("```python", "import respair", "", f'dataset = respair.read_dataset("DIR"{given})')
    yield from (f'print(dataset["{first}"].data)', "```", "")
