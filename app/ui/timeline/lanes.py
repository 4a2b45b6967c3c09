"""The feature lanes: which show, what stands on them, and the jumps from one feature to the next."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Slot

from app.session.features import LANES
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.timeline.scene import FeatureLane, LaneMark
from app.ui.timeline.view import TimelineView
from app.workflows.features import marker_edit
from engine.errors import UsageError
from engine.features.timeline_features import FeatureKind


class FeatureLanes(QObject):
    """Shows the lanes that the person wants; the first one that is wanted has the films measured."""

    def __init__(self, context: Context, view: TimelineView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._view = view
        session = context.session
        self._features, self._settings, self._transport = session.features, session.settings, session.transport
        self._document = session.document
        self._features.changed.connect(self._show)
        self._features.running_changed.connect(self._show)
        self._settings.changed.connect(self._setting_changed)
        self._document.films_changed.connect(self._show)

    def specs(self) -> list[ActionSpec]:
        """Return the actions of the lanes."""
        specs = [
            ActionSpec(
                f"lane.{key}",
                f"{name} lane",
                "View/Feature lanes",
                partial(self._toggle, key),
                hindrance=self._needs_film,
                is_on=partial(self._shows, key),
                section=28,
            )
            for key, name in LANES.items()
        ]
        jump = ActionSpec
        return [
            *specs,
            jump(
                "feature.next",
                "Next feature",
                "Playback",
                partial(self._jump, 1),
                "Ctrl+Down",
                "",
                self._needs_found,
                section=25,
            ),
            jump(
                "feature.previous",
                "Previous feature",
                "Playback",
                partial(self._jump, -1),
                "Ctrl+Up",
                "",
                self._needs_found,
                section=25,
            ),
            jump(
                "feature.mark", "Set markers at cuts", "Clip/Markers", self._mark, "", "", self._needs_found, section=50
            ),
        ]

    def _needs_film(self) -> str:
        return "" if self._document.project.storyline else "Open a film first"

    def _needs_found(self) -> str:
        return self._needs_film() or ("" if self._features.lanes else "Show a feature lane first (View, Feature lanes)")

    def _shows(self, key: str) -> bool:
        return key in self._settings.choices.lanes

    def _toggle(self, key: str) -> None:
        lanes = self._settings.choices.lanes
        shown = {*lanes} ^ {key}
        if key in shown:
            self._features.try_again()
        self._settings.set(lanes=tuple(lane for lane in LANES if lane in shown))
        self._view.show_lane(key)

    @Slot(str)
    def _setting_changed(self, name: str) -> None:
        if name == "lanes":
            self._show()

    @Slot()
    def _show(self) -> None:
        wanted = self._settings.choices.lanes if self._document.is_open else ()
        if wanted and self._document.films and not self._features.is_measured:
            self._features.measure()
        rate = float(self._document.project.canvas.rate)
        found = self._features.lanes
        shown = []
        for key in wanted:
            lane = found.get(key)
            name = LANES.get(key, key)
            if lane is None:
                shown.append(FeatureLane(key, f"{name} …" if self._features.is_running else name))
                continue
            strongest = max((abs(event.score) for event in lane.events), default=1.0) or 1.0
            marks = tuple(
                LaneMark(
                    event.frames,
                    min(1.0, max(0.2, abs(event.score) / strongest)),
                    event.label,
                    event.label.partition(",")[0] if lane.by else "",
                )
                for event in lane.events
            )
            title = f"{name} (by {lane.by})" if lane.by else name
            shown.append(FeatureLane(key, title, marks, lane.curve, lane.step_s * rate))
        self._view.set_lanes(tuple(shown))
        self._context.actions.refresh_soon()

    def _jump(self, by: int) -> None:
        wanted = self._settings.choices.lanes or tuple(LANES)
        starts = sorted(
            {
                event.frames.start
                for key in wanted
                if key in self._features.lanes
                for event in self._features.lanes[key].events
            }
        )
        frame = self._transport.frame
        beyond = [start for start in starts if (start > frame if by > 0 else start < frame)]
        if beyond:
            self._transport.seek(beyond[0] if by > 0 else beyond[-1])
        else:
            self._context.notices.say("There is no further feature that way")

    def _mark(self) -> None:
        if self._features.found is None:
            return
        try:
            self._document.do(marker_edit(self._features.found, (FeatureKind.CUTS,)))
        except UsageError as error:
            self._context.notices.say(str(error))
