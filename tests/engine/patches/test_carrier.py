"""What lies behind a label on a cup is the cup: nothing else may show through where it is removed."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.model.patch import Follow, WhenLost
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.model.time import Range
from engine.model.tool import Remove
from engine.motion.frame import MotionFrame
from engine.patches.matte import Matte
from engine.patches.patch import FilmFacts, prepared
from engine.patches.propagate import Anchor, propagate

WIDTH, HEIGHT, FRAMES, ANCHOR = 320, 240, 40, 4
CUP, LABEL = (110, 70, 120, 120), (150, 105, 40, 40)
"""x, y, width and height on the first frame."""
FORMAT = PixelFormat("yuv420p", Family.YUV, (1, 1), False, 8, False, 1, 1, 1, 0, Scan.PROGRESSIVE)
CUP_LEVEL = 205.0


def texture(seed: int, height: int, width: int, low: float, high: float) -> np.ndarray:
    rough = np.random.default_rng(seed).uniform(low, high, (height // 4, width // 4)).astype(np.float32)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255)


class Scene:
    """A camera that pans over a wall past a cup with a label, which stands nearer and so passes faster.

    Args:
        carried: whether the label is on the cup; else it hangs in the air in front of the wall.
    """

    def __init__(self, *, carried: bool) -> None:
        self.carried = carried
        self.wall = texture(1, HEIGHT + 80, 4 * WIDTH, 30, 150)
        self.label = texture(2, LABEL[3], LABEL[2], 0, 255)

    def left(self, t: int) -> float:
        """Return by how much the cup and its label have gone to the right."""
        return 12 * np.sin(t / 6)

    def luma(self, t: int, *, labelled: bool = True) -> np.ndarray:
        picture = cv2.warpAffine(self.wall, np.array([[1, 0, -3.5 * t], [0, 1, -20.0]]), (WIDTH, HEIGHT))
        if self.carried:
            self._lay(picture, np.full(CUP[:1:-1], CUP_LEVEL, np.float32), CUP, t)
        if labelled:
            self._lay(picture, self.label, LABEL, t)
        return np.round(picture).astype(np.uint8)

    def _lay(self, picture: np.ndarray, thing: np.ndarray, box: tuple[int, int, int, int], t: int) -> None:
        shift = np.array([[1, 0, box[0] + self.left(t)], [0, 1, float(box[1])]])
        alpha = cv2.warpAffine(np.ones_like(thing), shift, (WIDTH, HEIGHT))
        picture += alpha * (cv2.warpAffine(thing, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE) - picture)

    def planes(self, t: int, *, labelled: bool = True) -> tuple[np.ndarray, ...]:
        chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
        return self.luma(t, labelled=labelled), chroma, chroma.copy()

    def read(self, t: int) -> MotionFrame:
        return MotionFrame(self.luma(t))


def removed(scene: Scene):
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    x = round(LABEL[0] + scene.left(ANCHOR))
    alpha[LABEL[1] - 4 : LABEL[1] + LABEL[3] + 4, x - 4 : x + LABEL[2] + 4] = 1
    matte = Matte.of_full(alpha)
    frames, size = Range(0, FRAMES), (WIDTH, HEIGHT)
    anchors = (Anchor(ANCHOR, alpha, matte.bounds),)
    journey = propagate(scene.read, anchors, frames, Follow.HYBRID, (), size, Progress(), CancelToken())
    return prepared(
        FilmFacts(FORMAT, 0, Fraction(1), None), Remove(), matte, journey, Follow.HYBRID, WhenLost.COVER, scene.planes,
        None, None, frames, Progress(), CancelToken(),
    )  # fmt: skip


@pytest.mark.parametrize("frame", [0, 12, 24, 36])
@pytest.mark.parametrize("carried", [True, False], ids=["on a cup", "by itself"])
def test_what_shows_is_the_carrier_or_else_the_wall(patches, carried, frame):
    scene, patch = patches[carried]
    after = patch.on(frame, scene.planes(frame))[0].astype(float)
    bare = scene.luma(frame, labelled=False).astype(float)
    x = round(LABEL[0] + scene.left(frame))
    inside = slice(LABEL[1], LABEL[1] + LABEL[3]), slice(x, x + LABEL[2])
    assert np.abs(after[inside] - bare[inside]).mean() < 5


@pytest.fixture(scope="module")
def patches():
    scenes = {carried: Scene(carried=carried) for carried in (True, False)}
    return {carried: (scene, removed(scene)) for carried, scene in scenes.items()}
