"""The bar below the picture: where the playhead stands, and what moves it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QMenu, QSizePolicy, QSlider, QWidget

from app.session.following import LOOK_AGAIN_BELOW
from app.ui.actions import ActionButton
from app.ui.context import Context
from app.ui.viewer.picture_view import PictureView
from app.ui.widgets import ElidedLabel, Role, icon_button, label, row
from app.ui.widgets.labels import set_tone
from app.ui.words import frames_text, timecode
from engine.model.patch import Follow, Patch
from engine.model.time import Range

_ROOM_FOR_NUMBER, _ROOM_FOR_VOLUME, _ROOM_FOR_FOLLOW = 900, 860, 720


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of a patch's following, and in which tone; word: what stands before it."""

    text: str
    tone: str = "1"
    word: str = "Follow"
    tip: str = ""


class TransportBar(QWidget):
    """44 points high."""

    def __init__(self, context: Context, view: PictureView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(44)
        self._context = context
        self._session = context.session
        self._view = view
        actions = context.actions
        self.time = label("", Role.TIME)
        self.time.setAccessibleName("Timecode")
        self.length = label("", Role.BODY, "3")
        self.number = label("", Role.BODY, "3")
        self.number.setAccessibleName("Frame")
        self._sign = QLabel(self)
        self._word = label("Follow", Role.BODY, "2")
        self.follow = ElidedLabel("", Role.NAME)
        self.follow.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.ways = icon_button(context.theme, "more", "What can be done where following is lost", size=24)
        self.ways.clicked.connect(self._show_ways)
        self._speaker = icon_button(context.theme, "speaker", "Mute")
        self._speaker.setCheckable(True)
        self._speaker.clicked.connect(self._mute)
        self._volume = QSlider(Qt.Orientation.Horizontal)
        self._volume.setRange(0, 100)
        self._volume.setFixedWidth(72)
        self._volume.setAccessibleName("Volume")
        self._volume.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._volume.valueChanged.connect(self._set_volume)
        buttons = [
            ActionButton(actions, id)
            for id in (
                "mark.in",
                "playback.previous_edit",
                "playback.frame_back",
                "playback.toggle",
                "playback.frame_on",
                "playback.next_edit",
                "mark.out",
                "playback.loop",
            )
        ]
        left = QWidget(self)
        left.setLayout(row(self.time, self.length, 4, self.number, None))
        right = QWidget(self)
        right.setLayout(
            row(
                None,
                self._sign,
                self._word,
                self.follow,
                self.ways,
                self._speaker,
                self._volume,
                ActionButton(actions, "view.full_screen"),
                gap=6,
            )
        )
        self._right = right
        middle = row(*buttons, gap=4)
        layout = row(left, gap=8, margins=(12, 0, 8, 0))
        layout.addLayout(middle)
        layout.addWidget(right)
        # Equal shares at both sides keep the buttons under the middle of the picture.
        layout.setStretch(0, 1)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        session = self._session
        view.frame_shown.connect(self._show_time)
        session.transport.frame_changed.connect(self._show_time)
        session.document.changed.connect(self._show)
        session.document.opened.connect(self._show)
        session.selection.changed.connect(self._show_follow)
        session.following.changed.connect(self._show_follow)
        session.jobs.changed.connect(self._show_follow)
        session.playback.sound_changed.connect(self._show_sound)
        context.theme.changed.connect(self._show)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.number.setVisible(self.width() >= _ROOM_FOR_NUMBER)
        self._volume.setVisible(self.width() >= _ROOM_FOR_VOLUME)
        self._show_follow()

    @Slot()
    def _show(self) -> None:
        project = self._session.document.project
        self.length.setText(f"/ {timecode(project.frame_count, project.canvas.rate)}")
        self._sign.setPixmap(self._context.theme.pixmap("follow", "patch.line", 16, self.devicePixelRatioF()))
        self._show_time()
        self._show_follow()
        self._show_sound()

    @Slot()
    def _show_time(self) -> None:
        """Show the number of the picture that shows, not of one that is on its way."""
        project = self._session.document.project
        shown = self._view.shown_frame if self._view.isVisible() else None
        frame = self._session.transport.frame if shown is None else shown
        self.time.setText(timecode(frame, project.canvas.rate))
        self.number.setText(f"Frame {frame:,} of {project.frame_count:,}")

    @Slot()
    def _show_follow(self) -> None:
        patch = self._session.selection.patch
        told = _Told("") if patch is None else self._followed(patch)
        text = told.text
        shows = bool(text) and self.width() >= _ROOM_FOR_FOLLOW
        for part in (self._sign, self.follow):
            part.setVisible(shows)
        # What is chosen must not make the bar, and with it the whole viewer, wider: the sign says it alone.
        self._word.setVisible(shows and self.width() >= _ROOM_FOR_VOLUME)
        self._word.setText(told.word)
        self.follow.setText(text)
        # The text itself shows, where it has no room, what it says.
        for part in (self._sign, self._word):
            part.setToolTip(told.tip)
        self.follow.setAccessibleName(f"{told.word}: {text}")
        self.follow.setAccessibleDescription(told.tip)
        self.follow.setFixedWidth(
            min(self.follow.fontMetrics().horizontalAdvance(text) + 4, max(60, self.width() // 6))
        )
        set_tone(self.follow, told.tone)
        self.ways.setVisible(shows and patch is not None and self._first_doubt(patch) is not None)

    def _first_doubt(self, patch: Patch) -> int | None:
        """Return the first frame of the source on which a patch is lost, else the first to look at; None for none."""
        found = self._session.following.followed(patch.id)
        if found is None:
            return None
        if found.lost:
            return found.lost[0].start
        low = [number for number, value in enumerate(found.confidence) if value < LOOK_AGAIN_BELOW]
        return found.frames.start + low[0] if low else None

    @Slot()
    def _show_ways(self) -> None:
        """Offer what helps a patch that is lost: to look at the place, a further anchor, or an end there."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction("Go to where it is lost").triggered.connect(self._go_to_doubt)
        actions = self._context.actions
        actions.refresh()
        for id in ("patch.new_anchor", "patch.end_here"):
            if actions.has(id):
                menu.addAction(actions.action(id))
        menu.popup(self.ways.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    @Slot()
    def _go_to_doubt(self) -> None:
        patch = self._session.selection.patch
        frame = None if patch is None else self._first_doubt(patch)
        if patch is None or frame is None:
            return
        places = self._session.document.timeline.showing(patch.source_id, Range(frame, frame + 1))
        if places:
            self._session.transport.seek(places[0].start)

    def _followed(self, patch: Patch) -> _Told:
        following = self._session.following
        job, found = following.job(patch.id), following.followed(patch.id)
        count = frames_text(len(patch.frames))
        if job is not None and not job.is_over:
            done = job.progress.fraction if job.progress is not None else 0.0
            return _Told(f"{count}, {100 * done:.0f}%", "2", tip="The motion in the region is being followed")
        motion = patch.effective_motion
        if motion.follow is Follow.STATIC:
            tip = f"It stays where it was drawn, on {count}. Another way is under Follow in the inspector."
            return _Told(count, word="Stays in place", tip=tip)
        if found is None and not patch.shows:
            return _Told(f"{count}, not in the film", "2", tip="It is followed once it is shown")
        if found is None:
            return _Told(f"{count}, not followed yet", "warning")
        lost = sum(map(len, found.lost))
        low = sum(value < LOOK_AGAIN_BELOW for value in found.confidence)
        if lost:
            tip = "A further anchor on a frame on which it is lost helps, or an end before it"
            return _Told(f"lost on {lost:,} of {frames_text(len(found.frames))}", "warning", tip=tip)
        if low:
            tip = f"It moves with what is in the region; look at the {frames_text(low)} on which that is less sure"
            return _Told(f"{frames_text(len(found.frames))}, unsure on {low:,}", "warning", tip=tip)
        whole = len(found.frames)
        sure = f"on all {whole:,} frames" if whole > 1 else "on its one frame"
        return _Told(sure, tip="It moves with what is in the region, surely on every frame")

    @Slot()
    def _show_sound(self) -> None:
        playback = self._session.playback
        self._speaker.setChecked(playback.is_muted)
        self._speaker.setIcon(self._context.theme.icon("muted" if playback.is_muted else "speaker"))
        name = "Sound on" if playback.is_muted else "Mute"
        self._speaker.setToolTip(name)
        self._speaker.setAccessibleName(name)
        if not self._volume.isSliderDown():
            self._volume.blockSignals(True)
            self._volume.setValue(round(100 * playback.volume))
            self._volume.blockSignals(False)

    @Slot()
    def _mute(self) -> None:
        self._session.playback.set_muted(not self._session.playback.is_muted)

    @Slot(int)
    def _set_volume(self, value: int) -> None:
        self._session.playback.set_volume(value / 100)
