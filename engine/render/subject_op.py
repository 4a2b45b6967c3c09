"""The subject's matte on a source frame."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from engine.errors import UnsupportedMedia
from engine.model.media import VideoStream
from engine.model.ops import SubjectOp
from engine.model.patch import Follow
from engine.model.pixel_format import Family
from engine.model.region import Region
from engine.model.subject import DrawnMatte, FilmMatte, StillMattes
from engine.patches.colour import ranges
from engine.patches.matte import Float32, region_matte
from engine.render.base import Still, still_of
from engine.render.films import Films
from engine.render.overlay_op import Pictures
from engine.render.patch_matte import BRIGHTNESS, grey_of
from engine.render.patch_op import MovingPatches, drawn_matte_op


class SubjectMattes:
    """Finds how much of each pixel of a source frame is the subject; thread-safe.

    Args:
        pictures: looks up the pictures of mattes.
        films: looks up the frames of mattes that are films.
        moving: finds drawn regions that follow the picture; None where none does.
    """

    def __init__(self, pictures: Pictures, films: Films, moving: MovingPatches | None) -> None:
        self._pictures = pictures
        self._films = films
        self._moving = moving
        self._standing = lru_cache(maxsize=4)(self._from_picture)
        self._drawn = lru_cache(maxsize=4)(_drawn)

    def alpha(self, op: SubjectOp, source_id: str, number: int, still: Still) -> Float32:
        """Return float32 [H, W] in 0..1 at the decoded size of the source; not to be modified.

        Args:
            op: the subject.
            source_id: the source.
            number: its frame.
            still: that frame.

        Raises:
            UnsupportedMedia: the matte follows the picture, and nothing here does.
            EditRefused, MediaError: it cannot be followed.
        """
        video = still.video
        match op.matte:
            case DrawnMatte(motion=motion) as drawn if motion.follow is not Follow.STATIC:
                if self._moving is None:
                    raise UnsupportedMedia("this subject looks at other frames of its film, which are not at hand here")
                found = self._moving.matte(drawn_matte_op(op, drawn), source_id, number, still)
                alpha = np.zeros((video.height, video.width), np.float32) if found is None else found.full()
            case DrawnMatte(region):
                alpha = self._drawn(region, video, op.feather_px)
            case StillMattes(contents):
                which = contents[min(max(number - op.first, 0), len(contents) - 1)]
                alpha = self._standing(which, video, op.feather_px)
            case FilmMatte(source_id, frame):
                alpha = _softened(self._film(source_id, frame + number - op.first, video), op.feather_px)
        return np.asarray(1.0 - alpha, np.float32) if op.inverted else alpha

    def _from_picture(self, content: str, video: VideoStream, feather_px: float) -> Float32:
        picture = self._pictures(content)
        return _softened(_fitted(grey_of(picture), video), feather_px)

    def _film(self, source_id: str, number: int, video: VideoStream) -> Float32:
        matte_video = self._films.video(source_id)
        still = still_of(self._films.frame(source_id, number), matte_video)
        pixel_format = still.pixel_format
        if pixel_format.has_alpha:
            alpha = still.planes[-1].astype(np.float32) / np.float32(pixel_format.max_value)
        elif pixel_format.family is Family.GBR:
            green, blue, red = (plane.astype(np.float32) for plane in still.planes)
            alpha = np.stack([red, green, blue], axis=-1) @ BRIGHTNESS / np.float32(pixel_format.max_value)
        else:
            black, span, _ = ranges(pixel_format)
            alpha = (still.planes[0].astype(np.float32) - np.float32(black)) / np.float32(span)
        upright = np.rot90(np.clip(alpha, 0.0, 1.0), -(matte_video.rotation // 90))
        return _fitted(np.ascontiguousarray(upright, np.float32), video)


def _drawn(region: Region, video: VideoStream, feather_px: float) -> Float32:
    return region_matte(region, video.width, video.height, video.rotation, feather_px=feather_px).full()


def _fitted(alpha: Float32, video: VideoStream) -> Float32:
    """Return a matte of the displayed picture at the size and turn of the decoded frame."""
    turned = np.ascontiguousarray(np.rot90(alpha, k=video.rotation // 90 % 4))
    size = video.width, video.height
    if (turned.shape[1], turned.shape[0]) == size:
        return turned
    how = cv2.INTER_AREA if size[0] < turned.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(turned, size, interpolation=how), np.float32)


def _softened(alpha: Float32, feather_px: float) -> Float32:
    if feather_px <= 0:
        return alpha
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), feather_px / 2), np.float32)
