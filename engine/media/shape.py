"""Composed frames made ready for a delivery: fields made whole, turned as displayed, square pixels, scaled, converted.

The film's own export never comes through here: there a frame keeps its pixel format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import av
from av.filter import Graph

from engine.errors import UnsupportedMedia
from engine.media.hdr_picture import HLG, PQ
from engine.media.pixels import Frame, to_rgb
from engine.model.media import VideoStream

# FFmpeg's names for ISO/IEC 23091-2 matrix_coefficients, as its scale filter takes them.
_MATRIX = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_NUMBER = {"bt709": 1, "smpte170m": 6}

# From these sizes on a film that does not say is BT.709, below BT.601: what players do.
_HD_WIDTH, _HD_HEIGHT = 1280, 720
_TURNED = {90: "clock", 270: "cclock"}
_UNSAID = 2


class Look(Enum):
    """What becomes of a picture's light, shape and fields."""

    SCREEN = "screen"
    """As displayed on an SDR screen: turned, square pixels, whole pictures, BT.709, limited range."""
    MASTER = "master"
    """As it is: only the pixel format changes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a delivery's pictures.

    Attributes:
        width, height: in pixels, of the picture that is coded.
        colour: primaries, transfer and matrix (ISO/IEC 23091-2).
        full_range: of the coded values.
    """

    width: int
    height: int
    pix_fmt: str
    look: Look
    sar: Fraction
    colour: tuple[int, int, int]
    full_range: bool


def screen_shape(video: VideoStream, pix_fmt: str, most_px: int | None) -> Shape:
    """Return the shape for a screen: even sides, square pixels, at most so large."""
    width, height = square_size(video, most_px)
    width, height = max(16, round(width / 2) * 2), max(16, round(height / 2) * 2)
    colour = video.colour
    primaries = 1 if colour.primaries == _UNSAID or colour.is_hdr else colour.primaries
    transfer = 1 if colour.transfer == _UNSAID or colour.is_hdr else colour.transfer
    return Shape(width, height, pix_fmt, Look.SCREEN, Fraction(1), (primaries, transfer, 1), full_range=False)


def master_shape(video: VideoStream, pix_fmt: str) -> Shape:
    """Return the shape of the frames as they are, in another pixel format."""
    colour = video.colour
    matrix = colour.matrix if colour.matrix in _MATRIX else _NUMBER[_assumed(video)]
    return Shape(
        video.width,
        video.height,
        pix_fmt,
        Look.MASTER,
        video.sar,
        (colour.primaries, colour.transfer, matrix),
        full_range=False,
    )


def square_size(video: VideoStream, most_px: int | None) -> tuple[int, int]:
    """Return the width and height of a picture as displayed, in square pixels, made smaller where it is too large.

    Args:
        video: the stream.
        most_px: the most of its shorter side, None for any.
    """
    across = video.width * (video.sar or 1)
    size = (across, Fraction(video.height))
    width, height = (size[1], size[0]) if video.rotation in (90, 270) else size
    share = min(Fraction(1), Fraction(most_px) / min(width, height)) if most_px is not None else Fraction(1)
    return max(1, round(width * share)), max(1, round(height * share))


def shaped(frames: Iterable[Frame], video: VideoStream, shape: Shape) -> Iterator[Frame]:
    """Yield frames in a delivery's shape.

    Args:
        frames: composed, in a film's own pixel format, with `pts` and `time_base`; not modified.
        video: the film's stream.
        shape: what is wanted.

    Raises:
        UnsupportedMedia: the pixel format cannot be converted.
    """
    hdr = shape.look is Look.SCREEN and video.colour.transfer in (PQ, HLG)
    graph: Graph | None = None
    base = Fraction(1)
    try:
        for frame in frames:
            given = _tone_mapped(frame) if hdr else frame
            if graph is None:
                graph = _graph(given, video, shape, from_rgb=hdr)
                base = given.time_base or Fraction(1)
            graph.vpush(given)
            yield from _pulled(graph, shape, base)
        if graph is not None:
            graph.vpush(None)
            yield from _pulled(graph, shape, base)
    except (av.error.FFmpegError, ValueError) as error:
        raise UnsupportedMedia(f"pictures in {video.pix_fmt} cannot become {shape.pix_fmt}: {error}") from error


def _tone_mapped(frame: Frame) -> Frame:
    result = av.VideoFrame.from_ndarray(to_rgb(frame), format="rgb24")
    result.pts, result.time_base = frame.pts, frame.time_base
    return result


def _graph(frame: Frame, video: VideoStream, shape: Shape, *, from_rgb: bool) -> Graph:
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
        )
    ]
    scale = {"w": str(shape.width), "h": str(shape.height), "flags": "lanczos+accurate_rnd+full_chroma_int"}
    if shape.look is Look.SCREEN:
        if video.field_order not in ("progressive", "unknown"):
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        if video.rotation == 180:
            nodes += [graph.add("hflip"), graph.add("vflip")]
        elif video.rotation in _TURNED:
            nodes.append(graph.add("transpose", _TURNED[video.rotation]))
    elif video.field_order not in ("progressive", "unknown"):
        scale["interl"] = "1"
    if not from_rgb and not frame.format.is_rgb:
        full = video.colour.full_range or frame.format.name.startswith("yuvj")
        scale |= {"in_color_matrix": _matrix(video), "in_range": "full" if full else "limited"}
    scale |= {"out_color_matrix": _MATRIX[shape.colour[2]], "out_range": "full" if shape.full_range else "limited"}
    nodes.append(graph.add("scale", ":".join(f"{name}={value}" for name, value in scale.items())))
    nodes += [graph.add("format", f"pix_fmts={shape.pix_fmt}"), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


def _pulled(graph: Graph, shape: Shape, base: Fraction) -> Iterator[Frame]:
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        # The filter that makes whole pictures of fields counts in halves of a tick.
        frame.pts, frame.time_base = round((frame.pts or 0) * (frame.time_base or base) / base), base
        primaries, transfer, matrix = shape.colour
        frame.color_primaries, frame.color_trc, frame.colorspace = primaries, transfer, matrix
        frame.pict_type = av.video.frame.PictureType.NONE
        yield frame


def _matrix(video: VideoStream) -> str:
    return _MATRIX.get(video.colour.matrix) or _assumed(video)


def _assumed(video: VideoStream) -> str:
    return "bt709" if video.width >= _HD_WIDTH or video.height >= _HD_HEIGHT else "smpte170m"
