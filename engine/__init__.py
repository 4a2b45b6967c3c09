"""Everything that Deltacut knows about films: no Qt, no network."""

import os

# The matrices here are small: a thread per core for each product is slower than one, many times so on a busy machine.
# Read once by the library when NumPy or OpenCV loads it, so it is said before either is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# OpenCV's pool spins between calls: four threads cost up to 1.7 times the processor time of two, for the same result at
# nearly the same moment. What runs beside each other here are frames, directions and films.
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "2")
