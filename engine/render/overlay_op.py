"""Draw an overlay: picture, film, text, shape or colour, where and how its geometry says at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from engine.model.geometry import Geometry
from engine.model.keyframes import value_at
from engine.model.media import VideoStream
from engine.model.ops import OverlayOp
from engine.model.overlay import Film, Flat, Shape, Still, Title
from engine.model.picture import Picture, PictureColour
from engine.model.pixel_format import PixelFormat
from engine.model.storyline import HALF
from engine.model.tool import Rgb
from engine.patches.affine import Screen, covered, laid, moved, scales, sides
from engine.patches.blend import Planes
from engine.patches.colour import picture_to_film
from engine.patches.lay import Sheet, lay
from engine.patches.matte import Float32, Float64, Matte
from engine.patches.shapes import polygon_matte, shape_mattes
from engine.patches.text import lettering
from engine.render.base import film_sheet, rgba_sheet, source_map, still_of, turned
from engine.render.films import Films

Pictures = Callable[[str], Picture]
"""Returns the picture of a take by the id of its content."""

_SHARPEST = 8192
"""Text is not drawn on a canvas larger than this, however much it is enlarged."""


class OverlayRenderer:
    """Draws overlays on one canvas; thread-safe.

    Args:
        screen: the canvas.
        pictures: looks up still pictures.
        films: looks up frames of films.
    """

    def __init__(self, screen: Screen, pictures: Pictures, films: Films) -> None:
        self._screen = screen
        self._films = films
        self._stills = lru_cache(maxsize=6)(lambda content, pixel_format: _film_rgba(pictures(content), pixel_format))
        self._standing = lru_cache(maxsize=6)(self._drawn)

    def draw(self, op: OverlayOp, at: int, before: Planes, pixel_format: PixelFormat) -> Planes:
        """Return the planes with an overlay over them; at: the frame at which its keyframes and film are read."""
        opacity = value_at(op.opacity, at) * op.layer_opacity
        if opacity <= 0:
            return before
        result = before
        for sheet in self._sheets(op, at, pixel_format):
            result = lay(result, pixel_format, sheet.faded(opacity), op.blend)
        return result

    def _sheets(self, op: OverlayOp, at: int, pixel_format: PixelFormat) -> tuple[Sheet, ...]:
        if isinstance(op.content, Film):
            return self._drawn(op.content, op.geometry, at, op.rate, pixel_format)
        if op.geometry.is_animated:
            return self._drawn(op.content, op.geometry, at, None, pixel_format)
        return self._standing(op.content, op.geometry, 0, None, pixel_format)

    def _drawn(
        self,
        content: Still | Film | Title | Shape | Flat,
        geometry: Geometry,
        at: int,
        rate: Fraction | None,
        pixel_format: PixelFormat,
    ) -> tuple[Sheet, ...]:
        match content:
            case Still(id):
                sheet = self._still(self._stills(id, pixel_format), geometry, at)
                return () if sheet is None else (sheet,)
            case Film():
                sheet = self._film(content, geometry, at, rate, pixel_format)
                return () if sheet is None else (sheet,)
            case Title():
                sheet = self._title(content, geometry, at, pixel_format)
                return () if sheet is None else (sheet,)
            case Shape():
                across, down = self._screen.square_size
                to_frame = self._canvas_map(geometry, at)
                mattes = shape_mattes(content, across, down, to_frame, *self._screen.decoded_size)
                mattes = [(self._cropped(matte, geometry, at), colour) for matte, colour in mattes]
            case Flat(colour):
                mattes = self._flat(colour, geometry, at)
        return tuple(_coloured(matte, colour, pixel_format) for matte, colour in mattes)

    def _still(self, rgba: Float32, geometry: Geometry, at: int) -> Sheet | None:
        height, width = rgba.shape[:2]
        if geometry.crop is not None:
            rgba = rgba * covered(width, height, sides(geometry.crop, at))[..., None]
        to_frame = laid(geometry, at, width, height, self._screen)
        return _clipped(rgba_sheet(rgba, to_frame, *self._screen.decoded_size))

    def _film(
        self, content: Film, geometry: Geometry, at: int, rate: Fraction | None, pixel_format: PixelFormat
    ) -> Sheet | None:
        assert rate is not None
        times = self._films.times(content.source_id)
        video: VideoStream = self._films.video(content.source_id)
        number = times.frame_at(content.start_s + (at + HALF) / rate)
        still = still_of(self._films.frame(content.source_id, number), video)
        to_frame = source_map(video, geometry, at, self._screen)
        kept = turned(sides(geometry.crop, at), video.rotation)
        return film_sheet(still, to_frame, kept, pixel_format, *self._screen.decoded_size)

    def _title(self, content: Title, geometry: Geometry, at: int, pixel_format: PixelFormat) -> Sheet | None:
        across, down = self._screen.square_size
        to_frame = self._canvas_map(geometry, at)
        # Drawn at the size at which it is shown, so that large text is sharp and small text even.
        scale = min(max(scales(to_frame)[1], 0.02), _SHARPEST / max(across, down))
        drawn = lettering(content.text, content.style, round(across * scale), round(down * scale))
        if drawn is None:
            return None
        rgba = drawn.rgba
        if geometry.crop is not None:
            rgba = _cropped_letters(rgba, drawn.x, drawn.y, across * scale, down * scale, geometry, at)
        film = _premultiplied_film(rgba, pixel_format)
        exact = np.diag([across / round(across * scale), down / round(down * scale), 1.0])
        map_ = np.round(to_frame @ exact @ moved(drawn.x, drawn.y), 6)
        return _clipped(rgba_sheet(film, map_, *self._screen.decoded_size))

    def _flat(self, colour: Rgb, geometry: Geometry, at: int) -> list[tuple[Matte, Rgb]]:
        across, down = self._screen.square_size
        left, top, right, bottom = sides(geometry.crop, at)
        outline = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * (across, down)
        if right <= left or bottom <= top:
            return []
        matte = polygon_matte(outline, self._canvas_map(replace(geometry, crop=None), at), *self._screen.decoded_size)
        return [] if matte is None else [(matte, colour)]

    def _canvas_map(self, geometry: Geometry, at: int) -> Float64:
        return laid(geometry, at, *self._screen.square_size, self._screen)

    def _cropped(self, matte: Matte, geometry: Geometry, at: int) -> Matte:
        if geometry.crop is None:
            return matte
        window = self._flat(Rgb(0, 0, 0), geometry, at)
        if not window:
            return Matte(matte.width, matte.height, matte.x, matte.y, matte.alpha * 0, matte.bounds)
        full = window[0][0].full()
        h, w = matte.alpha.shape
        kept = full[matte.y : matte.y + h, matte.x : matte.x + w]
        return Matte(matte.width, matte.height, matte.x, matte.y, matte.alpha * kept, matte.bounds)


def _cropped_letters(rgba: Float32, x: int, y: int, across: float, down: float, geometry: Geometry, at: int) -> Float32:
    left, top, right, bottom = sides(geometry.crop, at)
    height, width = rgba.shape[:2]
    kept = (
        (left * across - x) / width,
        (top * down - y) / height,
        (right * across - x) / width,
        (bottom * down - y) / height,
    )
    return rgba * covered(width, height, kept)[..., None]


def _clipped(sheet: Sheet | None) -> Sheet | None:
    """Return a sheet without the overshoot of its interpolation."""
    return None if sheet is None else Sheet(sheet.x, sheet.y, np.clip(sheet.film, 0.0, 1.0), sheet.alpha)


def _coloured(matte: Matte, colour: Rgb, pixel_format: PixelFormat) -> Sheet:
    rgb = np.array([[[colour.red, colour.green, colour.blue]]], np.float32) / np.float32(255.0)
    film = picture_to_film(rgb, PictureColour.SRGB, pixel_format)
    return Sheet(matte.x, matte.y, np.broadcast_to(film, (*matte.alpha.shape, 3)), matte.alpha)


def _film_rgba(picture: Picture, pixel_format: PixelFormat) -> Float32:
    """Return a picture in the film's colours, premultiplied, float32 [h, w, 4]."""
    rgba = picture.rgba.astype(np.float32) * np.float32(1.0 / np.iinfo(picture.rgba.dtype).max)
    film = picture_to_film(rgba[..., :3], picture.colour, pixel_format)
    rgba[..., :3] = film * rgba[..., 3:]
    return rgba


def _premultiplied_film(rgba: Float32, pixel_format: PixelFormat) -> Float32:
    alpha = rgba[..., 3:]
    film = picture_to_film(np.clip(rgba[..., :3] / np.maximum(alpha, 1e-6), 0, 1), PictureColour.SRGB, pixel_format)
    return np.concatenate([film * alpha, alpha], axis=2).astype(np.float32)
