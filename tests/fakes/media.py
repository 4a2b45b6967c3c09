"""Pictures and videos as models return them: another size, a little shifted and tinted, changed inside the mask."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import av
import cv2
import numpy as np


@dataclass(frozen=True)
class Drift:
    """What a model does to the pixels that it should have left alone.

    Attributes:
        shift_px: How far the picture moves, in pixels of the crop that was sent.
        gain: Factor per channel (blue, green, red).
        offset: What is added per channel.
    """

    shift_px: tuple[float, float] = (0.0, 0.0)
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


FAITHFUL = Drift()
TYPICAL = Drift((2.3, -1.4), (0.97, 1.0, 1.03), (3.0, 0.0, -2.0))
SHIFTED = Drift((6.0, 4.0))
TINTED = Drift(gain=(0.85, 1.0, 1.12), offset=(12.0, 0.0, -6.0))


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def encoded(pixels: np.ndarray, extension: str = ".png") -> bytes:
    return cv2.imencode(extension, pixels)[1].tobytes()


def drifted(pixels: np.ndarray, drift: Drift) -> np.ndarray:
    matrix = np.array([[1, 0, drift.shift_px[0]], [0, 1, drift.shift_px[1]]], np.float64)
    height, width = pixels.shape[:2]
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    tinted = moved.astype(np.float32) * np.float32(drift.gain) + np.float32(drift.offset)
    return np.clip(np.rint(tinted), 0, 255).astype(np.uint8)


def edited(picture: bytes, mask: bytes, size: tuple[int, int], drift: Drift, seed: int) -> bytes:
    """Return the picture with something new in the white of the mask, as PNG of the given width and height."""
    pixels = decoded(picture)
    inside = cv2.GaussianBlur(decoded(mask)[:, :, :1].astype(np.float32) / 255, (0, 0), 1.5)[:, :, None]
    random = np.random.default_rng(seed)
    colour = random.integers(40, 216, 3).astype(np.float32)
    rows = np.arange(pixels.shape[0])[:, None, None]
    pattern = colour + 25 * np.sin(rows / 9.0)
    changed = pixels * (1 - inside) + pattern * inside
    whole = drifted(np.clip(changed, 0, 255).astype(np.uint8), drift)
    return encoded(
        cv2.resize(whole, size, interpolation=cv2.INTER_AREA if size[0] < whole.shape[1] else cv2.INTER_CUBIC)
    )


@lru_cache(maxsize=32)
def filmed(first: bytes, last: bytes | None, seconds: int, height: int, fps: int = 24) -> bytes:
    """Return an MP4 that leads from the first picture to the last one, with a typical drift.

    The camera pans as far as the two pictures lie apart; what differs beside that fades over.
    """
    start = decoded(first)
    width = round(height * start.shape[1] / start.shape[0] / 2) * 2
    start = cv2.resize(drifted(start, TYPICAL), (width, height), interpolation=cv2.INTER_AREA)
    end = start if last is None else cv2.resize(drifted(decoded(last), TYPICAL), (width, height))
    pan = _pan(start, end)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        count = seconds * fps
        for number in range(count):
            share = number / (count - 1)
            pixels = cv2.addWeighted(_moved(start, pan * share), 1 - share, _moved(end, pan * (share - 1)), share, 0)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _pan(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    grey = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32) for picture in (start, end)]
    window = cv2.createHanningWindow(grey[0].shape[::-1], cv2.CV_32F)
    shift, likeness = cv2.phaseCorrelate(*grey, window)
    return np.array(shift if likeness > 0.2 else (0.0, 0.0))


def _moved(picture: np.ndarray, by: np.ndarray) -> np.ndarray:
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float64)
    size = picture.shape[1::-1]
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def audio_seconds(data: bytes) -> float | None:
    """Return the length of an audio file, None if it is none."""
    try:
        with av.open(io.BytesIO(data)) as container:
            return None if container.duration is None else container.duration / av.time_base
    except (av.FFmpegError, ValueError):
        return None
