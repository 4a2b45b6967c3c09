"""The sound leads; the pictures follow, and those that come too late are counted."""

from __future__ import annotations

import threading
import wave
from fractions import Fraction

import numpy as np
import pytest

from app.session.importing import Where
from app.session.playback import Playback
from app.session.sound_only import SoundOnly
from app.session.sound_output import CHANNELS, NoDevice, SoundOutput
from engine.model.edits import SetInOut
from engine.model.time import Range
from engine.render.audio import PLAYBACK_RATE, Mixer
from engine.render.sound_source import sounds_of

BLOCK = 480


class Tape:
    """A device that asks for sound when the test says so."""

    def __init__(self) -> None:
        self.fill = None
        self.clock = 100.0
        self.heard: list[np.ndarray] = []
        self.opened = threading.Event()
        self.closed = 0

    def open(self, fill) -> None:
        self.fill = fill
        self.opened.set()

    def now(self) -> float:
        return self.clock

    def close(self) -> None:
        self.fill = None
        self.closed += 1
        self.opened.clear()

    def run(self, seconds: float) -> None:
        """Play so long: each block is heard as soon as it is filled."""
        for _ in range(round(seconds * PLAYBACK_RATE / BLOCK)):
            block = np.empty((BLOCK, CHANNELS), np.float32)
            self.fill(block, self.clock)
            self.clock += BLOCK / PLAYBACK_RATE
            self.heard.append(block)

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate(self.heard)


class Nowhere:
    """No device."""

    def open(self, fill) -> None:
        raise NoDevice("nothing is plugged in")

    def now(self) -> float:
        return 0.0

    def close(self) -> None:
        raise AssertionError("what was not opened is not closed")


def alone_of(session) -> SoundOnly:
    return SoundOnly(session.document, session.jobs)


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def playback(stage, tape):
    output = SoundOutput(tape)
    session = stage.session
    made = Playback(session.document, session.transport, session.settings, output, alone_of(session))
    yield made
    session.transport.pause()
    made.shut_down()


def begin(qtbot, tape, playback) -> None:
    qtbot.waitUntil(lambda: tape.opened.is_set() and playback._output._feeder.is_ahead)


def ring_of(playback: Playback):
    return playback._output._feeder.ring


def test_the_playhead_goes_where_the_sound_is(stage, playback, tape, qtbot):
    transport = stage.session.transport
    transport.play()
    begin(qtbot, tape, playback)
    tape.run(0.4)
    # Frame 10 at 25 frames/s begins at 0.4 s.
    qtbot.waitUntil(lambda: transport.frame == 10)
    tape.run(0.2)
    qtbot.waitUntil(lambda: transport.frame == 15)


def test_what_is_heard_is_the_mix_from_the_playhead_on(stage, playback, tape, qtbot):
    document = stage.session.document
    stage.session.settings.set(volume=1.0)
    stage.session.transport.seek(10)
    stage.session.transport.play()
    begin(qtbot, tape, playback)
    tape.run(0.3)
    with Mixer(document.project, sounds_of(document.films)) as mixer:
        wanted = mixer.read(round(0.4 * PLAYBACK_RATE), len(tape.sound)).T
    np.testing.assert_allclose(tape.sound, wanted, atol=1e-4)
    assert np.abs(tape.sound).max() > 0.01


def test_a_seek_while_playing_plays_on_from_there(stage, playback, tape, qtbot):
    transport = stage.session.transport
    transport.play()
    begin(qtbot, tape, playback)
    tape.run(0.1)
    transport.seek(30)
    assert playback._output.played_s() == 0
    begin(qtbot, tape, playback)
    tape.run(0.2)
    qtbot.waitUntil(lambda: transport.frame == 35)


def test_an_empty_buffer_is_silence_and_stops_the_clock(stage, playback, tape, qtbot):
    transport = stage.session.transport
    transport.play()
    begin(qtbot, tape, playback)
    ring = ring_of(playback)
    ring.is_open = True
    ring.read = ring.written
    block = np.ones((BLOCK, CHANNELS), np.float32)
    tape.fill(block, tape.clock)
    assert not block.any()
    assert ring.read == ring.written


def test_muting_and_volume_change_what_is_heard(stage, playback, tape, qtbot):
    playback.set_volume(0.5)
    stage.session.transport.play()
    begin(qtbot, tape, playback)
    tape.run(0.2)
    half = np.abs(tape.sound).max()
    playback.set_muted(True)
    tape.heard.clear()
    tape.run(0.2)
    assert half > 0
    assert not tape.sound.any()


def test_pausing_closes_the_device(stage, playback, tape, qtbot):
    stage.session.transport.play()
    begin(qtbot, tape, playback)
    stage.session.transport.pause()
    qtbot.waitUntil(lambda: tape.closed == 1)


def test_without_a_device_it_plays_by_the_computers_clock(stage, qtbot):
    session = stage.session
    playback = Playback(
        session.document, session.transport, session.settings, SoundOutput(Nowhere()), alone_of(session)
    )
    session.transport.play()
    qtbot.waitUntil(lambda: session.transport.frame >= 5)
    session.transport.pause()
    assert playback._output.played_s() is None
    playback.shut_down()


def test_faster_and_backwards_are_silent(stage, playback, tape, qtbot):
    transport = stage.session.transport
    transport.seek(40)
    transport.play(Fraction(-2))
    qtbot.waitUntil(lambda: transport.frame < 30)
    assert not tape.opened.is_set()


def test_looping_begins_anew_at_in(stage, playback, tape, qtbot):
    transport = stage.session.transport
    stage.do(SetInOut(Range(5, 10)))
    transport.set_loops(True)
    transport.seek(8)
    transport.play()
    begin(qtbot, tape, playback)
    with qtbot.waitSignal(transport.clock_restarted) as told:
        tape.run(0.13)
    assert told.args == [5]
    assert transport.is_playing


def test_frames_without_a_picture_in_time_are_counted(stage, playback, tape, qtbot):
    transport = stage.session.transport
    transport.play()
    begin(qtbot, tape, playback)
    transport.frame_changed.connect(lambda frame: playback.note_shown(frame) if frame != 4 else None)
    for frame in range(1, 7):
        tape.run(0.04)
        qtbot.waitUntil(lambda frame=frame: transport.frame == frame)
    assert playback.dropped == 1


def test_music_without_a_picture_is_heard_too(stage, playback, tape, qtbot, tmp_path):
    path = tmp_path / "Song.wav"
    tone = (np.sin(np.arange(PLAYBACK_RATE * 2) * 0.05) * 16000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAYBACK_RATE)
        file.writeframes(tone.tobytes())
    session = stage.session
    session.settings.set(volume=1.0)
    session.importing.add([path], Where.INSERT, 0)
    alone = playback._alone
    qtbot.waitUntil(lambda: bool(session.document.project.tracks) and bool(alone.sounds), timeout=20_000)
    document = session.document
    with Mixer(document.project, {**sounds_of(document.films), **alone.sounds}) as mixer:
        wanted = mixer.read(0, PLAYBACK_RATE // 4).T
    with Mixer(document.project, sounds_of(document.films)) as mixer:
        without = mixer.read(0, PLAYBACK_RATE // 4).T
    assert np.abs(wanted - without).max() > 0.1
    session.transport.play()
    begin(qtbot, tape, playback)
    tape.run(0.3)
    count = min(len(tape.sound), len(wanted))
    np.testing.assert_allclose(tape.sound[:count], wanted[:count], atol=1e-4)
