"""Which detector of speech is used: the person's choice, and what it comes to on this machine."""

from __future__ import annotations

import json
from enum import Enum

from app.workflows.places import data_folder
from engine.features.speech_scores import SpeechDetector, require, usual_detector


class SpeechChoice(Enum):
    """What a person can choose."""

    AUTO = "auto"
    """The neural detector where it is installed."""
    CLASSIC = "classic"
    NEURAL = "neural"


def speech_choice() -> SpeechChoice:
    """Return what the settings say; settings that cannot be read choose nothing."""
    try:
        return SpeechChoice(json.loads((data_folder() / "settings.json").read_text("utf-8")).get("speech"))
    except (OSError, ValueError, AttributeError):
        return SpeechChoice.AUTO


def chosen_detector(choice: SpeechChoice | None = None) -> SpeechDetector:
    """Return the detector that a choice names; None for the one in the settings.

    Raises:
        UsageError: the neural one is asked for, and is not installed.
    """
    choice = choice or speech_choice()
    detector = usual_detector() if choice is SpeechChoice.AUTO else SpeechDetector(choice.value)
    require(detector)
    return detector
