"""A film of a wall that passes by, as the tests of services know it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.moving_textures import texture

FRAMES, WIDTH, HEIGHT, ANCHOR = 16, 320, 192, 5
REGION = ("--frame", ANCHOR, "--lasso", "0.35,0.35 0.6,0.35 0.6,0.65 0.35,0.65")


def make_clip(path: Path) -> Path:
    """Write a textured wall that passes by, two pixels a frame."""
    wall = np.dstack([texture(seed) for seed in (3, 3, 3)]).astype(np.uint8)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "14", "g": "8", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            part = np.ascontiguousarray(wall[60 : 60 + HEIGHT, 40 + 2 * number : 40 + 2 * number + WIDTH])
            out.mux(video.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        out.mux(video.encode(None))
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
