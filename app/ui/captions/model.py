"""The captions of a layer as a table model; a cell that is edited becomes one edit of the project."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.session.document import Document
from app.ui.captions.lines import Line, lines_of, time_of, time_text, with_start, with_stop, with_text
from app.ui.theme import Theme
from engine.errors import EditRefused
from engine.model.layers import Layer

Index = QModelIndex | QPersistentModelIndex
START, END, TEXT, SPEED = range(4)
_HEADS = ("Start", "End", "Text", "Speed")
_NOWHERE = QModelIndex()


class CaptionsModel(QAbstractTableModel):
    """One row for each caption, in the order of the film."""

    def __init__(self, document: Document, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self._layer_id: str | None = None
        self.lines: tuple[Line, ...] = ()
        self._seen: tuple[object, ...] = (None, None, None, None)

    @property
    def layer(self) -> Layer | None:
        """Return the layer that is shown."""
        for layer in self._document.project.layers:
            if layer.id == self._layer_id:
                return layer
        return None

    def show_layer(self, layer_id: str | None) -> None:
        """Show the captions of a layer as they are now."""
        self._layer_id = layer_id
        layer, project = self.layer, self._document.project
        seen = layer, project.storyline, project.sources, project.canvas
        if all(one is other for one, other in zip(seen, self._seen, strict=True)):
            return
        known = self.lines if seen[1:] == self._seen[1:] else ()
        self._seen = seen
        lines = () if layer is None else lines_of(layer, self._document.timeline, known)
        if lines == self.lines:
            return
        if [line.caption.id for line in lines] == [line.caption.id for line in self.lines]:
            self.lines = lines
            self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, SPEED))
            return
        self.beginResetModel()
        self.lines = lines
        self.endResetModel()

    def row_of(self, caption_id: str) -> int:
        """Return the row of a caption, -1 where it is not here."""
        return next((row for row, line in enumerate(self.lines) if line.caption.id == caption_id), -1)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(_HEADS):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == TEXT else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole and section == SPEED:
            return "Characters to read in a second; more than 20 are too many for most people"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        layer = self.layer
        locked = layer is None or layer.settings.locked
        if index.column() == SPEED or locked or not 0 <= index.row() < len(self.lines):
            return flags
        timed = self.lines[index.row()].start_s is not None
        return flags | Qt.ItemFlag.ItemIsEditable if timed or index.column() == TEXT else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self.lines):
            return None
        line, column = self.lines[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                text = _text(line, column)
                return text.replace("\n", " ") if column == TEXT else text
            case Qt.ItemDataRole.EditRole:
                return _text(line, column)
            case Qt.ItemDataRole.ToolTipRole if column == TEXT:
                speed = "" if line.speed is None else f", {line.speed:.0f} characters a second"
                return f"{line.caption.text}\n{time_text(line.start_s)} to {time_text(line.stop_s)}{speed}"
            case Qt.ItemDataRole.ToolTipRole if line.is_fast:
                return f"{line.speed:.0f} characters a second: more than most people read; give it time, or split it"
            case Qt.ItemDataRole.TextAlignmentRole if column != TEXT:
                return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.ForegroundRole:
                if line.is_fast and column == SPEED:
                    return self._theme.colour("stale.fg")
                return self._theme.colour("text.1" if column == TEXT else "text.2")
            case Qt.ItemDataRole.DecorationRole if line.is_fast and column == SPEED:
                return self._theme.icon("warning", "stale.fg")
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not 0 <= index.row() < len(self.lines):
            return False
        line, text = self.lines[index.row()], str(value)
        if text == _text(line, index.column()):
            return False
        try:
            match index.column():
                case 0:
                    edit = with_start(line, time_of(text))
                case 1:
                    edit = with_stop(line, time_of(text))
                case 2:
                    edit = with_text(line, text)
                case _:
                    return False
        except EditRefused as error:
            self._document.refused.emit(str(error))
            return False
        return self._document.do(edit)


def _text(line: Line, column: int) -> str:
    match column:
        case 0:
            return time_text(line.start_s)
        case 1:
            return time_text(line.stop_s)
        case 2:
            return line.caption.text
        case _:
            return "" if line.speed is None else f"{line.speed:.0f}"
