"""The tracks over time, and what an export will copy and re-encode."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.session.importing import Where
from app.session.live_plan import Planned
from app.ui.actions import ActionButton, ActionSpec
from app.ui.context import Context
from app.ui.timeline.accessible import tell_focus
from app.ui.timeline.commands import TimelineCommands
from app.ui.timeline.drops import Dropped
from app.ui.timeline.heads import TrackHeads
from app.ui.timeline.lanes import FeatureLanes
from app.ui.timeline.scale import CLOSEST_FRAMES_PER_PX, farthest_frames_per_px
from app.ui.timeline.table import TimelineTable
from app.ui.timeline.tracks import TrackCommands
from app.ui.timeline.view import TimelineView
from app.ui.widgets import Panel, Role, label
from app.ui.words import frames_text, seconds_text, share_text
from engine.model.project import Project
from engine.plan.export_plan import Mode

_SLIDER_STEPS = 1000
_TOOLS = ("select", "razor", "trim", "hand", "zoom")


class TimelinePanel(Panel):
    """The tracks over time, and what an export will copy and re-encode."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Timeline", parent)
        self._context = context
        self.view = TimelineView(context, self)
        self.table = TimelineTable(context, self.view, self)
        self._tracks = TrackCommands(context, self.view, self)
        self._heads = TrackHeads(context, self.view, self._tracks, self)
        self._commands = TimelineCommands(context, self.view, self)
        self._lanes = FeatureLanes(context, self.view, self)
        self._pages = QStackedWidget(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        self.body.addWidget(self._pages, 1)
        tracks = QWidget(self)
        across = QHBoxLayout(tracks)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addLayout(self._tool_column())
        across.addWidget(self._heads)
        across.addWidget(self.view, 1)
        self._pages.addWidget(tracks)
        self._pages.addWidget(self.table)
        self._fill_head()
        self.setMinimumHeight(120)
        session = context.session
        session.live_plan.plan_changed.connect(self._show_plan)
        context.theme.changed.connect(self._show_plan_again)
        session.document.closed.connect(self._show_no_plan)
        self.view.scale_changed.connect(self._show_zoom)
        self.view.hint_changed.connect(context.notices.say)
        self.view.dropped.connect(self._dropped)
        self.view.focus_moved.connect(self._tell_focus)
        session.following.changed.connect(self._show_confidence)
        session.document.opened.connect(self._show_confidence)
        self._show_no_plan()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return [
            *self._commands.specs(),
            *self._lanes.specs(),
            *self._tracks.specs(),
            ActionSpec(
                "view.table",
                "Timeline as a table",
                "View",
                self._toggle_table,
                "Ctrl+Shift+T",
                "list",
                is_on=self._shows_table,
                section=20,
            ),
        ]

    # --- head -------------------------------------------------------------------------------------------------------

    def _fill_head(self) -> None:
        head = self.head
        head.title.hide()
        head.setFixedHeight(36)
        layout = head.layout()
        assert isinstance(layout, QHBoxLayout)
        for number, (id, text) in enumerate(
            (("clip.split", "Split"), ("marker.add", "Marker"), ("view.snapping", "Snap"))
        ):
            layout.insertWidget(number, _WordButton(self._context, id, text))
        self._plan = label("", Role.BODY, "2")
        self._plan.setTextFormat(Qt.TextFormat.RichText)
        self._plan.setObjectName("livePlan")
        # In a narrow window the figures give way before the buttons do.
        self._plan.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._plan.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._zoom = QSlider(Qt.Orientation.Horizontal)
        self._zoom.setRange(0, _SLIDER_STEPS)
        self._zoom.setFixedWidth(128)
        self._zoom.setAccessibleName("Zoom of the timeline")
        self._zoom.setToolTip("Zoom of the timeline")
        self._zoom.valueChanged.connect(self._zoomed)
        layout.insertWidget(layout.count(), self._plan, 1)
        head.add(
            ActionButton(self._context.actions, "view.table"),
            ActionButton(self._context.actions, "timeline.zoom_out"),
            self._zoom,
            ActionButton(self._context.actions, "timeline.zoom_in"),
        )

    def _tool_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(2, 4, 2, 4)
        column.setSpacing(2)
        for tool in _TOOLS:
            column.addWidget(ActionButton(self._context.actions, f"tool.{tool}"))
        column.addStretch(1)
        return column

    # --- the plan in words ------------------------------------------------------------------------------------------

    @Slot(object)
    def _show_plan(self, planned: Planned | None) -> None:
        if planned is None:
            self._show_no_plan()
            return
        plain, rich, tip = plan_words(planned, self._context.theme.colour("strip.reencoded.text").name())
        self._plan.setText(rich)
        self._plan.setToolTip(tip)
        self._plan.setAccessibleName(plain)
        self._plan.setMinimumWidth(min(600, QFontMetrics(self._plan.font()).horizontalAdvance(plain) + 8))

    @Slot()
    def _show_plan_again(self) -> None:
        self._show_plan(self._context.session.live_plan.planned)

    @Slot()
    def _show_no_plan(self) -> None:
        self._plan.setText("")
        self._plan.setAccessibleName("")

    @Slot()
    @Slot(str)
    def _show_confidence(self, _patch_id: str = "") -> None:
        """Draw on each patch how surely it was followed, as far as that is known."""
        following = self._context.session.following
        found = {patch.id: following.followed(patch.id) for patch in self._context.session.document.project.patches}
        self.view.set_confidence(
            {id: (one.window.start, tuple(one.confidence)) for id, one in found.items() if one is not None}
        )

    @Slot()
    def _tell_focus(self) -> None:
        tell_focus(self.view)

    @Slot(object, int, bool)
    def _dropped(self, dropped: Dropped, frame: int, overwrites: bool) -> None:
        importing = self._context.session.importing
        where = Where.OVERWRITE if overwrites else Where.INSERT
        if dropped.paths:
            importing.add(dropped.paths, where, frame)
            return
        before = _items_of(self._context.session.document.project)
        if dropped.picture_id:
            placed = importing.place_picture(dropped.picture_id, frame)
        else:
            placed = importing.place_source(dropped.source_id, where, frame)
        new = _items_of(self._context.session.document.project) - before
        if placed and len(new) == 1:
            # What was put there shows its settings; where it divided a clip, that has a new part as well.
            self._context.session.selection.choose(*new)

    # --- zoom -------------------------------------------------------------------------------------------------------

    @Slot()
    def _show_zoom(self) -> None:
        farthest = self._farthest()
        share = math.log(farthest / self.view.scale.frames_per_px) / math.log(farthest / CLOSEST_FRAMES_PER_PX)
        self._zoom.blockSignals(True)
        self._zoom.setValue(round(min(1.0, max(0.0, share)) * _SLIDER_STEPS))
        self._zoom.blockSignals(False)

    @Slot(int)
    def _zoomed(self, value: int) -> None:
        farthest = self._farthest()
        self.view.set_frames_per_px(farthest * (CLOSEST_FRAMES_PER_PX / farthest) ** (value / _SLIDER_STEPS))

    def _farthest(self) -> float:
        return farthest_frames_per_px(self.view.content.timeline.frame_count, self.view.viewport().width())

    # --- the table --------------------------------------------------------------------------------------------------

    def _toggle_table(self) -> None:
        shows = self._shows_table()
        self._pages.setCurrentIndex(0 if shows else 1)
        (self.view if shows else self.table).setFocus()

    def _shows_table(self) -> bool:
        return self._pages.currentIndex() == 1


class _WordButton(QToolButton):
    """An action with its name beside its icon."""

    def __init__(self, context: Context, id: str, text: str) -> None:
        super().__init__()
        self._context = context
        self._id = id
        self._text = text
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(28)
        context.actions.added.connect(self._bind)
        self._bind()

    @Slot()
    def _bind(self) -> None:
        if self.defaultAction() is None and self._context.actions.has(self._id):
            self.setDefaultAction(self._context.actions.action(self._id))
            self.setText(self._text)
            self.setAccessibleName(self._text)


def plan_words(planned: Planned, colour: str) -> tuple[str, str, str]:
    """Return what a plan says: as plain text, as rich text with the re-encoded part in a colour, and as a tooltip."""
    plan = planned.plan
    if plan is None or planned.estimate is None:
        problem = _escaped(planned.problem)
        return planned.problem, f"Export now: {problem}" if problem else "", planned.problem
    total, rendered = plan.frames_total, plan.frames_rendered
    if not rendered:
        plain = "100% copied · no frame re-encoded"
        words = f"<b>{plain.split(' · ')[0]}</b> · no frame re-encoded"
    else:
        percent = share_text(plan.frames_copied, total)
        count = f"{rendered:,} of {total:,} frames re-encoded"
        plain = f"{percent} copied · {count}"
        words = f'<b>{percent} copied</b> · <b style="color:{colour}">{count}</b>'
        if plan.mode is Mode.FULL:
            plain = f"{count}, nothing copied"
            words = f'<b style="color:{colour}">{count}</b>, nothing copied'
    to_follow = planned.estimate.to_follow.unmeasured
    more = f", plus following {frames_text(to_follow)}" if to_follow else ""
    after = f" · about {seconds_text(planned.estimate.seconds)}{more}"
    tip = "\n".join([plan.reason[:1].upper() + plan.reason[1:], *plan.warnings])
    return f"Export now: {plain}{after}", f"Export now: {words}{after}", tip


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _items_of(project: Project) -> frozenset[str]:
    """Return the ids of all that stands on the timeline."""
    rows = (project.storyline, *(layer.items for layer in project.layers), *(track.items for track in project.tracks))
    return frozenset(item.id for row in rows for item in row)
