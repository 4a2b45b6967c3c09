"""Matrices are multiplied on the thread that asks: small as they are, and so that a fork never leaves one waiting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2  # noqa: F401 has a matrix library of its own
import numpy as np  # noqa: F401 has another one
from threadpoolctl import threadpool_info

from tests.corpus.small_clips import Recipe, make


def test_they_are_here():
    threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert threads
    assert set(threads) == {1}


def test_they_are_in_the_program(tmp_path):
    film = make(tmp_path / "film.mp4", Recipe(frames=10, width=64, height=48))
    program = (
        "import sys; from app.main import main; status = main(sys.argv[1:]); import app.ui.application, cv2, numpy;"
        "from threadpoolctl import threadpool_info;"
        "print(status, sorted({pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas'}))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program, "info", str(film)],
        cwd=Path(__file__).resolve().parents[2],
        env={**environment, "QT_QPA_PLATFORM": "offscreen", "DELTACUT_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 [1]"
