"""Measures of the picture: histogram, waveform, vectorscope."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QWidget

from app.session.scene import Scene
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.scopes.measures import Measures, measures
from app.ui.scopes.plots import Plot
from app.ui.widgets import Panel, Role, Segmented, label, row

_VIEW = "scopes"
_EVERY_MS = 120
_KINDS = (("histogram", "Histogram"), ("waveform", "Waveform"), ("vectorscope", "Vectorscope"))


class ScopesPanel(Panel):
    """Measures the frame under the playhead, in the background and only while it is seen."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Scopes", parent)
        self._context = context
        self._session = context.session
        self._kinds = Segmented(context.theme, [(key, text, "") for key, text in _KINDS], "Scope")
        self._kinds.setFixedHeight(30)
        self._kinds.choose("histogram")
        self._kinds.chosen.connect(self._show_kind)
        self.plot = Plot(context.theme)
        self.figures = label("", Role.SMALL, "3")
        self.body.addSpacing(8)
        self.body.addLayout(row(self._kinds, None))
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.figures)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_EVERY_MS)
        self._soon.timeout.connect(self._measure)
        self._session.transport.frame_changed.connect(self._changed)
        self._session.preview.scene_changed.connect(self._changed)
        self._session.preview.worked.connect(self._worked)

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return [
            ActionSpec(f"scopes.{key}", text, "View/Scopes", partial(self._open, key), section=70)
            for key, text in _KINDS
        ]

    def showEvent(self, event: object) -> None:
        self._measure()

    def _open(self, kind: str) -> None:
        self._context.notices.show_panel("scopes")
        self._kinds.choose(kind)
        self._show_kind(kind)

    @Slot(str)
    def _show_kind(self, kind: str) -> None:
        self.plot.show_kind(kind)

    @Slot()
    def _changed(self) -> None:
        # Not for each of thirty frames a second: the eye could not follow, and the pictures need the time.
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _measure(self) -> None:
        preview, frame = self._session.preview, self._session.transport.frame
        if preview.scene is None:
            self.plot.show_measures(None)
            self.figures.setText("")
            return
        if self.isVisible():
            preview.work_out(_VIEW, partial(_measured, frame=frame))

    @Slot(str, object)
    def _worked(self, view: str, result: object) -> None:
        if view != _VIEW or not isinstance(result, Measures):
            return
        self.plot.show_measures(result)
        black, white = result.clipped
        self.figures.setText(f"Frame {result.frame:,} · {black:.1%} black · {white:.1%} white")


def _measured(scene: Scene, frame: int) -> Measures:
    return measures(scene, frame)
