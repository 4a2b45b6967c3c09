"""MPEG-4 part 2 by FFmpeg's own encoder, for the source's own layer header.

New pictures bring no header, unless the source's keyframes do: a header that says otherwise in the middle of a stream
costs decoders a frame. So the encoder must be one whose pictures mean the same under the source's header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import mpeg4
from engine.media.encoders.common import field_order, plan_for
from engine.media.encoders.context import open_encoder
from engine.media.encoders.plan import (
    CannotEncode,
    ContextFlag,
    EncoderPlan,
    FieldOrder,
    QualityControl,
    QualityScale,
)
from engine.model.frame_index import UnitKind
from engine.model.media import VideoStream

TUNING = (("sc_threshold", "1000000000"), ("bf", "0"), ("mbd", "rd"), ("trellis", "1"), ("qmin", "1"))

SCALE = QualityScale(
    QualityControl.QUANTISER, finest=0, coarsest=20, first=(8, 13), offset=-7, db_per_step=0.7, growth_per_step=1.09
)

# What Xvid notes of itself; FFmpeg's decoder then computes its inverse transform.
_XVID = b"XviD"


@dataclass(frozen=True, slots=True)
class LayerForm:
    """The encoder's pictures, keyframes behind the source's headers where its own have them in front."""

    headers: bytes
    extradata: bytes

    def unit(self, packet: bytes) -> bytes:
        """Return the packet as a unit of the source's stream."""
        is_key = mpeg4.unit_kind(packet, self.extradata) is not UnitKind.OTHER
        return self.headers + packet if is_key else packet


def choose(video: VideoStream, packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the settings for a source.

    Args:
        video: the stream.
        packets: some of its packets, to see whether they bring headers.
        keyframe_interval: frames from one keyframe to the next in long segments.
    """
    if video.pix_fmt != "yuv420p":
        return CannotEncode(f"the MPEG-4 encoder does not write {video.pix_fmt}")
    if any(mpeg4.is_packed(packet, video.extradata) for packet in packets):
        return CannotEncode("the stream packs two pictures into one packet, as DivX did")
    in_band = next((headers for headers in map(mpeg4.header_bytes, packets) if headers), b"")
    try:
        layer = mpeg4.parse_layer(in_band or video.extradata)
        plan = _plan(video, layer, in_band, keyframe_interval)
        own = mpeg4.parse_layer(open_encoder(plan, plan.scale.first[0], threads=1).extradata or b"")
    except (DamagedMedia, UnsupportedMedia) as error:
        return CannotEncode(str(error))
    if not mpeg4.can_share(layer, own):
        return CannotEncode("the stream's layer header asks for coding tools that the MPEG-4 encoder does not have")
    return plan


def _plan(video: VideoStream, layer: mpeg4.Layer, in_band: bytes, keyframe_interval: int) -> EncoderPlan:
    options = [*TUNING]
    flags = ContextFlag.GLOBAL_HEADER | ContextFlag.CLOSED_GOP | ContextFlag.BITEXACT
    fields = FieldOrder.PROGRESSIVE
    if layer.has_matrices:
        options.append(("mpeg_quant", "1"))
    if layer.quarter_sample:
        flags |= ContextFlag.QUARTER_SAMPLE
    if layer.interlaced:
        flags |= ContextFlag.INTERLACED_DCT | ContextFlag.INTERLACED_ME
        fields = field_order(video)
    if _XVID in in_band or _XVID in video.extradata:
        options.append(("idct", "xvid"))
    plan = plan_for(
        video,
        "mpeg4",
        SCALE,
        tuple(options),
        keyframe_interval=keyframe_interval,
        flags=flags,
        fields=fields,
        form=LayerForm(in_band, video.extradata),
    )
    # The layer fixes the clock of the pictures. Several threads would write resync markers.
    return replace(
        plan,
        rate=min(plan.rate, Fraction(layer.ticks_per_second)),
        clock=Fraction(1, layer.ticks_per_second),
        most_threads=1,
    )
