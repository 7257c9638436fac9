"""How many random cases a test takes: a third by default, all where RESPAIR_TESTS is "thorough"."""

import os

THOROUGH = os.environ.get("RESPAIR_TESTS") == "thorough"


def cases(count):
    return count if THOROUGH else -(-count // 3)
