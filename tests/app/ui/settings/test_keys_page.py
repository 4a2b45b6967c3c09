"""Asking for a provider's key: said in a person's words, never shown, and not kept when it is taken back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from app.ui.settings.secret import SecretQuestion, title_of


@pytest.fixture
def question(stage):
    made = SecretQuestion(stage.context.theme, "gemini api-key", stage.window)
    made.open()
    return made


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ("gemini api-key", ("API key for Google", True)),
        ("kling-legacy secret-key", ("Secret key for Kling (legacy keys)", True)),
        ("the vault's passphrase", ("The vault’s passphrase", False)),
    ],
)
def test_what_is_asked_for_is_said_in_a_persons_words(what, title):
    assert title_of(what) == title


def test_a_key_is_kept_once_there_is_one_and_is_not_shown(question):
    assert question.title.text() == "API key for Google"
    assert not question.keep.isEnabled()
    QTest.keyClicks(question.field, "abc-123")
    assert question.field.echoMode() is QLineEdit.EchoMode.Password
    QTest.mouseClick(question.keep, Qt.MouseButton.LeftButton)
    assert question.result() == SecretQuestion.DialogCode.Accepted
    assert question.secret == "abc-123"


def test_escape_takes_the_question_back(question):
    QTest.keyClicks(question.field, "abc-123")
    QTest.keyClick(question.field, Qt.Key.Key_Escape)
    assert question.result() == SecretQuestion.DialogCode.Rejected
