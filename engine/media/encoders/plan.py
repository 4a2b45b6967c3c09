"""What an encoder is told, as values: one plan serves every segment of an export.

A plan decides everything but the quality figure, so that all segments carry the same parameter sets. Nothing here opens
an encoder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntFlag
from fractions import Fraction
from typing import Protocol


class QualityControl(Enum):
    """How an encoder takes its quality figure."""

    CRF = "crf"
    """The option `crf`, as it is."""
    QUANTISER = "quantiser"
    """A fixed quantiser of 2 ** (figure / 6), so that a step means the same as in H.264."""
    BOUNDS = "bounds"
    """The options `qmin` and `qmax`, both as it is."""
    LOSSLESS = "lossless"
    """None: every frame comes back as it went in."""
    FIXED = "fixed"
    """None: the format fixes the size of a frame."""


class Effort(Enum):
    """How much time an encoder takes for a frame."""

    QUICK = "little"
    CAREFUL = "more, for fewer bytes at the same quality"


@dataclass(frozen=True, slots=True)
class QualityScale:
    """The figures an encoder may be given; a higher figure is a coarser picture.

    Attributes:
        finest, coarsest: the bounds of the figure.
        first: the lowest and the highest figure to begin with.
        per_quantiser, offset: what to multiply the source's mean quantiser with and to add to it, to begin with.
        db_per_step, growth_per_step: how much the worst frame's PSNR falls, and by which factor the bytes shrink, when
            the figure rises by one; measured on real films, only used to choose the next figure.
    """

    control: QualityControl
    finest: float = 0.0
    coarsest: float = 0.0
    first: tuple[float, float] = (0.0, 0.0)
    per_quantiser: float = 1.0
    offset: float = 0.0
    db_per_step: float = 0.7
    growth_per_step: float = 1.13


class ContextFlag(IntFlag):
    """FFmpeg's AV_CODEC_FLAG_* that plans set."""

    NONE = 0
    QUARTER_SAMPLE = 1 << 4
    INTERLACED_DCT = 1 << 18
    GLOBAL_HEADER = 1 << 22
    BITEXACT = 1 << 23
    INTERLACED_ME = 1 << 29
    CLOSED_GOP = 1 << 31


class FieldOrder(Enum):
    """Which field of a frame comes first."""

    PROGRESSIVE = "prog"
    TOP_FIRST = "tff"
    BOTTOM_FIRST = "bff"


class PictureTypes(Enum):
    """Which picture types the encoder is told to use; none of them lets frames change their order."""

    INTRA = "every frame for itself"
    FORWARD = "a keyframe first, then frames that refer back"


class PacketForm(Protocol):
    """How an encoder's packet becomes a unit of the source's stream."""

    def unit(self, packet: bytes) -> bytes:
        """Return the packet in the source stream's own packet format."""
        ...


@dataclass(frozen=True, slots=True)
class AsItComes:
    """The encoder's packets are the stream's."""

    def unit(self, packet: bytes) -> bytes:
        """Return the packet."""
        return packet


@dataclass(frozen=True, slots=True)
class EncoderPlan:
    """How every segment of an export is encoded.

    Attributes:
        codec: FFmpeg's name of the codec, also that of the decoder that checks the result.
        encoder: FFmpeg's name of the encoder.
        coded_pix_fmt: what the encoder is given: pix_fmt, or the grey format of its luma where the stream has no
            chroma and the decoder makes it up, or the format of as many bits as the encoder takes.
        rate: frames per second that the encoder is told; time stamps come from the source's slots, not from here.
        options: encoder options, without the quality figure.
        keyframe_interval: frames from one keyframe to the next.
        extradata: the source's, with the parameter sets of the new units added where they had to be.
        clock: seconds per tick of the encoder's own clock where the stream fixes it, None for one tick a frame.
        most_threads: how many threads the encoder may use.
        entry_header: what must stand at the front of the copied unit behind a segment when it does not carry its own
            (sequence header of MPEG-2 and AV1); empty for codecs that name their parameter sets.
        careful: options that take the place of those of the same name where frames get too few bytes: fewer bytes for
            more time, in the same parameter sets. Empty where the encoder has one way only.
    """

    codec: str
    encoder: str
    width: int
    height: int
    pix_fmt: str
    coded_pix_fmt: str
    rate: Fraction
    sar: Fraction
    field_order: FieldOrder
    picture_types: PictureTypes
    keyframe_interval: int
    flags: ContextFlag
    options: tuple[tuple[str, str], ...]
    scale: QualityScale
    form: PacketForm
    extradata: bytes = field(repr=False)
    clock: Fraction | None = None
    most_threads: int = 64
    entry_header: bytes = field(default=b"", repr=False)
    careful: tuple[tuple[str, str], ...] = ()

    def options_for(self, effort: Effort) -> dict[str, str]:
        """Return the encoder's options for an effort."""
        return dict(self.options) | (dict(self.careful) if effort is Effort.CAREFUL else {})


@dataclass(frozen=True, slots=True)
class CannotEncode:
    """No encoder here makes units that fit the source's stream; the reason is a sentence for a person."""

    reason: str
