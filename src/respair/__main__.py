"""``python -m respair`` is the command ``respair``."""

from .cli import main

main()
