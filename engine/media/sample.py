"""Make the sample film: a mug with a logo on a table, a ball that rolls by, a camera that moves, and sound.

It exists so that a person can try everything without a film at hand. Nothing of it is random from run to run.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress

Picture = NDArray[np.uint8]

WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 25, 20
SOUND_RATE = 48_000

_MUG_LOGO_PX = (175.0, 165.0, 58.0)
"""Centre and radius of the logo on the drawn mug."""
_BALL_PX = 30.0
_BALL_SPEED = 240.0

SampleBox = tuple[float, float, float, float]
"""x0, y0, x1, y1 of the picture, 0 to 1."""


def make_sample(path: Path, progress: Progress, cancel: CancelToken) -> None:
    """Write the sample film: 20 s of 1280x720 at 25 frames/s, H.264 with B-frames, AAC.

    Args:
        path: where to write it, an MP4.
        progress: reports the share of frames written.
        cancel: looked at before each frame.
    """
    table = _table()
    things = _mug(), _ball()
    with av.open(str(path), "w", format="mp4") as out:
        options = {"preset": "veryfast", "crf": "20", "x264-params": "keyint=50:min-keyint=50:scenecut=0:bframes=3"}
        video = out.add_stream("libx264", rate=RATE, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = Fraction(1, RATE)
        video.codec_context.color_primaries = 1
        video.codec_context.color_trc = 1
        video.codec_context.colorspace = 1
        video.codec_context.color_range = 1
        sound = out.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        total = RATE * SECONDS
        written = 0
        for number in range(total):
            cancel.check()
            progress.report("Making the sample film", number / total)
            frame = av.VideoFrame.from_ndarray(_picture(table, *things, number / RATE), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(video.encode(frame))
            while written * 1024 < (number + 1) * SOUND_RATE // RATE:
                out.mux(sound.encode(_sound(written)))
                written += 1
        out.mux(video.encode(None))
        out.mux(sound.encode(None))


def logo_box(at_s: float) -> SampleBox:
    """Return the box of the mug's logo at a time, a little wider than the logo."""
    left, top, scale = _mug_place(at_s)
    x, y, radius = (value * scale for value in _MUG_LOGO_PX)
    return _box(left + x, top + y, radius + 3)


def ball_box(at_s: float) -> SampleBox:
    """Return the box of the rolling ball at a time, with its shadow."""
    x, y = _ball_place(at_s)
    return _box(x, y + 2, _BALL_PX + 14)


def _box(x: float, y: float, radius: float) -> SampleBox:
    return (x - radius) / WIDTH, (y - radius) / HEIGHT, (x + radius) / WIDTH, (y + radius) / HEIGHT


def _camera(at_s: float) -> tuple[float, float]:
    """Return the place of the picture's corner on the table, in pixels."""
    pan_x = 250 + 190 * np.sin(at_s / 20 * 2 * np.pi) + 2.2 * np.sin(at_s * 5.1)
    pan_y = 150 + 50 * np.sin(at_s / 13 * 2 * np.pi) + 1.6 * np.sin(at_s * 6.7)
    return float(pan_x), float(pan_y)


def _mug_place(at_s: float) -> tuple[float, float, float]:
    """Return left, top and scale of the mug in the picture."""
    pan_x, pan_y = _camera(at_s)
    slide = 60 * np.sin(at_s / 7 * 2 * np.pi)
    scale = 1 + 0.06 * np.sin(at_s / 9 * 2 * np.pi)
    return float(770 + slide - pan_x), float(400 - pan_y + 0.12 * slide), float(scale)


def _ball_place(at_s: float) -> tuple[float, float]:
    """Return the centre of the ball in the picture; it rolls by once, in front of the mug."""
    pan_x, pan_y = _camera(at_s)
    return 529 + _BALL_SPEED * (at_s - 2.8) - pan_x, 800 - pan_y


def _ball() -> tuple[Picture, NDArray[np.float32]]:
    """Return a beach ball with its shadow, uint8 [n, n, 3] RGB, and its alpha, float32 [n, n]."""
    size, fine = 2 * round(_BALL_PX) + 28, 4
    middle, radius = size * fine // 2, round(_BALL_PX * fine)
    picture = np.zeros((size * fine, size * fine, 3), np.uint8)
    alpha = np.zeros((size * fine, size * fine), np.float32)
    cv2.ellipse(alpha, (middle, middle + radius - 2 * fine), (radius, 7 * fine), 0, 0, 360, 0.5, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 3 * fine).astype(np.float32)
    cv2.circle(alpha, (middle, middle), radius, 1.0, -1)
    cv2.circle(picture, (middle, middle), radius, (240, 238, 230), -1)
    for number, colour in enumerate(((214, 62, 48), (36, 110, 190), (240, 180, 40))):
        cv2.ellipse(picture, (middle, middle), (radius, radius), 20 + 120 * number, 0, 60, colour, -1)
    cv2.circle(picture, (middle, middle), 7 * fine, (240, 238, 230), -1)
    small = (size, size)
    return (
        np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(alpha, small, interpolation=cv2.INTER_AREA), np.float32),
    )


def _table() -> Picture:
    """Return a wooden table against a wall, uint8 [H, W, 3] RGB, larger than the picture."""
    rng = np.random.default_rng(20)
    height, width = HEIGHT * 3 // 2, WIDTH * 3 // 2
    grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), sigmaX=34, sigmaY=1.2)
    fine = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.1)
    wall = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 14)
    horizon = int(height * 0.55)
    picture = np.empty((height, width, 3), np.float32)
    picture[:horizon] = np.array([128, 140, 146], np.float32) + (wall / wall.std() * 9)[:horizon, :, None]
    wood = np.array([122, 84, 54], np.float32) + (grain / grain.std() * 16)[horizon:, :, None]
    depth = np.linspace(0.72, 1.1, height - horizon, dtype=np.float32)[:, None, None]
    picture[horizon:] = wood * depth
    picture += (fine / fine.std() * 2.5)[:, :, None]
    for at in range(0, width, 260):  # pictures on the wall give the eye, and the tracker, something to hold on to
        top, left = horizon - 330 + (at // 260 % 3) * 40, at + 40
        colour = (np.array([70, 96, 90]) + 28 * ((at // 260) % 4)).tolist()
        cv2.rectangle(picture, (left, top), (left + 150, top + 190), (52, 44, 40), -1, cv2.LINE_AA)
        cv2.rectangle(picture, (left + 12, top + 12), (left + 138, top + 178), colour, -1, cv2.LINE_AA)
        cv2.circle(picture, (left + 75, top + 95), 34, (206, 188, 150), -1, cv2.LINE_AA)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _mug() -> tuple[Picture, NDArray[np.float32]]:
    """Return a mug with a logo, uint8 [h, w, 3] RGB, and its alpha, float32 [h, w] in 0..1."""
    height, width = 330, 400
    alpha = np.zeros((height, width), np.float32)
    cv2.ellipse(alpha, (305, 165), (72, 84), 0, 0, 360, 1.0, 26, cv2.LINE_AA)
    cv2.rectangle(alpha, (60, 30), (290, 290), 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(alpha, (175, 290), (115, 26), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(alpha, (175, 30), (115, 22), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    shade = (0.62 + 0.38 * np.sqrt(np.clip(1 - ((across + 0.22) / 1.05) ** 2, 0, 1)))[..., None]
    shaded = np.ones((height, width, 3), np.float32) * np.array([226, 222, 214], np.float32) * shade
    mug = np.clip(shaded, 0, 255).astype(np.uint8)
    cv2.ellipse(mug, (175, 30), (104, 15), 0, 0, 360, (64, 40, 28), -1, cv2.LINE_AA)
    cv2.circle(mug, (175, 165), 58, (196, 52, 44), -1, cv2.LINE_AA)
    cv2.putText(mug, "ACME", (127, 178), cv2.FONT_HERSHEY_DUPLEX, 1.15, (250, 246, 238), 3, cv2.LINE_AA)
    return mug, cv2.GaussianBlur(alpha, (0, 0), 0.8).astype(np.float32)


def _picture(
    table: Picture,
    mug: tuple[Picture, NDArray[np.float32]],
    ball: tuple[Picture, NDArray[np.float32]],
    at_s: float,
) -> Picture:
    """Return the picture at a time, uint8 [HEIGHT, WIDTH, 3] RGB."""
    pan_x, pan_y = _camera(at_s)
    camera = np.array([[1, 0, -pan_x], [0, 1, -pan_y]], np.float32)
    picture = cv2.warpAffine(table, camera, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR).astype(np.uint8)
    left, top, scale = _mug_place(at_s)
    _lay(picture, *mug, left, top, scale)
    x, y = _ball_place(at_s)
    _lay(picture, *ball, x - ball[0].shape[1] / 2, y - ball[0].shape[0] / 2, 1.0)
    lit: Picture = cv2.convertScaleAbs(picture, alpha=1 + 0.05 * float(np.sin(at_s / 6 * 2 * np.pi))).astype(np.uint8)
    return lit


def _lay(picture: Picture, thing: Picture, alpha: NDArray[np.float32], left: float, top: float, scale: float) -> None:
    """Draw a thing onto the picture, in place."""
    x, y = int(np.floor(left)), int(np.floor(top))
    height, width = int(thing.shape[0] * 1.1), int(thing.shape[1] * 1.1)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(WIDTH, x + width), min(HEIGHT, y + height)
    if x1 <= x0 or y1 <= y0:
        return
    place = np.array([[scale, 0, left - x], [0, scale, top - y]], np.float32)
    over = cv2.warpAffine(thing, place, (width, height), flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(alpha, place, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    over, cover = over[y0 - y : y1 - y, x0 - x : x1 - x], cover[y0 - y : y1 - y, x0 - x : x1 - x]
    behind = picture[y0:y1, x0:x1]
    picture[y0:y1, x0:x1] = (behind + (over.astype(np.float32) - behind) * cover + 0.5).astype(np.uint8)


def _sound(block: int) -> av.AudioFrame:
    """Return 1024 samples of a slow chord."""
    at = (np.arange(1024) + block * 1024) / SOUND_RATE
    swell = 0.5 + 0.5 * np.sin(at * 0.5 * np.pi)
    chord = sum(np.sin(at * 2 * np.pi * pitch) for pitch in (220.0, 277.2, 329.6)) * 0.06 * swell
    frame = av.AudioFrame.from_ndarray(np.stack([chord, chord]).astype(np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, block * 1024, Fraction(1, SOUND_RATE)
    return frame
