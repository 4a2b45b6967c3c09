"""What the window itself can do: open, undo, workspaces, appearance, finding an action, and closing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from app.session.jobs import Job, JobKind
from app.session.projects import Projects, first_to_open, is_project
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.provider_names import PROVIDER_NAMES
from app.ui.widgets import Banner, BannerAction, ButtonKind, Tone
from app.ui.window.main_window import MainWindow
from app.ui.window.palette import Palette
from app.ui.window.recent import RecentNotes
from app.ui.words import usd
from app.workflows.caches import most_bytes
from app.workflows.keys import KeyState, list_keys
from app.workflows.preferences import preferences
from app.workflows.spending import spent_on
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, ProjectDamaged, UsageError

if TYPE_CHECKING:
    from app.ui.settings import SettingsDialog

FILMS = "Films (*.mp4 *.mov *.m4v *.mkv *.webm *.ts *.mts *.m2ts *.mpg *.mpeg *.vob *.avi *.mxf *.flv *.3gp *.wmv)"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the bars show of a project: dollars spent and allowed, bytes of its cache used and allowed."""

    spent_usd: Decimal
    cap_usd: Decimal | None
    cache_bytes: int
    cache_most: int


class WindowCommands(QObject):
    """The window's own actions."""

    def __init__(self, context: Context, projects: Projects, window: MainWindow) -> None:
        super().__init__(window)
        self._context = context
        self._session = context.session
        self._projects = projects
        self._window = window
        self._dialog: SettingsDialog | None = None
        self._opens_sample = False
        self._palette = Palette(context.actions, context.theme, window)
        start = window.first_run
        start.video_wanted.connect(self.open_video)
        start.project_wanted.connect(self.open_project)
        start.sample_wanted.connect(self.open_sample)
        start.keys_wanted.connect(partial(self.settings, "keys"))
        start.open_wanted.connect(self.open_paths)
        window.dropped.connect(self.open_paths)
        window.close_wanted.connect(self.on_close)
        window.top.export_wanted.connect(self._export)
        projects.opening.connect(self._show_opening)
        projects.failed.connect(self._not_opened)
        projects.recovered.connect(self._tell_readable)
        self._session.document.failed.connect(self._not_saved)
        self._session.jobs.added.connect(self._count_jobs)
        self._session.jobs.ended.connect(self._count_jobs)
        self._session.jobs.ended.connect(self.look_at_figures)
        self._session.document.opened.connect(self.look_at_figures)
        self._notes = RecentNotes(self._session.document, self._session.settings, self)

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return the window's own actions."""
        document, settings, selection = self._session.document, self._session.settings, self._session.selection

        def needs_project() -> str:
            return "" if document.is_open else "Open a film first"

        def nothing_to_undo() -> str:
            if selection.can_undo_region or document.history.done or not document.is_saved:
                return ""
            return "Nothing to undo"

        def nothing_to_redo() -> str:
            if selection.can_redo_region or document.history.undone or not document.is_saved:
                return ""
            return "Nothing to redo"

        specs = [
            ActionSpec("file.open_video", "Open a video…", "File", self.open_video, "Ctrl+O", "folder"),
            ActionSpec("file.open_project", "Open a project…", "File", self.open_project, "Ctrl+Shift+O"),
            ActionSpec("file.sample", "Open the sample", "File", self.open_sample),
            ActionSpec("file.save", "Save now", "File", self._say_saved, "Ctrl+S", hindrance=needs_project, section=10),
            ActionSpec(
                "file.save_as", "Save a copy as…", "File", self.save_copy, "Ctrl+Shift+S", "", needs_project, section=10
            ),
            ActionSpec("file.close", "Close the project", "File", self._close, "Ctrl+W", "", needs_project, section=40),
            ActionSpec("file.quit", "Quit", "File", self._quit, "Ctrl+Q", section=90),
            ActionSpec("edit.undo", "Undo", "Edit", self._undo, "Ctrl+Z", "undo", nothing_to_undo),
            ActionSpec("edit.redo", "Redo", "Edit", self._redo, "Ctrl+Shift+Z; Ctrl+Y", "redo", nothing_to_redo),
            ActionSpec(
                "edit.settings",
                "Settings…",
                "Edit",
                partial(self.settings, "general"),
                "Ctrl+,",
                "settings",
                section=90,
            ),
            ActionSpec(
                "edit.shortcuts", "Keyboard shortcuts…", "Edit", partial(self.settings, "shortcuts"), section=90
            ),
            ActionSpec("edit.keys", "Provider keys…", "Edit", partial(self.settings, "keys"), icon="key", section=90),
            ActionSpec(
                "edit.spending", "Spending…", "Edit", partial(self.settings, "spending"), icon="cost", section=90
            ),
            ActionSpec("help.find", "Find an action…", "Help", self._palette.open, "/", "search"),
            ActionSpec("help.about", "About Deltacut", "Help", self._about, section=90),
            ActionSpec("view.reset", "Reset the layout", "View", self._window.reset_layout, section=80),
        ]
        for number, (key, name) in enumerate(
            (("edit", "Edit"), ("region", "Region"), ("review", "Review"), ("deliver", "Deliver")), 1
        ):
            specs.append(
                ActionSpec(
                    f"view.workspace.{key}",
                    f"{name} workspace",
                    "View/Workspace",
                    partial(self._window.show_workspace, key),
                    f"Alt+{number}",
                    hindrance=needs_project,
                    is_on=partial(self._in_workspace, key),
                    section=60,
                )
            )
        for key, name in (("dark", "Dark"), ("light", "Light"), ("system", "As the system")):
            specs.append(
                ActionSpec(
                    f"view.theme.{key}",
                    name,
                    "View/Theme",
                    partial(settings.set, theme=key),
                    is_on=partial(self._has_theme, key),
                    section=70,
                )
            )
        for key, name in (("jobs", "Jobs"), ("history", "History"), ("scopes", "Scopes"), ("inspector", "Inspector")):
            specs.append(
                ActionSpec(
                    f"view.panel.{key}",
                    f"Show {name.lower()}",
                    "View/Panels",
                    partial(self._window.show_panel, key),
                    hindrance=needs_project,
                    section=65,
                )
            )
        return specs

    def settings(self, page: str) -> None:
        """Show the settings at a page."""
        if self._dialog is None:
            # Made when first asked for: graphs and tables take time that the start should not.
            from app.ui.settings import SettingsDialog

            self._dialog = SettingsDialog(self._context, self._window)
            self._dialog.keys.changed.connect(self.look_at_keys)
            self._dialog.keys.changed.connect(self._session.generating.look_again)
        self._dialog.open_at(page)

    @Slot()
    def look_at_keys(self) -> None:
        """Show on the start screen which providers have their keys."""
        self._session.jobs.start_quietly("List keys", _known_keys).then(self._show_keys)

    def _show_keys(self, states: tuple[KeyState, ...]) -> None:
        ready: dict[str, str] = {}
        for state in states:
            name = PROVIDER_NAMES.get(state.provider, state.provider.capitalize())
            words = f"Key ends in {state.tail}" if state.tail else "Key set"
            ready[name] = words if state.origin and ready.get(name, words) else ""
        self._window.first_run.show_providers(list(ready.items()))

    @Slot()
    def look_at_figures(self) -> None:
        """Show what the open project has cost, and how full its cache is."""
        document = self._session.document
        if not document.is_open:
            return
        project_id, cache = document.project.id, document.cache

        def work(_progress: Progress, _cancel: CancelToken) -> Figures:
            return Figures(spent_on(project_id), preferences().caps.project_usd, cache.size, most_bytes())

        self._session.jobs.start_quietly("Look at the figures", work).then(self._show_figures)

    def _show_figures(self, figures: Figures) -> None:
        spent = usd(float(figures.spent_usd))
        cap = figures.cap_usd
        self._window.top.show_spent(
            "" if not figures.spent_usd else spent if cap is None else f"{spent} of {usd(float(cap))}"
        )
        self._window.bottom.show_cache(figures.cache_bytes, figures.cache_most)

    # --- opening ----------------------------------------------------------------------------------------------------

    def begin(self, path: Path | None) -> None:
        """Open what was asked for; after an unexpected end, what was open then."""
        self.look_at_keys()
        left = self._projects.left_open()
        if path is not None:
            self._projects.open(path)
        elif left is not None and left.project.is_file():
            if left.ends <= 2:
                self._projects.open(left.project).then(lambda _opened: self._tell_recovered())
            else:
                self._window.say(f"{left.project.name} was open when Deltacut closed unexpectedly; it is not reopened")

    def _tell_recovered(self) -> None:
        done = self._session.document.history.done
        last = f"The last action was “{done[-1].title}”." if done else "Nothing had been changed yet."
        self._window.show_banner(
            Banner(self._context.theme, Tone.PLAIN, "Deltacut closed unexpectedly. Nothing is lost.", last)
        )

    @Slot()
    def open_video(self) -> None:
        """Ask for a film and open it."""
        self._open_asked("video", "Open a video", f"{FILMS};;All files (*)")

    @Slot()
    def open_project(self) -> None:
        """Ask for a project and open it."""
        self._open_asked("project", "Open a project", "Deltacut projects (*.dcut);;All files (*)")

    def add_recent(self, menu: QMenu) -> None:
        """Put a menu of the recent projects into the File menu, behind those that open others."""
        self._recent = QMenu("Open recent", menu)
        self._recent.setToolTipsVisible(True)
        self._recent.aboutToShow.connect(self._fill_recent)
        menu.insertMenu(self._context.actions.action("file.sample"), self._recent)

    @Slot()
    def _fill_recent(self) -> None:
        self._recent.clear()
        paths = [Path(name) for name in self._session.settings.choices.recent]
        for path in paths:
            name = str(path)
            alone = sum(other.stem == path.stem for other in paths) == 1
            action = self._recent.addAction(path.stem if alone else f"{path.stem} · {path.parent.name}")
            action.setToolTip(name)
            action.triggered.connect(partial(self._open_recent, path))
        if self._recent.isEmpty():
            self._recent.addAction("Films you open are listed here").setEnabled(False)

    def _open_recent(self, path: Path, *_checked: bool) -> None:
        self._projects.open(path)

    def _open_asked(self, kind: str, title: str, kinds: str) -> None:
        folders = self._session.settings.choices.folders
        name, _ = QFileDialog.getOpenFileName(self._window, title, folders.get(kind, str(Path.home())), kinds)
        if name:
            self._session.settings.set(folders={**folders, kind: str(Path(name).parent)})
            self._projects.open(Path(name))

    @Slot()
    def open_sample(self) -> None:
        """Open the sample film; it is made the first time."""
        if self._window.first_run.sample_opening.is_busy:
            return
        self._opens_sample = True
        self._projects.open_sample()
        self._opens_sample = False

    @Slot(object)
    def _show_opening(self, job: Job) -> None:
        start = self._window.first_run
        (start.show_sample_opening if self._opens_sample else start.show_film_opening)(job)

    @Slot(list)
    def open_paths(self, paths: list[Path]) -> None:
        """Open what was dropped on the window."""
        first, document = first_to_open(paths), self._session.document
        others = [path for path in paths if path != first and not is_project(path)]
        if first is not None:
            was = document.path
            opening = self._projects.open(first)
            if was is not None and was.stem != first.stem:
                self._window.say(f"“{was.stem}” is saved and closed; it is among the recent projects")
            if others:
                opening.then(lambda _opened: self._take_in(others))
        elif document.is_open:
            self._session.importing.add(others)
        elif others:
            self._window.say(f"Open a film first; then “{others[0].name}” can be laid over it")

    def _take_in(self, paths: list[Path]) -> None:
        self._session.importing.add(paths)

    @Slot()
    def save_copy(self) -> None:
        """Ask for a place, write a copy there, and go on in it."""
        path = self._session.document.path
        if path is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save a copy as", str(path.with_name(f"{path.stem} copy.dcut")), "Deltacut projects (*.dcut)"
        )
        if name:
            target = Path(name)
            self._projects.save_copy(target if target.suffix else target.with_suffix(".dcut"))

    def _say_saved(self) -> None:
        self._window.say("Saved. Every change is saved at once; there is nothing more to do.")

    def _close(self) -> None:
        if self._may_stop_jobs():
            self._session.document.close()
            self._projects.forget_left_open()

    @Slot(object, object)
    def _not_opened(self, path: Path, error: DeltacutError) -> None:
        banner = Banner(
            self._context.theme,
            Tone.ERROR,
            f"“{path.name}” was not opened.",
            str(error),
            self._ways_out(path, error),
        )
        self._window.show_banner(banner)

    def _ways_out(self, path: Path, error: DeltacutError) -> tuple[BannerAction, ...]:
        another = BannerAction("Open another…", self.open_video)
        if isinstance(error, ProjectDamaged):
            return (BannerAction("Recover what is readable", partial(self._recover, path)), another)
        return (another,)

    def _recover(self, path: Path) -> None:
        self._projects.recover(path)

    @Slot(object, object)
    def _tell_readable(self, project: Path, losses: tuple[str, ...]) -> None:
        tone, lost = Tone.PLAIN, "Only the steps to undo stay behind."
        if losses:
            tone, lost = Tone.WARNING, f"Not readable: {'; '.join(losses)}."
        heading = f"A new project, “{project.stem}”, was made of the damaged one, which stays as it is."
        self._window.show_banner(Banner(self._context.theme, tone, heading, lost))

    @Slot(object)
    def _not_saved(self, error: DeltacutError) -> None:
        self._window.show_banner(
            Banner(self._context.theme, Tone.ERROR, "The last change was not saved, and is undone.", str(error))
        )

    # --- others -----------------------------------------------------------------------------------------------------

    def _undo(self) -> None:
        selection = self._session.selection
        if selection.can_undo_region:
            selection.undo_region()
            self._window.say("Undone: Region")
            return
        done = self._session.document.history.done
        self._session.document.undo()
        self._window.say(f"Undone: {done[-1].title}" if done else "Undone")

    def _redo(self) -> None:
        selection = self._session.selection
        if selection.can_redo_region:
            selection.redo_region()
            self._window.say("Done again: Region")
            return
        undone = self._session.document.history.undone
        self._session.document.redo()
        self._window.say(f"Done again: {undone[0].title}" if undone else "Done again")

    def _in_workspace(self, key: str) -> bool:
        return self._window.workspace == key

    def _has_theme(self, key: str) -> bool:
        return self._session.settings.choices.theme == key

    @Slot()
    def _export(self) -> None:
        self._window.show_workspace("deliver")

    @Slot(object)
    def _count_jobs(self, _job: object) -> None:
        self._window.show_count("jobs", len(self._session.jobs.running))

    def _about(self) -> None:
        from importlib.metadata import version

        QMessageBox.about(
            self._window,
            "About Deltacut",
            f"<b>Deltacut {version('deltacut')}</b><p>Changes part of the picture and re-encodes only what changed.</p>"
            "<p>It sends nothing anywhere by itself. A provider gets what you send it, and you see it before.</p>",
        )

    def _quit(self) -> None:
        self._window.close()

    @Slot(QCloseEvent)
    def on_close(self, event: QCloseEvent) -> None:
        """Ask before running jobs are stopped."""
        if not self._may_stop_jobs():
            event.ignore()

    def _may_stop_jobs(self) -> bool:
        running = self._session.jobs.running
        if not running:
            return True
        names = "\n".join(job.title for job in running[:5])
        question = QMessageBox(self._window)
        question.setWindowTitle("Deltacut")
        question.setText(f"<b>{'Jobs are' if len(running) > 1 else 'A job is'} still running.</b>")
        kinds = {job.kind for job in running}
        safe = ["The project is saved."]
        if JobKind.EXPORT in kinds:
            safe.append("The unfinished film is removed.")
        if kinds & {JobKind.GENERATE, JobKind.TRANSCRIBE}:
            safe.append("Paid work stays at its provider and is picked up again.")
        question.setInformativeText(f"{names}\n\n{' '.join(safe)}")
        stop = question.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
        stop.setProperty("kind", ButtonKind.DANGER.value)
        # The box has dressed it already.
        stop.style().unpolish(stop)
        stop.style().polish(stop)
        keep = question.addButton("Keep working", QMessageBox.ButtonRole.RejectRole)
        question.setDefaultButton(keep)
        question.exec()
        if question.clickedButton() is not stop:
            return False
        self._session.jobs.stop_all()
        return True


def _known_keys(_progress: Progress, _cancel: CancelToken) -> tuple[KeyState, ...]:
    def nobody(what: str) -> str:
        raise UsageError(f"nobody is asked for {what} at the start")

    return list_keys(nobody)
