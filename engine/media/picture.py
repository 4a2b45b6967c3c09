"""Decode a still picture that a person or a provider gave: size checked first, the right way up, as RGBA.

Colours stay in the picture's own space; engine.patches converts them to the film's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from engine.errors import PictureError
from engine.media.picture_header import PictureCodec, PictureHeader, read_picture_header
from engine.model.picture import Picture

LARGEST_PIXELS = 120_000_000
"""The most a picture may have: a 108-megapixel phone's. Decoding one takes under 1 GB."""
KEPT_PIXELS = 40_000_000
"""What is kept of a larger one: more than an 8K frame."""
LARGEST_FILE = 512 << 20


def read_picture(path: Path) -> Picture:
    """Return the picture in a PNG, JPEG, WebP or TIFF file.

    Raises:
        PictureError: the file is missing, too large, damaged, or another format.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise PictureError(f"{path.name} is {size >> 20} MB; a picture may have {LARGEST_FILE >> 20} MB")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"the picture {path} cannot be read: {error.strerror}") from error
    return decode_picture(data, path.name)


def decode_picture(data: bytes, name: str) -> Picture:
    """Return the picture in the bytes of a PNG, JPEG, WebP or TIFF file.

    CMYK is converted plainly, without its profile. Pictures over KEPT_PIXELS come back smaller.

    Args:
        data: the whole file.
        name: how messages call it.

    Raises:
        PictureError: too many pixels (found before decoding), damaged, or another format.
    """
    header = read_picture_header(data, name)
    pixels = header.width * header.height
    if pixels > LARGEST_PIXELS:
        raise PictureError(
            f"{name} is {header.width}x{header.height} ({pixels // 1_000_000} megapixels); "
            f"a picture may have {LARGEST_PIXELS // 1_000_000}: make it smaller first"
        )
    if header.codec is PictureCodec.JPEG and b"\xff\xd9" not in data[-65536:]:
        # The decoder fills the missing part with grey and calls it a picture.
        raise PictureError(f"{name} is cut short: its end is missing")
    rgba = _upright(_decoded(data, header, name), header.orientation)
    if header.premultiplied:
        rgba = _unmultiplied(rgba)
    return Picture(np.ascontiguousarray(rgba), header.colour)


def _decoded(data: bytes, header: PictureHeader, name: str) -> NDArray[Any]:
    try:
        context = CodecContext.create(header.codec.value, "r")
        assert isinstance(context, VideoCodecContext)
        # The header was believed once; a second one inside the stream is not.
        context.options = {"max_pixels": str(LARGEST_PIXELS)}
        context.thread_count = 1
        frames = context.decode(av.Packet(data)) or context.decode(None)
        if not frames:
            raise PictureError(f"{name} holds no picture")
        frame = frames[0]
        if (frame.width, frame.height) != (header.width, header.height):
            raise PictureError(
                f"{name} says {header.width}x{header.height} and holds {frame.width}x{frame.height}: it is damaged"
            )
        deep = any(component.bits > 8 for component in frame.format.components)
        shrink = min(1.0, (KEPT_PIXELS / (frame.width * frame.height)) ** 0.5)
        frame = frame.reformat(
            width=max(1, int(frame.width * shrink)),
            height=max(1, int(frame.height * shrink)),
            format="rgba64le" if deep else "rgba",
        )
        return frame.to_ndarray()
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(f"{name} cannot be decoded: {error}") from error


def _upright(rgba: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return the picture turned as its Exif orientation asks (Exif 3.0, 4.6.5, tag 274)."""
    if orientation in (5, 6, 7, 8):
        rgba = rgba.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        rgba = rgba[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgba = rgba[::-1]
    return rgba


def _unmultiplied(rgba: NDArray[Any]) -> NDArray[Any]:
    most = np.iinfo(rgba.dtype).max
    alpha = np.maximum(rgba[..., 3:].astype(np.float32), 1.0)
    colour = np.minimum(rgba[..., :3] * (np.float32(most) / alpha) + 0.5, most)
    return np.concatenate([colour.astype(rgba.dtype), rgba[..., 3:]], axis=2)
