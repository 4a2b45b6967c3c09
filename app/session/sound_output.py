"""What is heard: the mix, worked out ahead by a thread, and copied to the sound device by its callback.

Where there is no device nothing is heard and nothing is said; playing then goes by the computer's clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread

from app.session.jobs import STACK_BYTES
from engine.errors import DeltacutError
from engine.model.project import Project
from engine.render.audio import PLAYBACK_RATE, Mixer
from engine.render.sound_source import SoundSource

_LOG = logging.getLogger(__name__)
CHANNELS = 2
_RING = PLAYBACK_RATE
"""A second of sound waits at most: a seek throws it away, a busy machine lives from it."""
_BLOCK = 2048

Block = NDArray[np.float32]
Fill = Callable[[Block, float], None]
"""Fills float32 [n, CHANNELS]; told when its first sample will be heard, in seconds of the device's clock."""


class NoDevice(Exception):
    """There is nothing to be heard on."""


class Device(Protocol):
    """A sound device."""

    def open(self, fill: Fill) -> None:
        """Begin to ask for sound.

        Raises:
            NoDevice: there is none.
        """

    def now(self) -> float:
        """Return its clock, in seconds."""

    def close(self) -> None:
        """Ask for no more."""


class _Times(Protocol):
    """What PortAudio tells a callback of time, in seconds of the stream's clock."""

    currentTime: float
    outputBufferDacTime: float


class PortAudio:
    """The system's sound output."""

    def __init__(self) -> None:
        self._stream: Any = None

    def open(self, fill: Fill) -> None:
        """Begin to ask for sound."""
        try:
            import sounddevice  # loading it starts PortAudio, which takes a while and needs its library

            def callback(block: Block, _count: int, times: _Times, _status: object) -> None:
                fill(block, times.outputBufferDacTime or times.currentTime)

            self._stream = sounddevice.OutputStream(
                samplerate=PLAYBACK_RATE, channels=CHANNELS, dtype="float32", latency="low", callback=callback
            )
            self._stream.start()
        except Exception as error:  # the edge to PortAudio; OSError where the library itself is missing
            self._stream = None
            raise NoDevice(str(error)) from error

    def now(self) -> float:
        """Return the stream's clock."""
        return 0.0 if self._stream is None else float(self._stream.time)

    def close(self) -> None:
        """Stop the stream."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()
            stream.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """What is to be heard: a project's mix from a sample on."""

    project: Project
    sounds: Mapping[str, SoundSource]
    start: int


class SoundOutput(QObject):
    """Plays a project's mix and tells how far it is.

    Args:
        device: where to; opened by the thread when first needed.
        parent: its owner.
    """

    def __init__(self, device: Device, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._feeder = _Feeder(device)
        self._volume = 1.0

    def play(self, project: Project, sounds: Mapping[str, SoundSource], start_s: Fraction) -> None:
        """Play a mix from a second of the film on."""
        if self._feeder.is_deaf:
            return
        if not self._feeder.isRunning():
            self._feeder.start()
        self._feeder.set_piece(_Piece(project, sounds, round(start_s * PLAYBACK_RATE)))

    def stop(self) -> None:
        """Fall silent."""
        self._feeder.set_piece(None)

    def set_volume(self, volume: float) -> None:
        """Set how loud it is, 0 to 1."""
        self._feeder.volume = volume

    def played_s(self) -> Fraction | None:
        """Return how many seconds of the piece have been heard, None where nothing can be."""
        return self._feeder.played_s()

    def shut_down(self) -> None:
        """End the thread."""
        self._feeder.end()
        self._feeder.wait()


class _Ring:
    """Samples on their way from one thread to one callback; each side moves its own counter only."""

    def __init__(self) -> None:
        self._samples = np.zeros((_RING, CHANNELS), np.float32)
        self.written = 0
        self.read = 0
        self.mark = (0, 0.0)
        self.is_open = False

    @property
    def room(self) -> int:
        return _RING - (self.written - self.read)

    def write(self, block: Block) -> None:
        at = self.written % _RING
        first = min(len(block), _RING - at)
        self._samples[at : at + first] = block[:first]
        self._samples[: len(block) - first] = block[first:]
        self.written += len(block)

    def fill(self, block: Block, heard_at: float, volume: float) -> None:
        """Copy what there is; silence for the rest. The device calls this, so it takes no lock and makes no array."""
        count = min(len(block), self.written - self.read) if self.is_open else 0
        self.mark = (self.read, heard_at)
        at = self.read % _RING
        first = min(count, _RING - at)
        np.multiply(self._samples[at : at + first], volume, out=block[:first])
        np.multiply(self._samples[: count - first], volume, out=block[first:count])
        block[count:] = 0
        self.read += count


class _Feeder(QThread):
    """Opens the device, mixes ahead."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self.setStackSize(STACK_BYTES)
        # Another one for each piece: what the device is just taking from the former does not matter any more.
        self.ring = _Ring()
        self.volume = 1.0
        self.is_deaf = False
        self._device = device
        self._changed = threading.Condition()
        self._piece: _Piece | None = None
        self._playing: _Piece | None = None
        self._ended = False
        self._is_open = False
        self._latest = Fraction(0)

    @property
    def is_ahead(self) -> bool:
        """Whether the piece that was asked for is being heard, with some of it waiting."""
        ring = self.ring
        return self._playing is not None and self._playing is self._piece and ring.is_open and ring.room < _RING // 2

    def set_piece(self, piece: _Piece | None) -> None:
        with self._changed:
            self._piece = piece
            self._latest = Fraction(0)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def played_s(self) -> Fraction | None:
        if self.is_deaf:
            return None
        with self._changed:
            if self._piece is None:
                return None
            if self._piece is not self._playing or not self.ring.is_open:
                return Fraction(0)
            before, heard_at = self.ring.mark
            if self.ring.read == 0:
                return Fraction(0)
            heard = before / PLAYBACK_RATE + (self._device.now() - heard_at)
            heard = min(max(heard, 0.0), self.ring.read / PLAYBACK_RATE)
            # The device's own times jump a little from block to block; the film does not go back for that.
            self._latest = max(self._latest, Fraction(round(heard * 1_000_000), 1_000_000))
            return self._latest

    def run(self) -> None:
        mixer: Mixer | None = None
        try:
            while True:
                with self._changed:
                    if self._ended:
                        return
                    piece = self._piece
                if piece is None:
                    # Not under the lock: a device may take its time to close, and the main thread would wait for it.
                    self._silent(mixer)
                    mixer = None
                    with self._changed:
                        if self._piece is None and not self._ended:
                            self._changed.wait()
                    continue
                if piece is not self._playing:
                    mixer = self._begun(piece, mixer)
                    if mixer is None:
                        return
                self._feed(piece, mixer)
                with self._changed:
                    if self._piece is piece and not self._ended and self.ring.room < _BLOCK:
                        self._changed.wait(_BLOCK / PLAYBACK_RATE / 2)
        finally:
            self._silent(mixer)

    def _begun(self, piece: _Piece, mixer: Mixer | None) -> Mixer | None:
        """Start a piece; None where there is no device."""
        self.ring = _Ring()
        if mixer is None or self._playing is None or self._playing.project is not piece.project:
            if mixer is not None:
                mixer.close()
            mixer = Mixer(piece.project, piece.sounds)
        if not self._is_open:
            try:
                self._device.open(self._fill)
            except NoDevice as error:
                _LOG.info("no sound: %s", error)
                self.is_deaf = True
                mixer.close()
                return None
            self._is_open = True
        self._playing = piece
        for _ in range(4):
            self._feed(piece, mixer)
        self.ring.is_open = True
        return mixer

    def _fill(self, block: Block, heard_at: float) -> None:
        self.ring.fill(block, heard_at, self.volume)

    def _feed(self, piece: _Piece, mixer: Mixer | None) -> None:
        if mixer is None or self.ring.room < _BLOCK:
            return
        try:
            block = mixer.read(piece.start + self.ring.written, _BLOCK)
        except DeltacutError as error:
            _LOG.warning("silence for sound that cannot be read: %s", error)
            block = np.zeros((CHANNELS, _BLOCK), np.float32)
        self.ring.write(np.ascontiguousarray(block.T))

    def _silent(self, mixer: Mixer | None) -> None:
        """Close the device and the files."""
        self._playing = None
        self.ring = _Ring()
        if self._is_open:
            self._device.close()
            self._is_open = False
        if mixer is not None:
            mixer.close()
