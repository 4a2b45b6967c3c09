"""The settings of what is chosen."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.session.jobs import JobKind
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.generate import GenerateBox, LocalTools, WorkRow
from app.ui.inspector.caption_page import CaptionPage
from app.ui.inspector.clip_page import ClipPage, SoundPage
from app.ui.inspector.layer_page import LayerPage
from app.ui.inspector.lock_row import LockRow
from app.ui.inspector.overlay_page import OverlayPage, SubjectPage
from app.ui.inspector.page import Page
from app.ui.inspector.patch_actions import PatchActions
from app.ui.inspector.patch_page import PatchPage
from app.ui.inspector.project_page import CanvasPage, MarkerPage
from app.ui.inspector.region_page import RegionPage
from app.ui.inspector.section import Section
from app.ui.widgets import Banner, EmptyState, Panel, Tone, scrolled
from engine.errors import DeltacutError
from engine.model.captions import Caption
from engine.model.overlay import Overlay
from engine.model.patch import Patch
from engine.model.subject import Subject

_IDLE_MS = 150
_PAGES: tuple[type[Page], ...] = (PatchPage, RegionPage, ClipPage, LayerPage, CaptionPage, OverlayPage)
_EMPTY = "Select a region, a layer or a clip to see its settings."


class InspectorPanel(Panel):
    """One page for each kind of thing; the one of what is chosen shows."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Inspector", parent)
        self._context = context
        self._document = context.session.document
        self._selection = context.session.selection
        self._pages: dict[type[Page], Page] = {}
        self.page: Page | None = None
        self._content = QWidget()
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.body.setContentsMargins(0, 0, 0, 0)
        # In its place before it is filled: what moves to another parent is dressed once more with all it holds.
        self._area = scrolled(self._content)
        # Above what scrolls: what a tool is at, and why it did not do it, are seen wherever its button is.
        self._work = QVBoxLayout()
        self._work.setContentsMargins(12, 8, 12, 0)
        self._work.setSpacing(4)
        self.body.setSpacing(4)
        self.lock_row = LockRow(context)
        self.body.addWidget(self.lock_row)
        self.body.addLayout(self._work)
        self.body.addWidget(self._area, 1)
        self._several = EmptyState("")
        self._empty = EmptyState(_EMPTY)
        for state in (self._several, self._empty):
            state.setContentsMargins(0, 10, 0, 6)
        self.generate = GenerateBox(context)
        self.tools = LocalTools(context)
        self._patch = PatchActions(context)
        self._tools_section = Section(context.theme, "Local tools")
        self._tools_section.add_widget(self.tools)
        self._trouble: Banner | None = None
        self.work_rows: list[WorkRow] = []
        self._column.addWidget(self.generate)
        self._column.addWidget(self._tools_section)
        self._column.addWidget(self._several)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        self._selection.changed.connect(self._leave_region)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        # The window shows all its panels in that very event; what this one shows first is made in the next.
        self._document.opened.connect(self._soon.start)
        for signal in (
            self._document.closed,
            self._document.changed,
            self._selection.changed,
            self._selection.region_changed,
            context.session.generating.changed,
            context.session.service_orders.changed,
        ):
            signal.connect(self.refresh)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE_MS)
        self._idle.timeout.connect(self._make_ready)
        self._document.opened.connect(self._idle.start)
        jobs = context.session.jobs
        for told in (jobs.added, jobs.changed, jobs.ended):
            told.connect(self._show_work)
        context.session.patching.failed.connect(self._show_trouble)
        context.session.patching.made.connect(self._forget_trouble)
        self.refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        settings = ActionSpec(
            "project.settings",
            "Project settings",
            "File",
            self.show_project,
            hindrance=lambda: "" if self._document.is_open else "Open a film first",
            section=30,
            also="canvas size frame rate loudness original sound",
        )
        return [settings, *self.generate.actions_of_box(), *self.tools.actions(), *self._patch.actions()]

    def show_project(self) -> None:
        """Show what concerns the whole project; what was chosen is let go."""
        self._selection.clear()
        self._context.notices.show_panel("inspector")

    @Slot()
    def refresh(self) -> None:
        """Show the page of what is chosen now."""
        kind = self._kind()
        shown: Page | None = None
        if kind is not None:
            shown = self._page(kind)
        for page in self._pages.values():
            page.setVisible(page is shown)
        if shown is not self.page:
            self._area.verticalScrollBar().setValue(0)
        self.page = shown
        has_region = kind in (RegionPage, PatchPage)
        self.generate.setVisible(has_region or bool(self.generate.rows))
        self._tools_section.setVisible(has_region)
        several = len(self._selection.items) > 1
        self._several.setVisible(several)
        self._empty.setVisible(not self._document.is_open)
        if several:
            words = self._several.findChild(QLabel)
            if words is not None:
                words.setText(self._several_text())
        if shown is not None:
            shown.complete()
            shown.refresh()
        locked = self.lock_row.refresh() and kind is not RegionPage
        self.lock_row.setVisible(locked)
        self.tools.setEnabled(not locked)
        self.generate.setEnabled(not locked)
        if shown is not None:
            shown.lock(locked)

    @Slot()
    def _leave_region(self) -> None:
        """Whoever chooses an item is done with the region that was drawn before."""
        if self._selection.items and self._selection.region is not None:
            self._selection.set_region(None, None)

    def _page(self, kind: type[Page]) -> Page:
        """Return a page, made when it is first needed."""
        page = self._pages.get(kind)
        if page is None:
            page = self._pages[kind] = kind(self._context)
            page.hide()
            self._column.insertWidget(self._column.count() - 1, page)
        return page

    @Slot()
    def _make_ready(self) -> None:
        """Take one small step towards having all pages ready, so that choosing something shows it at once."""
        for kind in _PAGES:
            if kind not in self._pages:
                self._page(kind)
            elif not self._pages[kind].build_part():
                continue
            self._idle.start()
            return

    @Slot()
    def _show_work(self) -> None:
        """Show what local tools are at, beside them."""
        running = [job for job in self._context.session.jobs.running if job.kind in (JobKind.LOCAL, JobKind.FOLLOW)]
        for old in [one for one in self.work_rows if one.job not in running]:
            self.work_rows.remove(old)
            self._work.removeWidget(old)
            old.hide()
            old.deleteLater()
        for job in running:
            if all(one.job is not job for one in self.work_rows):
                made = WorkRow(job)
                self.work_rows.append(made)
                self._work.addWidget(made)

    @Slot(str, object)
    def _show_trouble(self, title: str, error: DeltacutError) -> None:
        """Say beside the tools what was not done, and why."""
        self._forget_trouble()
        message = str(error)
        self._trouble = Banner(
            self._context.theme, Tone.ERROR, f"{title}: not done.", message[:1].upper() + message[1:] + "."
        )
        self._trouble.closed.connect(self._trouble_closed)
        self._work.insertWidget(0, self._trouble)

    @Slot()
    def _forget_trouble(self) -> None:
        if self._trouble is not None:
            self._trouble.hide()
            self._trouble.deleteLater()
            self._trouble = None

    @Slot()
    def _trouble_closed(self) -> None:
        self._trouble = None

    def _kind(self) -> type[Page] | None:
        if not self._document.is_open or len(self._selection.items) > 1:
            return None
        if self._selection.region is not None:
            return RegionPage
        item = self._selection.item
        match item:
            case Patch():
                return PatchPage
            case Overlay():
                return OverlayPage
            case Subject():
                return SubjectPage
            case Caption():
                return CaptionPage
        project = self._document.project
        if self._selection.items:
            (id,) = self._selection.items
            if any(known.id == id for known in project.storyline):
                return ClipPage
            if any(known.id == id for known in project.markers):
                return MarkerPage
            return SoundPage
        return CanvasPage if self._selection.layer is None else LayerPage

    def _several_text(self) -> str:
        project, chosen = self._document.project, self._selection.items
        kinds: Counter[str] = Counter()
        for layer in project.layers:
            kinds.update(type(item).__name__.lower() for item in layer.items if item.id in chosen)
        kinds["clip"] = sum(item.id in chosen for item in project.storyline)
        kinds["marker"] = sum(marker.id in chosen for marker in project.markers)
        kinds["sound"] = sum(item.id in chosen for track in project.tracks for item in track.items)
        parts = [f"{count} {kind if count == 1 else _plural(kind)}" for kind, count in kinds.items() if count]
        return f"{len(chosen)} things are chosen: {', '.join(parts)}. Choose one to see its settings."


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("ch") else f"{kind}s"
