"""Run `respair run NAME.toml` in each folder given and send it Ctrl-C in the midst of it; one line of JSON for each.

Every run is a fork of this process, which has loaded the libraries once.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import quspin.operators  # noqa: F401 - loaded once for all

import respair.cli.commands
from respair.studies import TerminalReporter

LOADED = [getattr(respair, name) for name in dir(respair)]

PATIENCE = 100.0
KEPT = {"ground": "*.checkpoint", "thermal": "*.blocks/*.block", "sweep": "*.study/points/*.point"}
"""What there must be before the signal is sent, where anything is kept."""


def respair_run(name, told):
    """Run the program in this process, with its outputs in files; tell when something is being computed."""
    for stream, file in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY), stream)
    TerminalReporter.step = lambda self, what: os.write(told, b".")
    sys.argv = ["respair", "run", f"{name}.toml"]
    try:
        respair.cli.commands.main()
    except SystemExit as done:
        sys.stderr.flush()
        os._exit(done.code or 0)
    finally:
        os._exit(99)


def interrupt(folder):
    """Run in a child; send the signal when it has something to lose."""
    os.chdir(folder)
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        respair_run(folder.name, told)
    os.close(told)
    os.read(heard, 1)
    deadline = time.monotonic() + PATIENCE
    if wanted := KEPT.get(folder.name):
        while not list(folder.glob(wanted)) and time.monotonic() < deadline:
            time.sleep(0.01)
    else:
        time.sleep(0.1)
    os.kill(child, signal.SIGINT)
    _, status = os.waitpid(child, 0)
    outputs = {name: Path(name).read_text() for name in ("stdout", "stderr")}
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name not in outputs)
    return {
        "name": folder.name,
        "folder": str(folder),
        "status": os.waitstatus_to_exitcode(status),
        "files": files,
        **outputs,
    }


signal.signal(signal.SIGINT, signal.default_int_handler)  # programs in the background are deaf to it
for argument in sys.argv[1:]:
    print(json.dumps(interrupt(Path(argument).resolve())), flush=True)
