"""Films that are not where they were: what is said of them, and the way to show where they are now."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.session.relinking import OtherContent, Relinking
from app.ui.context import Context
from app.ui.media.kinds import FILMS
from app.ui.widgets import Banner, BannerAction, Tone
from engine.errors import DeltacutError, SourceChanged


class FilmFinding(QObject):
    """Asks where films are now, and has a message above the viewer for each that is missing."""

    def __init__(self, context: Context, over: QWidget) -> None:
        super().__init__(over)
        self._context, self._over = context, over
        self._document = context.session.document
        self.relinking = Relinking(self._document, context.session.jobs, self)
        self._messages: dict[str, Banner] = {}
        self.relinking.other_content.connect(self._ask_about_other)
        self.relinking.told.connect(context.notices.say)
        self._document.films_changed.connect(self._tell)
        self._document.closed.connect(self._tell)

    @Slot()
    def find_missing(self) -> None:
        """Ask where a film is that is missing: the one at the playhead, else the first."""
        missing = self._document.missing
        if missing:
            shown = self._document.timeline.source_at(self._context.session.transport.frame)
            at_playhead = shown is not None and shown.source_id in missing
            self.find(shown.source_id if shown is not None and at_playhead else next(iter(missing)))

    def find(self, source_id: str) -> None:
        """Ask where a film is now."""
        source = next((one for one in self._document.project.sources if one.id == source_id), None)
        if source is None:
            return
        name, _ = QFileDialog.getOpenFileName(
            self._over,
            f"Where is “{source.name}”?",
            str(self._folder_of(source_id)),
            f"{source.name} ({source.name});;Films ({FILMS});;All files (*)",
        )
        if name:
            self.relinking.relink(source_id, Path(name))

    @Slot()
    def search_folder(self) -> None:
        """Ask for a folder and look through it for all that is missing."""
        name = QFileDialog.getExistingDirectory(self._over, "Search a folder for missing films", str(Path.home()))
        if name:
            self.relinking.search(Path(name))

    def path_of(self, source_id: str) -> Path | None:
        """Return where a source was last seen, None (and say why) where that is not known."""
        film = self._document.films.get(source_id)
        if film is not None:
            return film.path
        try:
            return Path(self._document.file.place(source_id).absolute)
        except DeltacutError as error:
            self._context.notices.say(str(error))
            return None

    def _folder_of(self, source_id: str) -> Path:
        """Return where to begin to look: where the film was, else beside the project."""
        before, project = self.path_of(source_id), self._document.path
        for path in (before, project):
            if path is not None and path.parent.is_dir():
                return path.parent
        return Path.home()

    @Slot()
    def _tell(self) -> None:
        """Say what is missing, each film once, and stop saying it of those that are at hand again."""
        missing = self._document.missing if self._document.is_open else {}
        for source_id in self._messages.keys() - missing.keys():
            self._messages.pop(source_id).put_away()
        for source_id, error in missing.items():
            if source_id in self._messages:
                continue
            name = self._document.project.source(source_id).name
            before = self.path_of(source_id)
            folder = before.parent if before is not None else None
            why = "" if folder is None else f"It was in {folder}. "
            if isinstance(error, SourceChanged):
                why = f"What is at its place has another content{'' if folder is None else f', in {folder}'}. "
            banner = Banner(
                self._context.theme,
                Tone.WARNING,
                f"“{name}” is not where it was.",
                f"{why}Edits and takes are safe in the project.",
                (BannerAction("Find the film…", partial(self.find, source_id)),),
            )
            self._messages[source_id] = banner
            banner.closed.connect(partial(self._messages.pop, source_id, None))
            self._context.notices.show_banner(banner)

    @Slot(object)
    def _ask_about_other(self, other: OtherContent) -> None:
        question = QMessageBox(self._over)
        question.setWindowTitle("Deltacut")
        question.setText(f"“{other.path.name}” is another film.")
        question.setInformativeText(other.difference)
        use = question.addButton("Use it anyway", QMessageBox.ButtonRole.AcceptRole)
        further = question.addButton("Look further", QMessageBox.ButtonRole.RejectRole)
        question.setDefaultButton(further)
        question.exec()
        if question.clickedButton() is use:
            self.relinking.replace(other)
        elif question.clickedButton() is further:
            self.find(other.source_id)
