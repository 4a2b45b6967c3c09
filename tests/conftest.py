"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture(scope="session")
def media() -> Path:
    """Return the folder of real clips; a test that needs it is marked `media`."""
    if not (MEDIA / "catalog.json").exists():
        pytest.skip("the real clips (../shared/media) are not on this machine")
    return MEDIA
