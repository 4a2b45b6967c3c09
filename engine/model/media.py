"""What a media file is, as found by probing it. Facts only, in FFmpeg's own names."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour description; the numbers are those of ISO/IEC 23091-2 (2 = unspecified).

    Attributes:
        full_range: True for full ("pc", yuvj) range, False for limited ("tv"), None where the file does not say.
        chroma_location: FFmpeg's AVChromaLocation (0 = unspecified).
    """

    full_range: bool | None = None
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    chroma_location: int = 0

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer function is PQ (16) or HLG (18)."""
        return self.transfer in (16, 18)


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The video stream that is edited.

    Attributes:
        stream: the stream's index in the file; track_id: the container's own id (MP4 track id, TS PID), 0 if none.
        width, height: size of a decoded frame in pixels, before rotation.
        sar: sample aspect ratio, 1 where unknown.
        rotation: degrees clockwise (0, 90, 180, 270) by which a player turns the frame for display.
        field_order: "progressive", "tt", "bb", "tb", "bt" or "unknown".
        rate: average frame rate. bit_depth: bits per component.
        reorder_depth: FFmpeg's has_b_frames.
        mastering_display, content_light, dolby_vision: the raw side data of the stream, None where absent.
    """

    stream: int
    track_id: int
    codec: str
    codec_tag: str
    profile: str
    level: int
    pix_fmt: str
    bit_depth: int
    width: int
    height: int
    sar: Fraction
    rotation: int
    field_order: str
    time_base: Fraction
    rate: Fraction
    start_pts: int
    reorder_depth: int
    bit_rate: int
    colour: Colour
    extradata: bytes = field(repr=False)
    mastering_display: bytes | None = field(default=None, repr=False)
    content_light: bytes | None = field(default=None, repr=False)
    dolby_vision: bytes | None = field(default=None, repr=False)

    @property
    def display_size(self) -> tuple[int, int]:
        """Return the width and height in pixels after rotation (sample aspect ratio not applied)."""
        return (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class AudioStream:
    """A sound stream; start_pts in ticks of time_base."""

    stream: int
    codec: str
    profile: str
    channels: int
    layout: str
    sample_rate: int
    time_base: Fraction
    start_pts: int
    bit_rate: int
    language: str
    title: str


@dataclass(frozen=True, slots=True)
class OtherStream:
    """A stream that is carried along: subtitles, data, timecode, attachments, cover art, further video."""

    stream: int
    kind: str
    codec: str
    codec_tag: str
    language: str
    title: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A media file.

    Attributes:
        container: FFmpeg's name of the format, e.g. "mov,mp4,m4a,3gp,3g2,mj2".
        duration_s: seconds, exact; 0 where unknown.
        fragmented: an MP4 made of fragments (moof).
        encrypted: the edited stream is CENC-protected.
    """

    path: str
    container: str
    duration_s: Fraction
    bit_rate: int
    fragmented: bool
    encrypted: bool
    video: VideoStream
    audio: tuple[AudioStream, ...]
    others: tuple[OtherStream, ...]
    chapters: int
    metadata: tuple[tuple[str, str], ...]
