"""Opening a target container with the tracks of a source, so that packets can be copied into it unchanged."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from engine.errors import NoSpace, StorageError
from engine.media.containers import Family, family
from engine.media.demux import is_still, opened
from engine.model.media import MediaInfo

_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_BROKEN_STORAGE = frozenset({errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENODEV})

# Written by each muxer in its own words; a copy of the source's would name the wrong program or the wrong length.
_MUXER_OWNED_TAGS = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands", "duration"})
_MUXER_OWNED_TRACK_TAGS = frozenset({"duration"})


@dataclass(frozen=True, slots=True)
class DroppedTrack:
    """A track of the source that the target cannot hold, and why."""

    stream: int
    kind: str
    codec: str
    reason: str


@dataclass(frozen=True, slots=True)
class EditedVideo:
    """What is new about the edited stream's description.

    Attributes:
        stream: its index in the source.
        codec: FFmpeg's name, maybe another than the source's.
        extradata: for the decoder of the packets that will be written.
        time_base: seconds per tick, None for the source's.
        pix_fmt: of the coded pictures, None for the source's.
    """

    stream: int
    codec: str
    extradata: bytes
    time_base: Fraction | None = None
    pix_fmt: str | None = None


class CannotHold(Exception):
    """The target's format cannot hold a stream; a signal between two stages, not an error that is shown."""

    def __init__(self, stream: int, reason: str) -> None:
        super().__init__(reason)
        self.stream = stream
        self.reason = reason


@contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn the errors of a full or broken disk into ours; any other error passes.

    Raises:
        NoSpace: the disk, the quota or the permitted file size is used up.
        StorageError: the target cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise NoSpace(f"no space left for {target}: free some, or choose another place") from error
        if error.errno in _BROKEN_STORAGE:
            raise StorageError(f"{target} cannot be written: {error.strerror}") from error
        raise


def is_storage_error(error: Exception) -> bool:
    """Tell whether the disk, not the format, is what failed."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM | _BROKEN_STORAGE


def copy_tracks(
    source: InputContainer,
    target: OutputContainer,
    info: MediaInfo,
    edited: EditedVideo,
    refused: Collection[int],
    further: Callable[[OutputContainer], None] = lambda target: None,
) -> tuple[dict[int, Stream], tuple[DroppedTrack, ...]]:
    """Give the target the source's tracks, tags and chapters, and write its header.

    Args:
        source: open; its streams are the templates.
        target: open, without streams.
        info: the source.
        edited: what changes about the edited stream.
        refused: streams that an earlier attempt found the target cannot hold.
        further: adds tracks behind the source's.

    Returns:
        the target's stream for each stream index of the source, and the tracks left out.

    Raises:
        CannotHold: the target's format cannot hold the edited stream.
    """
    same_family = family(source.format.name) is family(target.format.name)
    streams: dict[int, Stream] = {}
    dropped: list[DroppedTrack] = []
    for stream in source.streams:
        reason = "its packets are not accepted" if stream.index in refused else None
        if stream.index == edited.stream:
            try:
                streams[stream.index] = edited_track(stream, target, info, edited, same_family)
            except Exception as error:
                raise CannotHold(stream.index, words(error)) from error
            continue
        if isinstance(stream, VideoStream) and is_still(stream) and target.format.name == "matroska":
            _attach_cover(stream, target)
            continue
        if reason is None:
            reason = _refusal(stream, target, same_family)
        if reason is None:
            streams[stream.index] = copied_track(stream, target, same_family)
        else:
            dropped.append(DroppedTrack(stream.index, stream.type, _codec_name(stream), reason))
    copy_tags(source, target)
    target.set_chapters(source.chapters())
    further(target)
    try:
        target.start_encoding()
    except Exception as error:
        if is_storage_error(error):
            raise
        raise CannotHold(edited.stream, words(error)) from error
    return streams, tuple(dropped)


def copy_tags(source: InputContainer, target: OutputContainer) -> None:
    """Give the target the source's tags, but for those that a muxer writes in its own words."""
    target.metadata.update({k: v for k, v in source.metadata.items() if k.lower() not in _MUXER_OWNED_TAGS})


def edited_track(
    stream: Stream, target: OutputContainer, info: MediaInfo, edited: EditedVideo, same_family: bool
) -> Stream:
    """Give the target the edited track: described as the source's, but for what is new about it."""
    same_codec = edited.codec == info.video.codec
    track = copied_track(stream, target, same_family) if same_codec else _track_of_codec(stream, target, info, edited)
    if edited.time_base is not None:
        track.time_base = edited.time_base
    extradata = edited.extradata
    if family(target.format.name) is Family.TRANSPORT and not extradata.startswith(b"\x01"):
        # Given start-code extradata, the muxer would put it into copied keyframes that have no parameter sets.
        track.codec_context.extradata = None
    elif extradata or edited.time_base is not None:
        track.codec_context.extradata = extradata or None
    if edited.codec == "hevc" and family(target.format.name) is Family.ISO and not (same_family and same_codec):
        # Apple's players refuse hev1, which is FFmpeg's default.
        track.codec_context.codec_tag = "hvc1"
    return track


def _track_of_codec(stream: Stream, target: OutputContainer, info: MediaInfo, edited: EditedVideo) -> Stream:
    """Give the target a track of a codec of which the source has no example: an encoder that is not used lends one."""
    video = info.video
    track = target.add_stream(av.Codec(edited.codec, "w").name, rate=video.rate)
    context = track.codec_context
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = video.width, video.height
    context.pix_fmt = edited.pix_fmt or video.pix_fmt
    context.time_base = 1 / video.rate
    context.sample_aspect_ratio = video.sar
    context.color_primaries, context.color_trc = video.colour.primaries, video.colour.transfer
    context.colorspace = video.colour.matrix
    context.color_range = {None: 0, False: 1, True: 2}[video.colour.full_range]
    context.thread_count = 1
    context.options = {"preset": "ultrafast"} if edited.codec in ("h264", "hevc") else {}
    context.open()
    track.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() not in _MUXER_OWNED_TRACK_TAGS})
    track.disposition = stream.disposition
    return track


def copied_track(stream: Stream, target: OutputContainer, same_family: bool) -> Stream:
    """Give the target a track that is described as one of a source; same_family: both formats name codecs alike."""
    track = _bare_track(stream, target)
    track.time_base = stream.time_base
    track.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() not in _MUXER_OWNED_TRACK_TAGS})
    track.disposition = stream.disposition
    if stream.id and family(target.format.name) in (Family.TRANSPORT, Family.ISO) and same_family:
        track.id = stream.id
    if track.codec_context is not None and same_family:
        tag = _codec_tag(stream)
        if tag is not None:
            track.codec_context.codec_tag = tag
    if isinstance(stream, VideoStream) and isinstance(track.codec_context, VideoCodecContext) and stream.average_rate:
        track.codec_context.framerate = stream.average_rate
    if isinstance(stream, VideoStream) and isinstance(track.codec_context, VideoCodecContext):
        # A container's own aspect ratio lies beside the codec's parameters, which are all that a template gives.
        track.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio or Fraction(0, 1)
    return track


def _bare_track(stream: Stream, target: OutputContainer) -> Stream:
    try:
        return target.add_stream_from_template(stream, opaque=True)
    except ValueError:
        if family(target.format.name) is not Family.MATROSKA or stream.type != "audio":
            raise
    # PyAV asks for a codec ID of Matroska's own; what only has a WAVE format tag (Windows Media) is held as well
    # (RFC 9559, codec A_MS/ACM). A filter that does nothing copies the description.
    track = target.add_mux_stream(target.default_audio_codec)
    BitStreamFilterContext("null", stream, track)
    return track


def _attach_cover(stream: VideoStream, target: OutputContainer) -> None:
    """Give a Matroska file a cover as it keeps them: as an attachment (RFC 9559 20.3)."""
    codec = _codec_name(stream)
    suffix, kind = {"png": ("png", "png"), "bmp": ("bmp", "bmp"), "gif": ("gif", "gif")}.get(codec, ("jpg", "jpeg"))
    with opened(Path(stream.container.name)) as reader:
        picture = next(bytes(packet) for packet in reader.demux(reader.streams[stream.index]) if packet.size)
    name = stream.metadata.get("filename", f"cover.{suffix}")
    target.add_attachment(name, stream.metadata.get("mimetype", f"image/{kind}"), picture)


def _refusal(stream: Stream, target: OutputContainer, same_family: bool) -> str | None:
    """Return why the target's format cannot hold a stream, None where it can: a header with it alone is tried."""
    if stream.type == "audio" and stream.container.format.name == target.format.name:
        return None  # it came out of one; some muxers (MXF) write no header without a picture
    if isinstance(stream, VideoStream) and is_still(stream) and family(target.format.name) is not Family.ISO:
        return f"{target.format.name} keeps no covers"
    try:
        with av.open(io.BytesIO(), "w", format=target.format.name) as trial:
            copied_track(stream, trial, same_family)
            trial.start_encoding()
    except Exception as error:
        return words(error)
    return None


def _codec_tag(stream: Stream) -> str | None:
    """Return the stream's codec tag, None where it has none or not one of four 7-bit characters."""
    try:
        tag = stream.codec_context.codec_tag
    except UnicodeDecodeError:
        return None
    return tag if tag != "\0\0\0\0" else None


def _codec_name(stream: Stream) -> str:
    if stream.codec_context is not None:
        return stream.codec_context.codec.canonical_name
    return getattr(stream, "name", None) or "unknown"


def words(error: Exception) -> str:
    """Return FFmpeg's own words for an error."""
    return str(error.args[1]) if isinstance(error, OSError) and len(error.args) > 1 else str(error)
