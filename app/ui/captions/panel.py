"""The captions as a table: times, words, how fast they are to be read; files in and out; from speech."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QPoint, QSignalBlocker, QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QMenu, QTableView, QVBoxLayout, QWidget

from app.session.caption_files import start_export, start_import
from app.session.features import LANES
from app.session.service_orders import EMOTIONS, TRANSCRIPT
from app.ui.actions import ActionButton, ActionSpec
from app.ui.captions.lines import Line, merge, new_caption, split
from app.ui.captions.model import END, SPEED, START, TEXT, CaptionsModel
from app.ui.context import Context
from app.ui.generate.order_row import OrderRow
from app.ui.generate.service_ways import NOT_FOR_SERVICES, ServiceWays
from app.ui.widgets import ButtonKind, EmptyState, Panel, Role, icon_button, label, push_button, row
from app.ui.widgets.fields import ChoiceField
from engine.errors import DeltacutError, EditRefused
from engine.model.edits import AddLayer, ChangeLayer, Compound, Edit, RemoveItems
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.layers import CaptionMode, Layer, LayerKind, LayerSettings
from engine.model.text_style import READABLE

_EMPTY = (
    "No captions yet. Import an SRT or WebVTT file, write the first one at the playhead, or have speech written down."
)
_MODES = ((CaptionMode.BURNED, "Burned in"), (CaptionMode.SOFT, "As a text track"))
_FILES = "Captions (*.srt *.vtt)"
_WIDE = 420
"""A narrower panel leaves the end and the reading speed to the tooltip."""


class CaptionsPanel(Panel):
    """The captions of one layer."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Captions", parent)
        self._context = context
        self._session = context.session
        self._document = context.session.document
        self._selection = context.session.selection
        self._services = context.session.service_orders
        self.model = CaptionsModel(self._document, context.theme, self)
        self.rows: list[OrderRow] = []
        self._ways = ServiceWays(context, self)
        self._build()
        for signal in (self._document.opened, self._document.closed, self._document.changed):
            signal.connect(self.refresh)
        self._selection.changed.connect(self._follow_selection)
        self._services.changed.connect(self._show_orders)
        context.theme.changed.connect(self.table.viewport().update)
        self.refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        menu, open_first, pick_first = "Edit/Captions", self._needs_project, self._needs_caption

        def spec(id: str, text: str, run: Callable[[], None], icon: str, hindrance: Callable[[], str]) -> ActionSpec:
            return ActionSpec(f"captions.{id}", text, menu, run, "", icon, hindrance, section=40)

        return [
            spec("add", "Add caption at the playhead", self.add, "plus", open_first),
            spec("split", "Split caption", self.split, "split", pick_first),
            spec("merge", "Merge captions", self.merge, "link", self._needs_two),
            spec("delete", "Delete captions", self.delete, "trash", pick_first),
            spec("import", "Import captions…", self.ask_import, "folder", open_first),
            spec("export", "Export captions…", self.ask_export, "export", self._needs_lines),
            spec("transcribe", "Captions from speech", self.transcribe, "generate", self._cannot_transcribe),
            spec("emotions", "Label emotions…", self.label_emotions, "generate", self._cannot_transcribe),
            spec("style", "Style of the captions", self.show_style, "text", self._needs_layer),
            spec("safe_style", "Safe style for the captions", self.use_safe_style, "safe-area", self._needs_layer),
        ]

    def _build(self) -> None:
        actions = self._context.actions
        self._more = icon_button(self._context.theme, "more", "Files, speech and style")
        self._more.clicked.connect(self._show_more)
        self.head.add(
            *(ActionButton(actions, f"captions.{name}") for name in ("add", "split", "merge", "delete")), self._more
        )
        self.layers = ChoiceField("Layer of captions", [])
        self.layers.committed.connect(self._show_layer)
        self.mode = ChoiceField("In the film", [(mode.value, text) for mode, text in _MODES])
        self.mode.committed.connect(self._set_mode)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Captions")
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(30 + self._context.theme.density_px)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setIconSize(QSize(14, 14))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        head = self.table.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(TEXT, QHeaderView.ResizeMode.Stretch)
        for column in (START, END):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.table.setColumnWidth(column, 76)
        head.setSectionResizeMode(SPEED, QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(SPEED, 66)
        self.table.selectionModel().selectionChanged.connect(self._rows_chosen)
        self.table.clicked.connect(self._seek)
        self._import = push_button("Import…")
        self._import.clicked.connect(self.ask_import)
        self._empty = EmptyState(_EMPTY, self._import)
        self._style = push_button("Style…", ButtonKind.LINK)
        self._style.clicked.connect(self.show_style)
        self._orders = QVBoxLayout()
        self._foot = QWidget()
        foot = row(label("In the film", Role.SMALL, "2"), gap=8)
        foot.addWidget(self.mode, 1)
        foot.addWidget(self._style)
        self._foot.setLayout(foot)
        self.body.setContentsMargins(12, 4, 12, 12)
        self.body.addWidget(self.layers)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._empty, 1)
        self.body.addLayout(self._orders)
        self.body.addWidget(self._foot)

    # --- what shows -------------------------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Show the captions as they are now."""
        layers = self._layers()
        ids = [layer.id for layer in layers]
        chosen = self._selection.layer
        shown = self.model.layer
        if chosen is not None and chosen.id in ids:
            wanted: str | None = chosen.id
        elif shown is not None and shown.id in ids:
            wanted = shown.id
        else:
            wanted = next((layer.id for layer in layers if layer.items), ids[0] if ids else None)
        with QSignalBlocker(self.layers):
            self.layers.clear()
            for layer in layers:
                self.layers.addItem(layer.settings.name, layer.id)
            self.layers.setCurrentIndex(ids.index(wanted) if wanted in ids else -1)
        self.layers.setVisible(len(layers) > 1)
        with QSignalBlocker(self.table.selectionModel()):
            self.model.show_layer(wanted)
        layer_shown = self.model.layer
        lines = self.model.lines
        self.head.set_count(len(lines), "line" if len(lines) == 1 else "lines")
        self.table.setVisible(bool(lines))
        self._empty.setVisible(not lines and self._document.is_open)
        self._foot.setVisible(layer_shown is not None and bool(lines))
        if layer_shown is not None:
            self.mode.show_value(layer_shown.settings.captions.value)
        self._follow_selection()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.table.setColumnHidden(SPEED, self.width() < _WIDE)
        self.table.setColumnHidden(END, self.width() < _WIDE)

    def _layers(self) -> list[Layer]:
        return [layer for layer in self._document.project.layers if layer.kind is LayerKind.CAPTIONS]

    @Slot(str)
    def _show_layer(self, layer_id: str) -> None:
        self._selection.choose()
        self._selection.choose_layer(layer_id)
        self.refresh()

    @Slot()
    def _follow_selection(self) -> None:
        layer = self._selection.layer
        shown = self.model.layer
        if layer is not None and layer.kind is LayerKind.CAPTIONS and (shown is None or shown.id != layer.id):
            with QSignalBlocker(self.table.selectionModel()):
                self.model.show_layer(layer.id)
        chosen = [row for row, line in enumerate(self.model.lines) if line.caption.id in self._selection.items]
        selection = self.table.selectionModel()
        if sorted({index.row() for index in selection.selectedRows()}) == chosen:
            return
        with QSignalBlocker(selection):
            selection.clearSelection()
            flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
            for number in chosen:
                selection.select(self.model.index(number, 0), flags)
        if chosen:
            self.table.scrollTo(self.model.index(chosen[0], 0))
        self.table.viewport().update()

    @Slot()
    def _rows_chosen(self) -> None:
        ids = [line.caption.id for line in self._chosen]
        if set(ids) != self._selection.items:
            self._selection.choose(*ids)

    def _seek(self) -> None:
        lines = self._chosen
        if lines and lines[0].start_s is not None:
            self._session.transport.seek(self._document.timeline.first_frame_from(lines[0].start_s))

    @property
    def _chosen(self) -> tuple[Line, ...]:
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return tuple(self.model.lines[number] for number in rows if number < len(self.model.lines))

    # --- changing ---------------------------------------------------------------------------------------------------

    def add(self) -> None:
        """Add a caption at the playhead, and edit its words."""
        layer = self.model.layer
        before: tuple[SingleEdit, ...] = ()
        if layer is None:
            add = AddLayer(new_id(), LayerKind.CAPTIONS, LayerSettings("Captions"))
            layer = Layer(add.layer_id, LayerKind.CAPTIONS, add.settings)
            before = (add,)
        at_s = self._document.timeline.time_of(self._session.transport.frame)
        try:
            edit, id = new_caption(self._document.project, layer, self.model.lines, at_s)
        except EditRefused as error:
            self._context.notices.say(str(error))
            return
        assert not isinstance(edit, Compound)
        if self._document.do(Compound("Add caption", (*before, edit)) if before else edit):
            self.refresh()
            self._selection.choose(id)
            number = self.model.row_of(id)
            if number >= 0 and self.table.isVisible():
                self.table.edit(self.model.index(number, TEXT))

    def split(self) -> None:
        """Split the chosen caption at the playhead, or in its middle."""
        layer, lines = self.model.layer, self._chosen
        if layer is not None and lines:
            at_s = self._document.timeline.time_of(self._session.transport.frame)
            self._try(lambda: split(layer, lines[0], at_s))

    def merge(self) -> None:
        """Make one caption of the chosen ones."""
        lines = self._chosen
        if self._try(lambda: merge(lines)):
            self._selection.choose(lines[0].caption.id)

    def delete(self) -> None:
        """Delete the chosen captions."""
        lines = self._chosen
        if lines:
            self._document.do(RemoveItems(tuple(line.caption.id for line in lines)))

    def _try(self, edit: Callable[[], Edit]) -> bool:
        try:
            made = edit()
        except EditRefused as error:
            self._context.notices.say(str(error))
            return False
        return self._document.do(made)

    @Slot(str)
    def _set_mode(self, key: str) -> None:
        layer = self.model.layer
        if layer is not None:
            self._document.do(ChangeLayer(layer.id, replace(layer.settings, captions=CaptionMode(key))))

    def show_style(self) -> None:
        """Show the style of the layer in the inspector."""
        layer = self.model.layer
        if layer is not None:
            self._selection.choose()
            self._selection.choose_layer(layer.id)
            self._context.notices.show_panel("inspector")

    def use_safe_style(self) -> None:
        """Give the captions the style that can be read on every picture."""
        layer = self.model.layer
        if layer is not None and layer.settings.style != READABLE:
            self._document.do(ChangeLayer(layer.id, replace(layer.settings, style=READABLE)))

    # --- files and speech -------------------------------------------------------------------------------------------

    @Slot()
    def ask_import(self) -> None:
        """Ask for a caption file, and take it in."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Import captions", str(self._folder()), _FILES)
        if chosen:
            self.import_file(Path(chosen))

    def import_file(self, path: Path) -> None:
        """Take a caption file in: into the layer that shows while it is empty, else as a layer of its own."""
        self._remember(path.parent)
        layer = self.model.layer
        into = layer.id if layer is not None and not layer.items else None

        def done(result: tuple[Edit, tuple[str, ...]]) -> None:
            edit, warnings = result
            if self._document.do(edit):
                said = f"{path.name} is in the film."
                if warnings:
                    said += f" {len(warnings)} parts were passed over: {warnings[0]}"
                self._context.notices.say(said)
                fresh = [known.id for known in self._layers() if known.settings.name == path.stem]
                if into is None and fresh:
                    self._show_layer(fresh[-1])

        start_import(self._document, self._session.jobs, path, into).then(done, self._failed)

    def ask_export(self) -> None:
        """Ask where to, and write the captions there."""
        layer = self.model.layer
        if layer is None:
            return
        path, name = self._document.path, layer.settings.name
        if path is not None:
            name = path.stem if len(self._layers()) == 1 else f"{path.stem} {name}"
        chosen, _ = QFileDialog.getSaveFileName(self, "Export captions", str(self._folder() / f"{name}.srt"), _FILES)
        if chosen:
            self.export_file(Path(chosen))

    def export_file(self, target: Path) -> None:
        """Write the captions to a file."""
        layer = self.model.layer
        if layer is not None:
            self._remember(target.parent)
            job = start_export(self._document, self._session.jobs, target, layer.id)
            job.then(lambda path: self._context.notices.say(f"Written: {path}"), self._failed)

    def transcribe(self) -> None:
        """Have what is said in the film written down."""
        source_id = self._heard()
        if source_id is not None:
            self._services.transcribe(source_id)
            self._context.notices.show_panel("captions")

    def label_emotions(self) -> None:
        """Have a model label how those who are heard in the film feel, and show its lane."""
        source_id = self._heard()
        if source_id is not None:
            self._services.label_emotions(source_id)
            self._context.notices.show_panel("captions")
            lanes = self._session.settings.choices.lanes
            self._session.settings.set(lanes=tuple(lane for lane in LANES if lane in (*lanes, "emotion")))

    def _heard(self) -> str | None:
        sources = self._document.project.sources
        return next((source.id for source in sources if source.picture is not None and source.sound), None)

    def _failed(self, error: DeltacutError) -> None:
        self._context.notices.say(str(error))

    def _folder(self) -> Path:
        """Return where to look first: where captions were last, else beside the project."""
        path = self._document.path
        beside = Path.home() if path is None else path.parent
        return Path(self._session.settings.choices.folders.get("captions", beside))

    def _remember(self, folder: Path) -> None:
        folders = self._session.settings.choices.folders
        self._session.settings.set(folders={**folders, "captions": str(folder)})

    @Slot()
    def _show_orders(self) -> None:
        ours = [entry for entry in self._services.orders if entry.thing in (TRANSCRIPT, EMOTIONS)]
        shown = [entry for entry in ours if not entry.is_over]
        for old in [one for one in self.rows if one.entry not in shown]:
            self.rows.remove(old)
            self._orders.removeWidget(old)
            old.hide()
            old.deleteLater()
        for entry in shown:
            if all(one.entry is not entry for one in self.rows):
                made = OrderRow(self._context.theme, entry, NOT_FOR_SERVICES)
                made.chosen.connect(self._ways.take)
                self.rows.append(made)
                self._orders.addWidget(made)
        for one in self.rows:
            one.refresh()

    def _show_more(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        self._context.actions.refresh()
        for name in ("import", "export", "transcribe", "emotions", "style", "safe_style"):
            if self._context.actions.has(f"captions.{name}"):
                menu.addAction(self._context.actions.action(f"captions.{name}"))
        menu.popup(self._more.mapToGlobal(QPoint(0, self._more.height())))

    # --- what keeps an action from running --------------------------------------------------------------------------

    def _needs_project(self) -> str:
        return "" if self._document.is_open else "Open a project first"

    def _needs_layer(self) -> str:
        return "" if self.model.layer is not None else "There is no layer of captions yet"

    def _needs_lines(self) -> str:
        return "" if self.model.lines else "There are no captions yet"

    def _needs_caption(self) -> str:
        return "" if self._chosen else "Choose a caption first"

    def _needs_two(self) -> str:
        return "" if len(self._chosen) > 1 else "Choose two captions or more first"

    def _cannot_transcribe(self) -> str:
        return "The film has no sound" if self._heard() is None else ""
