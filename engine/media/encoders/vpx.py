"""VP8 and VP9 by libvpx: one shown frame in each packet, none hidden, none looked ahead for.

Every frame may follow any other, and every keyframe starts anew; only its format has to stay what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import vp9
from engine.media.encoders.common import plan_for
from engine.media.encoders.context import sample_packet
from engine.media.encoders.plan import CannotEncode, EncoderPlan, QualityControl, QualityScale
from engine.model.media import VideoStream

_TUNING = (("lag-in-frames", "0"), ("auto-alt-ref", "0"), ("deadline", "good"))

# VP8's constant quality spends most on the keyframe; one quantiser for all takes a third fewer bytes. The bit rate is
# only a bound.
_VP8_TUNING = (*_TUNING, ("cpu-used", "4"), ("b", "200M"))
_VP8_SCALE = QualityScale(
    QualityControl.BOUNDS, finest=2, coarsest=45, first=(10, 20), db_per_step=0.2, growth_per_step=1.05
)

_VP9_TUNING = (*_TUNING, ("cpu-used", "4"), ("row-mt", "1"), ("b", "0"))
# The source's quantiser is a base index up to 255, the figure is one up to 63.
_VP9_SCALE = QualityScale(
    QualityControl.CRF,
    finest=2,
    coarsest=50,
    first=(28, 37),
    per_quantiser=0.25,
    offset=9,
    db_per_step=0.4,
    growth_per_step=1.06,
)

_VP9_PIX_FMTS = frozenset({"yuv420p", "yuv422p", "yuv440p", "yuv444p", "gbrp"})

# color_space of the VP9 specification 7.2.2, as matrix_coefficients of ISO/IEC 23091-2.
_MATRICES = {0: 2, 1: 5, 2: 1, 3: 6, 4: 7, 5: 9, 7: 0}


def choose_vp8(video: VideoStream, _packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the settings for a VP8 source."""
    if video.pix_fmt != "yuv420p":
        return CannotEncode(f"the VP8 encoder does not write {video.pix_fmt}")
    plan = plan_for(video, "libvpx", _VP8_SCALE, _VP8_TUNING, keyframe_interval=keyframe_interval)
    # Its threads wait for each other by spinning: measured, four of them take twenty times as long as one.
    return replace(plan, most_threads=1)


def choose_vp9(video: VideoStream, packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the settings for a VP9 source.

    Args:
        video: the stream.
        packets: some of its packets, a keyframe among them.
        keyframe_interval: frames from one keyframe to the next in long segments.
    """
    if video.pix_fmt not in _VP9_PIX_FMTS:
        return CannotEncode(f"the VP9 encoder here does not write {video.pix_fmt}")
    formats = {found for found in map(_format, packets) if found is not None}
    if len(formats) != 1:
        return CannotEncode(
            "the stream changes its format on the way"
            if formats
            else "the stream shows no VP9 keyframe where it should"
        )
    (source,) = formats
    options = (
        *_VP9_TUNING,
        ("colorspace", str(_MATRICES.get(source.colour_space, 2))),
        ("color_range", "2" if source.full_range else "1"),
    )
    plan = plan_for(video, "libvpx-vp9", _VP9_SCALE, options, keyframe_interval=keyframe_interval)
    try:
        own = _format(sample_packet(plan))
    except UnsupportedMedia as error:
        return CannotEncode(str(error))
    if own is None or own != source:
        return CannotEncode(f"the VP9 encoder does not write the stream's format: {own} instead of {source}")
    return plan


def _format(packet: bytes) -> vp9.Format | None:
    """Return the format of the last keyframe in a packet: spatial layers below it have smaller ones."""
    found = None
    for frame in vp9.frames(packet):
        try:
            found = vp9.frame_head(frame).format or found
        except DamagedMedia:
            return None
    return found
