"""Sound beside the storyline's own: tracks of audio items, and how all of it is mixed.

Times are exact seconds: a join is good to the sample, whatever the frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.keyframes import check_value
from engine.model.place import Ripple


class ClipSound(Enum):
    """What happens to the sound of a clip on the storyline."""

    LINKED = "linked"
    """It plays with the picture."""
    DETACHED = "detached"
    """It stands as an item of its own on a sound track."""
    MUTED = "muted"


class SoundRole(Enum):
    """What a sound is, for ducking."""

    SPEECH = "speech"
    MUSIC = "music"
    EFFECTS = "effects"


@dataclass(frozen=True, slots=True)
class AtTime:
    """From `start_s` seconds of the timeline."""

    start_s: Fraction
    ripple: Ripple = Ripple.FOLLOW


@dataclass(frozen=True, slots=True)
class WithClip:
    """In step with a clip's picture: second t of the source sounds where the clip shows it, or would if it went on."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class GainPoint:
    """A gain at a time of an audio item; straight lines (in dB) between points."""

    at_s: Fraction
    gain_db: float


@dataclass(frozen=True, slots=True)
class AudioItem:
    """A part of a source's sound.

    Attributes:
        stream: which of the source's sound streams (0 is the first).
        source_start_s, duration_s: the part that plays, in seconds of the source.
        points: gain over time, from the item's start, in order; added to gain_db.
        fade_in_s, fade_out_s: seconds, equal-power.
    """

    id: str
    source_id: str
    position: AtTime | WithClip
    source_start_s: Fraction
    duration_s: Fraction
    stream: int = 0
    name: str = ""
    gain_db: float = 0.0
    points: tuple[GainPoint, ...] = ()
    fade_in_s: Fraction = Fraction(0)
    fade_out_s: Fraction = Fraction(0)
    muted: bool = False

    def __post_init__(self) -> None:
        check_value("gain", self.gain_db, -120, 60)
        for point in self.points:
            check_value("gain", point.gain_db, -120, 60)
        if self.duration_s <= 0:
            raise EditRefused(f"a sound cannot be {float(self.duration_s):g} s long")
        if min(self.fade_in_s, self.fade_out_s) < 0 or self.fade_in_s + self.fade_out_s > self.duration_s:
            raise EditRefused(
                f"fades of {float(self.fade_in_s):g} s and {float(self.fade_out_s):g} s do not fit into"
                f" {float(self.duration_s):g} s of sound"
            )
        if any(a.at_s >= b.at_s for a, b in zip(self.points, self.points[1:], strict=False)):
            raise EditRefused("gain points must be in order, one per time")


@dataclass(frozen=True, slots=True)
class Ducking:
    """Turn a track down while speech plays elsewhere.

    Attributes:
        by_db: how far. attack_ms, release_ms: how fast down and up again.
    """

    by_db: float = 12.0
    attack_ms: int = 120
    release_ms: int = 600

    def __post_init__(self) -> None:
        check_value("ducking", self.by_db, 0, 60)
        check_value("attack", self.attack_ms, 0, 10_000)
        check_value("release", self.release_ms, 0, 10_000)


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """What the head of a sound track shows. ducking: None for a track that is never turned down."""

    name: str
    role: SoundRole = SoundRole.MUSIC
    gain_db: float = 0.0
    muted: bool = False
    solo: bool = False
    locked: bool = False
    ducking: Ducking | None = None

    def __post_init__(self) -> None:
        check_value("gain", self.gain_db, -120, 60)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """A track of audio items."""

    id: str
    settings: TrackSettings
    items: tuple[AudioItem, ...] = ()


ORIGINAL = TrackSettings("Original", SoundRole.SPEECH)


@dataclass(frozen=True, slots=True)
class Mix:
    """How the storyline's sound and the tracks become the film's.

    Attributes:
        original: the storyline's own sound, as a track.
        keep_original: the untouched sound stays in the export beside the mix, as a track of its own.
        loudness_lufs: the integrated loudness to normalise to (EBU R 128: -23), None to leave it.
    """

    original: TrackSettings = ORIGINAL
    keep_original: bool = False
    loudness_lufs: float | None = None

    def __post_init__(self) -> None:
        if self.loudness_lufs is not None:
            check_value("loudness", self.loudness_lufs, -70, 0)


UNMIXED = Mix()
