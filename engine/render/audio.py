"""The film's sound as samples: the storyline's own and the tracks, mixed from the sources each time they are asked for.

Positions count samples of the timeline at the mixer's rate. Playback, export and the meter all ask the same mixer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.media.loudness import Loudness, measured_loudness
from engine.media.samples import Samples
from engine.media.sound_cut import FADE_MS
from engine.media.sound_read import SoundReaders, channel_count
from engine.model.project import Project
from engine.model.sound import AudioItem, Ducking, SoundRole, TrackSettings
from engine.model.sound_runs import SoundRun, heard_tracks, original_is_heard, start_of, storyline_sound
from engine.model.timeline import TimelineMap
from engine.render.audio_duck import SpeechGate, ducked_db
from engine.render.sound_source import SoundSource

PLAYBACK_RATE = 48_000
PEAK_LIMIT_DBTP = -1.0
"""The most that normalising may leave as true peak (EBU R 128)."""

_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True)
class _Voice:
    """A run of one sound stream on the timeline, in samples; `item` where it has gains and fades of its own."""

    start: int
    stop: int
    source: SoundSource
    stream: int
    source_start: int
    gain_db: float
    fade_in: int
    fade_out: int
    item: AudioItem | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Bus:
    """A track, what sounds on it, and when: int64 [voices] each."""

    id: str
    settings: TrackSettings
    voices: tuple[_Voice, ...]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]


class Mixer:
    """The mix of a project, read in order or from anywhere; for one thread at a time.

    Args:
        project: what is mixed.
        sounds: by source id, the sources that are at hand; of others nothing is heard.
        rate: samples per second.
        layout: the channels of the mix, in FFmpeg's words.
        gain_db: of the whole mix; what normalising found.
    """

    def __init__(
        self,
        project: Project,
        sounds: Mapping[str, SoundSource],
        rate: int = PLAYBACK_RATE,
        layout: str = "stereo",
        gain_db: float = 0.0,
    ) -> None:
        self._rate = rate
        self._channels = channel_count(layout)
        self._gain = np.float32(10 ** (gain_db / 20))
        self._readers = SoundReaders(rate, layout)
        timeline = TimelineMap(project)
        self._count = round(timeline.time_of(timeline.frame_count) * rate)
        self._buses = tuple(_buses(project, timeline, sounds, rate))
        self._gates: dict[str, SpeechGate] = {}

    @property
    def sample_count(self) -> int:
        """Return the samples of the whole film."""
        return self._count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; the next read opens them again."""
        self._readers.close()

    def read(self, start: int, count: int) -> Samples:
        """Return float32 [channels, count], the mix from sample `start` on; silence outside the film.

        The wave may go beyond 1: nothing is clipped or limited here.

        Raises:
            MissingMedia, DamagedMedia: a source's sound cannot be read.
        """
        result: Samples = np.zeros((self._channels, count), np.float32)
        low, high = max(0, start), min(self._count, start + count)
        if low < high:
            inside = result[:, low - start : high - start]
            for bus in self._buses:
                self._add(bus, low, high - low, inside)
            inside *= self._gain
        return result

    def blocks(self, cancel: CancelToken) -> Iterator[Samples]:
        """Yield the whole mix, float32 [channels, n] at a time.

        Raises:
            MissingMedia, DamagedMedia: a source's sound cannot be read.
            Cancelled: on request.
        """
        for at in range(0, self._count, _BLOCK):
            cancel.check()
            yield self.read(at, min(_BLOCK, self._count - at))

    def _add(self, bus: _Bus, start: int, count: int, result: Samples) -> None:
        wave = self._wave(bus, start, count, "heard")
        if wave is None:
            return
        wave *= np.float32(10 ** (bus.settings.gain_db / 20))
        ducking = bus.settings.ducking
        if ducking is not None:
            wave *= 10 ** (self._ducked(bus, ducking, start, count) / 20)
        result += wave

    def _ducked(self, bus: _Bus, ducking: Ducking, start: int, count: int) -> NDArray[np.float32]:
        gate = self._gates.get(bus.id)
        if gate is None:
            speech = [other for other in self._buses if other is not bus and other.settings.role is SoundRole.SPEECH]

            def read(first: int, number: int) -> Samples:
                total: Samples = np.zeros((self._channels, number), np.float32)
                for other in speech:
                    wave = self._wave(other, first, number, bus.id)
                    if wave is not None:
                        total += wave * np.float32(10 ** (other.settings.gain_db / 20))
                return total

            gate = self._gates[bus.id] = SpeechGate(read, self._rate)
        return ducked_db(gate, ducking, start, count, self._rate)

    def _wave(self, bus: _Bus, start: int, count: int, use: str) -> Samples | None:
        """Return what sounds on a track, its own gain not applied; None where nothing does."""
        total: Samples | None = None
        for number in np.flatnonzero((bus.starts < start + count) & (bus.stops > start)).tolist():
            voice = bus.voices[number]
            low, high = max(start, voice.start), min(start + count, voice.stop)
            stream = voice.source.streams[voice.stream].stream
            # Each voice reads its file by itself: two places of one file in turn would be nothing but seeks.
            key = (use, bus.id, None if voice.item is None else voice.item.id)
            reader = self._readers.reader(voice.source.path, stream, key)
            wave = reader.read(voice.source_start + low - voice.start, high - low)
            if total is None:
                total = np.zeros((self._channels, count), np.float32)
            total[:, low - start : high - start] += wave * _envelope(voice, low, high, self._rate)
        return total


def timeline_sound(
    project: Project, sounds: Mapping[str, SoundSource], start: int, count: int, rate: int = PLAYBACK_RATE
) -> NDArray[np.float32]:
    """Return float32 [count, 2], the mixed stereo sound of the timeline from sample `start` on, for playing.

    For one look; what plays on keeps a Mixer, whose files stay open.

    Raises:
        MissingMedia, DamagedMedia: a source's sound cannot be read.
    """
    with Mixer(project, sounds, rate) as mixer:
        return np.ascontiguousarray(mixer.read(start, count).T)


def mixed_loudness(
    project: Project,
    sounds: Mapping[str, SoundSource],
    cancel: CancelToken,
    rate: int = PLAYBACK_RATE,
    layout: str = "stereo",
) -> Loudness:
    """Measure the mix of a project, before it is normalised.

    Raises:
        MissingMedia, DamagedMedia: a source's sound cannot be read.
        Cancelled: on request.
    """
    with Mixer(project, sounds, rate, layout) as mixer:
        return measured_loudness(mixer.blocks(cancel), rate, layout, cancel)


def normalising_gain(measured: Loudness, target_lufs: float) -> float:
    """Return the gain in dB that brings sound to a loudness, or as near as its true peak allows.

    No limiter works on the sound: where the peaks would pass PEAK_LIMIT_DBTP, it stays quieter than asked for.
    """
    if measured.integrated_lufs is None or measured.true_peak_dbtp is None:
        return 0.0
    return min(target_lufs - measured.integrated_lufs, PEAK_LIMIT_DBTP - measured.true_peak_dbtp)


def _buses(project: Project, timeline: TimelineMap, sounds: Mapping[str, SoundSource], rate: int) -> Iterator[_Bus]:
    if original_is_heard(project):
        runs = storyline_sound(project)
        voices = [_of_run(runs, number, sounds, rate) for number in range(len(runs))]
        yield _bus("", project.mix.original, voices)
    for track in heard_tracks(project):
        items = [_of_item(project, item, timeline, sounds, rate) for item in track.items if not item.muted]
        yield _bus(track.id, track.settings, items)


def _bus(id: str, settings: TrackSettings, voices: Iterable[_Voice | None]) -> _Bus:
    heard = tuple(voice for voice in voices if voice is not None)
    starts, stops = ([voice.start for voice in heard], [voice.stop for voice in heard])
    return _Bus(id, settings, heard, np.array(starts, np.int64), np.array(stops, np.int64))


def _of_run(runs: tuple[SoundRun, ...], number: int, sounds: Mapping[str, SoundSource], rate: int) -> _Voice | None:
    run = runs[number]
    source = sounds.get(run.source_id) if run.source_id is not None else None
    if source is None or not source.streams:
        return None
    start, stop = round(run.start_s * rate), round(run.stop_s * rate)
    fade = min(rate * FADE_MS // 1000, (stop - start) // 2)
    return _Voice(
        start,
        stop,
        source,
        0,
        round(run.source_start_s * rate),
        run.gain_db,
        fade if number else 0,
        fade if number + 1 < len(runs) else 0,
    )


def _of_item(
    project: Project, item: AudioItem, timeline: TimelineMap, sounds: Mapping[str, SoundSource], rate: int
) -> _Voice | None:
    source = sounds.get(item.source_id)
    if source is None or item.stream >= len(source.streams):
        return None
    start_s = start_of(project, item, timeline)
    start = round(start_s * rate)
    return _Voice(
        start,
        round((start_s + item.duration_s) * rate),
        source,
        item.stream,
        round(item.source_start_s * rate),
        item.gain_db,
        round(item.fade_in_s * rate),
        round(item.fade_out_s * rate),
        item,
    )


def _envelope(voice: _Voice, low: int, high: int, rate: int) -> NDArray[np.float32]:
    """Return the factor of each sample: gain, gain points, equal-power fades; float32 [high - low]."""
    where = np.arange(low - voice.start, high - voice.start, dtype=np.float64) + 0.5
    gain = np.full(high - low, 10 ** (voice.gain_db / 20))
    points = voice.item.points if voice.item is not None else ()
    if points:
        times = [float(point.at_s * rate) for point in points]
        gain *= 10 ** (np.interp(where, times, [point.gain_db for point in points]) / 20)
    if voice.fade_in:
        gain *= np.sin(np.clip(where / voice.fade_in, 0, 1) * (np.pi / 2))
    if voice.fade_out:
        gain *= np.sin(np.clip((voice.stop - voice.start - where) / voice.fade_out, 0, 1) * (np.pi / 2))
    result: NDArray[np.float32] = gain.astype(np.float32)
    return result
