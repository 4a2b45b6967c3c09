"""What the person chose of sending and spending, in the file that commands and the window share."""

from __future__ import annotations

import json
import os
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.workflows.accounts import read_preferences
from app.workflows.places import data_folder
from app.workflows.speech_detector import SpeechChoice
from engine.errors import StorageError
from providers.accounts import Preferences
from providers.ledger import Caps

_NAME = "settings.json"


def preferences() -> Preferences:
    """Return what was chosen.

    Raises:
        InputError: the file cannot be read.
    """
    return read_preferences(data_folder() / _NAME, os.environ)


def set_caps(caps: Caps) -> None:
    """Keep what may be spent at most, for a project and for a month.

    Raises:
        InputError: the file cannot be read, and is left as it is. StorageError: it cannot be written.
    """

    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else str(amount)

    _change({"caps": {"project_usd": text(caps.project_usd), "month_usd": text(caps.month_usd)}})


def go_offline() -> None:
    """Have nothing sent from now on.

    Raises:
        InputError, StorageError: as `set_caps`.
    """
    _change({"offline": True})


def go_online() -> None:
    """Allow sending again.

    Raises:
        InputError, StorageError: as `set_caps`.
    """
    _change({"offline": False})


def set_cache_bytes(most: int) -> None:
    """Keep how large each project's cache may become, in bytes; it holds for projects opened from now on.

    Raises:
        InputError, StorageError: as `set_caps`.
    """
    _change({"cache_bytes": most})


def set_speech_choice(choice: SpeechChoice) -> None:
    """Keep which detector of speech is used, by commands and by the window.

    Raises:
        InputError, StorageError: as `set_caps`.
    """
    _change({"speech": choice.value})


def _change(values: dict[str, Any]) -> None:
    """Change some values of the file; all others stay, also those that a later version wrote."""
    preferences()
    path = data_folder() / _NAME
    content = json.loads(path.read_text("utf-8")) if path.exists() else {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".settings")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content | values, file, indent=1)
        Path(draft).replace(path)
    except OSError as error:
        raise StorageError(f"the settings {path} cannot be written: {error.strerror}") from error
