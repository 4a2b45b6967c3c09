"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pytestqt.qtbot import QtBot

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


class PatientBot(QtBot):
    """Waits as long as a busy machine may need: what comes is seen at once, what does not come fails all the same."""

    _LEAST_MS = 60_000

    def waitUntil(self, callback: Any, *, timeout: int = _LEAST_MS) -> None:
        super().waitUntil(callback, timeout=max(timeout, self._LEAST_MS))

    def waitSignal(self, signal: Any, *, timeout: int = _LEAST_MS, **settings: Any) -> Any:
        return super().waitSignal(signal, timeout=max(timeout, self._LEAST_MS), **settings)


@pytest.fixture
def qtbot(qapp, request) -> QtBot:
    """Return the hand at the windows; a wait of a test says how long it takes at most on a machine that is not busy."""
    return PatientBot(request)
