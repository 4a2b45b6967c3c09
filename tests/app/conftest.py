"""Commands, run as from a terminal with `--json`."""

from __future__ import annotations

import pytest

from tests.moving_films import Run, runner


@pytest.fixture
def run(capsys) -> Run:
    """Return what runs a command: its status, its JSON, and what it said."""
    return runner(capsys)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Keep caches of a test in its own folder."""
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
