"""The encoder for a film that must be re-encoded as a whole, in the film's own pixel format.

For streams that no encoder here can join; it owes nothing to the source's parameter sets. A lossless film stays
lossless, as FFV1; any other becomes H.264, but in containers that do not tell when H.264 pictures are shown.
"""

from __future__ import annotations

from dataclasses import replace

from engine.errors import UnsupportedMedia
from engine.media.bitstream import avcc
from engine.media.bitstream.nal import Framing
from engine.media.containers import Family
from engine.media.encoders import h264, mpeg4
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

# Families that frame H.264 by start codes, with the parameter sets in band.
_IN_BAND = (Family.TRANSPORT, Family.PROGRAM)

# These keep one time for each packet, which does not tell when a picture of H.264 is shown; their own codecs show
# pictures in the order in which they are coded.
_OF_ONE_TIME = {Family.AVI: "mpeg4", Family.ASF: "wmv2"}

KEYFRAME_INTERVAL = 60
"""Frames between keyframes: short, so that the next change of this film costs little."""


def choose_whole(video: VideoStream, target: Family) -> EncoderPlan | CannotEncode:
    """Choose the settings for encoding all of a film anew.

    Args:
        video: the source's stream, of any codec.
        target: the container it is for.
    """
    if video.codec in _LOSSLESS:
        return _ffv1(video)
    if target in _OF_ONE_TIME:
        return _mpeg4_like(video, _OF_ONE_TIME[target])
    framing = Framing.START_CODES if target in _IN_BAND else Framing.LENGTH_4
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


def _mpeg4_like(video: VideoStream, codec: str) -> EncoderPlan | CannotEncode:
    if video.pix_fmt != "yuv420p":
        return CannotEncode(f"{video.pix_fmt} does not fit into {codec}; export to a .mkv or .mp4 file instead")
    plan = plan_for(
        replace(video, codec=codec, extradata=b""),
        codec,
        mpeg4.SCALE,
        mpeg4.TUNING,
        keyframe_interval=KEYFRAME_INTERVAL,
    )
    plan = replace(plan, most_threads=1)
    try:
        return replace(plan, extradata=open_encoder(plan, plan.scale.first[0], threads=1).extradata or b"")
    except UnsupportedMedia as error:
        return CannotEncode(str(error))


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
    except UnsupportedMedia:
        return CannotEncode(
            f"no lossless encoder here takes its pixels ({video.pix_fmt}); "
            "convert the film to FFV1, ProRes or H.264 first"
        )


def _profile(pix_fmt: str) -> str:
    if "444" in pix_fmt:
        return "High 4:4:4 Predictive"
    if "422" in pix_fmt:
        return "High 4:2:2"
    return "High 10" if "10" in pix_fmt else "High"
