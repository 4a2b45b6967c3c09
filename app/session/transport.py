"""The playhead, and how it moves: by hand, by steps, by playing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal, Slot

from app.session.document import Change, Document
from engine.model.time import Range

LATEST_S = Fraction(1, 10)
"""How late a frame is still shown after a hitch, those after it in quick succession; one later than that is dropped.
Sound that is less than 90 ms ahead of its picture is acceptable (ITU-R BT.1359-1), and this lasts for a moment only."""
_FAST_MS = 8
_LOOK_MS = 4
_LONGEST_WAIT_MS = 50
"""The sound's clock may come to go otherwise than it was seen to."""


class Transport(QObject):
    """Where the playhead stands, in timeline frames, and whether it moves by itself.

    The clock is the computer's own unless `set_clock` gave another that runs (the sound's). A frame waits for its
    picture where `set_pictures` tells of them, as long as it may be late at all.

    Signals:
        frame_changed(int): the playhead. playing_changed: play, pause, speed or direction. loop_changed: the loop.
        clock_restarted(int): it plays on from another frame than it would have come to.
    """

    frame_changed = Signal(int)
    playing_changed = Signal()
    loop_changed = Signal()
    clock_restarted = Signal(int)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._frame = 0
        self._speed = Fraction(0)
        self._loops = False
        self._begun_at = Fraction(0)
        self._elapsed = QElapsedTimer()
        self._clock: Callable[[], Fraction | None] = _no_clock
        self._is_ready: Callable[[int], bool] = _always
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        document.changed.connect(self._follow)
        document.opened.connect(self._begin)
        document.closed.connect(self._begin)

    @property
    def frame(self) -> int:
        """Return the timeline frame under the playhead."""
        return self._frame

    @property
    def speed(self) -> Fraction:
        """Return how fast it plays: 0 stands, 1 is the film's own speed, negative runs back."""
        return self._speed

    @property
    def is_playing(self) -> bool:
        """Whether it moves by itself."""
        return self._speed != 0

    @property
    def loops(self) -> bool:
        """Whether playing goes round between in and out."""
        return self._loops

    @property
    def last_frame(self) -> int:
        """Return the last frame of the film, 0 where there is none."""
        return max(0, self._document.project.frame_count - 1)

    @property
    def playing_range(self) -> Range:
        """Return what is played: the marked range where it loops, else all."""
        project = self._document.project
        if self._loops and project.in_out is not None:
            return project.in_out
        return Range(0, max(1, project.frame_count))

    def seek(self, frame: int) -> None:
        """Put the playhead on a frame; outside the film it stands on its first or last."""
        frame = min(max(frame, 0), self.last_frame)
        if self.is_playing:
            self._restart_clock(frame)
        self._set(frame)
        if self.is_playing:
            self._wait()

    def step(self, frames: int) -> None:
        """Stop, and move by frames."""
        self.pause()
        self.seek(self._frame + frames)

    def step_seconds(self, seconds: int) -> None:
        """Stop, and move by seconds of the film's own time."""
        self.pause()
        timeline = self._document.timeline
        if self._document.project.frame_count:
            self.seek(timeline.frame_at(max(Fraction(0), timeline.time_of(self._frame) + seconds)))

    def play(self, speed: Fraction = Fraction(1)) -> None:
        """Play from the playhead; at the end of what is played it begins anew."""
        if not self._document.project.frame_count or speed == 0:
            self.pause()
            return
        played = self.playing_range
        at_end = self._frame >= played.stop - 1 if speed > 0 else self._frame <= played.start
        if at_end or not played.start <= self._frame < played.stop:
            self._set(played.start if speed > 0 else played.stop - 1)
        self._speed = speed
        self._restart_clock(self._frame)
        self._wait()
        self.playing_changed.emit()

    def pause(self) -> None:
        """Stand still."""
        if self.is_playing:
            self._timer.stop()
            self._speed = Fraction(0)
            self.playing_changed.emit()

    def toggle(self) -> None:
        """Play, or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def shuttle(self, direction: int) -> None:
        """J and L: play that way, each press twice as fast, up to 8 times; against the direction it stops first."""
        speed = self._speed
        if speed * direction < 0:
            self.pause()
        elif speed == 0:
            self.play(Fraction(direction))
        else:
            self.play(Fraction(direction * min(8, abs(int(speed)) * 2)))

    def set_loops(self, loops: bool) -> None:
        """Go round between in and out, or stop at the end."""
        if loops != self._loops:
            self._loops = loops
            self.loop_changed.emit()

    def set_clock(self, clock: Callable[[], Fraction | None]) -> None:
        """Go by another clock: film seconds played since `clock_restarted`, None where it does not run."""
        self._clock = clock

    def set_pictures(self, is_ready: Callable[[int], bool]) -> None:
        """Ask this whether the picture of a frame is there, before the playhead goes on to it."""
        self._is_ready = is_ready

    def _restart_clock(self, frame: int) -> None:
        self._begun_at = self._document.timeline.time_of(frame)
        self._elapsed.restart()
        self.clock_restarted.emit(frame)

    def _played_s(self) -> Fraction:
        """Return how much of the film has played since the clock was last set, in seconds; negative backwards."""
        told = self._clock()
        return Fraction(self._elapsed.nsecsElapsed(), 1_000_000_000) * self._speed if told is None else told

    @Slot()
    def _tick(self) -> None:
        played = self.playing_range
        timeline = self._document.timeline
        at = self._begun_at + self._played_s()
        forwards = self._speed > 0
        last, first = (played.stop - 1, played.start) if forwards else (played.start, played.stop - 1)
        is_over = at >= timeline.time_of(played.stop) if forwards else at < timeline.time_of(played.start)
        due = last if is_over else timeline.frame_at(max(Fraction(0), at))
        shown = self._next_to(due, at)
        if is_over and shown == last:
            self._at_end(first, last)
        elif shown != self._frame and self._may_wait(shown, at) and not self._is_ready(shown):
            self._timer.start(_LOOK_MS)
            return
        else:
            self._set(shown)
        if self.is_playing:
            self._wait()

    def _next_to(self, due: int, at: Fraction) -> int:
        """Return the frame to show where one is due: after a hitch those before it first, unless it is too late."""
        if abs(self._speed) > 1:
            return due
        if self._speed > 0:
            oldest = self._document.timeline.frame_at(max(Fraction(0), at - LATEST_S))
            return min(due, max(self._frame + 1, oldest))
        oldest = self._document.timeline.frame_at(max(Fraction(0), at + LATEST_S))
        return max(due, min(self._frame - 1, oldest))

    def _may_wait(self, frame: int, at: Fraction) -> bool:
        """Tell whether a frame that is due may still come later."""
        if abs(self._speed) > 1:
            return False
        time_of = self._document.timeline.time_of
        return at < time_of(frame) + LATEST_S if self._speed > 0 else at > time_of(frame + 1) - LATEST_S

    def _wait(self) -> None:
        """Wake up when the next frame is due: what is asked for then has its whole time to be painted in.

        A frame that is behind its time gives way to the next one after half of its own.
        """
        timeline, frame = self._document.timeline, self._frame
        begins, ends = timeline.time_of(frame), timeline.time_of(frame + 1)
        at = self._begun_at + self._played_s()
        left = (ends - at if self._speed > 0 else at - begins) / abs(self._speed)
        least = _FAST_MS if abs(self._speed) > 1 else ceil(500 * (ends - begins)) if left < 0 else 1
        self._timer.start(min(max(ceil(1000 * left), least), _LONGEST_WAIT_MS))

    def _at_end(self, anew: int, last: int) -> None:
        if self._loops:
            self._set(anew)
            self._restart_clock(anew)
        else:
            self._set(last)
            self.pause()

    def _set(self, frame: int) -> None:
        if frame != self._frame:
            self._frame = frame
            self.frame_changed.emit(frame)

    @Slot()
    def _begin(self) -> None:
        self.pause()
        self._frame = 0
        self.frame_changed.emit(0)

    @Slot(object)
    def _follow(self, _change: Change) -> None:
        if self._frame > self.last_frame:
            self._set(self.last_frame)


def _no_clock() -> Fraction | None:
    return None


def _always(_frame: int) -> bool:
    return True
