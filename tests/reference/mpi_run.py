"""The command line as `mpiexec` starts it in the tests: small blocks are shared too, and a rank may fail.

FAULT is empty, "error", "killed", "interrupt", "kept" or "full"; it happens on rank 1 in the third product with H, an
interrupt after which a checkpoint is kept in the 50th. From then on rank 0 can write only few bytes to a file where
the disk is to be full.
"""

import os
import resource
import signal
import sys

import respair.hamiltonians.symmetry.block as blocks
import respair.solvers.costs as costs
import respair.solvers.engines.tensor as tensor
from respair.cli import main
from respair.solvers.engines import base
from respair.solvers.engines.distributed import DistributedEngine
from respair.solvers.shared_checkpoint import SharedCheckpoint

blocks.SHARED_FROM = tensor.SMALL = costs.DENSE_UP_TO = 50
tensor.suits_lapack = lambda *_: False
FAULT = os.environ.get("FAULT", "")
plain, products, opened = DistributedEngine.product, [], SharedCheckpoint.__init__
if "CHECKPOINTS" in os.environ:
    base.STORED_BYTES = 1000  # two passes
    SharedCheckpoint.__init__ = lambda self, ranks, path, interval, about: opened(self, ranks, path, 0.0, about)


def product(self, v, out):
    products.append(1)
    if len(products) == 50 and FAULT == "full" and self.block.share.ranks.rank == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    if len(products) == (50 if FAULT == "kept" else 3) and FAULT and self.block.share.ranks.rank == 1:
        if FAULT == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if FAULT in ("interrupt", "kept"):
            os.kill(os.getpid(), signal.SIGTERM)
        if FAULT == "error":
            raise ValueError("a fault of one rank")
    return plain(self, v, out)


DistributedEngine.product = product
sys.argv[0] = "respair"
main()
