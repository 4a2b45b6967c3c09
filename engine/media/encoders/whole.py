"""The encoder for a film that must be re-encoded as a whole, in the film's own pixel format.

For streams that no encoder here can join; it owes nothing to the source's parameter sets. A lossless film stays
lossless, as FFV1; any other becomes H.264.
"""

from __future__ import annotations

from dataclasses import replace

from engine.errors import UnsupportedMedia
from engine.media.bitstream import avcc
from engine.media.bitstream.nal import Framing
from engine.media.encoders import h264
from engine.media.encoders.common import colour_options, field_order, plan_for
from engine.media.encoders.context import open_encoder
from engine.media.encoders.plan import (
    CannotEncode,
    ContextFlag,
    EncoderPlan,
    PictureTypes,
    QualityControl,
    QualityScale,
)
from engine.model.media import VideoStream

_LOSSLESS = frozenset(
    {"ffv1", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "lagarith", "rawvideo", "v210", "png", "qtrle", "zlib"}
)

KEYFRAME_INTERVAL = 60
"""Frames between keyframes: short, so that the next change of this film costs little."""


def choose_whole(video: VideoStream, framing: Framing) -> EncoderPlan | CannotEncode:
    """Choose the settings for encoding all of a film anew.

    Args:
        video: the source's stream, of any codec.
        framing: how the target's container frames H.264 packets; START_CODES carries the parameter sets in band.
    """
    if video.codec in _LOSSLESS:
        return _ffv1(video)
    bare = replace(
        video, codec="h264", codec_tag="", profile=_profile(video.pix_fmt), level=0, reorder_depth=0, extradata=b""
    )
    plan = h264.choose(bare, (), KEYFRAME_INTERVAL)
    if isinstance(plan, CannotEncode):
        return CannotEncode(f"{video.codec} in {video.pix_fmt} cannot be re-encoded without changing its pixels")
    if framing is Framing.START_CODES:
        return plan
    plan = replace(
        plan,
        flags=plan.flags | ContextFlag.GLOBAL_HEADER,
        options=tuple((name, value) for name, value in plan.options if name != "aud"),
        form=h264.X264Form(framing),
    )
    sets = open_encoder(plan, plan.scale.first[0], threads=1).extradata or b""
    return replace(plan, extradata=avcc.avcc_from_annexb(sets, framing))


def _ffv1(video: VideoStream) -> EncoderPlan | CannotEncode:
    plan = plan_for(
        replace(video, codec="ffv1", extradata=b""),
        "ffv1",
        QualityScale(QualityControl.LOSSLESS),
        (("level", "3"), ("slicecrc", "1"), ("slices", "4"), *colour_options(video)),
        keyframe_interval=1,
        picture_types=PictureTypes.INTRA,
        fields=field_order(video),
    )
    try:
        return replace(plan, extradata=open_encoder(plan, 0.0, threads=1).extradata or b"")
    except UnsupportedMedia as error:
        return CannotEncode(str(error))


def _profile(pix_fmt: str) -> str:
    if "444" in pix_fmt:
        return "High 4:4:4 Predictive"
    if "422" in pix_fmt:
        return "High 4:2:2"
    return "High 10" if "10" in pix_fmt else "High"
