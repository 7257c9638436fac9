"""Generated pages, written before Sphinx reads them."""


def keep(path, text):
    """Write a file unless its contents are unchanged, so that incremental builds use the cache."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def discard(folder, pattern, wanted):
    """Remove obsolete generated files of a folder."""
    for path in folder.glob(pattern):
        if path.name not in wanted:
            path.unlink()
