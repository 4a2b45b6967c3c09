"""Open projects and films, and remember which."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs, Work
from app.session.settings import Settings
from app.workflows.open_for_editing import Opened, open_for_editing, project_for_film
from app.workflows.recover import recover_project
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from engine.media.sample import make_sample

PROJECT_SUFFIX = ".dcut"
NOT_OPENED = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".srt", ".vtt"})
"""Pictures and captions are taken into a project; they are none by themselves."""


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What was open when the application last ended without closing it."""

    project: Path
    ends: int


class Projects(QObject):
    """Opens one project at a time, in the background.

    Signals:
        opening(Job): a project or film is being opened. failed(Path, DeltacutError): it could not be.
        recovered(Path, tuple[str, ...]): a damaged project was brought into this new one; what could not be read of it.
    """

    opening = Signal(object)
    failed = Signal(object, object)
    recovered = Signal(object, object)

    def __init__(
        self, document: Document, jobs: Jobs, settings: Settings, folder: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._settings = settings
        self._folder = folder
        self._mark = folder / "open.json"
        self._ends = 0
        document.opened.connect(self._note_opened)

    def open(self, path: Path) -> Job:
        """Open a project, or the project of a film; a new one stands beside the film."""
        if path.suffix.lower() == PROJECT_SUFFIX:
            return self._open(
                path, f"Open {path.name}", lambda progress, cancel: open_for_editing(path, progress, cancel)
            )

        def work(progress: Progress, cancel: CancelToken) -> Opened:
            project = project_for_film(path, progress.part(0.0, 0.9), cancel)
            return open_for_editing(project, progress.part(0.9, 1.0), cancel)

        return self._open(path, f"Open {path.name}", work)

    def open_sample(self) -> Job:
        """Make the sample film, where it is not there yet, and open its project."""
        film = self._folder / "sample" / "Sample.mp4"

        def work(progress: Progress, cancel: CancelToken) -> Opened:
            if not film.exists():
                film.parent.mkdir(parents=True, exist_ok=True)
                draft = film.with_name(".sample.part.mp4")
                try:
                    make_sample(draft, progress.part(0.0, 0.8), cancel)
                    draft.replace(film)
                finally:
                    draft.unlink(missing_ok=True)
            project = project_for_film(film, progress.part(0.8, 0.95), cancel)
            return open_for_editing(project, progress.part(0.95, 1.0), cancel)

        return self._open(film, "Open the sample", work)

    def save_copy(self, path: Path) -> Job:
        """Write a copy of the open project with its whole history, and go on in the copy."""
        file = self._document.file

        def work(progress: Progress, cancel: CancelToken) -> Opened:
            draft = path.with_name(f".{path.name}.part")
            draft.unlink(missing_ok=True)
            file.copy_to(draft)
            draft.replace(path)
            return open_for_editing(path, progress, cancel)

        return self._open(path, f"Save a copy as {path.name}", work)

    def recover(self, path: Path) -> Job:
        """Bring what is readable of a damaged project into a new one beside it, and open that."""
        into = _free_name(path)
        losses: list[str] = []

        def work(progress: Progress, cancel: CancelToken) -> Opened:
            losses.extend(recover_project(path, into, progress.part(0.0, 0.5), cancel).losses)
            return open_for_editing(into, progress.part(0.5, 1.0), cancel)

        return self._open(path, f"Recover {path.name}", work).then(
            lambda _opened: self.recovered.emit(into, tuple(losses))
        )

    def _open(self, path: Path, title: str, work: Work) -> Job:
        current = self._document.path

        def failed(error: DeltacutError) -> None:
            self.failed.emit(path, error)

        if current is not None and path.absolute() == current.absolute():
            work = _nothing  # It is open; its writer's lock would refuse to open it a second time.
        job = self._jobs.start(title, JobKind.IMPORT, work).then(self._adopt, failed)
        self.opening.emit(job)
        return job

    def _adopt(self, opened: Opened | None) -> None:
        if opened is not None:
            self._document.adopt(opened)

    # --- what was open ----------------------------------------------------------------------------------------------

    def left_open(self) -> LeftOpen | None:
        """Return what was open when the application last ended without closing it, None after a clean end."""
        try:
            data = json.loads(self._mark.read_text(encoding="utf-8"))
            left = LeftOpen(Path(data["project"]), int(data["ends"]) + 1)
            if _is_alive(int(data["pid"])):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self._ends = left.ends
        return left

    def forget_left_open(self) -> None:
        """Note that nothing is open: the next start begins afresh."""
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)

    def _note_opened(self) -> None:
        path = self._document.path
        if path is None:
            return
        self._settings.remember_project(path)
        with suppress(OSError):
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            note = {"project": str(path.absolute()), "pid": os.getpid(), "ends": self._ends}
            self._mark.write_text(json.dumps(note), encoding="utf-8")


def _free_name(path: Path) -> Path:
    for number in itertools.count(1):
        into = path.with_name(f"{path.stem} recovered{f' {number}' if number > 1 else ''}{PROJECT_SUFFIX}")
        if not into.exists():
            return into
    raise AssertionError("numbers do not end")


def _nothing(_progress: Progress, _cancel: CancelToken) -> None:
    return None


def _is_alive(pid: int) -> bool:
    """Tell whether another process of this number runs; where the system does not tell, none does."""
    if pid == os.getpid() or os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def is_project(path: Path) -> bool:
    """Tell whether a path names a project."""
    return path.suffix.lower() == PROJECT_SUFFIX


def first_to_open(paths: Sequence[Path]) -> Path | None:
    """Return what to open of several dropped files: a project before a film; None of pictures and captions alone."""
    films = [path for path in paths if path.suffix.lower() not in NOT_OPENED]
    return next((path for path in films if is_project(path)), films[0] if films else None)
