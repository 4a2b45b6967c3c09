"""Products and solutions of small dense matrices, by OpenCV.

NumPy's own start a thread per core for matrices as small as a tracker's: slower than one thread, and in each other's
way when two directions are followed at once.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.motion.frame import Float32, Float64


def product(a: Float32, b: Float32) -> Float32:
    """Return a @ b."""
    return np.asarray(cv2.gemm(a, b, 1.0, None, 0.0), np.float32)  # type: ignore[call-overload] # its stub wants a third


def product_of_transposed(a: Float32, b: Float32) -> Float32:
    """Return a.T @ b."""
    result = cv2.gemm(a, b, 1.0, None, 0.0, flags=cv2.GEMM_1_T)  # type: ignore[call-overload]
    return np.asarray(result, np.float32)


def solved(matrix: Float64, right: Float64) -> Float64:
    """Return the solution of a symmetric positive definite system; zeros where it is not definite."""
    done, solution = cv2.solve(matrix, right.reshape(len(right), 1), flags=cv2.DECOMP_CHOLESKY)
    return np.asarray(solution, np.float64).ravel() if done else np.zeros(len(right))
