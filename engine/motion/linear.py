"""Products and solutions of small dense matrices.

Products are NumPy's, which multiplies several times as fast as OpenCV, provided that it is kept from starting a thread
per core for matrices as small as a tracker's: see engine/__init__. Systems are solved by OpenCV for the same reason.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.motion.frame import Float32, Float64


def product(a: Float32, b: Float32) -> Float32:
    """Return a @ b."""
    return np.asarray(a @ b, np.float32)


def product_of_transposed(a: Float32, b: Float32) -> Float32:
    """Return a.T @ b."""
    return np.asarray(a.T @ b, np.float32)


def solved(matrix: Float64, right: Float64) -> Float64:
    """Return the solution of a symmetric positive definite system; zeros where it is not definite."""
    done, solution = cv2.solve(matrix, right.reshape(len(right), 1), flags=cv2.DECOMP_CHOLESKY)
    return np.asarray(solution, np.float64).ravel() if done else np.zeros(len(right))
