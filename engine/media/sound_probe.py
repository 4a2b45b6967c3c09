"""What a file of sound alone is: music, a voice-over, an effect."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.demux import is_still, opened
from engine.media.probe import described_sound
from engine.model.media import AudioStream


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """A file with sound, whatever else it holds; duration in seconds, exact to the container's clock."""

    path: str
    container: str
    audio: tuple[AudioStream, ...]
    duration_s: Fraction


def probe_sound(path: Path) -> SoundInfo:
    """Find out what sound a file holds.

    Raises:
        MissingMedia: it is not there. DamagedMedia: empty, truncated or not media.
        UnsupportedMedia: it holds no sound, or none that can be decoded here.
    """
    with opened(path) as container:
        streams = container.streams.audio
        if not streams:
            raise UnsupportedMedia(f"{path} holds no sound; give a file with sound in it")
        known = [stream for stream in streams if stream.codec_context is not None]
        if not known:
            raise UnsupportedMedia(f"{path}: there is no decoder for its sound here; convert it to WAV or FLAC first")
        duration_s = max(
            (stream.duration * stream.time_base for stream in known if stream.duration and stream.time_base),
            default=Fraction(container.duration or 0, av.time_base),
        )
        audio = tuple(described_sound(stream) for stream in known)
        if next(container.decode(known[0]), None) is None:
            raise DamagedMedia(f"{path}: its sound cannot be decoded; try another copy")
        return SoundInfo(str(path), container.format.name, audio, duration_s)


def has_picture(path: Path) -> bool:
    """Tell whether a file holds a film: a video track that is no cover.

    Raises:
        MissingMedia, DamagedMedia: it cannot be read.
    """
    with opened(path) as container:
        return any(not is_still(stream) for stream in container.streams.video)
