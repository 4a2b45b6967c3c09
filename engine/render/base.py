"""The picture at the bottom of a recipe on its canvas: as it is, placed, or black; always in the canvas's format."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.media.pixels import Frame, is_interlaced, planes, to_rgb
from engine.model.geometry import Geometry
from engine.model.media import VideoStream
from engine.model.picture import PictureColour
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.patches.affine import (
    Screen,
    averaged,
    covered,
    laid,
    moved,
    scales,
    shrunk_size,
    sides,
    warped,
)
from engine.patches.blend import Plane, Planes, blend, windows
from engine.patches.colour import HLG, PQ, codes_to_film, film_to_codes, picture_to_film
from engine.patches.fields import FieldOrder, as_progressive, field_picture
from engine.patches.lay import Sheet, film_of, framed, lay, window_matte
from engine.patches.matte import Float32, Float64, window


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A source frame's planes with what is needed to read them."""

    planes: Planes
    pixel_format: PixelFormat
    video: VideoStream
    frame: Frame

    @property
    def screen(self) -> Screen:
        """Return the source's picture as displayed."""
        return screen_of(self.video)


def still_of(frame: Frame, video: VideoStream) -> Still:
    """Return a decoded frame's planes.

    Raises:
        UnsupportedMedia: its pixel format cannot be edited in place.
    """
    scan = Scan.INTERLACED if is_interlaced(frame) else Scan.PROGRESSIVE
    return Still(planes(frame), PixelFormat.of(video).scanned(scan), video, frame)


def screen_of(video: VideoStream) -> Screen:
    """Return a stream's picture as displayed."""
    width, height = video.display_size
    return Screen(width, height, video.sar or Screen(1, 1).sar, video.rotation)


def black(pixel_format: PixelFormat, width: int, height: int) -> Planes:
    """Return the planes of a black, opaque frame."""
    codes = film_to_codes(np.zeros((1, 1, 3), np.float32), pixel_format)
    values = [round(float(code[0, 0])) for code in codes] + [pixel_format.max_value] * pixel_format.has_alpha
    return tuple(
        np.full(pixel_format.plane_size(width, height, index)[::-1], value, pixel_format.dtype)
        for index, value in enumerate(values)
    )


def placed(still: Still, geometry: Geometry, at: int, pixel_format: PixelFormat, screen: Screen) -> Planes:
    """Return a source picture on a black canvas, in the canvas's own format.

    Planes of the same format are moved as they are; others go through the film's R'G'B' in floating point.

    Args:
        still: the source picture.
        geometry: how it lies; at: the frame at which its keyframes are read.
        at: see geometry.
        pixel_format: the canvas's.
        screen: the canvas.
    """
    width, height = screen.decoded_size
    still = _progressive(still)
    to_frame = source_map(still.video, geometry, at, screen)
    ground = black(pixel_format, width, height)
    kept = turned(sides(geometry.crop, at), still.video.rotation)
    if _same_layout(still.pixel_format, pixel_format):
        return _moved_planes(still, to_frame, kept, ground, pixel_format, width, height)
    sheet = film_sheet(still, to_frame, kept, pixel_format, width, height)
    return ground if sheet is None else lay(ground, pixel_format, sheet)


def placed_alpha(
    alpha: Float32, still: Still, geometry: Geometry, at: int, screen: Screen
) -> tuple[Float32, int, int] | None:
    """Return a matte of the source's decoded frame ([H, W]) as it lies on the canvas, with its left and top there."""
    width, height = screen.decoded_size
    to_frame = source_map(still.video, geometry, at, screen)
    kept = turned(sides(geometry.crop, at), still.video.rotation)
    rows, columns = alpha.shape
    alpha = alpha * covered(columns, rows, kept)
    return warped(*averaged(alpha, to_frame), width, height)


def source_map(video: VideoStream, geometry: Geometry, at: int, screen: Screen) -> Float64:
    """Return the 3x3 map from a source's decoded pixels to the canvas's decoded frame."""
    source = screen_of(video)
    upright = np.linalg.inv(source.to_frame())
    across, down = source.square_size
    return np.asarray(np.round(laid(geometry, at, across, down, screen) @ upright, 9))


def film_sheet(
    still: Still,
    to_frame: Float64,
    kept: tuple[float, float, float, float],
    pixel_format: PixelFormat,
    width: int,
    height: int,
) -> Sheet | None:
    """Return a source picture as a sheet of the canvas, in its colours; None where it is off it."""
    rows, columns = still.planes[0].shape[:2]
    size = shrunk_size(columns, rows, to_frame)
    film = _in_film(still, size, pixel_format)
    rgba = np.empty((size[1], size[0], 4), np.float32)
    rgba[..., 3] = covered(*size, kept)
    if still.pixel_format.has_alpha:
        rgba[..., 3] *= _sized(still.planes[-1], size) / np.float32(still.pixel_format.max_value)
    rgba[..., :3] = film * rgba[..., 3:]
    return rgba_sheet(rgba, to_frame @ np.diag([columns / size[0], rows / size[1], 1.0]), width, height)


def rgba_sheet(rgba: Float32, to_frame: Float64, width: int, height: int) -> Sheet | None:
    """Return a premultiplied picture under a map as a sheet; None where it is off the frame."""
    found = warped(*averaged(rgba, to_frame), width, height)
    if found is None:
        return None
    drawn, left, top = found
    alpha = drawn[..., 3]
    film = np.asarray(drawn[..., :3] / np.maximum(alpha, np.float32(1e-6))[..., None], np.float32)
    return framed(alpha, film, left, top, width, height)


def _in_film(still: Still, size: tuple[int, int], pixel_format: PixelFormat) -> Float32:
    """Return a source picture at a size (width, height) in the canvas's non-linear R'G'B', float32 [h, w, 3]."""
    own = still.pixel_format
    rows, columns = still.planes[0].shape[:2]
    hdr = own.transfer in (PQ, HLG)
    if hdr and own.transfer != pixel_format.transfer:
        shown = to_rgb(still.frame, size).astype(np.float32) / np.float32(255.0)
        return picture_to_film(shown, PictureColour.SRGB, pixel_format)
    if size == (columns, rows):
        film = film_of(still.planes, own, window_matte(still.planes, 0, 0, (rows, columns)))
    else:
        # Averaged down first: what is shown small costs little, however large its source.
        film = codes_to_film(tuple(_sized(plane, size) for plane in still.planes[: own.colour_planes]), own)
    if not hdr and pixel_format.transfer in (PQ, HLG):
        return picture_to_film(np.clip(film, 0.0, 1.0), PictureColour.SRGB, pixel_format)
    return film


def _sized(plane: Plane, size: tuple[int, int]) -> Float32:
    """Return a plane at a size (width, height), averaged where that is smaller, float32."""
    if (plane.shape[1], plane.shape[0]) == size:
        return plane.astype(np.float32)
    shrinks = size[0] < plane.shape[1] or size[1] < plane.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(plane), size, interpolation=how), np.float32)


def _progressive(still: Still) -> Still:
    """Return the picture without its second field: lines of two moments cannot be resampled together."""
    if still.pixel_format.scan is Scan.PROGRESSIVE:
        return still
    picture = field_picture(still.planes, FieldOrder.of(still.video), 0)
    return Still(picture, as_progressive(still.pixel_format), still.video, still.frame)


def _same_layout(one: PixelFormat, other: PixelFormat) -> bool:
    def colour(pixel_format: PixelFormat) -> tuple[object, ...]:
        return (
            pixel_format.family,
            pixel_format.chroma_shift,
            pixel_format.bit_depth,
            pixel_format.full_range,
            pixel_format.matrix,
            pixel_format.transfer in (PQ, HLG) and pixel_format.transfer,
        )

    return colour(one) == colour(other) and not one.has_alpha and not other.has_alpha


def turned(kept: tuple[float, float, float, float], rotation: int) -> tuple[float, float, float, float]:
    """Return the sides of a displayed picture as those of its decoded frame."""
    left, top, right, bottom = kept
    match rotation % 360:
        case 90:
            return top, 1 - right, bottom, 1 - left
        case 180:
            return 1 - right, 1 - bottom, 1 - left, 1 - top
        case 270:
            return 1 - bottom, left, 1 - top, right
        case _:
            return kept


def _moved_planes(
    still: Still,
    to_frame: Float64,
    kept: tuple[float, float, float, float],
    ground: Planes,
    pixel_format: PixelFormat,
    width: int,
    height: int,
) -> Planes:
    rows, columns = still.planes[0].shape
    values = tuple(
        _moved_plane(plane, index, still.pixel_format, to_frame, pixel_format, width, height)
        for index, plane in enumerate(still.planes[: pixel_format.colour_planes])
    )
    size = shrunk_size(columns, rows, to_frame)
    mask = covered(*size, kept)
    found = warped(mask, to_frame @ np.diag([columns / size[0], rows / size[1], 1.0]), width, height)
    if found is None:
        return ground
    alpha, left, top = found
    if alpha.shape == (height, width) and float(alpha.min()) >= 1.0:
        return values
    h, w = alpha.shape
    x, y, stop_x, stop_y = window(left, top, left + w, top + h, width, height)
    opacity = np.zeros((stop_y - y, stop_x - x), np.float32)
    opacity[top - y : top - y + h, left - x : left - x + w] = alpha
    matte = window_matte(ground, x, y, opacity.shape)
    return blend(ground, pixel_format, matte, windows(values, pixel_format, matte), opacity)


def _moved_plane(
    plane: Plane,
    index: int,
    own: PixelFormat,
    to_frame: Float64,
    pixel_format: PixelFormat,
    width: int,
    height: int,
) -> Plane:
    rows, columns = plane.shape
    map_ = np.linalg.inv(_sites(pixel_format, index)) @ to_frame @ _sites(own, index)
    size = shrunk_size(columns, rows, map_)
    if size != (columns, rows):
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))
        map_ = map_ @ np.diag([columns / size[0], rows / size[1], 1.0])
    target = pixel_format.plane_size(width, height, index)
    centred = np.round(moved(-0.5, -0.5) @ map_ @ moved(0.5, 0.5), 9)
    enlarges = max(scales(map_)) > 1.001
    result = cv2.warpAffine(
        np.ascontiguousarray(plane),
        centred[:2],
        target,
        flags=cv2.INTER_CUBIC if enlarges else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.minimum(result, pixel_format.max_value).astype(pixel_format.dtype)


def _sites(pixel_format: PixelFormat, index: int) -> Float64:
    """Return the 3x3 map from a plane's coordinates to those of luma: where its samples lie."""
    shift_x, shift_y = pixel_format.shift_of(index)
    if (shift_x, shift_y) == (0, 0) or pixel_format.family is not Family.YUV:
        return np.eye(3)
    site_x, site_y = pixel_format.chroma_site
    across, down = float(1 << shift_x), float(1 << shift_y)
    return np.array([[across, 0, site_x + 0.5 - across / 2], [0, down, site_y + 0.5 - down / 2], [0, 0, 1]])
