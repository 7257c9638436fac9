"""Typeset the Markdown files of this folder as PDF: pandoc reads them and sets citations, Typst sets the pages.

Usage: python paper/build.py [FOLDER]            guide.pdf and paper.pdf in a folder, beside their sources by default
"""

import sys
from pathlib import Path

import pypandoc
import typst

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RENAMED = {"times.circle": "times.o"}
"""Symbols that Typst knows by another name than pandoc."""
OPTIONS = ("--standalone", "--citeproc", "--fail-if-warnings", f"--bibliography={HERE / 'paper.bib'}")


def figures():
    """Draw the figures of the documentation, which the guide shows as well."""
    sys.path.insert(0, str(ROOT / "docs"))
    from figures import write

    write(ROOT / "docs" / "generated")


def typeset(source, target):
    """Write the PDF of a Markdown file. A citation that the bibliography does not hold is an error.

    Paths of figures are those of the source; the text for Typst therefore lies beside it while it is set.
    """
    between = source.with_suffix(".typ")
    try:
        text = pypandoc.convert_file(source, "typst", format="markdown", extra_args=OPTIONS)
        for theirs, ours in RENAMED.items():
            text = text.replace(theirs, ours)
        between.write_text(text, encoding="utf-8")
        typst.compile(between, output=target, root=ROOT)
    finally:
        between.unlink(missing_ok=True)
    return target


def main(folder=HERE):
    """Typeset guide and paper."""
    figures()
    for name in ("guide", "paper"):
        print(f"wrote {typeset(HERE / f'{name}.md', Path(folder).resolve() / f'{name}.pdf')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
