"""Say what a film is, for people and programs: the answer of `deltacut info`. Pure."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engine.model.frame_index import FrameIndex
from engine.model.gop import is_open_gop, is_vfr, keyframes, longest_gop
from engine.model.media import AudioStream, Colour, MediaInfo, OtherStream, VideoStream

_HDR = {16: "PQ", 18: "HLG"}


def describe(info: MediaInfo, index: FrameIndex) -> dict[str, Any]:
    """Return a film's facts as JSON types.

    Times are float seconds, ratios are text ("30000/1001"), colours the numbers of ISO/IEC 23091-2. `keyframes` are the
    places where a player may start, `max_gop` the most coded frames from one to the next.
    """
    return {
        "path": info.path,
        "container": info.container,
        "duration_s": float(info.duration_s),
        "bit_rate": info.bit_rate,
        "fragmented": info.fragmented,
        "video": _video(info.video, index),
        "audio": [_audio(stream) for stream in info.audio],
        "others": [_other(stream) for stream in info.others],
        "chapters": info.chapters,
        "metadata": dict(info.metadata),
    }


def _video(video: VideoStream, index: FrameIndex) -> dict[str, Any]:
    width, height = video.display_size
    return {
        "stream": video.stream,
        "codec": video.codec,
        "codec_tag": video.codec_tag,
        "profile": video.profile,
        "level": video.level,
        "pix_fmt": video.pix_fmt,
        "bit_depth": video.bit_depth,
        "width": video.width,
        "height": video.height,
        "display_width": width,
        "display_height": height,
        "sample_aspect_ratio": _ratio(video.sar),
        "rotation": video.rotation,
        "field_order": video.field_order,
        "frame_rate": _ratio(video.rate),
        "time_base": _ratio(video.time_base),
        "start_s": float(index.frame_pts[0] * index.time_base) if index.frame_count else 0.0,
        "frames": index.frame_count,
        "hidden_frames": index.unit_count - index.frame_count,
        "keyframes": int(keyframes(index).size),
        "max_gop": longest_gop(index),
        "open_gop": is_open_gop(index),
        "vfr": is_vfr(index),
        "exact_timestamps": index.exact_timestamps,
        "bit_rate": video.bit_rate,
        "colour": _colour(video.colour),
        "hdr": _HDR.get(video.colour.transfer),
        "dolby_vision": video.dolby_vision is not None,
    }


def _colour(colour: Colour) -> dict[str, Any]:
    return {
        "full_range": colour.full_range,
        "primaries": colour.primaries,
        "transfer": colour.transfer,
        "matrix": colour.matrix,
    }


def _audio(stream: AudioStream) -> dict[str, Any]:
    return {
        "stream": stream.stream,
        "codec": stream.codec,
        "profile": stream.profile,
        "channels": stream.channels,
        "layout": stream.layout,
        "sample_rate": stream.sample_rate,
        "start_s": float(stream.start_pts * stream.time_base),
        "bit_rate": stream.bit_rate,
        "language": stream.language,
        "title": stream.title,
    }


def _other(stream: OtherStream) -> dict[str, Any]:
    return {
        "stream": stream.stream,
        "kind": stream.kind,
        "codec": stream.codec,
        "codec_tag": stream.codec_tag,
        "language": stream.language,
        "title": stream.title,
    }


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
