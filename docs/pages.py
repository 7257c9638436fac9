"""Pages that are written before Sphinx reads them."""


def keep(path, text):
    """Write a file unless it says the same already, so that builds go on from caches."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
