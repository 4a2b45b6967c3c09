"""What every family of codecs takes from the source in the same way."""

from __future__ import annotations

from fractions import Fraction

from engine.media.encoders.plan import FieldOrder
from engine.model.media import VideoStream

# Where a file does not say its frame rate. Time stamps do not depend on it.
_USUAL_RATE = Fraction(25)
_MOST_TERM = 1_000_000

_FIELD_ORDERS = {
    "tt": FieldOrder.TOP_FIRST,
    "tb": FieldOrder.TOP_FIRST,
    "bb": FieldOrder.BOTTOM_FIRST,
    "bt": FieldOrder.BOTTOM_FIRST,
}


def field_order(video: VideoStream) -> FieldOrder:
    """Return which field is coded first."""
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
