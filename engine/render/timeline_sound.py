"""The sound tracks of a timeline's output: copied where nothing was cut, else joined to the sample and encoded anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import UnsupportedMedia
from engine.media.sound_cut import SoundForm, SoundPart, encoded_sound, form_of, joined_sound
from engine.media.sound_read import Samples
from engine.media.stitch import StitchedSound, copied_sound
from engine.model.media import AudioStream
from engine.model.sound import UNMIXED
from engine.model.sound_runs import SoundRun, sound_is_original, storyline_sound
from engine.render.film import Film
from engine.render.timeline import Timeline

Wave = NDArray[np.float64]

_LOSSLESS = ("pcm_", "flac", "alac")

_BLOCK = 1 << 15
"""Samples that are compared at a time."""

_IN_STEP = 0.7
"""How like two tracks must be at no offset (normalised correlation) to count as the same sound."""


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """A sound track of the output.

    Attributes:
        film, stream: where it comes from, or what its first part is like.
        tags: the reference film's stream whose tags it takes, None where that film has no such track.
        parts: what is joined; empty where the stream's packets are copied, `shift_s` seconds later.
        form: how it is encoded, None where it is copied.
    """

    film: Film
    stream: AudioStream
    tags: int | None
    shift_s: Fraction
    form: SoundForm | None = None
    parts: tuple[SoundPart, ...] = ()

    def stitched(self, cancel: CancelToken) -> StitchedSound:
        """Return its packets for the writer."""
        if self.form is None:
            units = copied_sound(self.film.path, self.stream.stream, self.shift_s)
            return StitchedSound(self.tags, None, self.stream.time_base, units)
        units = encoded_sound(joined_sound(self.parts, self.form, cancel), self.form)
        return StitchedSound(self.tags, self.form, Fraction(1, self.form.rate), units)


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """The sound tracks of an output, and what a person should know about them."""

    tracks: tuple[SoundTrack, ...]
    notes: tuple[str, ...]


def plan_sound(timeline: Timeline) -> SoundPlan:
    """Decide for each sound track whether it is copied or encoded anew.

    Raises:
        UnsupportedMedia: the project mixes sound in, or the sound's codec cannot be encoded here.
    """
    project = timeline.project
    if project.mix != UNMIXED or any(not item.muted for track in project.tracks for item in track.items):
        raise UnsupportedMedia("this project mixes further sounds in, which this version does not render")
    template = timeline.film
    if not template.info.audio:
        template = next((film for film in timeline.films.values() if film.info.audio), template)
    if sound_is_original(project):
        shift_s = -project.picture(timeline.reference).times.time_of(0)
        return SoundPlan(
            tuple(SoundTrack(timeline.film, audio, audio.stream, shift_s) for audio in timeline.film.info.audio), ()
        )
    runs = storyline_sound(project)
    tracks = tuple(
        _cut_track(timeline, template, audio, number, runs) for number, audio in enumerate(template.info.audio)
    )
    notes = tuple(_why_anew(track.stream, track.form) for track in tracks)
    return SoundPlan(tracks, notes)


def _why_anew(stream: AudioStream, form: SoundForm | None) -> str:
    if form is not None and form.codec == stream.codec and stream.codec.startswith(_LOSSLESS):
        return (
            f"the sound track {stream.stream} ({stream.codec}) is written anew without loss, but for the fades at joins"
        )
    if form is not None and form.codec != stream.codec:
        why = f"nothing here writes {stream.codec}"
        return f"the sound track {stream.stream} is re-encoded as a whole, in {form.codec}: {why}"
    return (
        f"the sound track {stream.stream} ({stream.codec}) is re-encoded as a whole: its packets lie in a "
        "fixed grid, and a clip begins at any sample"
    )


def _cut_track(
    timeline: Timeline, template: Film, audio: AudioStream, number: int, runs: Sequence[SoundRun]
) -> SoundTrack:
    form = form_of(audio.codec, audio.sample_rate, audio.layout, audio.channels, audio.bit_rate)
    if form is None:
        # What WebM holds, where Vorbis comes from.
        substitute = "opus" if audio.codec == "vorbis" else "aac"
        form = form_of(substitute, audio.sample_rate, audio.layout, audio.channels, audio.bit_rate)
    assert form is not None
    parts = []
    for run in runs:
        # Each end is rounded by itself: the parts never drift from the picture.
        samples = round(run.stop_s * form.rate) - round(run.start_s * form.rate)
        film = timeline.films[run.source_id] if run.source_id is not None else None
        streams = film.info.audio if film is not None else ()
        if film is None or number >= len(streams):
            parts.append(SoundPart(samples))
        else:
            parts.append(SoundPart(samples, film.path, streams[number].stream, run.source_start_s, run.gain_db))
    tags = audio.stream if template is timeline.film else None
    return SoundTrack(template, audio, tags, Fraction(0), form, tuple(parts))


@dataclass(frozen=True, slots=True)
class SoundCheck:
    """What was found about an output's sound."""

    packets: int
    identical: bool
    problems: tuple[str, ...]


def check_sound(
    plan: SoundPlan, out: Path, streams: Sequence[AudioStream], begin_s: Fraction, cancel: CancelToken
) -> SoundCheck:
    """Read the sound of an export back: copied packets are the source's, joined sound is in step with its parts.

    Args:
        plan: what it should be.
        out: the export.
        streams: its sound streams.
        begin_s: second of the export at which its first picture shows.
        cancel: looked at now and then.

    Raises:
        MissingMedia, DamagedMedia: it cannot be read.
        Cancelled: on request.
    """
    if len(streams) != len(plan.tracks):
        return SoundCheck(0, False, (f"the export holds {len(streams)} sound tracks, not {len(plan.tracks)}",))
    packets, identical, problems = 0, True, []
    for track, stream in zip(plan.tracks, streams, strict=True):
        given = [unit.data for unit in copied_sound(out, stream.stream, Fraction(0))]
        packets += len(given)
        if track.form is None:
            wanted = [unit.data for unit in copied_sound(track.film.path, track.stream.stream, Fraction(0))]
            if given != wanted:
                identical = False
                problems.append(f"the packets of sound track {stream.stream} are not the source's")
            continue
        identical = False
        problem = _out_of_step(track, track.form, out, stream, begin_s, cancel)
        if problem is not None:
            problems.append(problem)
    return SoundCheck(packets, identical, tuple(problems))


def _out_of_step(
    track: SoundTrack, form: SoundForm, out: Path, stream: AudioStream, begin_s: Fraction, cancel: CancelToken
) -> str | None:
    """Return what is wrong with a joined track, None where it sounds like its parts at the same times."""
    total = sum(part.samples for part in track.parts)
    wanted = _mono(joined_sound(track.parts, form, cancel))
    given = _mono(joined_sound((SoundPart(total, out, stream.stream, begin_s),), form, cancel))
    # Where times are rounded to the container's ticks, so is the distance from picture to sound.
    reach = min(_BLOCK // 4, 2 + round(form.rate * stream.time_base))
    both = np.zeros(2 * reach + 1)
    own = other = 0.0
    for ours, theirs in _aligned(given, wanted):
        both += _correlation(ours, theirs, reach)
        own += float(np.dot(ours, ours))
        other += float(np.dot(theirs, theirs))
    quiet = total * 1e-7
    if other <= quiet:
        return None if own <= 4 * quiet else f"sound track {stream.stream} is not silent, as it should be"
    likeness = float(both.max()) / np.sqrt(max(own, 1e-12) * other)
    if likeness < _IN_STEP:
        return f"sound track {stream.stream} is not in step with the picture (likeness {likeness:.2f})"
    return None


def _correlation(one: Wave, other: Wave, reach: int) -> Wave:
    """Return the correlation of two waves at every offset from -reach to reach samples; float64 [2 reach + 1]."""
    size = 1 << (one.size + reach).bit_length()
    both = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    result: Wave = np.concatenate([both[-reach:], both[: reach + 1]])
    return result


def _mono(blocks: Iterator[Samples]) -> Iterator[Wave]:
    for block in blocks:
        yield block.mean(axis=0, dtype=np.float64)


def _aligned(one: Iterator[Wave], other: Iterator[Wave]) -> Iterator[tuple[Wave, Wave]]:
    """Yield pairs of blocks, equally long."""
    held: list[Wave] = [np.zeros(0), np.zeros(0)]
    while True:
        for number, blocks in enumerate((one, other)):
            parts = [held[number]]
            while sum(part.size for part in parts) < _BLOCK and (new := next(blocks, None)) is not None:
                parts.append(new)
            held[number] = np.concatenate(parts)
        size = min(held[0].size, held[1].size)
        if not size:
            return
        yield held[0][:size], held[1][:size]
        held = [part[size:] for part in held]
