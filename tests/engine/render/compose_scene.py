"""Small synthetic films in memory, and recipes over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from engine.media.pixels import Frame, new_frame, planes
from engine.model.media import Colour, VideoStream
from engine.model.ops import Op
from engine.model.picture import Picture
from engine.model.pixel_format import PixelFormat
from engine.model.recipe import Base, Placement, Recipe, RecipeRun, SourceBase
from engine.model.source import EvenTimes
from engine.model.time import Range
from engine.render.compose import Composer

WIDTH, HEIGHT = 160, 96
LENGTH = 50
FIRST = SourceBase("a", 0)


def stream(pix_fmt: str = "yuv420p", width: int = WIDTH, height: int = HEIGHT, rotation: int = 0) -> VideoStream:
    depth = 10 if "10" in pix_fmt else 8
    return VideoStream(
        stream=0,
        track_id=1,
        codec="h264",
        codec_tag="avc1",
        profile="High",
        level=40,
        pix_fmt=pix_fmt,
        bit_depth=depth,
        width=width,
        height=height,
        sar=Fraction(1),
        rotation=rotation,
        field_order="progressive",
        time_base=Fraction(1, 90000),
        rate=Fraction(25),
        start_pts=0,
        reorder_depth=0,
        bit_rate=0,
        colour=Colour(pix_fmt.startswith("gbr"), 1, 1, 1, 1),
        extradata=b"",
    )


def noise(video: VideoStream, seed: int) -> Frame:
    """Return a frame of noise within the legal range."""
    pixel_format = PixelFormat.of(video)
    random = np.random.default_rng(seed)
    unit = 1 << (pixel_format.bit_depth - 8)
    return new_frame(
        video,
        [
            random.integers(40 * unit, 200 * unit, pixel_format.plane_size(video.width, video.height, n)[::-1]).astype(
                pixel_format.dtype
            )
            for n in range(pixel_format.plane_count)
        ],
    )


def even(video: VideoStream, *codes: int) -> Frame:
    """Return a frame of one colour."""
    pixel_format = PixelFormat.of(video)
    return new_frame(
        video,
        [
            np.full(pixel_format.plane_size(video.width, video.height, n)[::-1], code, pixel_format.dtype)
            for n, code in enumerate(codes)
        ],
    )


class Reel:
    """Films held in memory: source id to stream and frames (repeated if too few)."""

    def __init__(self, films: Mapping[str, tuple[VideoStream, Sequence[Frame]]]) -> None:
        self._films = films

    def video(self, source_id: str) -> VideoStream:
        return self._films[source_id][0]

    def times(self, source_id: str) -> EvenTimes:
        return EvenTimes(Fraction(1, 25), 0, 1, LENGTH)

    def frame(self, source_id: str, number: int) -> Frame:
        frames = self._films[source_id][1]
        return frames[min(number, len(frames) - 1)]


def no_pictures(content: str) -> Picture:
    raise AssertionError(f"nobody asked for the picture {content}")


def composer(
    reel: Reel,
    ops: Sequence[Op],
    base: Base = FIRST,
    placement: Placement | None = None,
    pictures=no_pictures,
    video: VideoStream | None = None,
) -> Composer:
    run = RecipeRun(Range(0, LENGTH), Recipe(base, placement, tuple(ops)))
    return Composer(video or reel.video("a"), (run,), pictures, reel)


def changed(before: Frame, after: Frame) -> list[np.ndarray]:
    """Return for each plane where it differs."""
    return [a != b for a, b in zip(planes(before), planes(after), strict=True)]


def square(alpha: int = 255, size: int = 40) -> Picture:
    rgba = np.zeros((size, size, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 255, alpha
    return Picture(rgba)
