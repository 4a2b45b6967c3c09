"""Where the user's own data lies on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "DELTACUT_DATA"
"""Names another folder for keys, spending, consents and settings."""


def data_folder() -> Path:
    """Return the folder of the user's data: DELTACUT_DATA, else the platform's place for it."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else platformdirs.user_data_path("deltacut", appauthor=False)
