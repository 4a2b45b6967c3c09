"""A command loads what it needs and nothing else: the rest would be waited for at every call."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.small_clips import Recipe, make

ROOT = Path(__file__).resolve().parents[3]

_RUN = """
import sys
from app.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("LOADED", *sys.modules)
"""
_WINDOW_AND_SERVICES = (
    "PySide6",
    "asyncio",
    "cryptography",
    "google",
    "httpx",
    "keyring",
    "opentimelineio",
    "providers",
    "pyqtgraph",
    "sounddevice",
    "ssl",
)
_EDITING = ("cv2", "PIL", "engine.model.project", "engine.motion", "engine.patches", "engine.plan", "engine.render")
_FILMS = ("av", "numpy", "sqlite3", "engine.index", "engine.media", "engine.store")


def loaded(folder, *words):
    environment = {**os.environ, "DELTACUT_CACHE": str(folder / "cache"), "DELTACUT_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *words], capture_output=True, text=True, cwd=ROOT, env=environment, check=True
    )
    return set(done.stdout.partition("LOADED")[2].split())


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make(tmp_path_factory.mktemp("film") / "film.mp4", Recipe(frames=12, width=64, height=48))


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_load_nothing_of_films(word, tmp_path):
    names = loaded(tmp_path, word)
    assert "app.cli.arguments" in names
    assert names.isdisjoint({*_WINDOW_AND_SERVICES, *_EDITING, *_FILMS})


def test_info_loads_nothing_of_editing(film, tmp_path):
    names = loaded(tmp_path, "info", str(film))
    assert "engine.index.description" in names
    assert names.isdisjoint({*_WINDOW_AND_SERVICES, *_EDITING})


def test_a_project_is_made_planned_and_exported_without_the_window_and_the_services(film, tmp_path):
    project = str(tmp_path / "film.dcut")
    for words in (
        ("new", project, str(film)),
        ("plan", project),
        ("export", project, "-o", str(tmp_path / "out.mp4")),
    ):
        assert loaded(tmp_path, *words).isdisjoint(_WINDOW_AND_SERVICES), words
    assert (tmp_path / "out.mp4").exists()
