"""Everything that Deltacut knows about films: no Qt, no network."""

import os

# The matrices here are small: a thread per core for each product is slower than one, many times so on a busy machine.
# Read once by the library when NumPy or OpenCV loads it, so it is said before either is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
