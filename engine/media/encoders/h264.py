"""H.264 by x264: parameter sets of their own under an id that the source does not use.

`stitchable` makes the sets the same for every quality figure, so all segments of an export share one pair. Frames are
predicted from former ones only: at the quality that is asked for, B-frames take more bytes for the same worst frame
(measured: 10 % over seven films), and without them a segment fits any slots. The picture buffer is still declared as
deep as the source's, so that no decoder resizes it at a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.errors import UnsupportedMedia
from engine.media.bitstream import avcc, h264, h264_sets, nal, sei
from engine.media.bitstream.nal import Framing
from engine.media.encoders import hdr
from engine.media.encoders.common import colour_options, field_order, frame_rate
from engine.media.encoders.context import open_encoder
from engine.media.encoders.plan import (
    CannotEncode,
    ContextFlag,
    EncoderPlan,
    FieldOrder,
    PictureTypes,
    QualityControl,
    QualityScale,
)
from engine.media.quality import source_quality
from engine.model.media import VideoStream

_PROFILES = {
    "Constrained Baseline": "baseline",
    "Baseline": "baseline",
    "Main": "main",
    "Extended": "main",
    "High": "high",
    "High 10": "high10",
    "High 10 Intra": "high10",
    "High 4:2:2": "high422",
    "High 4:2:2 Intra": "high422",
    "High 4:4:4 Predictive": "high444",
    "High 4:4:4 Intra": "high444",
}

_PIX_FMTS = frozenset(
    {
        "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv420p10le", "yuv422p10le",
        "yuv444p10le", "gray", "gray10le",
    }
)  # fmt: skip

# Fidelity to the frames as they are, not to the eye's weighting of them: 20 % fewer bytes at the same PSNR.
_TUNING = "ref=1:psy=0:aq-mode=0:mbtree=0:rc-lookahead=0:b-adapt=0:scenecut=0:weightp=0:ipratio=1.2"

# Of the frames of a rich film the quick way makes a tenth more bytes than the careful one in a quarter of the time; of
# poor or small ones up to a third more. At this quality nearly all bits are residual: blocks smaller than a macroblock
# between frames, and a wider search, would save 2 % of the bytes for a third of the time. One reference frame for both,
# since their parameter sets must be the same: more of them gain 1 %.
_QUICK = (("preset", "veryfast"), ("partitions", "i8x8,i4x4"), ("motion-est", "dia"))
_CAREFUL = (("preset", "medium"), ("partitions", "p8x8,b8x8,i8x8,i4x4"), ("motion-est", "hex"))

_SCALE = QualityScale(
    QualityControl.CRF, finest=4, coarsest=32, first=(15, 20), offset=-6, db_per_step=0.75, growth_per_step=1.14
)

# FFmpeg decodes 4:4:4 with CABAC from older x264 in the wrong way these wrote it, once it has seen such a note.
_FIRST_SOUND_444 = 151


@dataclass(frozen=True, slots=True)
class X264Form:
    """x264's packets in the source's framing, without the note about its settings."""

    framing: Framing

    def unit(self, packet: bytes) -> bytes:
        """Return the packet as a unit of the source's stream."""
        units = (unit for unit in nal.split(packet, Framing.START_CODES) if not _is_note(unit))
        return nal.join(units, self.framing)


def choose(video: VideoStream, packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose x264's settings for a source.

    Args:
        video: the stream.
        packets: some of its packets, to see which ids and settings they use.
        keyframe_interval: frames from one keyframe to the next in long segments.
    """
    profile = _PROFILES.get(video.profile)
    if profile is None or video.pix_fmt not in _PIX_FMTS:
        return CannotEncode(f"the H.264 encoder does not write the profile {video.profile} in {video.pix_fmt}")
    framing, sets = h264.stream(video.extradata)
    if "444" in video.pix_fmt and _written_by_old_x264(packets, framing):
        return CannotEncode("the 4:4:4 pictures of x264 before build 151 cannot stand beside sound ones")
    plan = _plan(video, profile, framing, keyframe_interval)
    if all(sps.chroma_format == 0 for sps in sets.sps.values()) and sets.sps:
        # FFmpeg decodes monochrome pictures with chroma of its own.
        plan = replace(plan, coded_pix_fmt="gray" if video.bit_depth == 8 else f"gray{video.bit_depth}le")
    if profile == "high444" and source_quality(video, packets).quantiser == 0:
        # Quantiser 0 is lossless in this profile (H.264 7.4.2.1.1, qpprime_y_zero_transform_bypass_flag).
        plan = replace(plan, options=(*plan.options, ("qp", "0")), scale=QualityScale(QualityControl.LOSSLESS))
    if framing is Framing.START_CODES:
        number = h264.free_id(video.extradata, packets)
        if number is None:
            return CannotEncode("the stream uses every parameter set id")
        return _with_id(plan, number)
    return _merged(plan, video.extradata, packets)


def _plan(video: VideoStream, profile: str, framing: Framing, keyframe_interval: int) -> EncoderPlan:
    fields = field_order(video)
    reorder = 0 if profile == "baseline" else min(video.reorder_depth, 2)
    options = [
        *_QUICK,
        ("profile", profile),
        ("forced-idr", "1"),
        ("a53cc", "0"),
        *colour_options(video),
        ("x264-params", ":".join((_TUNING, "stitchable=1", *_buffer(reorder), *_hdr(video)))),
    ]
    if video.level > 0:
        options.append(("level", str(video.level)))
    flags = ContextFlag.NONE if fields is FieldOrder.PROGRESSIVE else ContextFlag.INTERLACED_DCT
    if framing is Framing.START_CODES:
        options.append(("aud", "1"))
    else:
        flags |= ContextFlag.GLOBAL_HEADER
    return EncoderPlan(
        codec="h264",
        encoder="libx264",
        width=video.width,
        height=video.height,
        pix_fmt=video.pix_fmt,
        coded_pix_fmt=video.pix_fmt,
        rate=frame_rate(video),
        sar=video.sar,
        field_order=fields,
        picture_types=PictureTypes.INTRA if video.profile.endswith("Intra") else PictureTypes.FORWARD,
        keyframe_interval=1 if video.profile.endswith("Intra") else keyframe_interval,
        flags=flags,
        options=tuple(options),
        scale=_SCALE,
        form=X264Form(framing),
        extradata=video.extradata,
        careful=_CAREFUL,
    )


def _buffer(reorder: int) -> tuple[str, ...]:
    """Declare a picture buffer for B-frames, as the source's; the frames themselves are all told to be P."""
    return (("bframes=0",), ("bframes=1", "b-pyramid=none"), ("bframes=3", "b-pyramid=normal"))[reorder]


def _hdr(video: VideoStream) -> tuple[str, ...]:
    display, light = hdr.mastering_display(video), hdr.content_light(video)
    words = [f"mastering-display={hdr.coded_display(display)}"] if display else []
    return (*words, f"cll={light[0]},{light[1]}") if light else tuple(words)


def _merged(plan: EncoderPlan, extradata: bytes, packets: Sequence[bytes]) -> EncoderPlan | CannotEncode:
    """Add the encoder's parameter sets to the avcC, or use those that an earlier export left there."""
    present, _ = avcc.sets_of(extradata)
    for number in {h264_sets.sps_id_of(unit) for unit in present}:
        again = _with_id(plan, number)
        if _extended(again) == extradata:
            return again
    free = h264.free_id(extradata, packets)
    if free is None:
        return CannotEncode("the stream uses every parameter set id")
    plan = _with_id(plan, free)
    try:
        return replace(plan, extradata=_extended(plan))
    except UnsupportedMedia as error:
        return CannotEncode(str(error))


def _with_id(plan: EncoderPlan, number: int) -> EncoderPlan:
    options = dict(plan.options)
    options["x264-params"] += f":sps-id={number}"
    return replace(plan, options=tuple(options.items()))


def _extended(plan: EncoderPlan) -> bytes:
    """Return the plan's extradata with the parameter sets that its encoder writes."""
    sets = open_encoder(plan, plan.scale.first[0], threads=1).extradata or b""
    return avcc.merge_avcc(plan.extradata, *avcc.sets_of(sets))


def _is_note(unit: bytes) -> bool:
    return unit[0] & 31 == h264.NAL_SEI and bool(sei.encoder_settings([unit], 1))


def _written_by_old_x264(packets: Sequence[bytes], framing: Framing) -> bool:
    build = h264.encoder_settings(packets, framing).get("build", "")
    return build.isdigit() and int(build) < _FIRST_SOUND_444
