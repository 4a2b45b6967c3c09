"""The films, sounds, pictures and captions of the project."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDragMoveEvent, QDropEvent, QImage
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QLineEdit,
    QListView,
    QMenu,
    QStackedWidget,
    QWidget,
)

from app.session.importing import Refused, Where
from app.session.thumbnails import image_of
from app.ui.actions import ActionButton, ActionSpec
from app.ui.context import Context
from app.ui.media.delegate import BinDelegate
from app.ui.media.entries import Entry, EntryKind, Section, entries_of
from app.ui.media.finding import FilmFinding
from app.ui.media.kinds import FILMS, SOUNDS
from app.ui.media.model import ENTRY, BinModel
from app.ui.timeline.drops import CAPTION_FILES, PICTURES
from app.ui.widgets import Banner, BannerAction, EmptyState, Panel, Role, Tone, column, label, push_button, row
from app.workflows.add_to_open import Found, FoundSource, drop_picture
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from engine.media.picture import decode_picture
from engine.model.edits import RemoveLayer, RemoveSource
from engine.store.project_file import ProjectFile

_WHOLE_FRAMES = ("progressive", "unknown", "")
_THUMBNAIL_LINES = 84
_MENU = (
    "media.append",
    "media.insert",
    "media.overwrite",
    "",
    "media.show_in_folder",
    "media.relink",
    "media.search_folder",
    "",
    "media.remove",
)


class MediaPanel(Panel):
    """The films, sounds, pictures and captions of the project; files that are dropped stay where they are."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Media", parent)
        self._context = context
        session = context.session
        self._document = session.document
        self._importing = session.importing
        self._thumbnails = session.thumbnails
        self.finding = FilmFinding(context, self)
        self._pictures: dict[str, QImage] = {}
        self._asked: set[str] = set()
        self.setAcceptDrops(True)
        self._model = BinModel(self._document, self)
        self._delegate = BinDelegate(context.theme, self._picture_of, self)
        self.list = _BinList()
        self.list.setObjectName("mediaList")
        self.list.setModel(self._model)
        self.list.setItemDelegate(self._delegate)
        self.list.setAccessibleName("Media")
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.list.clicked.connect(self._clicked)
        self.list.activated.connect(self._go_to)
        self.list.selectionModel().selectionChanged.connect(self._selection_changed)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search media")
        self._search.setAccessibleName("Search media")
        self._search.setClearButtonEnabled(True)
        self._search.addAction(context.theme.icon("search", "text.3"), QLineEdit.ActionPosition.LeadingPosition)
        self._search.textChanged.connect(self._searched)
        button = push_button("Import…")
        button.clicked.connect(self.import_files)
        empty = EmptyState("No media yet. Drop a video here, or press Ctrl+I. Files stay where they are.", button)
        clear = push_button("Clear")
        clear.clicked.connect(self._search.clear)
        self._nothing = EmptyState("", clear)
        self._pages = QStackedWidget()
        for page in (self.list, empty, self._nothing):
            self._pages.addWidget(page)
        self.body.setContentsMargins(0, 8, 0, 8)
        self.body.setSpacing(6)
        # Beside the field: under a tab a head of their own would be an empty row.
        buttons = [ActionButton(context.actions, id) for id in ("media.as_list", "media.as_grid", "file.import")]
        self.body.addLayout(row(self._search, *buttons, gap=4, margins=(12, 0, 8, 0)))
        self.body.addWidget(self._pages, 1)
        self._hint = label("Drop files here. They stay where they are.", Role.SMALL, "3")
        self._hint.setWordWrap(True)
        self.body.addLayout(column(self._hint, margins=(12, 0, 12, 0)))
        document = self._document
        document.opened.connect(self._refresh)
        document.closed.connect(self._forget)
        document.changed.connect(self._refresh)
        document.films_changed.connect(self._refresh)
        self._importing.pictures_changed.connect(self._refresh)
        self._importing.refused.connect(self._tell_refused)
        self._importing.imported.connect(self._show_imported)
        self._thumbnails.arrived.connect(self._picture_arrived)
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(40)
        self._repaint.timeout.connect(self.list.viewport().update)
        self._refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""

        def source_needed() -> str:
            if not self._document.is_open:
                return "Open a film first"
            entry = self.entry
            usable = entry is not None and entry.kind is not EntryKind.CAPTIONS
            return "" if usable else "Choose something in the media bin first"

        def film_needed() -> str:
            entry = self.entry
            film = entry is not None and entry.kind in (EntryKind.FILM, EntryKind.SOUND)
            return "" if film else "Choose a film in the media bin first"

        def entry_needed() -> str:
            return "" if self.entry is not None else "Choose something in the media bin first"

        def project_needed() -> str:
            return "" if self._document.is_open else "Open a film first"

        def missing_needed() -> str:
            return project_needed() or ("" if self._document.missing else "Every film is at hand")

        spec = ActionSpec
        return [
            spec("file.import", "Import…", "File", self.import_files, "Ctrl+I", "plus", project_needed, section=5),
            spec(
                "media.append",
                "Append to the timeline",
                "Clip/Media",
                partial(self._place, Where.APPEND),
                "",
                "",
                source_needed,
                section=60,
            ),
            spec(
                "media.insert",
                "Insert at the playhead",
                "Clip/Media",
                partial(self._place, Where.INSERT),
                "",
                "",
                source_needed,
                section=60,
            ),
            spec(
                "media.overwrite",
                "Overwrite at the playhead",
                "Clip/Media",
                partial(self._place, Where.OVERWRITE),
                "",
                "",
                source_needed,
                section=60,
            ),
            spec(
                "media.show_in_folder",
                "Show in the folder",
                "Clip/Media",
                self._show_in_folder,
                "",
                "folder",
                film_needed,
                section=61,
            ),
            spec(
                "media.relink",
                "Find the film…",
                "Clip/Media",
                self.find_film,
                "",
                "link-broken",
                film_needed,
                section=61,
            ),
            spec(
                "media.find_missing",
                "Find the missing film…",
                "Clip/Media",
                self.finding.find_missing,
                "",
                "link-broken",
                missing_needed,
                section=61,
            ),
            spec(
                "media.search_folder",
                "Search a folder for missing films…",
                "Clip/Media",
                self.finding.search_folder,
                "",
                "",
                missing_needed,
                section=61,
            ),
            spec(
                "media.remove",
                "Remove from the project",
                "Clip/Media",
                self._remove,
                "",
                "trash",
                entry_needed,
                section=62,
            ),
            spec(
                "media.as_list",
                "Media as a list",
                "View/Media",
                partial(self._set_grid, on=False),
                "",
                "list",
                is_on=lambda: not self._delegate.as_grid,
                section=25,
            ),
            spec(
                "media.as_grid",
                "Media as a grid",
                "View/Media",
                partial(self._set_grid, on=True),
                "",
                "grid",
                is_on=lambda: self._delegate.as_grid,
                section=25,
            ),
        ]

    # --- what shows -------------------------------------------------------------------------------------------------

    @property
    def entry(self) -> Entry | None:
        """Return the chosen entry."""
        for index in self.list.selectionModel().selectedIndexes():
            row = index.data(ENTRY)
            if isinstance(row, Entry):
                return row
        return None

    def choose(self, id: str) -> None:
        """Choose an entry."""
        row = self._model.row_of(id)
        if row is not None:
            self.list.setCurrentIndex(self._model.index(row))

    @Slot()
    @Slot(object)
    def _refresh(self, _change: object = None) -> None:
        chosen = self.entry
        films = self._document.films.items()
        fields = [id for id, film in films if film.info.video.field_order not in _WHOLE_FRAMES]
        entries = entries_of(self._document.project, self._document.missing, self._importing.pictures, fields)
        self._model.show(entries)
        self._show_page()
        if chosen is not None:
            self.choose(chosen.id)
        there = [entry for entry in entries if entry.kind is EntryKind.FILM and not entry.missing]
        wanted = [(entry.id, self._thumbnails.nearest(entry.id, entry.frame)) for entry in there]
        self._thumbnails.want("bin", wanted)
        self._load_pictures([entry.id for entry in entries if entry.kind is EntryKind.PICTURE])
        if self._document.missing:
            count = len(self._document.missing)
            self._hint.setText(f"{count} film{'s are' if count != 1 else ' is'} not at hand.")
        else:
            self._hint.setText("Drop files here. They stay where they are.")

    def _show_page(self) -> None:
        text = self._search.text().strip()
        if self._model.found or (not text and self._model.rowCount()):
            self._pages.setCurrentIndex(0)
        elif text:
            self._nothing.set_text(f"Nothing matches “{text}”.")
            self._pages.setCurrentIndex(2)
        else:
            self._pages.setCurrentIndex(1)

    @Slot(str)
    def _searched(self, text: str) -> None:
        self._model.search(text)
        self._show_page()

    def _set_grid(self, *, on: bool) -> None:
        chosen = self.entry
        self._delegate.as_grid = on
        self._model.set_grid(on=on)
        self.list.show_grid(on=on)
        if chosen is not None:
            self.choose(chosen.id)

    @Slot()
    def _forget(self) -> None:
        self._pictures, self._asked = {}, set()
        self._refresh()

    @Slot()
    def _selection_changed(self) -> None:
        self._context.actions.refresh_soon()

    # --- pictures ---------------------------------------------------------------------------------------------------

    def _picture_of(self, entry: Entry) -> QImage | None:
        if entry.kind is EntryKind.FILM:
            return self._thumbnails.picture(entry.id, self._thumbnails.nearest(entry.id, entry.frame))
        return self._pictures.get(entry.id)

    @Slot(str)
    def _picture_arrived(self, _source_id: str) -> None:
        if not self._repaint.isActive():
            self._repaint.start()

    def _load_pictures(self, contents: list[str]) -> None:
        wanted = [content for content in contents if content not in self._asked]
        if not wanted or not self._document.is_open:
            return
        self._asked.update(wanted)
        file = self._document.file

        def work(_progress: Progress, cancel: CancelToken) -> dict[str, NDArray[np.uint8]]:
            return _small_pictures(file, wanted, cancel)

        self._context.session.jobs.start_quietly("Read pictures", work).then(self._show_pictures)

    def _show_pictures(self, found: dict[str, NDArray[np.uint8]]) -> None:
        self._pictures |= {content: image_of(pixels) for content, pixels in found.items()}
        self.list.viewport().update()

    # --- doing ------------------------------------------------------------------------------------------------------

    @Slot()
    def import_files(self) -> None:
        """Ask for files and take them in."""
        folders, path = self._context.session.settings.choices.folders, self._context.session.document.path
        beside = Path.home() if path is None else path.parent
        pictures = " ".join(f"*{suffix}" for suffix in sorted(PICTURES))
        captions = " ".join(f"*{suffix}" for suffix in sorted(CAPTION_FILES))
        kinds = (
            f"Media ({FILMS} {SOUNDS} {pictures} {captions});;Films ({FILMS});;Sounds ({SOUNDS});;"
            f"Pictures ({pictures});;Captions ({captions});;All files (*)"
        )
        names, _ = QFileDialog.getOpenFileNames(
            self, "Import", folders.get("import", folders.get("video", str(beside))), kinds
        )
        if names:
            self._context.session.settings.set(folders={**folders, "import": str(Path(names[0]).parent)})
            self._importing.add([Path(name) for name in names])

    def _place(self, where: Where) -> None:
        entry = self.entry
        if entry is None:
            return
        frame = self._context.session.transport.frame
        if entry.kind is EntryKind.PICTURE:
            self._importing.place_picture(entry.id, frame)
        else:
            self._importing.place_source(entry.id, where, frame)

    def _show_in_folder(self) -> None:
        entry = self.entry
        path = self.finding.path_of(entry.id) if entry is not None else None
        if path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

    @Slot()
    def find_film(self) -> None:
        """Ask where the chosen film is now."""
        if self.entry is not None:
            self.finding.find(self.entry.id)

    def _remove(self) -> None:
        entry = self.entry
        if entry is None:
            return
        if entry.kind is EntryKind.CAPTIONS:
            self._document.do(RemoveLayer(entry.id))
        elif entry.kind is EntryKind.PICTURE:
            file = self._document.file

            def work(_progress: Progress, _cancel: CancelToken) -> None:
                drop_picture(file, entry.id)

            job = self._context.session.jobs.start_quietly("Take a picture off the bin", work)
            job.then(lambda _done: self._importing.read_pictures())
        else:
            self._document.do(RemoveSource(entry.id))

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        row = index.data(ENTRY)
        if isinstance(row, Section):
            self._model.fold(row)

    @Slot(QModelIndex)
    def _go_to(self, index: QModelIndex) -> None:
        """Go to where the timeline first shows an entry."""
        row = index.data(ENTRY)
        if not isinstance(row, Entry):
            return
        for span in self._document.timeline.spans:
            if getattr(span.item, "source_id", None) == row.id:
                self._context.session.transport.seek(span.timeline_range.start)
                self._context.session.selection.choose(span.item.id)
                return
        if row.kind is EntryKind.CAPTIONS:
            self._context.session.selection.choose_layer(row.id)
            self._context.notices.show_panel("captions")
        else:
            self._context.notices.say(f"“{row.name}” is not on the timeline yet; drag it there, or append it")

    @Slot(QPoint)
    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        actions = self._context.actions
        for id in _MENU if self.entry is not None else ("file.import",):
            if id:
                menu.addAction(actions.action(id))
            else:
                menu.addSeparator()
        actions.refresh()
        menu.exec(self.list.viewport().mapToGlobal(at))
        menu.deleteLater()

    # --- what came of it --------------------------------------------------------------------------------------------

    @Slot(object)
    def _show_imported(self, found: tuple[Found, ...]) -> None:
        names = ", ".join(one.source.name if isinstance(one, FoundSource) else one.name for one in found)
        self._context.notices.say(f"Imported: {names}")
        for one in found:
            if isinstance(one, FoundSource):
                self.choose(one.source.id)

    @Slot(object)
    def _tell_refused(self, refused: Refused) -> None:
        self._context.notices.show_banner(
            Banner(
                self._context.theme,
                Tone.ERROR,
                f"“{refused.path.name}” was not imported.",
                f"{refused.error}. Nothing was changed.",
                (BannerAction("Import another…", self.import_files),),
            )
        )

    # --- drops ------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._document.is_open and _paths(event):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _paths(event)
        if paths and event.source() is not self.list:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._importing.add(paths)


class _BinList(QListView):
    """The list; drags copy, never move."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setDefaultDropAction(Qt.DropAction.CopyAction)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.show_grid(on=False)

    def show_grid(self, *, on: bool) -> None:
        """Show tiles, or lines."""
        self.setViewMode(QListView.ViewMode.IconMode if on else QListView.ViewMode.ListMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setWrapping(on)
        self.setUniformItemSizes(on)
        self.setGridSize(QSize(110, 102) if on else QSize())
        self.setDragEnabled(True)


def _paths(event: QDropEvent) -> list[Path]:
    """Return the files that are dragged, projects left out: the window opens those."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() != ".dcut" and os.fspath(path)]


def _small_pictures(file: ProjectFile, contents: list[str], cancel: CancelToken) -> dict[str, NDArray[np.uint8]]:
    """Return small pictures by content, uint8 [h, w, 4] in the order blue, green, red; unreadable ones are left out."""
    found = {}
    for content in contents:
        cancel.check()
        try:
            taken = file.take(content)
            picture = decode_picture(taken.data, content)
        except DeltacutError:
            continue
        rgba = picture.rgba if picture.rgba.dtype == np.uint8 else (picture.rgba >> 8).astype(np.uint8)
        scale = _THUMBNAIL_LINES / max(1, rgba.shape[0])
        size = max(1, round(rgba.shape[1] * scale)), _THUMBNAIL_LINES
        small = cv2.resize(np.ascontiguousarray(rgba), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        alpha = small[..., 3:] / 255
        # Over a middle grey, so that white letters and black ones both show.
        over = small[..., :3] * alpha + 96 * (1 - alpha)
        found[content] = np.asarray(cv2.cvtColor(over.astype(np.uint8), cv2.COLOR_RGB2BGRA), np.uint8)
    return found
