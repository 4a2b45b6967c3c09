"""What a film is exported for: each preset is a value, read from a JSON file (resources/presets)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from engine.errors import UsageError
from engine.model import codec


class PictureCodec(Enum):
    """How the picture of a delivery is coded."""

    H264 = "h264"
    PRORES = "prores"


class SoundCodec(Enum):
    """How the sound of a delivery is coded, where it cannot be copied."""

    AAC = "aac"
    PCM = "pcm_s24le"


@dataclass(frozen=True, slots=True)
class MatchSource:
    """As the source is: copied but for what changed, checked packet by packet."""


@dataclass(frozen=True, slots=True)
class FilmForm:
    """A film that is encoded as a whole.

    Attributes:
        crf: of H.264, 0 to 51, the lower the finer; other codecs have none.
        most_px: of the shorter side; a larger picture is made smaller. None: the canvas's size.
        sound_kbit: per channel, of a codec with loss.
    """

    picture: PictureCodec
    sound: SoundCodec
    suffix: str
    crf: float = 20.0
    speed: str = "medium"
    most_px: int | None = None
    sound_kbit: int = 96

    def __post_init__(self) -> None:
        if self.suffix not in (".mp4", ".mov") or not 0 <= self.crf <= 51 or not 8 <= self.sound_kbit <= 512:
            raise UsageError(f"impossible film: {self.suffix = }, {self.crf = }, {self.sound_kbit = }")
        if self.most_px is not None and not 16 <= self.most_px <= 16384:
            raise UsageError(f"a film cannot be limited to {self.most_px} pixels")


@dataclass(frozen=True, slots=True)
class SoundOnly:
    """The sound alone: copied where nothing was cut or mixed, else encoded anew."""

    sound_kbit: int = 128


@dataclass(frozen=True, slots=True)
class Pictures:
    """Every frame as a PNG picture, as displayed (8 bits, sRGB), in a folder."""


@dataclass(frozen=True, slots=True)
class Animation:
    """A GIF.

    Attributes:
        rate: pictures per second; GIF counts in hundredths of a second.
        most_px: of the shorter side. longest_s: more would be no GIF to send.
    """

    rate: Fraction = Fraction(25, 2)
    most_px: int = 270
    longest_s: int = 60

    def __post_init__(self) -> None:
        if not 1 <= self.rate <= 50 or not 16 <= self.most_px <= 2160 or self.longest_s <= 0:
            raise UsageError(f"impossible GIF: {self.rate = !s}, {self.most_px = }, {self.longest_s = }")


Form = MatchSource | FilmForm | SoundOnly | Pictures | Animation


@dataclass(frozen=True, slots=True)
class Preset:
    """A way of exporting, under the name that a command gives and the title that a person reads."""

    name: str
    title: str
    description: str
    form: Form
    order: int = 0

    @property
    def suffix(self) -> str:
        """The suffix that a new file gets; empty where the source, its sound, or a folder decides."""
        match self.form:
            case FilmForm(suffix=suffix):
                return suffix
            case Animation():
                return ".gif"
            case _:
                return ""


def read_preset(text: str) -> Preset:
    """Return the preset that a JSON text stands for.

    Raises:
        UsageError: it is none; the message names the place.
    """
    preset: Preset = codec.loads(text, Preset)
    return preset
