"""Small films with a known motion: a textured board moves over another texture. Luma only, 320x240."""

import cv2
import numpy as np

from engine.motion.frame import MotionFrame

WIDTH, HEIGHT = 320, 240
HALF = 62
"""Half the side of the board; the followed region is the disc of radius LASSO in it."""
LASSO = 40


def texture(seed, size=400, contrast=1.0):
    rng = np.random.default_rng(seed)
    result = np.zeros((size, size), np.float32)
    for cells, weight in ((6, 30), (18, 26), (50, 18), (130, 9)):
        grain = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        result += weight * cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(118 + contrast * cv2.GaussianBlur(result, (0, 0), 1.0), 4, 250)


def similarity(x, y, angle=0.0, scale=1.0):
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1.0]])


class Board:
    """A board under `pose(t)` (board pixels, centred, to frame pixels), with what else happens to it."""

    def __init__(self, pose, *, bend=None, light=None, occluder=None, contrast=1.0, noise=1.0, seed=1, gone=()):
        self.pose, self.bend, self.light, self.occluder = pose, bend, light, occluder
        self.noise, self.seed, self.gone = noise, seed, gone
        self.front, self.back, self.before = texture(seed, contrast=contrast), texture(seed + 1), texture(seed + 2)
        self.edit = texture(seed + 3)
        self.kept = {}

    def board_map(self, t, x, y):
        inverse = np.linalg.inv(self.pose(t))
        d = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        u = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / d
        v = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / d
        if self.bend is not None:
            du, dv = self.bend(u, v, t)
            return u + du, v + dv
        return u, v

    def true_map(self, t, x, y, anchor=0):
        """Frame pixels to pixels of the anchor frame, which must not be bent."""
        u, v = self.board_map(t, x, y)
        moved = self.pose(anchor) @ np.stack([u.ravel(), v.ravel(), np.ones(u.size)])
        return (moved[0] / moved[2]).reshape(u.shape), (moved[1] / moved[2]).reshape(u.shape)

    def levels(self, t, *, edited=False):
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        frame = self.back[40 : 40 + HEIGHT, 40 : 40 + WIDTH].copy()
        if t not in self.gone:
            u, v = (np.asarray(item, np.float32) for item in self.board_map(t, x, y))
            board = cv2.remap(self.front, u + 200, v + 200, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
            if edited:
                other = cv2.remap(self.edit, u + 200, v + 200, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
                share = np.clip((LASSO - 4 - np.hypot(u, v)) / 6, 0, 1)
                board = board + (other - board) * share
            if self.light is not None:
                board = board * self.light(x, y, t)
            cover = np.clip(HALF + 0.5 - np.maximum(np.abs(u), np.abs(v)), 0, 1)
            frame = frame + (board - frame) * cover
        if self.occluder is not None:
            left, right = self.occluder(t)
            cover = np.clip(x - left + 0.5, 0, 1) * np.clip(right - x + 0.5, 0, 1)
            frame = frame + (self.before[60 : 60 + HEIGHT, 60 : 60 + WIDTH] - frame) * cover
        rng = np.random.default_rng((self.seed, 100 + t, int(edited)))
        return np.clip(np.rint(frame + rng.normal(0, self.noise, frame.shape)), 0, 255).astype(np.uint8)

    def read(self, t):
        if t not in self.kept:
            self.kept[t] = MotionFrame(self.levels(t))
        return self.kept[t]

    def region(self, anchor=0):
        """The region's matte on a frame, and its bounds."""
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        u, v = self.board_map(anchor, x, y)
        alpha = np.clip(LASSO + 0.5 - np.hypot(u, v), 0, 1).astype(np.float32)
        rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
        return alpha, (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))

    def error_px(self, surface, place, t, anchor=0, radius=LASSO):
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        u, v = self.board_map(t, x, y)
        inside = np.hypot(u, v) < radius
        if self.occluder is not None:
            left, right = self.occluder(t)
            inside &= (x < left) | (x > right)
        if inside.sum() < 50:
            return 0.0
        px, py = x[inside][None], y[inside][None]
        true_x, true_y = self.true_map(t, px, py, anchor)
        at_x, at_y = surface.anchor_pixels(place, px, py)
        return float(np.hypot(at_x - true_x, at_y - true_y).mean())
