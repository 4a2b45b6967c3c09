"""The export: its plan before it starts, its progress, and its report."""

from __future__ import annotations

import os
from fractions import Fraction
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.session.jobs import Job, JobKind
from app.session.live_plan import Estimate, Planned, learn_growth, learn_speed
from app.session.range_plan import RangePlan
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.export.causes import Causes
from app.ui.export.strip import PlanStrip
from app.ui.export.table import PlanModel, fit_to_rows, plan_table
from app.ui.export.warnings import PlanWarnings
from app.ui.widgets import (
    Banner,
    BannerAction,
    ButtonKind,
    ButtonSize,
    ElidedLabel,
    IconLabel,
    Role,
    Swatch,
    Tone,
    column,
    empty,
    label,
    line,
    push_button,
    row,
    scrolled,
    upright,
)
from app.ui.widgets.share_bar import ShareBar
from app.ui.words import bytes_text, frames_text, seconds_left, seconds_text, sentence, share_text
from app.workflows.caches import films_cache
from app.workflows.presets import export_with_preset, presets
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, StorageError, UsageError
from engine.model.export_preset import Animation, MatchSource, Pictures, Preset, SoundOnly
from engine.model.project import Project
from engine.model.sound_runs import sound_is_mixed, sound_is_original
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.plan.export_plan import ExportPlan
from engine.render.export import ExportReport
from engine.render.preset_export import PresetReport


class ExportPage(QWidget):
    """What is copied and what re-encoded, where it goes, and the button.

    Signals:
        shown_wanted: something asks for this page. review_wanted: look at what is not approved.
    """

    shown_wanted = Signal()
    review_wanted = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._context = context
        self._session = context.session
        self._plan: ExportPlan | None = None
        self._estimate: Estimate | None = None
        self._part = RangePlan(self._session, self)
        self._part.changed.connect(self._part_planned)
        self._export: Job | None = None
        self._problem = ""
        self._shown: Planned | None = None
        self._waits = False
        self._figures = [_Figure() for _ in range(4)]
        self.strip = PlanStrip(context.theme)
        self.warnings = PlanWarnings(context)
        self.warnings.review_wanted.connect(self.review_wanted)
        self.warnings.plan_wanted.connect(self._show_in_plan)
        self._report = QVBoxLayout()
        self.model = PlanModel(context.theme)
        self.table = plan_table(self.model)
        self.table.activated.connect(self._go_to_segment)
        self.target = QLineEdit()
        self.target.setAccessibleName("Save as")
        self.target.textEdited.connect(self._own_target)
        self._target_is_own = False
        self._agreed: Path | None = None
        browse = push_button("Browse…")
        browse.clicked.connect(self._browse)
        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        for known in presets():
            self.preset.addItem(known.title, known)
            self.preset.setItemData(self.preset.count() - 1, known.description, Qt.ItemDataRole.ToolTipRole)
        self.preset.currentIndexChanged.connect(self._preset_changed)
        self.range = QComboBox()
        self.range.setAccessibleName("Range")
        self.range.addItems(["The whole film", "From in to out"])
        self.range.currentIndexChanged.connect(self._range_changed)
        self._about = label("", tone="2")
        self._about.setWordWrap(True)
        self._about.setText(self.chosen_preset.description)
        self._bar = ShareBar()
        self._where = ElidedLabel("", Role.BODY, "2", Qt.TextElideMode.ElideMiddle)
        self._state = label("", tone="2")
        self.cancel = push_button("Cancel", size=ButtonSize.DIALOG)
        self.cancel.clicked.connect(self._cancel)
        self.button = push_button("Export", ButtonKind.PRIMARY, ButtonSize.DIALOG)
        self.button.setIcon(context.theme.icon("export", "accent.on"))
        self.button.clicked.connect(self.start)
        self._title = label("Export", Role.TITLE)
        self._name = label("", tone="2")
        self._lay_out(browse)
        self.setFocusProxy(self.button)
        document = self._session.document
        document.opened.connect(self._opened)
        document.films_changed.connect(self.refresh)
        document.saved_changed.connect(self._saved)
        self._session.live_plan.plan_changed.connect(self._planned)
        self._show_running()

    def _lay_out(self, browse: QWidget) -> None:
        content = QWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        # In its place before it is filled: what moves to another parent is dressed once more with all it holds.
        self._area = scrolled(content)
        layout.addWidget(self._area, 1)
        figures = row(gap=16)
        for number, figure in enumerate(self._figures):
            if number:
                figures.addWidget(upright())
            figures.addWidget(figure, 1)
        shield = IconLabel(self._context.theme, "shield", "approved.fg")
        safe = label("Your original is never changed. A failed check leaves no half file.", tone="2")
        where = row(gap=8)
        where.addWidget(self.target, 1)
        where.addWidget(browse)
        form = row(gap=16)
        form.addLayout(column(label("Save as", tone="2"), where, gap=4), 5)
        form.addLayout(column(label("Preset", tone="2"), self.preset, gap=4), 3)
        form.addLayout(column(label("Range", tone="2"), self.range, gap=4), 2)
        inner = column(
            row(self._title, self._name, None),
            self._report,
            figures,
            self.strip,
            self.warnings,
            gap=16,
            margins=(24, 20, 24, 12),
        )
        # As high as its rows: the rest of the page stays below it.
        inner.addWidget(self.table)
        self._legend = QWidget()
        self._legend.setLayout(_legend(self._context))
        inner.addWidget(self._legend)
        inner.addLayout(form)
        inner.addWidget(self._about)
        inner.addStretch(1)
        content.setLayout(inner)
        foot = row(shield, safe, self._state, self._bar, self.cancel, self.button, margins=(24, 12, 24, 12))
        foot.insertWidget(2, self._where, 1)
        self.target.textChanged.connect(self._say_where)
        self._bar.setFixedWidth(160)
        layout.addWidget(line())
        layout.addLayout(foot)

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return [
            ActionSpec(
                "file.export",
                "Export…",
                "File",
                self.shown_wanted.emit,
                "Ctrl+E; Ctrl+M",
                "export",
                self._hindrance,
                section=30,
            )
        ]

    # --- the plan ---------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> ExportPlan | None:
        """Return the plan that shows."""
        return self._plan

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._suggest_target()
        self.refresh()

    @Slot()
    def _opened(self) -> None:
        self._target_is_own = False
        self._plan = self._estimate = None
        empty(self._report)
        self._suggest_target()
        self.refresh()

    @Slot(object)
    def _planned(self, found: Planned | None) -> None:
        if self.range.currentIndex() == 0:
            self._take(found)
        else:
            self._range_changed()

    @Slot()
    def _range_changed(self) -> None:
        """Show the plan of what is exported: of the whole film, or of the marked part, whose figures are others."""
        is_whole = self.range.currentIndex() == 0
        self._part.want(None if is_whole else self._session.document.project.in_out)
        if is_whole:
            self._take(self._session.live_plan.planned)
        else:
            self._part_planned()

    @Slot()
    def _part_planned(self) -> None:
        if self.range.currentIndex() == 0:
            return
        if self._session.document.project.in_out is None:
            problem = "Mark in and out first (I and O), or export the whole film."
            self._take(Planned(self._session.document.project, None, None, problem))
        else:
            self._take(self._part.planned)

    def _take(self, found: Planned | None) -> None:
        self._shown = found
        self._plan = None if found is None else found.plan
        self._estimate = None if found is None else found.estimate
        self._problem = "" if found is None else found.problem
        self.refresh()

    @property
    def _first(self) -> int:
        """Return the timeline's frame with which the shown plan begins."""
        marked = self._session.document.project.in_out
        return 0 if self.range.currentIndex() == 0 or marked is None else marked.start

    @Slot()
    def refresh(self) -> None:
        """Show the plan as it is known now."""
        path = self._session.document.path
        self._name.setText("" if path is None else path.stem)
        hindrance = self._hindrance() or self._too_long()
        self.button.setEnabled(not hindrance and self._export is None)
        self.button.setToolTip("\n".join(part for part in ("Export the film", hindrance) if part))
        if self.isVisible():
            self._show_plan()

    def _show_plan(self) -> None:
        plan = self._plan
        rate = self._session.document.project.canvas.rate
        document, first, shown = self._session.document, self._first, self._shown
        self.strip.show_plan(plan, rate, first)
        causes = None if shown is None or plan is None else Causes(shown.project, TimelineMap(shown.project))
        self.model.show_plan(plan, rate, causes, first)
        self._fit_table()
        if plan is None:
            is_unmarked = self.range.currentIndex() == 1 and document.project.in_out is None
            what = ("No part of the film is marked.",) if is_unmarked else ()
            self.warnings.show_problem(self._problem, *what)
            for figure in self._figures:
                figure.show_figure("–", "")
            if not self._problem:
                self._figures[0].show_figure("–", "looking at the film")
            return
        copies = isinstance(self.chosen_preset.form, MatchSource)
        if isinstance(self.chosen_preset.form, SoundOnly):
            # No patch is in it, decided or not.
            self.warnings.show_problem("")
        elif copies:
            self.warnings.show_plan(plan, self._estimate, first, 0 if shown is None else shown.spared)
        else:
            self.warnings.show_made_anew(plan, first)
        # The messages know their height once they are laid out.
        QTimer.singleShot(0, self, self._fit_table)
        if not copies:
            self._show_made_anew(plan.frames_total)
            return
        copied = share_text(plan.frames_copied, plan.frames_total)
        self._figures[0].show_figure(copied, "copied, packet for packet")
        tone = "reencoded" if plan.frames_rendered else "1"
        self._figures[1].show_figure(f"{plan.frames_rendered:,}", f"of {plan.frames_total:,} frames re-encoded", tone)
        estimate, source = self._estimate, bytes_text(self._source_size())
        if estimate is not None:
            self._figures[2].show_figure(f"About {seconds_text(estimate.seconds)}", _time_words(estimate))
            most = f"up to about {bytes_text(estimate.most_bytes)}; " if estimate.most_bytes else ""
            self._figures[3].show_figure(bytes_text(estimate.size_bytes), f"{most}source: {source}")

    def _show_made_anew(self, frames: int) -> None:
        """Show what a preset comes to that copies nothing: the plan and its figures are those of another export."""
        self._figures[0].show_figure("0%", "copied: this preset makes every picture anew")
        match self.chosen_preset.form:
            case SoundOnly():
                self._figures[0].show_figure(*_sound_outlook(self._session.document.project, frames))
                self._figures[1].show_figure("–", "no picture, sound only")
            case Pictures():
                self._figures[1].show_figure(f"{frames:,}", "pictures, one of each frame", "reencoded")
            case Animation() as form:
                seconds = Fraction(frames) / self._session.document.project.canvas.rate
                count = max(1, round(seconds * form.rate))
                words = f"pictures of {frames:,} frames, {float(form.rate):g} per second"
                self._figures[1].show_figure(f"{count:,}", words, "reencoded")
                if self._too_long():
                    self.warnings.show_problem(
                        f"A GIF has at most {form.longest_s} s, and this would have {float(seconds):.1f} s. "
                        "Mark a part with I and O, and choose From in to out.",
                        "This is too long for a GIF.",
                    )
            case _:
                self._figures[1].show_figure(f"{frames:,}", f"of {frames:,} frames re-encoded", "reencoded")
        before = self._estimate.to_follow.frames if self._estimate is not None else 0
        follows = f"; {frames_text(before)} are followed first" if before else ""
        self._figures[2].show_figure("–", f"told while it is exported{follows}")
        self._figures[3].show_figure("–", f"source: {bytes_text(self._source_size())}")

    def _fit_table(self) -> None:
        """Leave the table what the rest of the page does not need, so that it is seen where the film will go."""
        content = self._area.widget()
        if content is not None and self.table.isVisible():
            layout, width = content.layout(), self._area.viewport().width()
            # The words of the messages are as high as their width makes them.
            wraps = layout is not None and layout.hasHeightForWidth()
            needed = layout.totalHeightForWidth(width) if layout is not None and wraps else content.sizeHint().height()
            others = needed - self.table.height()
            fit_to_rows(self.table, self._area.viewport().height() - others)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_table()

    @Slot(object)
    def _show_in_plan(self, frames: Range) -> None:
        """Choose the row of the plan that holds these frames, and bring it into sight."""
        row_number = self.model.row_of(frames.start)
        if row_number is None:
            return
        self.table.selectRow(row_number)
        self.table.scrollTo(self.model.index(row_number, 0))
        self._area.ensureWidgetVisible(self.table)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _source_size(self) -> int:
        return sum(_size(film.path) for film in self._session.document.films.values())

    @Slot("QModelIndex")
    def _go_to_segment(self, index: object) -> None:
        frames = self.model.segment(index.row()).frames  # type: ignore[attr-defined]
        self._session.transport.seek(frames.start + self._first)

    # --- where it goes ----------------------------------------------------------------------------------------------

    @property
    def chosen_preset(self) -> Preset:
        """Return the preset that is chosen."""
        chosen: Preset = self.preset.currentData()
        return chosen

    def _suggest_target(self) -> None:
        films = list(self._session.document.films.values())
        path = self._session.document.path
        if self._target_is_own or path is None:
            return
        suffix = self.chosen_preset.suffix or (films[0].path.suffix if films else ".mp4")
        if isinstance(self.chosen_preset.form, SoundOnly):
            suffix = ".m4a"
        if isinstance(self.chosen_preset.form, Pictures):
            suffix = ""
        folder = Path(self._session.settings.choices.folders.get("export", str(path.parent)))
        folder = folder if folder.is_dir() else path.parent
        self.target.setText(str(_free(folder / f"{path.stem} – edited{suffix}")))

    @Slot()
    def _say_where(self) -> None:
        """Say beside the button where the film will go: the field for it may be scrolled out of sight."""
        name = Path(self.target.text().strip()).name
        self._where.setText(f"It becomes “{name}”." if name else "")

    @Slot(str)
    def _own_target(self, _text: str) -> None:
        self._target_is_own = True

    @Slot()
    def _browse(self) -> None:
        if isinstance(self.chosen_preset.form, Pictures):
            name = QFileDialog.getExistingDirectory(self, "Folder for the pictures", self.target.text())
        else:
            name, _ = QFileDialog.getSaveFileName(self, "Save as", self.target.text())
        if name:
            self._target_is_own = True
            # The dialog has asked about a file that is there.
            self._agreed = Path(name)
            self.target.setText(name)

    @Slot()
    def _preset_changed(self) -> None:
        chosen = self.chosen_preset
        self._about.setText(chosen.description)
        self._suggest_target()
        differential = isinstance(chosen.form, MatchSource)
        for widget in (self.strip, self.table, self._legend):
            widget.setVisible(differential)
        self.refresh()

    # --- doing it ---------------------------------------------------------------------------------------------------

    def _hindrance(self) -> str:
        document = self._session.document
        if not document.is_open:
            return "Open a film first"
        if document.missing:
            return "Find the missing film first"
        if not document.project.frame_count:
            return "Put a film on the timeline first"
        return ""

    def _too_long(self) -> str:
        """Return why what is chosen cannot be a GIF."""
        form, plan = self.chosen_preset.form, self._plan
        if not isinstance(form, Animation) or plan is None:
            return ""
        seconds = Fraction(plan.frames_total) / self._session.document.project.canvas.rate
        return f"Mark a part of at most {form.longest_s} s first (I and O)" if seconds > form.longest_s else ""

    @Slot()
    def start(self) -> None:
        """Export in the background; editing may go on, and does not change what is exported."""
        document = self._session.document
        path = document.path
        if path is None or self._export is not None:
            return
        if not document.is_saved:
            # What is exported is what the project file holds.
            self._waits = True
            return
        target, chosen = Path(self.target.text().strip()).expanduser(), self.chosen_preset
        if not self.target.text().strip():
            self._refuse("The film has no name yet.", "Say what it shall be called, and in which folder.")
            return
        if not target.parent.is_dir():
            self._refuse("The folder is not there.", f"{target.parent} is not at hand on this computer.")
            return
        if target.is_file() and target != self._agreed and not self._is_of_the_project(target):
            self._ask_to_replace(target)
            return
        in_out = document.project.in_out
        frames: Range | None = in_out if self.range.currentIndex() == 1 else None
        if self.range.currentIndex() == 1 and in_out is None:
            self._context.notices.say("Mark in and out first (I and O), or export the whole film")
            return
        canvas, anew = document.project.canvas, _sound_made_anew(document.project)
        films = list(document.films.values())
        estimate = self._estimate if self._session.live_plan.is_current else None

        def work(progress: Progress, cancel: CancelToken) -> ExportReport | PresetReport:
            report = export_with_preset(path, target, chosen, frames, progress, cancel)
            if isinstance(report, ExportReport) and films:
                with films_cache() as cache:
                    learn_speed(cache, films[0].info.video.codec, report, canvas.width * canvas.height)
                    if estimate is not None:
                        learn_growth(cache, films[0].identity, report, estimate)
            return report

        empty(self._report)
        self._agreed = None
        job = self._session.jobs.start(f"Export {target.name}", JobKind.EXPORT, work)
        self._export = job
        job.changed.connect(self._show_running)
        job.ended.connect(self._ended)
        job.then(partial(self._done, job, anew), self._failed)
        self._show_running()

    def _refuse(self, what: str, why: str) -> None:
        """Say beside the field why nothing was begun."""
        ways = (BannerAction("Choose another place…", self._browse),)
        self._show_report(Banner(self._context.theme, Tone.ERROR, what, why, ways))
        self._area.ensureWidgetVisible(self.target)
        self.target.setFocus(Qt.FocusReason.OtherFocusReason)

    def _is_of_the_project(self, target: Path) -> bool:
        """Tell whether a path is a film of the project, or the project itself: the export refuses those, in words."""
        document = self._session.document
        return any(
            path is not None and path.exists() and target.samefile(path)
            for path in (document.path, *(film.path for film in document.films.values()))
        )

    def _ask_to_replace(self, target: Path) -> None:
        def replaced() -> None:
            self._agreed = target
            self.start()

        def beside() -> None:
            self.target.setText(str(_free(target)))
            self.start()

        free = _free(target).name
        banner = Banner(
            self._context.theme,
            Tone.WARNING,
            f"“{target.name}” is there already.",
            f"Replacing it cannot be undone. The new film can be called “{free}” instead.",
            (BannerAction("Keep both", beside), BannerAction("Replace it", replaced)),
        )
        self._show_report(banner)

    def _show_report(self, banner: Banner) -> None:
        empty(self._report)
        if self.isVisible():
            self._report.addWidget(banner)
            # It stands at the top, and is not laid out yet.
            self._area.verticalScrollBar().setValue(0)
        else:
            self._context.notices.show_banner(banner)

    @Slot(bool)
    def _saved(self, saved: bool) -> None:
        if saved and self._waits:
            self._waits = False
            self.start()

    @Slot()
    def _cancel(self) -> None:
        if self._export is not None:
            self._export.cancel()

    @Slot()
    def _show_running(self) -> None:
        job = self._export
        for widget in (self._bar, self._state, self.cancel):
            widget.setVisible(job is not None)
        self.button.setVisible(job is None)
        if job is None:
            self.button.setEnabled(not (self._hindrance() or self._too_long()))
            return
        if job.progress is not None:
            self._bar.show_share(job.progress.fraction)
            left = seconds_left(job.progress.remaining_s)
            text = job.progress.label[:1].upper() + job.progress.label[1:]
            self._state.setText(f"{text}, {left}" if left else text)
        else:
            self._state.setText("Starting")

    @Slot()
    def _ended(self) -> None:
        self._export = None
        self._show_running()

    def _done(self, job: Job, anew: str, report: ExportReport | PresetReport) -> None:
        output = report.output
        # Only where one came to be: the next is not proposed into a folder that is full.
        folders = {**self._session.settings.choices.folders, "export": str(output.parent)}
        self._session.settings.set(folders=folders)
        self._target_is_own = False
        self._suggest_target()
        self._session.live_plan.estimate_anew()
        words = report_words(report, anew)
        # Its row says how long it took.
        job.note = f"{words} {bytes_text(_size_of(report))}."
        words = f"{words} {bytes_text(_size_of(report))}, {seconds_text(report.seconds)}."
        show = partial(self._open, output.parent)
        play = partial(self._open, output)
        job.actions = (("Open folder", show), ("Play", play))
        job.changed.emit()
        banner = Banner(
            self._context.theme,
            Tone.GOOD,
            "Exported and checked." if isinstance(report, ExportReport) else "Exported.",
            words,
            (BannerAction("Open folder", show), BannerAction("Play", play), BannerAction("Full report", self._full)),
        )
        self._last, self._words = report, words
        self._show_report(banner)

    def _failed(self, error: DeltacutError) -> None:
        ways = [BannerAction("Try again", self.start)]
        if isinstance(error, StorageError):
            ways.insert(0, BannerAction("Choose another folder…", self._browse))
        elif isinstance(error, UsageError):
            # It would be refused again: the name is what is wrong.
            ways = [BannerAction("Choose another name…", self._browse)]
        banner = Banner(
            self._context.theme,
            Tone.ERROR,
            "The export did not finish.",
            f"{sentence(str(error))} Your original is unchanged, and no half file was left.",
            ways,
        )
        self._show_report(banner)

    @Slot()
    def _full(self) -> None:
        if self._report.count() > 1:
            # It stands there already.
            return
        text = QPlainTextEdit(full_report(self._last, self._words))
        text.setReadOnly(True)
        text.setMinimumHeight(160)
        text.setAccessibleName("Full report")
        self._report.addWidget(text)

    def _open(self, path: Path) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


class _Figure(QWidget):
    """A large number and what it counts."""

    def __init__(self) -> None:
        super().__init__()
        self._number = label("–", Role.FIGURE)
        self._what = label("", tone="2")
        self.setLayout(column(self._number, self._what, gap=2))

    def show_figure(self, number: str, what: str, tone: str = "1") -> None:
        self._number.setText(number)
        self._number.setProperty("tone", tone)
        self._number.style().unpolish(self._number)
        self._number.style().polish(self._number)
        self._what.setText(what)


def _time_words(estimate: Estimate) -> str:
    """Return what the estimated time is of; following whose speed is not known here is not in it."""
    to_follow = estimate.to_follow
    if to_follow.unmeasured:
        return f"to export and check, plus following {frames_text(to_follow.unmeasured)}"
    if to_follow.frames:
        return f"to follow {frames_text(to_follow.frames)}, export and check"
    return "to export and check"


def _sound_made_anew(project: Project) -> str:
    """Return why packets of sound would be other than the source's."""
    return "mixed, and encoded anew" if sound_is_mixed(project) else "written anew where it was cut"


def _sound_outlook(project: Project, frames: int) -> tuple[str, str]:
    """Return what becomes of the sound where it is written alone, in a word and in words; frames: so many of it."""
    if sound_is_mixed(project):
        return "Made anew", "the sound: it is mixed"
    if frames < project.frame_count:
        return "Made anew", "the sound: a part is cut out"
    if not sound_is_original(project):
        return "Made anew", "the sound: it is cut"
    return "Copied", "the sound, where the file's format can hold it"


def report_words(report: ExportReport | PresetReport, anew: str) -> str:
    """Return what an export did, in one or two sentences; `anew`: what was done to sound that is not the source's."""
    if isinstance(report, PresetReport):
        frames = f"{frames_text(report.frames)}. " if report.frames else ""
        return f"{frames}Sound: {report.sound}." if report.sound else frames.rstrip()
    plan, check = report.plan, report.check
    words = [f"{plan.frames_copied:,} frames copied, packet for packet; {plan.frames_rendered:,} re-encoded"]
    if report.worst_psnr_db is not None:
        words[0] += f", worst re-encoded frame {report.worst_psnr_db:.1f} dB"
    if check.audio_packets:
        count = f"{check.audio_packets:,} packets"
        words.append(f"Sound: {count} identical" if check.audio_identical else f"Sound: {anew}, {count}")
    return ". ".join(words) + "."


def full_report(report: ExportReport | PresetReport, words: str) -> str:
    """Return everything that is known of an export, as lines; `words`: what it did."""
    lines = [str(report.output), words]
    if isinstance(report, ExportReport):
        plan, check = report.plan, report.check
        lines.append(sentence(plan.reason))
        lines.append(f"{check.packets_identical:,} of {check.packets_total:,} picture packets identical")
        lines += map(sentence, (*plan.warnings, *check.notes))
    lines += map(sentence, report.notes)
    return "\n".join(lines)


def _legend(context: Context) -> QVBoxLayout:
    parts = row(gap=16)
    for token, hatch, text in (
        ("strip.reencoded", "", "Changed"),
        ("strip.tail", "strip.reencoded", "Unchanged, but re-encoded up to the next keyframe"),
        ("strip.copied", "", "Copied packet for packet"),
    ):
        parts.addLayout(row(Swatch(context.theme, token, hatch), label(text, Role.SMALL, "2"), gap=6))
    parts.addStretch(1)
    return column(parts)


def _size_of(report: ExportReport | PresetReport) -> int:
    return report.size_bytes if isinstance(report, PresetReport) else _size(report.output)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _free(path: Path) -> Path:
    """Return a path at which nothing is: the given one, or with a number."""
    number = 2
    found = path
    while found.exists():
        found = path.with_name(f"{path.stem} {number}{path.suffix}")
        number += 1
    return found
