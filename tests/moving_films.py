"""Small films of a board that moves, in a file; and the command line to work on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from app.main import main
from tests.moving_textures import HEIGHT, LASSO, WIDTH, similarity

FRAMES, GOP, ANCHOR = 36, 12, 14

Run = Callable[..., tuple[int, dict, str]]


def pose(t: float) -> np.ndarray:
    """Return the board's pose on a frame."""
    return similarity(120 + 2.5 * t, 110 + t, 0.01 * t)


def disc(t: float = ANCHOR, radius: float = LASSO) -> str:
    """Return the box around the board's region on a frame, as an argument."""
    x, y = pose(t)[:2, 2]
    box = (x - radius) / WIDTH, (y - radius) / HEIGHT, (x + radius) / WIDTH, (y + radius) / HEIGHT
    return ",".join(f"{value:.4f}" for value in box)


def write_film(path: Path, pictures: Iterable[np.ndarray]) -> Path:
    """Write grey pictures as an H.264 film of 25 frames/s."""
    options = {"g": str(GOP), "bf": "2", "sc_threshold": "0", "preset": "veryfast", "crf": "14"}
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = Fraction(1, 25)
        for number, luma in enumerate(pictures):
            frame = VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def runner(capsys: object) -> Run:
    """Return what runs a command: its status, its JSON, and what it said."""

    def command(*arguments: object) -> tuple[int, dict, str]:
        try:
            status = main([*map(str, arguments), "--json"])
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else {}, err

    return command
