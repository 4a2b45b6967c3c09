"""MPEG-1 and MPEG-2 by FFmpeg's own encoder, under the source's sequence header.

The source's header says everything that both sides of a seam must agree on, so it stands over the new pictures too, and
a decoder notices no change. Only its quantiser matrices are left out where it brings some: the encoder uses the
standard's, and the next copied keyframe brings the source's back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.errors import DamagedMedia
from engine.media.bitstream import mpeg2
from engine.media.encoders.common import field_order, plan_for
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

# chroma_format of ISO/IEC 13818-2 Table 6-5.
_PIX_FMTS = {1: "yuv420p", 2: "yuv422p"}

# Any that the encoder takes will do: it only decides the header, which is not kept.
_RATE = Fraction(25)

# temporal_reference counts the pictures of a group in 10 bits; the encoder allows 600 (6.3.9).
_LONGEST_GROUP = 600

# No keyframe but those that are asked for; the best of all ways to code a block.
_TUNING = (("sc_threshold", "1000000000"), ("bf", "0"), ("mbd", "rd"))

# Finer steps of the quantiser and of the mean level, and the intra table for long runs: what Main Profile has beyond
# MPEG-1.
_MPEG2_TOOLS = (
    ("non_linear_quant", "1"), ("qmin", "1"), ("qmax", "28"), ("dc", "2"), ("intra_vlc", "1"), ("a53cc", "0"),
)  # fmt: skip

_MPEG2_SCALE = QualityScale(
    QualityControl.QUANTISER,
    coarsest=24,
    first=(14, 19),
    offset=-5,
    db_per_step=0.65,
    growth_per_step=1.1,
)
# The encoder counts MPEG-1's quantiser in steps of twice the size. At the finest one the strongest coefficients have no
# code in MPEG-1, and sharp edges lose most.
_MPEG1_SCALE = replace(_MPEG2_SCALE, finest=6, coarsest=18, first=(8, 13), offset=-11)
_MPEG1_TOOLS = (("qmin", "2"),)


@dataclass(frozen=True, slots=True)
class SequenceForm:
    """The encoder's pictures under another sequence header."""

    header: bytes

    def unit(self, packet: bytes) -> bytes:
        """Return the packet with that header in the place of its own."""
        own = mpeg2.sequence_bytes(packet)
        return packet if own is None else self.header + packet[packet.index(own) + len(own) :]


def choose(video: VideoStream, packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the settings for a source.

    Args:
        video: the stream.
        packets: some of its packets, to see its sequence header.
        keyframe_interval: frames from one keyframe to the next in long segments.
    """
    headers = [header for header in map(mpeg2.sequence_bytes, (video.extradata, *packets)) if header]
    if not headers:
        return CannotEncode("the stream has no sequence header")
    # The last one holds nearest to what is changed.
    header = headers[-1]
    try:
        source = mpeg2.parse_sequence(header)
    except DamagedMedia as error:
        return CannotEncode(str(error))
    if (source.width, source.height) != (video.width, video.height):
        sizes = f"{source.width}x{source.height} and {video.width}x{video.height}"
        return CannotEncode(f"the stream's headers disagree on its size: {sizes}")
    if video.pix_fmt != _PIX_FMTS.get(source.chroma_format):
        return CannotEncode(f"the MPEG encoder does not write {video.pix_fmt}")
    if any(map(mpeg2.has_matrix_extension, packets)) and any(map(_is_bare_entry, packets)):
        return CannotEncode(
            "the stream changes its quantiser matrices on the way and does not repeat them at keyframes"
        )
    own = mpeg2.without_matrices(header)
    fields = _fields(video, source, packets)
    interlaced = fields is not FieldOrder.PROGRESSIVE
    is_mpeg1 = source.profile_level is None
    options = [*_TUNING, *(_MPEG1_TOOLS if is_mpeg1 else _MPEG2_TOOLS)]
    flags = ContextFlag.CLOSED_GOP | ContextFlag.BITEXACT
    if interlaced:
        options.append(("alternate_scan", "1"))
        flags |= ContextFlag.INTERLACED_DCT | ContextFlag.INTERLACED_ME
    plan = plan_for(
        video,
        video.codec,
        _MPEG1_SCALE if is_mpeg1 else _MPEG2_SCALE,
        tuple(options),
        keyframe_interval=min(keyframe_interval, _LONGEST_GROUP),
        flags=flags,
        fields=fields,
        form=SequenceForm(own),
    )
    return replace(plan, rate=_RATE, sar=Fraction(1), entry_header=b"" if own == header else header)


def _fields(video: VideoStream, source: mpeg2.Sequence, packets: Sequence[bytes]) -> FieldOrder:
    """Return how frames are coded.

    A sequence that is not marked progressive may consist of progressive frames all the same. They are coded as such,
    unless their last macroblocks do not come out at the same row: then a field picture has one row more (6.3.3).
    """
    if source.progressive:
        return FieldOrder.PROGRESSIVE
    cadences = [found for found in map(mpeg2.cadence, packets) if found]
    rows_agree = (source.height + 15) // 16 == 2 * ((source.height + 31) // 32)
    if rows_agree and cadences and all(found.progressive for found in cadences):
        return FieldOrder.PROGRESSIVE
    fields = field_order(video)
    if fields is FieldOrder.PROGRESSIVE:
        top_first = not cadences or cadences[-1].top_field_first
        return FieldOrder.TOP_FIRST if top_first else FieldOrder.BOTTOM_FIRST
    return fields


def _is_bare_entry(packet: bytes) -> bool:
    """Tell whether it is a keyframe without a sequence header."""
    return mpeg2.unit_kind(packet) is not UnitKind.OTHER and mpeg2.sequence_bytes(packet) is None
