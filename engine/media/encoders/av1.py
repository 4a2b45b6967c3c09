"""AV1 by SVT-AV1. A run begins with a key frame under a sequence header of its own, and ends with the source's.

A sequence header may change at a key frame (AV1 7.5), so nothing of the source's is matched but what a decoder shows:
size, depth, colour. The next copied key frame gets the source's header in front where it does not carry it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.errors import UnsupportedMedia
from engine.media.bitstream import av1, av1_sequence
from engine.media.encoders import hdr
from engine.media.encoders.common import colour_options, plan_for
from engine.media.encoders.context import open_encoder
from engine.media.encoders.plan import CannotEncode, ContextFlag, EncoderPlan, QualityControl, QualityScale
from engine.model.media import VideoStream

# The library writes its settings to stderr unless it is told not to, before it is opened for the first time.
os.environ.setdefault("SVT_LOG", "0")

_SCALE = QualityScale(QualityControl.CRF, finest=2, coarsest=55, first=(12, 28), db_per_step=0.3, growth_per_step=1.05)

_PRESET = "8"

# No look ahead, scene cuts, overlays or grain; filters in time and varying quantisers cost the worst frame 2 dB.
_TUNING = (
    "tune=1:pred-struct=2:hierarchical-levels=2:lookahead=0:enable-tf=0:aq-mode=0:scd=0:enable-overlays=0:film-grain=0"
)


@dataclass(frozen=True, slots=True)
class Av1Form:
    """The encoder's temporal units; MP4, Matroska and WebM leave the delimiters out."""

    def unit(self, packet: bytes) -> bytes:
        """Return the packet without temporal delimiters."""
        return av1.without_delimiters(packet)


def choose(video: VideoStream, packets: Sequence[bytes], keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose SVT-AV1's settings for a source."""
    config = av1_sequence.config_obus(video.extradata) if av1_sequence.is_av1c(video.extradata) else video.extradata
    headers = [found for found in (*map(av1.sequence_header, packets), av1.sequence_header(config)) if found]
    if not headers:
        return CannotEncode("the stream has no sequence header")
    plan = plan_for(
        video,
        "libsvtav1",
        _SCALE,
        (("preset", _PRESET), ("svtav1-params", ":".join((_TUNING, *_hdr(video)))), *colour_options(video)),
        keyframe_interval=keyframe_interval,
        flags=ContextFlag.CLOSED_GOP,
        form=Av1Form(),
    )
    try:
        open_encoder(plan, plan.scale.first[0], threads=1)
    except UnsupportedMedia as error:
        return CannotEncode(str(error))
    return replace(plan, entry_header=headers[0])


def _hdr(video: VideoStream) -> tuple[str, ...]:
    display, light = hdr.mastering_display(video), hdr.content_light(video)
    words = [f"content-light={light[0]},{light[1]}"] if light else []
    return (f"mastering-display={hdr.plain_display(display)}", *words) if display else tuple(words)
