"""A decoded frame's planes as arrays and back, and its picture for the screen.

The way through planes is exact: what goes in comes out, in the frame's own pixel format. Nothing is blended here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from enum import Enum
from fractions import Fraction
from typing import Any, TypeAlias

import cv2
import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from engine.errors import UnsupportedMedia
from engine.media.hdr_picture import HLG, PQ, to_srgb
from engine.model.media import VideoStream

Frame: TypeAlias = VideoFrame
"""A decoded frame, for those who may not import FFmpeg's binding."""

Plane: TypeAlias = NDArray[Any]

# ISO/IEC 23091-2 matrix_coefficients: the numbers that swscale knows; 2 is unspecified.
_SWS_MATRIX = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}

# Without these swscale rounds carelessly and reads one chroma sample for two pixels.
_CAREFUL = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP

# What swscale converts to RGB in a way of its own, by tables, if the size stays.
_QUICKLY_SHOWN = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p"})

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

# From these sizes on a film that does not say is BT.709, below BT.601: what players do.
_HD_WIDTH, _HD_HEIGHT = 1280, 720


def planes(frame: Frame) -> tuple[Plane, ...]:
    """Return a frame's planes in its own pixel format, in FFmpeg's order (Y Cb Cr, G B R, alpha last).

    They are read-only views that keep the frame's memory alive.

    Returns:
        uint8 or uint16 [h, w], the latter for more than 8 bits per component, in the byte order of the format;
        [h, w, n] where a plane interleaves n components (NV12, RGB).

    Raises:
        UnsupportedMedia: the format has no whole bytes per component, or a palette.
    """
    result = []
    for number, (dtype, depth) in enumerate(_layout(frame.format)):
        plane = _rows(frame, number, dtype, depth)
        plane.flags.writeable = False
        result.append(plane)
    return tuple(result)


def frame_from_planes(template: Frame, values: Sequence[Plane]) -> Frame:
    """Return a new frame with other pixels and everything else of a template: times, colour, fields, side data.

    Args:
        template: gives the format, the size and all properties; not modified.
        values: as `planes` returns them.

    Raises:
        ValueError: an array has another shape or dtype than the template's plane.
    """
    layout = _layout(template.format)
    if len(values) != len(layout):
        raise ValueError(f"{template.format.name} has {len(layout)} planes, not {len(values)}")
    frame = _copied(template)
    for number, ((dtype, depth), value) in enumerate(zip(layout, values, strict=True)):
        target = _rows(frame, number, dtype, depth)
        if value.shape != target.shape or value.dtype != target.dtype:
            raise ValueError(f"plane {number} is {target.dtype} {target.shape}, not {value.dtype} {value.shape}")
        target[...] = value
    return frame


def is_interlaced(frame: Frame) -> bool:
    """Tell whether a frame was coded as two fields."""
    return bool(frame.interlaced_frame)


def to_rgb(frame: Frame, size: tuple[int, int] | None = None, rotation: int = 0) -> NDArray[np.uint8]:
    """Return a frame's picture for an SDR screen: sRGB, full range.

    The frame's matrix and range are used, or what players take for them; HDR (PQ, HLG) is mapped.

    Args:
        frame: a decoded frame.
        size: width and height in pixels, before the rotation; the frame's own where not given.
        rotation: degrees clockwise by which the picture is turned, a multiple of 90.

    Returns:
        uint8 [H, W, 3].

    Raises:
        UnsupportedMedia: the pixel format cannot be converted.
    """
    width, height = size or (frame.width, frame.height)
    shrinks = width * height < frame.width * frame.height
    scaler = Interpolation.AREA if shrinks else Interpolation.BICUBIC
    hdr = frame.color_trc in (PQ, HLG)
    try:
        shown = _reformatter().reformat(
            frame,
            width=width,
            height=height,
            format="rgb48le" if hdr else "rgb24",
            src_colorspace=_matrix(frame),
            src_color_range=_range(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=scaler | _CAREFUL,
        )
    except Exception as error:  # the edge to FFmpeg
        raise UnsupportedMedia(f"a picture in {frame.format.name} cannot be shown ({error})") from error
    picture = _rows(shown, 0, np.dtype("<u2") if hdr else np.dtype(np.uint8), 3)
    if hdr:
        picture = to_srgb(picture, frame.color_trc)
    return np.ascontiguousarray(np.rot90(picture, -(rotation // 90)))


class _Kept(threading.local):
    """Each thread's own converter: the one that a frame brings along must not be used by two threads at a time."""

    def __init__(self) -> None:
        self.reformatter = VideoReformatter()


_KEPT = _Kept()


def _reformatter() -> VideoReformatter:
    return _KEPT.reformatter


class Care(Enum):
    """How exactly colours and edges are converted for the screen."""

    QUICK = "quick"
    """For a picture that shows for a moment: one chroma sample serves two pixels, values may be off by one or two."""
    CAREFUL = "careful"


def _in_the_heap(height: int, width: int) -> NDArray[np.uint8]:
    return np.empty((height, width, 4), np.uint8)


def to_screen(
    frame: Frame,
    size: tuple[int, int] | None = None,
    rotation: int = 0,
    care: Care = Care.CAREFUL,
    new: Callable[[int, int], NDArray[np.uint8]] = _in_the_heap,
) -> NDArray[np.uint8]:
    """Return a frame's picture as a window paints it fastest; colours as `to_rgb` has them.

    Args:
        frame: a decoded frame.
        size: width and height in pixels, before the rotation; the frame's own where not given.
        rotation: degrees clockwise by which the picture is turned, a multiple of 90.
        care: how exactly.
        new: gives the memory, uint8 [H, W, 4] and contiguous, for a height and a width.

    Returns:
        What `new` gave: blue, green, red, and 255.

    Raises:
        UnsupportedMedia: the pixel format cannot be converted.
    """
    width, height = size or (frame.width, frame.height)
    if frame.color_trc in (PQ, HLG):
        rgb = to_rgb(frame, (width, height), rotation)
        result = new(*rgb.shape[:2])
        cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA, dst=result)
        return result
    # swscale's bilinear filter widens with the reduction, so it does not skip pixels as a graphics card's would.
    scaler = Interpolation.BILINEAR
    if care is Care.CAREFUL:
        shrinks = width * height < frame.width * frame.height
        scaler = (Interpolation.AREA if shrinks else Interpolation.BICUBIC) | _CAREFUL
    # A third of the time of doing both at once: swscale has a way of its own for these formats if nothing is scaled.
    apart = care is Care.QUICK and frame.format.name in _QUICKLY_SHOWN and _is_reduced_a_little(frame, width, height)
    try:
        shown = _reformatter().reformat(
            frame,
            width=frame.width if apart else width,
            height=frame.height if apart else height,
            format="bgra",
            src_colorspace=_matrix(frame),
            src_color_range=_range(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=scaler,
        )
    except Exception as error:  # the edge to FFmpeg
        raise UnsupportedMedia(f"a picture in {frame.format.name} cannot be shown ({error})") from error
    picture = _rows(shown, 0, np.dtype(np.uint8), 4)
    turned = _TURNS.get(rotation % 360)
    if turned is None:
        result = new(height, width)
        if apart:
            cv2.resize(picture, (width, height), dst=result, interpolation=cv2.INTER_LINEAR)
        else:
            result[...] = picture
        return result
    if apart:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    result = new(height, width) if turned == cv2.ROTATE_180 else new(width, height)
    cv2.rotate(np.ascontiguousarray(picture), turned, dst=result)
    return result


def _is_reduced_a_little(frame: Frame, width: int, height: int) -> bool:
    """Tell whether between two pixels of a smaller picture no pixel is skipped that does not count into one of them."""
    return frame.width // 2 <= width < frame.width and frame.height // 2 <= height < frame.height


def _layout(pixel_format: VideoFormat) -> tuple[tuple[np.dtype[Any], int], ...]:
    """Return the dtype of each plane and how many values it holds per pixel."""
    components = pixel_format.components
    bits = max(component.bits for component in components)
    if pixel_format.is_bit_stream or pixel_format.has_palette or not 8 <= bits <= 16:
        raise UnsupportedMedia(
            f"pixels in {pixel_format.name} cannot be edited; convert the film to H.264 or HEVC first"
        )
    dtype = np.dtype(np.uint8 if bits == 8 else ">u2" if pixel_format.is_big_endian else "<u2")
    count = 1 + max(component.plane for component in components)
    if count == 1:
        return ((dtype, pixel_format.padded_bits_per_pixel // (8 * dtype.itemsize)),)
    return tuple((dtype, sum(component.plane == number for component in components)) for number in range(count))


def _rows(frame: Frame, number: int, dtype: np.dtype[Any], depth: int) -> Plane:
    """Return a plane's visible pixels as a view."""
    plane = frame.planes[number]
    stride = abs(plane.line_size)
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, stride)
    if plane.line_size < 0:  # stored from the bottom up
        rows = rows[::-1]
    visible: Plane = rows[:, : plane.width * depth * dtype.itemsize].view(dtype)
    return visible if depth == 1 else visible.reshape(plane.height, plane.width, depth)


def _copied(frame: Frame) -> Frame:
    """Return a writable copy with all properties: only a filter copies those that PyAV does not show."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
    )
    graph.link_nodes(source, graph.add("copy"), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def _matrix(frame: Frame) -> Colorspace:
    hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
    return _SWS_MATRIX.get(frame.colorspace, Colorspace.ITU709 if hd else Colorspace.ITU601)


def _range(frame: Frame) -> ColorRange:
    full = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
    return ColorRange.JPEG if full else ColorRange.MPEG


def new_frame(video: VideoStream, values: Sequence[Plane]) -> Frame:
    """Return a progressive frame in a stream's pixel format and colour, without times.

    Args:
        video: gives the size, format and colour.
        values: as `planes` returns them.

    Raises:
        ValueError: an array has another shape or dtype than the format's plane.
    """
    frame = VideoFrame(video.width, video.height, video.pix_fmt)
    layout = _layout(frame.format)
    if len(values) != len(layout):
        raise ValueError(f"{video.pix_fmt} has {len(layout)} planes, not {len(values)}")
    for number, ((dtype, depth), value) in enumerate(zip(layout, values, strict=True)):
        target = _rows(frame, number, dtype, depth)
        if value.shape != target.shape or value.dtype != target.dtype:
            raise ValueError(f"plane {number} is {target.dtype} {target.shape}, not {value.dtype} {value.shape}")
        target[...] = value
    colour = video.colour
    frame.colorspace, frame.color_primaries, frame.color_trc = colour.matrix, colour.primaries, colour.transfer
    frame.color_range = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
    return frame
