"""Films that a project holds as takes: pictures with transparency, kept without loss as FFV1 in Matroska."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import PictureError
from engine.model.picture import Picture

MEDIA_TYPE = "video/x-matroska"
_RATE = 25
"""Frames are told apart by their times, which Matroska counts in milliseconds; when they show is the patch's affair."""
_LARGEST_PIXELS = 64_000_000

Rgba = NDArray[np.uint8]


def take_film(pictures: Iterable[Rgba], cancel: CancelToken) -> bytes:
    """Return a film of pictures, uint8 [h, w, 4] with straight alpha, all of one size.

    Raises:
        PictureError: there is none, or they cannot be encoded.
        Cancelled: on request.
    """
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format="matroska") as target:
            track = None
            for number, picture in enumerate(pictures):
                cancel.check()
                if track is None:
                    track = target.add_stream("ffv1", rate=_RATE, options={"level": "3", "slicecrc": "1"})
                    track.height, track.width, track.pix_fmt = picture.shape[0], picture.shape[1], "bgra"
                    track.codec_context.gop_size = 1
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture[..., [2, 1, 0, 3]]), format="bgra")
                frame.pts, frame.time_base = number, Fraction(1, _RATE)
                target.mux(track.encode(frame))
            if track is None:
                raise PictureError("a film needs at least one picture")
            target.mux(track.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        raise PictureError(f"the pictures cannot be kept as a film: {error}") from error
    return buffer.getvalue()


class TakeFilm:
    """A film of a take, open for reading; thread-safe. Frames in order are quick, others need a seek."""

    def __init__(self, data: bytes, name: str) -> None:
        """Open it.

        Raises:
            PictureError: it is no film.
        """
        self._name = name
        self._lock = threading.Lock()
        try:
            self._container: InputContainer = av.open(io.BytesIO(data), "r", format="matroska")
            stream = self._container.streams.video[0]
            if stream.width * stream.height > _LARGEST_PIXELS:
                raise PictureError(f"{name} is {stream.width}x{stream.height}: too large for a take")
            self._frames: Any = iter(())
            self._stream = stream
        except PictureError:
            raise
        except Exception as error:  # the edge to FFmpeg
            raise PictureError(f"{name} is no film that can be read: {error}") from error
        self._next = -1

    def picture(self, number: int) -> Picture | None:
        """Return a frame, None where the film has none of that number.

        Raises:
            PictureError: it is damaged.
        """
        with self._lock:
            try:
                return self._read(number)
            except Exception as error:  # the edge to FFmpeg
                self._next = -1
                raise PictureError(f"frame {number} of {self._name} cannot be read: {error}") from error

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._container.close()

    def _read(self, number: int) -> Picture | None:
        if number != self._next:
            base = self._stream.time_base or Fraction(1, 1000)
            self._container.seek(int(number / (_RATE * base)), stream=self._stream, backward=True)
            self._frames = self._container.decode(self._stream)
        for frame in self._frames:
            found = round(frame.pts * (frame.time_base or Fraction(1, 1000)) * _RATE)
            if found > number:
                self._next = -1
                return None
            if found == number:
                self._next = number + 1
                return Picture(np.ascontiguousarray(frame.to_ndarray(format="rgba")))
        self._next = -1
        return None
