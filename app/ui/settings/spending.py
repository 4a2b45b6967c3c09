"""What was spent, by provider and over time, and what may be spent at most."""

from __future__ import annotations

import time
from decimal import Decimal

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QGridLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.context import Context
from app.ui.provider_names import PROVIDER_NAMES
from app.ui.widgets import Role, column, label
from app.ui.words import usd
from app.workflows.preferences import preferences, set_caps
from app.workflows.spending import spending
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from providers.ledger import Caps, Spend, Totals

_HEADS = ("Provider", "Requests", "Estimated", "Billed", "Last used")
_FIGURES = range(1, 4)
_LEAST_USD = 0.01
"""The graph is at least so high: nothing spent is a line at its foot."""


class SpendingPage(QWidget):
    """Totals, a graph, and the two caps."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.project_cap = _amount("Cap for each project")
        self.month_cap = _amount("Cap for each month")
        for field in (self.project_cap, self.month_cap):
            field.editingFinished.connect(self._keep_caps)
        self.table = QTableWidget(0, len(_HEADS))
        self.table.setHorizontalHeaderLabels(list(_HEADS))
        self.table.setAccessibleName("Spending by provider")
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for number in _FIGURES:
            head = self.table.horizontalHeaderItem(number)
            if head is not None:
                head.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.setMaximumHeight(190)
        self.graph = pg.PlotWidget(axisItems={"bottom": pg.DateAxisItem(), "left": _Dollars("left")})
        self.graph.setAccessibleName("Spent over time, in dollars")
        self.graph.setMenuEnabled(False)
        self.graph.setMouseEnabled(x=False, y=False)
        self.graph.hideButtons()
        self._graph_head = label("Spent over time", Role.HEAD)
        self._note = label("", tone="2")
        self._note.setWordWrap(True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.addWidget(label("At most for each project", tone="2"), 0, 0)
        grid.addWidget(self.project_cap, 0, 1)
        grid.addWidget(label("At most for each month", tone="2"), 1, 0)
        grid.addWidget(self.month_cap, 1, 1)
        grid.setColumnStretch(2, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 24, 12)
        layout.setSpacing(12)
        layout.addLayout(column(label("Caps", Role.HEAD), grid))
        layout.addWidget(label("A request that would pass a cap is not sent. 0 means no cap.", Role.SMALL, "3"))
        layout.addWidget(self.table)
        layout.addWidget(self._graph_head)
        layout.addWidget(self.graph, 3)
        layout.addWidget(self._note)
        layout.addStretch(1)
        context.theme.changed.connect(self._colour)
        self._colour()

    def refresh(self) -> None:
        """Read the ledger."""
        try:
            caps = preferences().caps
        except DeltacutError as error:
            self._note.setText(str(error))
            caps = Caps()
        for field, amount in ((self.project_cap, caps.project_usd), (self.month_cap, caps.month_usd)):
            field.blockSignals(True)
            field.setValue(float(amount or 0))
            field.blockSignals(False)
        self._context.session.jobs.start_quietly("Read the ledger", _all).then(self._show, self._failed)

    def _show(self, found: tuple[tuple[Totals, ...], tuple[Spend, ...]]) -> None:
        totals, spends = found
        self.table.setRowCount(len(totals))
        for number, total in enumerate(totals):
            used = time.strftime("%x %H:%M", time.localtime(total.last_used)) if total.last_used else ""
            texts = (
                PROVIDER_NAMES.get(total.provider, total.provider.capitalize()),
                f"{total.requests:,}",
                usd(float(total.estimated_usd)),
                usd(float(total.actual_usd)),
                used,
            )
            for column_number, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                if column_number in _FIGURES:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(number, column_number, cell)
        ordered = sorted(spends, key=lambda spend: spend.at)
        self.graph.clear()
        spent = bool(ordered) and any(spend.counted_usd for spend in ordered)
        if spent:
            times = np.array([spend.at for spend in ordered])
            sums = np.cumsum([float(spend.counted_usd) for spend in ordered])
            pen = pg.mkPen(self._context.theme.colour("focus"), width=2)
            # The last sum still stands now.
            self.graph.plot(np.append(times, time.time()), np.append(sums, sums[-1]), stepMode="right", pen=pen)
            self.graph.setYRange(0.0, max(1.1 * float(sums[-1]), _LEAST_USD), padding=0.0)
        self._graph_head.setVisible(spent)
        self.graph.setVisible(spent)
        self.table.setVisible(bool(totals))
        self._note.setText("" if spent else "Nothing was spent yet.")

    def _failed(self, error: DeltacutError) -> None:
        self._note.setText(str(error))

    @Slot()
    def _keep_caps(self) -> None:
        def amount(field: QDoubleSpinBox) -> Decimal | None:
            return Decimal(f"{field.value():.2f}") if field.value() else None

        try:
            set_caps(Caps(amount(self.project_cap), amount(self.month_cap)))
        except DeltacutError as error:
            self._note.setText(str(error))

    @Slot()
    def _colour(self) -> None:
        theme = self._context.theme
        self.graph.setBackground(theme.colour("surface.1"))
        for name in ("left", "bottom"):
            axis = self.graph.getAxis(name)
            axis.setPen(theme.colour("line.control"))
            axis.setTextPen(theme.colour("text.2"))


class _Dollars(pg.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """An axis of amounts."""

    def tickStrings(self, values: list[float], scale: float, _spacing: float) -> list[str]:
        return [usd(value * scale) for value in values]


def _all(_progress: Progress, _cancel: CancelToken) -> tuple[tuple[Totals, ...], tuple[Spend, ...]]:
    return spending(None)


def _amount(name: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setAccessibleName(name)
    made.setRange(0, 100_000)
    made.setPrefix("$")
    made.setDecimals(2)
    made.setSpecialValueText("No cap")
    return made
