"""A film with a thing that moves in it, and the whole application."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from tests.app.ui.desktop import desktop, folder  # noqa: F401 fixtures, used by their being here
from tests.fakes.at_hand import at_hand

WIDTH, HEIGHT, FRAMES, RATE = 480, 272, 75, 25


def ball_at(number: int) -> tuple[int, int]:
    """Return the middle of the ball on a frame, in pixels."""
    return 120 + 3 * number, 150


def _picture(number: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    ground = cv2.resize(rng.integers(60, 190, (HEIGHT // 8, WIDTH // 8, 3), np.uint8), (WIDTH, HEIGHT))
    cv2.circle(ground, ball_at(number), 22, (230, 60, 40), -1, cv2.LINE_AA)
    cv2.line(ground, (ball_at(number)[0] - 14, 150), (ball_at(number)[0] + 14, 150), (250, 250, 250), 4, cv2.LINE_AA)
    return ground


@pytest.fixture(scope="session")
def ball_film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ball") / "ball.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"g": "25", "bf": "2", "sc_threshold": "0", "preset": "veryfast", "crf": "20"}
        sound = out.add_stream("aac", rate=48000)
        for number in range(FRAMES):
            out.mux(video.encode(VideoFrame.from_ndarray(_picture(number), format="rgb24").reformat(format="yuv420p")))
        out.mux(video.encode(None))
        tone = np.sin(np.arange(48000 * FRAMES // RATE) * 0.05).astype(np.float32)
        for start in range(0, tone.size - 1023, 1024):
            frame = AudioFrame.from_ndarray(np.stack([tone[start : start + 1024]] * 2), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = 48000, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


@pytest.fixture
def film(folder, ball_film) -> Path:  # noqa: F811 the fixture
    path = folder / "Ball.mp4"
    path.write_bytes(ball_film.read_bytes())
    return path


@pytest.fixture
def world(monkeypatch):
    """Return the services' stand-ins, with keys that they accept."""
    with at_hand(monkeypatch) as services:
        yield services
