"""Pages that are written before Sphinx reads them."""


def keep(path, text):
    """Write a file unless it says the same already, so that builds go on from caches."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def discard(folder, pattern, wanted):
    """Remove the written files of a folder that are no longer wanted."""
    for path in folder.glob(pattern):
        if path.name not in wanted:
            path.unlink()
