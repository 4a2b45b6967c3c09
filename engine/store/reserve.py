"""A little disk space kept beside a project that is open for writing.

On a full disk SQLite cannot even write its rollback journal, so nothing could be saved any more, not even a deletion.
Giving this space back lets the last edits through while the person frees some.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

SIZE = 256 << 10


class Reserve:
    """Space held by a hidden file in the project's folder; any trouble with it only means that there is none."""

    def __init__(self, project: Path) -> None:
        self._path = project.with_name(f".{project.name}.reserve")
        self._held = False

    def hold(self) -> None:
        """Take the space, if there is any and it is not held already."""
        if self._held:
            return
        try:
            # Written, not just sized: a hole would hold no space.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(self._path, flags, 0o600), "wb") as file:
                file.write(os.urandom(SIZE))
            self._held = True
        except OSError:
            self.give_back()

    def give_back(self) -> bool:
        """Free the space and tell whether there was any."""
        held, self._held = self._held, False
        with contextlib.suppress(OSError):
            self._path.unlink()
        return held
