"""Choose the encoder for a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.media.encoders import av1, h264, hevc, intra, mpeg, mpeg4, vpx
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.model.media import VideoStream

Choice = Callable[[VideoStream, Sequence[bytes], int], EncoderPlan | CannotEncode]

_FAMILIES: dict[str, Choice] = {
    "h264": h264.choose,
    "hevc": hevc.choose,
    "mpeg1video": mpeg.choose,
    "mpeg2video": mpeg.choose,
    "mpeg4": mpeg4.choose,
    "vp8": vpx.choose_vp8,
    "vp9": vpx.choose_vp9,
    "av1": av1.choose,
    "prores": intra.choose_prores,
    "dnxhd": intra.choose_dnxhd,
    "mjpeg": intra.choose_mjpeg,
    "ffv1": intra.choose_ffv1,
}

USUAL_KEYFRAME_INTERVAL = 250
"""Frames from one keyframe to the next in long segments, where the source does not ask for less."""


def choose_encoder(
    video: VideoStream, packets: Sequence[bytes], keyframe_interval: int = USUAL_KEYFRAME_INTERVAL
) -> EncoderPlan | CannotEncode:
    """Choose the encoder and all of its settings but the quality, once for an export.

    Args:
        video: the source's stream.
        packets: some of its packets in decode order, the first one a keyframe's; they tell which parameter set ids are
            taken and how the source was made. A few dozen will do.
        keyframe_interval: frames from one keyframe to the next in long segments.
    """
    family = _FAMILIES.get(video.codec)
    if family is None:
        return CannotEncode(f"there is no encoder here whose frames fit into a {video.codec} stream")
    return family(video, packets, keyframe_interval)
