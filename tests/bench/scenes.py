"""Eight scenes with a known truth: a textured object moves over real film under known maps.

Everything is defined at 720p and scaled to the height asked for. Maps are defined backwards (frame pixel to object
pixel), so the truth needs no inversion. Seeded: the same seed gives the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

OBJECT_PX = 330.0
LASSO_PX = 190.0
NOISE_SIGMA = 1.5
_TEXTURE_SCALE = 2.0
_TEXTURE_PX = int(OBJECT_PX * _TEXTURE_SCALE)
BACKGROUNDS = ("gopro_max_heromode.mp4", "tmcd_dog_2997.mp4", "mpeg2_ps_cc0.mpg", "android13_720p_rot90.mp4")


@dataclass(frozen=True)
class Scene:
    """How the object moves and what happens to it, as functions of the time in frames after the anchor.

    pose: t -> 3x3, object pixels (centred) to frame pixels at 720p. bend: (u, v, t) -> offsets in object pixels.
    light: (x, y, t) -> gain on frame pixels at 720p. occluder: t -> (centre x, centre y, half width, half height) at
    720p in the object's own frame, or None. shutter: 0 to 1.
    """

    name: str
    seed: int
    pose: Callable[[float], np.ndarray]
    bend: Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]] | None = None
    light: Callable[[np.ndarray, np.ndarray, float], np.ndarray] | None = None
    occluder: Callable[[float], float] | None = None
    shutter: float = 0.0
    contrast: float = 1.0
    rigid: bool = True


def similarity(x, y, angle=0.0, scale=1.0):
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1.0]])


def tilted(x, y, angle, turn=0.0, focal=900.0):
    """A plane turned about its vertical axis and then in the picture, seen from `focal` pixels away."""
    c, s = np.cos(angle), np.sin(angle)
    plane = np.array([[c, 0, 0], [0, 1, 0], [s / focal, 0, 1.0]])
    return similarity(x, y, turn) @ plane


def swing(t, period, phase=0.0):
    """A swing that starts at rest at t = 0, of amplitude 1."""
    return np.sin(2 * np.pi * t / period + phase) - np.sin(phase)


def _ramped(t, frames=12.0):
    """Time that starts from rest and runs at unit speed after `frames`."""
    s = np.sign(t) * np.where(np.abs(t) < frames, t * t / (2 * frames), np.abs(t) - frames / 2)
    return float(s)


def scenes(seed: int = 1) -> tuple[Scene, ...]:
    rng = np.random.default_rng(seed)
    j = lambda low, high: float(rng.uniform(low, high))  # noqa: E731
    a, b, c = j(0, 2 * np.pi), j(45, 60), j(0.8, 1.2)

    def slow(t):
        return similarity(
            640 + 60 * c * swing(t, 90, a), 360 + 40 * swing(t, 70, a), 0.15 * swing(t, 80), 1 + 0.1 * swing(t, 110)
        )

    # An ellipse with a top speed of 25 px per frame, entered from rest.
    omega = 25.0 / 300.0

    def fast(t):
        w = omega * _ramped(t)
        return similarity(640 - 300 * (1 - np.cos(w)) * 0.9 + 250, 360 + 120 * np.sin(w) * c, 0.05 * np.sin(w))

    def tilt(t):
        return tilted(
            640 + 50 * swing(t, 75, a),
            360 + 20 * swing(t, 60),
            np.radians(45) * np.sin(2 * np.pi * t / b / 2),
            0.1 * swing(t, 77),
        )

    def bend(u, v, t, amplitude=10.0):
        k = amplitude * np.sin(2 * np.pi * t / 34)
        q = amplitude * 0.6 * np.sin(2 * np.pi * t / 23)
        return (
            k * np.sin(2 * np.pi * v / (0.62 * OBJECT_PX) + a) + 0 * u,
            q * np.sin(2 * np.pi * u / (0.75 * OBJECT_PX)) + 0.4 * k * np.cos(2 * np.pi * v / (0.9 * OBJECT_PX)),
        )

    def light(x, y, t):
        whole = 1 + 0.35 * np.sin(2 * np.pi * t / 50)
        edge = 640 + 420 * np.sin(2 * np.pi * (t - 12) / 64) + 0.3 * (y - 360)
        shadow = 1 - 0.45 / (1 + np.exp(-(x - edge) / 9.0))
        at_rest = 1 - 0.45 / (1 + np.exp(-(x - (640 + 420 * np.sin(2 * np.pi * -12 / 64) + 0.3 * (y - 360))) / 9.0))
        return whole * shadow / np.maximum(at_rest, 0.3) * at_rest

    def passing(cover, period):
        # Slides in from the left until `cover` of the lasso is hidden, and out again.
        def left_edge(t):
            phase = 0.5 - 0.5 * np.cos(2 * np.pi * t / period)
            return -LASSO_PX / 2 - 30 + (LASSO_PX * cover + 30) * phase

        return left_edge

    def gentle(t):
        return similarity(640 + 70 * swing(t, 80, a), 360 + 30 * swing(t, 65), 0.08 * swing(t, 90))

    def all_at_once(t):
        return tilted(
            640 + 120 * swing(t, 95),
            360 + 50 * swing(t, 60),
            np.radians(22) * np.sin(2 * np.pi * t / 70),
            0.12 * swing(t, 85),
        )

    return (
        Scene("planar slow", seed * 100 + 1, slow),
        Scene("planar fast, blurred", seed * 100 + 2, fast, shutter=0.5),
        Scene("tilt 45", seed * 100 + 3, tilt),
        Scene("non-rigid 10 px", seed * 100 + 4, gentle, bend=bend, rigid=False),
        Scene("occlusion 93 %", seed * 100 + 5, gentle, occluder=passing(0.95, 60)),
        Scene("light and shadow", seed * 100 + 6, gentle, light=light),
        Scene("low texture", seed * 100 + 7, gentle, contrast=0.09),
        Scene(
            "combination",
            seed * 100 + 8,
            all_at_once,
            bend=lambda u, v, t: bend(u, v, t, 4.0),
            light=lambda x, y, t: 1 + 0.6 * (light(x, y, t) - 1),
            occluder=passing(0.5, 80),
            shutter=0.3,
            rigid=False,
        ),
    )


@dataclass
class Film:
    """A scene as frames: uint8 [H, W, 3] RGB, without and with the edit, and the truth behind them."""

    scene: Scene
    height: int
    media: Path | None
    _textures: tuple[np.ndarray, np.ndarray, np.ndarray] = field(init=False)
    _background: list[np.ndarray] = field(init=False)

    def __post_init__(self):
        self.k = self.height / 720.0
        self.width = round(1280 * self.k)
        rng = np.random.default_rng(self.scene.seed)
        plain = object_texture(rng)
        plain = 118 + (plain - 118) * self.scene.contrast if self.scene.contrast != 1 else plain
        edit, cover = edited_texture(plain, rng)
        self._textures = plain, edit, cover
        self._occluder = object_texture(np.random.default_rng(self.scene.seed + 50))[..., ::-1] * 0.7 + 30
        self._background = background(self.media, self.scene.seed, self.width, self.height)
        self._anchor_gain = None

    def object_map(self, t, x, y):
        """Frame pixel centres (720p units, float) to object pixels, centred."""
        inverse = np.linalg.inv(self.scene.pose(t))
        d = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        u = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / d
        v = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / d
        if self.scene.bend is not None:
            du, dv = self.scene.bend(u, v, t)
            u, v = u + du, v + dv
        return u, v

    def true_map(self, t, x, y):
        """Frame pixels at this film's size to anchor pixels (t = 0), where bend(0) is zero."""
        u, v = self.object_map(t, (x + 0.5) / self.k, (y + 0.5) / self.k)
        p = self.scene.pose(0.0)
        d = p[2, 0] * u + p[2, 1] * v + p[2, 2]
        return (
            (p[0, 0] * u + p[0, 1] * v + p[0, 2]) / d * self.k - 0.5,
            (p[1, 0] * u + p[1, 1] * v + p[1, 2]) / d * self.k - 0.5,
        )

    def in_lasso(self, t):
        """Visible share of the lasso per pixel, float32 [H, W]: the truth's ROI."""
        x, y = self._grid()
        u, v = self.object_map(t, (x + 0.5) / self.k, (y + 0.5) / self.k)
        inside = (lasso_distance(u, v) < 0).astype(np.float32)
        return inside, inside * (1 - self._occluded(t, u, v))

    def lasso_outline(self):
        """The lasso on the anchor frame, normalised points."""
        angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        r = lasso_radius(angle)
        points = np.stack([r * np.cos(angle), r * np.sin(angle), np.ones_like(r)])
        x, y, d = self.scene.pose(0.0) @ points
        return np.stack([x / d / 1280, y / d / 720], axis=1)

    def frame(self, t, *, edited):
        # Another grain with the edit than without: the truth is another take of the same scene.
        rng = np.random.default_rng((self.scene.seed, 1000 + t, int(edited)))
        noise = rng.normal(0, NOISE_SIGMA, (self.height, self.width, 3)).astype(np.float32)
        base = self._background[t % len(self._background)].astype(np.float32)
        x, y = self._grid()
        box = self._object_box(t)
        taps = 9 if self.scene.shutter else 1
        result = np.zeros_like(base)
        for tap in range(taps):
            s = t + self.scene.shutter * ((tap + 0.5) / taps - 0.5)
            result += self._exposed(s, base, x, y, box, edited) / taps
        return np.clip(np.rint(result + noise), 0, 255).astype(np.uint8)

    def gain(self, t):
        """The true light relative to the anchor's, float32 [H, W]."""
        x, y = self._grid()
        if self.scene.light is None:
            return np.ones_like(x)
        at = self.scene.light((x + 0.5) / self.k, (y + 0.5) / self.k, t)
        ax, ay = self.true_map(t, x, y)
        then = self.scene.light((ax + 0.5) / self.k, (ay + 0.5) / self.k, 0.0)
        return (at / np.maximum(then, 0.1)).astype(np.float32)

    def _grid(self):
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        return x, y

    def _object_box(self, t):
        corners = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]).T * np.array([[190], [190], [1]])
        low, high = np.full(2, 1e9), np.full(2, -1e9)
        for s in (t - 0.5, t, t + 0.5):
            x, y, d = self.scene.pose(s) @ corners
            low = np.minimum(low, [(x / d).min(), (y / d).min()])
            high = np.maximum(high, [(x / d).max(), (y / d).max()])
        x0, y0 = np.maximum(np.floor(low * self.k).astype(int) - 12, 0)
        x1, y1 = np.minimum(np.ceil(high * self.k).astype(int) + 12, [self.width, self.height])
        return slice(y0, y1), slice(x0, x1)

    def _occluded(self, t, u, v):
        if self.scene.occluder is None:
            return np.zeros_like(u)
        edge = self.scene.occluder(t)
        return 1 / (1 + np.exp(np.clip((u - edge - 6 * np.sin(v / 23)) * 1.6 * self.k, -40, 40)))

    def _exposed(self, t, base, x, y, box, edited):
        out = base.copy()
        xs, ys = x[box], y[box]
        colour = np.zeros((*xs.shape, 3), np.float32)
        cover = np.zeros(xs.shape, np.float32)
        hidden = np.zeros(xs.shape, np.float32)
        texture = self._textures[1 if edited else 0]
        offsets = (0.25, 0.75)
        for ox in offsets:
            for oy in offsets:
                u, v = self.object_map(t, (xs + ox) / self.k, (ys + oy) / self.k)
                tx = (u * _TEXTURE_SCALE + _TEXTURE_PX / 2 - 0.5).astype(np.float32)
                ty = (v * _TEXTURE_SCALE + _TEXTURE_PX / 2 - 0.5).astype(np.float32)
                colour += cv2.remap(texture, tx, ty, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE) / 4
                distance = np.maximum(np.abs(u), np.abs(v)) - OBJECT_PX / 2
                cover += np.clip(0.5 - distance * self.k, 0, 1).astype(np.float32) / 4
                hidden += self._occluded(t, u, v).astype(np.float32) / 4
        if self.scene.light is not None:
            gain = self.scene.light((xs + 0.5) / self.k, (ys + 0.5) / self.k, t).astype(np.float32)
            colour *= gain[..., None]
        part = out[box]
        part += (colour - part) * cover[..., None]
        if self.scene.occluder is not None:
            # The occluder slides over the object without turning with it.
            ex = ((xs / self.k * 1.3) % (_TEXTURE_PX - 1)).astype(np.float32)
            ey = ((ys / self.k * 1.3 + 40) % (_TEXTURE_PX - 1)).astype(np.float32)
            front = cv2.remap(self._occluder.astype(np.float32), ex, ey, cv2.INTER_LINEAR)
            u, v = self.object_map(t, (xs + 0.5) / self.k, (ys + 0.5) / self.k)
            tall = np.clip((OBJECT_PX * 0.48 - np.abs(v)) * 0.5, 0, 1) * np.clip((u + OBJECT_PX * 0.48) * 0.5, 0, 1)
            part += (front - part) * (hidden * tall)[..., None].astype(np.float32)
        return out


def lasso_radius(angle):
    return LASSO_PX / 2 * (1 + 0.12 * np.sin(3 * angle + 0.7) + 0.06 * np.cos(5 * angle)) / 1.05


def lasso_distance(u, v):
    return np.hypot(u, v) - lasso_radius(np.arctan2(v, u))


def object_texture(rng):
    """Several octaves of coloured noise with strokes and discs, float32 [n, n, 3], 0..255."""
    n = _TEXTURE_PX
    result = np.zeros((n, n, 3), np.float32)
    for cells, weight in ((4, 46), (10, 34), (26, 22), (64, 13), (150, 7)):
        grain = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        grain[..., 1:] = 0.6 * grain[..., :1] + 0.4 * grain[..., 1:]
        result += weight * cv2.resize(grain, (n, n), interpolation=cv2.INTER_CUBIC)
    result += 118
    for _ in range(46):
        colour = tuple(float(value) for value in rng.uniform(20, 235, 3))
        x, y = rng.uniform(0, n, 2)
        if rng.random() < 0.5:
            angle, length = rng.uniform(0, np.pi), rng.uniform(30, 130)
            end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
            cv2.line(result, (int(x), int(y)), end, colour, int(rng.integers(2, 9)), cv2.LINE_AA)
        else:
            cv2.circle(
                result, (int(x), int(y)), int(rng.integers(6, 30)), colour, int(rng.integers(-1, 6)) or -1, cv2.LINE_AA
            )
    return np.clip(cv2.GaussianBlur(result, (0, 0), 1.0), 4, 250)


def edited_texture(plain, rng):
    """The object with another pattern and colour inside the lasso, fading into it at its edge; and where."""
    n = _TEXTURE_PX
    y, x = np.mgrid[0:n, 0:n].astype(np.float32)
    u, v = (x + 0.5 - n / 2) / _TEXTURE_SCALE, (y + 0.5 - n / 2) / _TEXTURE_SCALE
    cover = np.clip(-(lasso_distance(u, v) + 6) / 12, 0, 1)
    cover = (cover * cover * (3 - 2 * cover)).astype(np.float32)
    other = object_texture(rng)
    rings = 0.5 + 0.5 * np.sin(np.hypot(u, v) / 7.0)
    tint = np.stack([90 + 90 * rings, 70 + 40 * rings, 190 - 60 * rings], axis=-1).astype(np.float32)
    contrast = float(plain.std() / 45)
    inside = 118 + (0.45 * other + 0.35 * tint + 0.2 * plain - 118) * max(0.35, min(1.0, contrast))
    return (plain + (inside - plain) * cover[..., None]).astype(np.float32), cover


def background(media, seed, width, height):
    """Frames of a real clip, or a drifting texture where there is none; uint8 [H, W, 3]."""
    if media is not None:
        import av

        path = media / BACKGROUNDS[seed % len(BACKGROUNDS)]
        frames = []
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams.video[0]):
                rgb = frame.to_ndarray(format="rgb24")
                frames.append(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))
                if len(frames) == 40:
                    break
        return frames + frames[-2:0:-1]
    texture = object_texture(np.random.default_rng(seed + 9))
    wide = cv2.resize(texture, (width + 200, height), interpolation=cv2.INTER_CUBIC)
    return [np.clip(wide[:, 2 * k : 2 * k + width], 0, 255).astype(np.uint8) for k in range(60)]


def without_light(scene):
    return replace(scene, light=None)
