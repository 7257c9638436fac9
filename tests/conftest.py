"""One thread for linear algebra: the matrices here are small, and threads that wait for each other are slow."""

import os

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
