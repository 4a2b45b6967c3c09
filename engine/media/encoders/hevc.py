"""HEVC by x265, in the coding tools of the source.

The encoder is told the source's block sizes and switches, so that its slices can use the source's own sequence
parameter set where x265 or an encoder like it made the source; only a picture parameter set joins then, or nothing.
Else its sets join under free ids (see bitstream.hevc_ids). As with H.264, frames refer back only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import hevc, hevc_ids, nal, parameter_sets
from engine.media.bitstream.hevc_sets import Sps, parse_sps
from engine.media.bitstream.nal import Framing
from engine.media.encoders import hdr
from engine.media.encoders.common import colour_options, frame_rate
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
from engine.model.media import VideoStream

_PIX_FMTS = frozenset(
    f"{layout}{depth}" for layout in ("yuv420p", "yuv422p", "yuv444p", "gray", "gbrp") for depth in ("", "10le", "12le")
) | {"yuvj420p", "yuvj422p", "yuvj444p"}

# As with x264: fidelity to the frames as they are. Each frame that is looked ahead at takes 30 MB at 1080p.
_TUNING = (
    "psy-rd=0", "psy-rdoq=0", "aq-mode=0", "cutree=0", "bframes=0", "b-adapt=0", "rc-lookahead=0", "scenecut=0",
    "open-gop=0", "ipratio=1.2", "weightp=0", "frame-threads=2", "wpp=1", "repeat-headers=1", "info=0",
    "log-level=none",
)  # fmt: skip

_PRESET = "superfast"

_SCALE = QualityScale(QualityControl.CRF, finest=4, coarsest=36, first=(18, 25), db_per_step=0.5, growth_per_step=1.16)


@dataclass(frozen=True, slots=True)
class X265Form:
    """x265's packets in the source's framing, naming the picture parameter set they were given.

    Attributes:
        pps_id: of the set that joined the source's.
        in_band: parameter sets to put into keyframes, for streams that carry them there.
    """

    framing: Framing
    pps_id: int
    in_band: tuple[bytes, ...]

    def unit(self, packet: bytes) -> bytes:
        """Return the packet as a unit of the source's stream."""
        renamed = hevc_ids.rewritten(packet, Framing.START_CODES, self.pps_id)
        reframed = nal.reframed(renamed, Framing.START_CODES, self.framing)
        if self.in_band and hevc.picture_type(reframed, self.framing) in (hevc.NAL_IDR_W_RADL, hevc.NAL_IDR_N_LP):
            return parameter_sets.with_sets("hevc", reframed, self.framing, self.in_band)
        return reframed


def choose(video: VideoStream, packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose x265's settings for a source.

    Args:
        video: the stream.
        packets: some of its packets, to see which parameter sets they bring.
        keyframe_interval: frames from one keyframe to the next in long segments.
    """
    if video.pix_fmt not in _PIX_FMTS:
        return CannotEncode(f"the HEVC encoder does not write {video.pix_fmt}")
    framing = hevc.framing(video.extradata)
    if any(_has_layers(packet, framing) for packet in packets):
        return CannotEncode("the stream has a second layer (stereo or scalable), which would be lost")
    try:
        sets = parameter_sets.units_of("hevc", video.extradata)
        sets += parameter_sets.units_in("hevc", packets, framing)
        source = next((parse_sps(unit) for unit in sets if hevc.nal_type(unit[0]) == hevc.NAL_SPS), None)
        if source is None:
            return CannotEncode("the stream has no sequence parameter set")
        if source.vui is not None and source.vui.field_seq:
            return CannotEncode("the stream is coded in single fields")
        return _joined(_plan(video, source, framing, keyframe_interval), sets, framing)
    except (DamagedMedia, UnsupportedMedia) as error:
        return CannotEncode(str(error))


def _plan(video: VideoStream, source: Sps, framing: Framing, keyframe_interval: int) -> EncoderPlan:
    words = [*_TUNING, *_tools(source), *_hdr(video)]
    if framing is Framing.START_CODES:
        words.append("aud=1")
    if video.colour.chroma_location:
        words.append(f"chromaloc={video.colour.chroma_location - 1}")
    return EncoderPlan(
        codec="hevc",
        encoder="libx265",
        width=video.width,
        height=video.height,
        pix_fmt=video.pix_fmt,
        coded_pix_fmt=video.pix_fmt,
        rate=frame_rate(video),
        sar=video.sar,
        field_order=FieldOrder.PROGRESSIVE,
        picture_types=PictureTypes.FORWARD,
        keyframe_interval=keyframe_interval,
        flags=ContextFlag.GLOBAL_HEADER,
        options=(
            ("preset", _PRESET),
            ("forced-idr", "1"),
            ("a53cc", "0"),
            *colour_options(video),
            ("x265-params", ":".join(words)),
        ),
        scale=_SCALE,
        form=X265Form(framing, 0, ()),
        extradata=video.extradata,
    )


def _tools(source: Sps) -> tuple[str, ...]:
    """Return the coding tools of the source's sequence parameter set, as far as x265 has them."""
    rectangles = int(source.amp)
    return (
        f"ctu={max(16, source.ctu)}",
        f"min-cu-size={source.min_cu}",
        f"max-tu-size={source.max_tu}",
        f"tu-inter-depth={min(4, source.tu_inter_depth + 1)}",
        f"tu-intra-depth={min(4, source.tu_intra_depth + 1)}",
        f"rect={rectangles}",
        f"amp={rectangles}",
        f"sao={int(source.sao)}",
        f"strong-intra-smoothing={int(source.strong_intra_smoothing)}",
        f"temporal-mvp={int(source.temporal_mvp)}",
        f"log2-max-poc-lsb={max(4, source.poc_lsb_bits)}",
    )


def _hdr(video: VideoStream) -> tuple[str, ...]:
    display, light = hdr.mastering_display(video), hdr.content_light(video)
    words = [f"master-display={hdr.coded_display(display)}"] if display else []
    return (*words, f"max-cll={light[0]},{light[1]}") if light else tuple(words)


def _joined(plan: EncoderPlan, source: list[bytes], framing: Framing) -> EncoderPlan:
    """Give the plan the parameter sets that its packets will name."""
    headers = open_encoder(plan, plan.scale.first[0], threads=1).extradata or b""
    adaptation = hevc_ids.adaptation(source, nal.split(headers, Framing.START_CODES))
    if framing is Framing.START_CODES:
        return replace(plan, form=X265Form(framing, adaptation.ids.pps, adaptation.sets))
    merged = parameter_sets.merged_extradata("hevc", plan.extradata, adaptation.added)
    return replace(plan, form=X265Form(framing, adaptation.ids.pps, ()), extradata=merged)


def _has_layers(packet: bytes, framing: Framing) -> bool:
    """Tell whether a slice belongs to another layer than the base (H.265 7.3.1.2: nuh_layer_id)."""
    heads = (packet[start : start + 2] for start in nal.starts(packet, framing))
    return any(
        hevc.nal_type(head[0]) < hevc.NAL_VPS and (head[0] & 1 or head[1] >> 3) for head in heads if len(head) == 2
    )
