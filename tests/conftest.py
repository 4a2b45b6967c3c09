"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything that loads NumPy, as in the program: its matrix library reads once how many threads it may start. With
# threads of its own it waits for ever for them where a process forks while another thread multiplies.
import engine  # noqa: F401

# How long an example takes is the machine's affair; benchmarks tell of speed.
settings.register_profile("deltacut", deadline=None)
settings.load_profile("deltacut")

# Windows are tested where there is no screen; a person who wants to watch sets another platform.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture(scope="session")
def media() -> Path:
    """Return the folder of real clips; a test that needs it is marked `media`."""
    if not (MEDIA / "catalog.json").exists():
        pytest.skip("the real clips (../shared/media) are not on this machine")
    return MEDIA
