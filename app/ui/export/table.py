"""A plan as a table: what happens to which frames, and why."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.ui.export.causes import Causes
from app.ui.export.strip import CHANGED
from app.ui.theme import Theme
from app.ui.words import timecode
from engine.plan.export_plan import CopySegment, ExportPlan, Reason, RenderSegment

Index = QModelIndex | QPersistentModelIndex
_TOP = QModelIndex()
_LEAST_ROWS, _MOST_ROWS = 3, 12
_SQUARE = 40
_HEADS = ("What happens", "Range", "Frames", "Why")


class PlanModel(QAbstractTableModel):
    """One row for each segment."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._segments: tuple[CopySegment | RenderSegment, ...] = ()
        self._rate = Fraction(25)
        self._causes: Causes | None = None
        self._first = 0

    def show_plan(self, plan: ExportPlan | None, rate: Fraction, causes: Causes | None = None, first: int = 0) -> None:
        """Show a plan, or none.

        Args:
            plan: its segments are the rows.
            rate: of the timecodes.
            causes: names what changes a range of the plan.
            first: the timeline's frame with which the plan begins.
        """
        self._causes = causes
        self._first = first
        self.beginResetModel()
        self._segments = () if plan is None else plan.segments
        self._rate = rate
        self.endResetModel()

    def segment(self, row: int) -> CopySegment | RenderSegment:
        """Return the segment of a row."""
        return self._segments[row]

    def row_of(self, frame: int) -> int | None:
        """Return the row of the segment that holds a frame, None where none does."""
        for number, segment in enumerate(self._segments):
            if frame in segment.frames:
                return number
        return None

    def rowCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else len(self._segments)

    def columnCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else len(_HEADS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | Qt.AlignmentFlag | None:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            return right if section == 2 else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(
        self, index: Index, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QColor | QFont | QIcon | Qt.AlignmentFlag | None:
        segment = self._segments[index.row()]
        rendered = isinstance(segment, RenderSegment)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(segment, index.column())
            case Qt.ItemDataRole.TextAlignmentRole if index.column() == 2:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole:
                if index.column() == 0:
                    return self._theme.colour("strip.reencoded.text" if rendered else "text.2")
                return self._theme.colour("text.1" if rendered else "text.2")
            case Qt.ItemDataRole.DecorationRole if index.column() == 0:
                return QIcon(self._square(segment))
            case Qt.ItemDataRole.FontRole if rendered and index.column() == 0:
                font = QFont()
                font.setWeight(QFont.Weight.DemiBold)
                return font
            case _:
                return None

    def _square(self, segment: CopySegment | RenderSegment) -> QPixmap:
        """Return the mark of a row, in the colours of the strip above."""
        # As fine as any screen is; Qt makes it smaller, but never larger.
        square = QPixmap(_SQUARE, _SQUARE)
        is_tail = isinstance(segment, RenderSegment) and segment.reason not in CHANGED
        if isinstance(segment, CopySegment):
            square.fill(self._theme.colour("strip.copied"))
        else:
            square.fill(self._theme.colour("strip.tail" if is_tail else "strip.reencoded"))
        if is_tail:
            painter = QPainter(square)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.colour("strip.reencoded"), _SQUARE / 8))
            for across in (-0.5, 0.0, 0.5):
                left = across * _SQUARE
                painter.drawLine(QPointF(left, _SQUARE), QPointF(left + _SQUARE, 0))
            painter.end()
        return square

    def _text(self, segment: CopySegment | RenderSegment, column: int) -> str:
        frames = segment.frames
        match column:
            case 0:
                return "Copied" if isinstance(segment, CopySegment) else "Re-encoded"
            case 1:
                first, last = frames.start + self._first, frames.stop - 1 + self._first
                return f"{timecode(first, self._rate)} – {timecode(last, self._rate)}"
            case 2:
                return f"{len(frames):,}"
            case _:
                why = "untouched" if isinstance(segment, CopySegment) else segment.reason.value
                if isinstance(segment, RenderSegment) and segment.reason is Reason.CHANGED and self._causes is not None:
                    return self._causes.words(segment.frames) or "Changed"
                return why[:1].upper() + why[1:]


def plan_table(model: PlanModel, parent: QWidget | None = None) -> QTableView:
    """Return the table of a plan."""
    view = QTableView(parent)
    view.setModel(model)
    view.setAccessibleName("What is copied and what re-encoded")
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setShowGrid(False)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(30)
    view.horizontalHeader().setStretchLastSection(True)
    view.horizontalHeader().setHighlightSections(False)
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    for column, width in enumerate((140, 240, 90)):
        view.setColumnWidth(column, width)
    view.setIconSize(QSize(10, 10))
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return view


def fit_to_rows(view: QTableView, room: int) -> None:
    """Make a table as high as its rows or as the room that there is for it, at least three rows; more scroll."""
    head, one = view.horizontalHeader().sizeHint().height(), view.verticalHeader().defaultSectionSize()
    most = min(_MOST_ROWS, max(_LEAST_ROWS, (room - head) // one))
    rows = min(max(view.model().rowCount(), 1), most)
    view.setFixedHeight(head + rows * one + 2)
