"""What every family of codecs takes from the source in the same way."""

from __future__ import annotations

from fractions import Fraction

from engine.media.encoders.plan import (
    AsItComes,
    ContextFlag,
    EncoderPlan,
    FieldOrder,
    PacketForm,
    PictureTypes,
    QualityScale,
)
from engine.model.media import VideoStream

# Where a file does not say its frame rate. Time stamps do not depend on it.
_USUAL_RATE = Fraction(25)
_MOST_TERM = 1_000_000

_AS_IT_COMES = AsItComes()

_FIELD_ORDERS = {
    "tt": FieldOrder.TOP_FIRST,
    "bt": FieldOrder.TOP_FIRST,
    "bb": FieldOrder.BOTTOM_FIRST,
    "tb": FieldOrder.BOTTOM_FIRST,
}


def plan_for(
    video: VideoStream,
    encoder: str,
    scale: QualityScale,
    options: tuple[tuple[str, str], ...],
    *,
    keyframe_interval: int,
    picture_types: PictureTypes = PictureTypes.FORWARD,
    flags: ContextFlag = ContextFlag.NONE,
    fields: FieldOrder = FieldOrder.PROGRESSIVE,
    form: PacketForm = _AS_IT_COMES,
) -> EncoderPlan:
    """Return a plan in the source's size, pixel format, rate and shape, whose units need no more extradata than its."""
    return EncoderPlan(
        codec=video.codec,
        encoder=encoder,
        width=video.width,
        height=video.height,
        pix_fmt=video.pix_fmt,
        coded_pix_fmt=video.pix_fmt,
        rate=frame_rate(video),
        sar=video.sar,
        field_order=fields,
        picture_types=picture_types,
        keyframe_interval=1 if picture_types is PictureTypes.INTRA else keyframe_interval,
        flags=flags,
        options=options,
        scale=scale,
        form=form,
        extradata=video.extradata,
    )


def field_order(video: VideoStream) -> FieldOrder:
    """Return which field is shown first: the second letter of FFmpeg's word, whichever is stored first."""
    return _FIELD_ORDERS.get(video.field_order, FieldOrder.PROGRESSIVE)


def frame_rate(video: VideoStream) -> Fraction:
    """Return a frame rate that every encoder takes."""
    if not 0 < video.rate <= 1000:
        return _USUAL_RATE
    return video.rate.limit_denominator(1001) if video.rate.numerator > _MOST_TERM else video.rate


def colour_options(video: VideoStream) -> tuple[tuple[str, str], ...]:
    """Return the options that make an encoder write the source's colour description."""
    colour = video.colour
    full = {None: 0, False: 1, True: 2}[colour.full_range]
    return (
        ("color_primaries", str(colour.primaries)),
        ("color_trc", str(colour.transfer)),
        ("colorspace", str(colour.matrix)),
        ("color_range", str(full)),
        ("chroma_sample_location", str(colour.chroma_location)),
    )
