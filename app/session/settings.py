"""What the person chose, kept across starts in one JSON file of the user's data folder."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

RECENT = 12
"""So many projects are listed as recent."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The settings, each with its default.

    Attributes:
        theme: "dark", "light" or "system". density: "compact" or "comfortable".
        shortcut_preset: "deltacut", "premiere" or "resolve".
        shortcuts: keys that differ from the preset, by action id; an empty text takes the key away.
        recent: paths of projects, the latest first. notes: what is said of them there, by path.
        layouts: window layouts by workspace, base64. folders: the last folder by what was chosen there.
        places: the frame at which the playhead stood, by project path.
        preview_scale: 1, 2 or 4: the viewer's picture is the film's divided by that.
    """

    theme: str = "dark"
    density: str = "compact"
    shortcut_preset: str = "deltacut"
    shortcuts: dict[str, str] = field(default_factory=dict)
    recent: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    layouts: dict[str, str] = field(default_factory=dict)
    geometry: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    preview_scale: int = 1
    volume: float = 1.0
    snapping: bool = True
    lanes: tuple[str, ...] = ()


class Settings(QObject):
    """The person's choices; `changed` tells which one changed, by its name."""

    changed = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._choices = _read(path)

    @property
    def choices(self) -> Choices:
        """Return the choices as they stand."""
        return self._choices

    def set(self, **values: object) -> None:
        """Change some choices and keep them; a full disk costs the memory of it, nothing else."""
        before = self._choices
        self._choices = replace(before, **values)  # type: ignore[arg-type]
        changed = [name for name in values if getattr(before, name) != getattr(self._choices, name)]
        if changed:
            self._write()
        for name in changed:
            self.changed.emit(name)

    def remember_project(self, path: Path) -> None:
        """Put a project at the top of the recent ones."""
        name = str(path.absolute())
        self.set(recent=(name, *(other for other in self._choices.recent if other != name))[:RECENT])

    def forget_project(self, path: str) -> None:
        """Take a project off the recent ones."""
        self.set(recent=tuple(other for other in self._choices.recent if other != path))

    def _write(self) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".settings")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(self._choices), file, indent=1)
            Path(name).replace(self._path)


def _read(path: Path) -> Choices:
    """Return the choices of a file; what cannot be read, or has another type, is as by default."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Choices()
    plain = Choices()
    found: dict[str, Any] = {}
    for known in fields(Choices):
        default, value = getattr(plain, known.name), data.get(known.name) if isinstance(data, dict) else None
        if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(item, str) for item in value):
            found[known.name] = tuple(value)
        elif isinstance(default, dict) and isinstance(value, dict):
            found[known.name] = {str(key): str(item) for key, item in value.items()}
        elif type(value) is type(default):
            found[known.name] = value
    return replace(plain, **found)
