"""The playhead of a project that is opened again."""

from __future__ import annotations

import pytest

from app.session.session import new_session
from app.session.settings import Settings
from app.workflows.import_media import new_project
from app.workflows.open_for_editing import open_for_editing
from engine.control import CancelToken, Progress
from tests.corpus.small_clips import Recipe, make


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))
    film = make(tmp_path / "film.mp4", Recipe(frames=40, width=160, height=96))
    path = tmp_path / "film.dcut"
    new_project(path, film, Progress(), CancelToken())
    return path


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "data" / "window.json")


@pytest.fixture
def session(qtbot, settings):
    made = new_session(settings)
    yield made
    made.shut_down()


def opened(path):
    return open_for_editing(path, Progress(), CancelToken())


def test_it_goes_on_where_it_was_left(session, settings, project):
    session.document.adopt(opened(project))
    assert session.transport.frame == 0
    session.transport.seek(17)
    session.document.close()
    assert Settings(settings._path).choices.places == {str(project): "17"}
    session.document.adopt(opened(project))
    assert session.transport.frame == 17


def test_it_is_noted_while_the_project_is_open_for_a_crash_asks_nobody(session, settings, project, qtbot):
    session.document.adopt(opened(project))
    session.transport.seek(9)
    qtbot.waitUntil(lambda: Settings(settings._path).choices.places == {str(project): "9"}, timeout=5000)


def test_a_place_behind_the_end_is_left_alone(session, settings, project):
    settings.set(places={str(project): "400"})
    session.document.adopt(opened(project))
    assert session.transport.frame == 0
