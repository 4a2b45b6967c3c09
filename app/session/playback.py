"""Playing: the sound leads, the pictures follow, and those that come too late are counted."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QObject, Signal, Slot

from app.session.document import Document
from app.session.settings import Settings
from app.session.sound_only import SoundOnly
from app.session.sound_output import SoundOutput
from app.session.transport import Transport
from engine.render.sound_source import sounds_of


class Playback(QObject):
    """Ties the playhead to the sound, and counts dropped frames.

    Signals:
        dropped_changed(int): frames that were not shown since playing began.
        sound_changed: the volume, or whether it is muted.
    """

    dropped_changed = Signal(int)
    sound_changed = Signal()

    def __init__(
        self,
        document: Document,
        transport: Transport,
        settings: Settings,
        output: SoundOutput,
        alone: SoundOnly,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._transport = transport
        self._settings = settings
        self._output = output
        self._alone = alone
        self._muted = False
        self._dropped = 0
        self._due: int | None = None
        self._due_shown = False
        self._set_volume()
        transport.set_clock(self._clock)
        transport.clock_restarted.connect(self._restarted)
        transport.playing_changed.connect(self._playing_changed)
        transport.frame_changed.connect(self._moved)
        document.changed.connect(self._project_changed)
        alone.found.connect(self._project_changed)
        settings.changed.connect(self._setting_changed)

    @property
    def dropped(self) -> int:
        """Return how many frames were not shown since playing began."""
        return self._dropped

    @property
    def is_muted(self) -> bool:
        """Whether nothing is to be heard."""
        return self._muted

    @property
    def volume(self) -> float:
        """Return how loud it is, 0 to 1."""
        return self._settings.choices.volume

    def set_muted(self, muted: bool) -> None:
        """Let nothing be heard, or be heard again."""
        self._muted = muted
        self._set_volume()
        self.sound_changed.emit()

    def set_volume(self, volume: float) -> None:
        """Set how loud it is; kept across starts."""
        self._muted = False
        self._settings.set(volume=min(max(volume, 0.0), 1.0))
        self._set_volume()
        self.sound_changed.emit()

    def note_shown(self, frame: int) -> None:
        """Take note that a frame's picture is on the screen."""
        if frame == self._due:
            self._due_shown = True

    def shut_down(self) -> None:
        """Fall silent for good."""
        self._output.shut_down()

    def _clock(self) -> Fraction | None:
        return self._output.played_s() if self._transport.speed == 1 else None

    @Slot(int)
    def _restarted(self, frame: int) -> None:
        self._due, self._due_shown = frame, True
        if self._transport.speed == 1:
            sounds = {**sounds_of(self._document.films), **self._alone.sounds}
            self._output.play(self._document.project, sounds, self._document.timeline.time_of(frame))
        else:
            self._output.stop()

    @Slot()
    def _playing_changed(self) -> None:
        if not self._transport.is_playing:
            self._output.stop()
            self._due = None
        elif self._due == self._transport.frame:
            self._dropped = 0
            self.dropped_changed.emit(0)

    @Slot(int)
    def _moved(self, frame: int) -> None:
        if not self._transport.is_playing or self._due is None or abs(self._transport.speed) > 1:
            return
        passed = abs(frame - self._due) - 1 + (not self._due_shown)
        self._due, self._due_shown = frame, False
        if passed > 0:
            self._dropped += passed
            self.dropped_changed.emit(self._dropped)

    @Slot()
    def _project_changed(self) -> None:
        if self._transport.is_playing:
            self._transport.seek(self._transport.frame)

    @Slot(str)
    def _setting_changed(self, name: str) -> None:
        if name == "volume":
            self._set_volume()
            self.sound_changed.emit()

    def _set_volume(self) -> None:
        # Loudness grows with the square of what a slider shows, about as it is heard.
        self._output.set_volume(0.0 if self._muted else self.volume**2)
