"""``python -m respair`` is the command ``respair``."""

from .cli.commands import main

main()
