"""Find out what a file is: open it, look at its streams, decode one picture.

Nothing is measured over the whole file here; that is engine.index.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream as AvAudioStream
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideoStream

from engine.errors import DamagedMedia, ProtectedMedia, UnsupportedMedia
from engine.media.bitstream import h264, h264_sets, hevc, hevc_sets
from engine.media.bitstream.parameter_sets import units_of
from engine.media.demux import is_mov, is_still, opened
from engine.media.movie_facts import MovieFacts, read_movie_facts
from engine.model.media import AudioStream, Colour, MediaInfo, OtherStream, VideoStream

_FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
_LAST_CHROMA_LOCATION = 5
"""Of chroma_sample_loc_type (H.264 and H.265, E.2.1); FFmpeg counts from 1."""

_WITHOUT_ALL_PICTURES = frozenset({"theora"})
"""Where a picture that repeats the one before is an empty packet, which no demuxer and no decoder here gives back."""

_FASTEST = 1000
"""Frames per second beyond which a figure is no frame rate."""

_FULL_RANGE = {1: False, 2: True}

# A recording cut out of a broadcast may begin this many packets before the first picture that can be decoded.
_PACKETS_TO_FIRST_PICTURE = 900


def probe(path: Path) -> MediaInfo:
    """Find out what a film is.

    The edited video stream is the one players show: the first that is no cover or thumbnail, one marked as default
    before others.

    Rotation is in degrees clockwise. A display matrix that also mirrors is reported as its rotation alone: the picture
    is edited as it is coded.

    Raises:
        MissingMedia: it is not there.
        DamagedMedia: empty, truncated or not media.
        UnsupportedMedia: no video, or no decoder for it.
        ProtectedMedia: encrypted.
    """
    with opened(path) as container:
        movie = read_movie_facts(path) if is_mov(container.format.name) else MovieFacts()
        stream = _edited_stream(path, container)
        if stream.id in movie.encrypted_tracks:
            raise ProtectedMedia(
                f"{path} is encrypted (Common Encryption, track {stream.id}); only an unprotected copy can be edited"
            )
        return _described(path, container, stream, movie)


def _edited_stream(path: Path, container: InputContainer) -> AvVideoStream:
    videos = [stream for stream in container.streams.video if not is_still(stream)]
    if not videos:
        kinds = ", ".join(
            sorted({stream.type for stream in container.streams if not isinstance(stream, AvVideoStream)})
        )
        raise UnsupportedMedia(f"{path} holds no video (only {kinds or 'a cover'}); give a film with a picture")
    decodable = [stream for stream in videos if stream.codec_context is not None]
    if not decodable:
        raise UnsupportedMedia(
            f"{path}: there is no decoder for its video here ({videos[0]}); convert it to H.264 or HEVC first"
        )
    if all(stream.codec_context.name in _WITHOUT_ALL_PICTURES for stream in decodable):
        raise UnsupportedMedia(
            f"{path}: pictures that repeat the one before are no packets in {decodable[0].codec_context.name}, so they "
            "could not be copied; convert it to H.264, VP9 or AV1 first"
        )
    marked = [stream for stream in decodable if stream.disposition & Disposition.default]
    return (marked or decodable)[0]


def _described(path: Path, container: InputContainer, stream: AvVideoStream, movie: MovieFacts) -> MediaInfo:
    picture = _first_picture(path, container, stream)
    return MediaInfo(
        path=str(path),
        container=container.format.name,
        duration_s=movie.duration_s or Fraction(container.duration or 0, av.time_base),
        bit_rate=container.bit_rate or 0,
        fragmented=movie.fragmented,
        encrypted=False,
        video=_video(stream, picture, movie),
        audio=tuple(described_sound(other) for other in container.streams if isinstance(other, AvAudioStream)),
        others=tuple(
            _other(other)
            for other in container.streams
            if other.index != stream.index and not isinstance(other, AvAudioStream)
        ),
        chapters=len(container.chapters()),
        metadata=tuple(container.metadata.items()),
    )


def _first_picture(path: Path, container: InputContainer, stream: AvVideoStream) -> VideoFrame:
    """Decode the first picture: only a decoder knows a stream's pixel format and HDR side data for certain."""
    codec = stream.codec_context
    codec.thread_count = 1
    read = 0
    for packet in islice(container.demux(stream), _PACKETS_TO_FIRST_PICTURE):
        read += bool(packet.size)
        if packet.has_sidedata("encryption_info"):
            raise ProtectedMedia(f"{path} is encrypted; only an unprotected copy can be edited")
        try:
            pictures = codec.decode(packet)
        except (av.error.InvalidDataError, EOFError):
            continue  # what a cut recording begins with
        if pictures:
            return pictures[0]
    raise DamagedMedia(f"{path}: none of its first {read} video packets gives a picture; try another copy")


def _video(stream: AvVideoStream, picture: VideoFrame, movie: MovieFacts) -> VideoStream:
    codec = stream.codec_context
    # PyAV's stub calls the container of side data a dict of motion vectors.
    side_data = {data.type: bytes(data) for data in cast(Iterable[SideData], picture.side_data)}
    return VideoStream(
        stream=stream.index,
        track_id=stream.id,
        codec=codec.codec.canonical_name,
        codec_tag=codec.codec_tag,
        profile=stream.profile or "",
        level=codec.level,
        pix_fmt=picture.format.name,
        bit_depth=max(component.bits for component in picture.format.components),
        width=picture.width,
        height=picture.height,
        sar=stream.sample_aspect_ratio or codec.sample_aspect_ratio or Fraction(1),
        rotation=clockwise_rotation(side_data.get(SideDataType.DISPLAYMATRIX, b"")),
        field_order=_FIELD_ORDERS.get(codec.field_order, "unknown"),
        time_base=stream.time_base or Fraction(1, av.time_base),
        rate=_rate(stream),
        start_pts=stream.start_time or 0,
        reorder_depth=codec.reorder_depth,
        bit_rate=stream.bit_rate or 0,
        colour=_colour(stream, picture),
        extradata=codec.extradata or b"",
        mastering_display=side_data.get(SideDataType.MASTERING_DISPLAY_METADATA),
        content_light=side_data.get(SideDataType.CONTENT_LIGHT_LEVEL),
        dolby_vision=movie.dolby_vision.get(stream.id),
    )


def _rate(stream: AvVideoStream) -> Fraction:
    """Return the frame rate; a clock rate that FFmpeg takes for one is passed over."""
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return next((rate for rate in rates if rate and 0 < rate <= _FASTEST), Fraction(25))


def clockwise_rotation(matrix: bytes) -> int:
    """Return the degrees (0, 90, 180, 270) by which a player turns the picture clockwise, to the nearest quarter turn.

    Args:
        matrix: FFmpeg's display matrix, nine native int32 (a b u, c d v, x y w) that map a point (p, q) to
            (ap + cq + x, bp + dq + y) with y pointing down (QuickTime File Format, "Matrices"), or empty. A
            mirroring is undone first, as one about the vertical axis.
    """
    if len(matrix) < 36:
        return 0
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    if a * d - b * c < 0:
        a = -a
    return round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360


def _colour(stream: AvVideoStream, picture: VideoFrame) -> Colour:
    codec = stream.codec_context
    full_range = _FULL_RANGE.get(codec.color_range) if codec.color_range else _FULL_RANGE.get(picture.color_range)
    return Colour(
        full_range=True if picture.format.name.startswith("yuvj") else full_range,
        primaries=_specified(codec.color_primaries, picture.color_primaries),
        transfer=_specified(codec.color_trc, picture.color_trc),
        matrix=_specified(codec.colorspace, picture.colorspace),
        chroma_location=_chroma_location(codec.codec.canonical_name, codec.extradata or b""),
    )


def _chroma_location(codec: str, extradata: bytes) -> int:
    """Return FFmpeg's AVChromaLocation, which PyAV does not show, from the sequence parameter set; 0 if unsaid."""
    try:
        match codec:
            case "h264":
                vuis = [h264_sets.parse_sps(u).vui for u in units_of(codec, extradata) if u[0] & 31 == h264.NAL_SPS]
            case "hevc":
                vuis = [
                    hevc_sets.parse_sps(u).vui for u in units_of(codec, extradata) if u[0] >> 1 & 63 == hevc.NAL_SPS
                ]
            case _:
                return 0
    except (DamagedMedia, IndexError):
        return 0
    said = [vui.chroma_location for vui in vuis if vui is not None and vui.chroma_location is not None]
    return said[0] + 1 if said and said[0] <= _LAST_CHROMA_LOCATION else 0


def _specified(of_stream: int, of_picture: int) -> int:
    """Prefer what the container says; 2 is "unspecified"."""
    return int(of_picture if of_stream == 2 else of_stream)


def described_sound(stream: AvAudioStream) -> AudioStream:
    """Return what is known of a sound stream."""
    codec = stream.codec_context
    return AudioStream(
        stream=stream.index,
        codec=codec.codec.canonical_name if codec else "unknown",
        profile=(stream.profile or "") if codec else "",
        channels=codec.channels if codec else 0,
        layout=codec.layout.name if codec else "",
        sample_rate=(codec.sample_rate or 0) if codec else 0,
        time_base=stream.time_base or Fraction(1, av.time_base),
        start_pts=stream.start_time or 0,
        bit_rate=(codec.bit_rate or 0) if codec else 0,
        language=stream.language or "",
        title=stream.metadata.get("title", ""),
    )


def _other(stream: Stream) -> OtherStream:
    codec = stream.codec_context
    kind = "cover" if isinstance(stream, AvVideoStream) and is_still(stream) else stream.type
    return OtherStream(
        stream=stream.index,
        kind=kind,
        codec=codec.codec.canonical_name if codec else getattr(stream, "name", None) or "unknown",
        codec_tag=codec.codec_tag if codec else "",
        language=stream.language or "",
        title=stream.metadata.get("title", ""),
    )
