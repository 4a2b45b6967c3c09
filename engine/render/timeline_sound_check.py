"""Whether the sound of an export is what was planned: copied packets compared, encoded sound listened to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.media.samples import Samples
from engine.media.sound_cut import SoundPart, joined_sound
from engine.media.sound_packets import raw_packet
from engine.media.stitch import copied_sound
from engine.model.media import AudioStream
from engine.render.timeline_sound import CopiedSound, EncodedSound, SoundPlan
from engine.render.timeline_splice import SplicedSound

Wave = NDArray[np.float64]

_BLOCK = 1 << 15
"""Samples that are compared at a time."""

_IN_STEP = 0.7
"""How like two tracks must be at no offset (normalised correlation) to count as the same sound."""


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
        content = track.content
        if isinstance(content, CopiedSound):
            wanted = [unit.data for unit in copied_sound(content.path, content.stream.stream, Fraction(0))]
            if given != wanted:
                identical = False
                problems.append(f"the packets of sound track {stream.stream} are not the source's")
            continue
        identical = False
        if isinstance(content, SplicedSound):
            planned = [unit.data for unit in content.units(cancel)]
            # A transport stream puts a header of its own before each packet of AAC.
            if [raw_packet(data) if content.form.codec == "aac" else data for data in given] != planned:
                problems.append(f"the packets of sound track {stream.stream} are not those that were to be copied")
        problem = _out_of_step(content, out, stream, begin_s, cancel)
        if problem is not None:
            problems.append(problem)
    return SoundCheck(packets, identical, tuple(problems))


def _out_of_step(
    sound: EncodedSound | SplicedSound, out: Path, stream: AudioStream, begin_s: Fraction, cancel: CancelToken
) -> str | None:
    """Return what is wrong with an encoded track, None where it sounds as it should at the same times."""
    total, form = sound.samples, sound.form
    blocks = sound.blocks(cancel) if isinstance(sound, EncodedSound) else joined_sound(sound.parts, form, cancel)
    wanted = _mono(blocks)
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
