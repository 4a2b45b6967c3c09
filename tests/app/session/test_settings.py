"""The window's choices: kept, and a damaged file costs only itself."""

from __future__ import annotations

import json

import pytest

from app.session.settings import Choices, Settings


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "window.json"


def test_choices_are_there_after_a_restart(qtbot, path):
    Settings(path).set(theme="light", shortcuts={"a.b": "Ctrl+K"}, recent=("one",))
    found = Settings(path).choices
    assert (found.theme, found.shortcuts, found.recent) == ("light", {"a.b": "Ctrl+K"}, ("one",))


def test_only_what_changed_is_told(qtbot, path):
    settings = Settings(path)
    heard = []
    settings.changed.connect(heard.append)
    settings.set(theme="light", density="compact")
    assert heard == ["theme"]


@pytest.mark.parametrize("text", ["", "[", "[1]", '{"theme": 5, "recent": [1], "volume": "loud"}', "\x00"])
def test_what_cannot_be_read_is_as_by_default(qtbot, path, text):
    path.parent.mkdir()
    path.write_text(text)
    assert Settings(path).choices == Choices()


def test_one_bad_value_does_not_cost_the_others(qtbot, path):
    path.parent.mkdir()
    path.write_text(json.dumps({"theme": "light", "volume": "loud", "of_a_later_version": 1}))
    assert Settings(path).choices.theme == "light"


def test_the_latest_project_is_the_first_of_the_recent_ones_and_there_once(qtbot, path, tmp_path):
    settings = Settings(path)
    for name in ("a", "b", "a"):
        settings.remember_project(tmp_path / name)
    assert settings.choices.recent == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_settings_that_cannot_be_written_still_hold_until_the_end(qtbot, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    settings = Settings(blocked / "window.json")
    settings.set(theme="light")
    assert settings.choices.theme == "light"
