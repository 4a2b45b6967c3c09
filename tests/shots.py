"""Films made of shots whose cuts are known: textured worlds under a moving camera, joined by cuts, dissolves, fades,
with flashes, fast pans and people who move."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

WORLD = 1400


@dataclass
class Truth:
    """Where things happen: frame numbers, (start, stop) for what lasts."""

    cuts: list[int] = field(default_factory=list)
    dissolves: list[tuple[int, int]] = field(default_factory=list)
    fades: list[tuple[int, int]] = field(default_factory=list)
    flashes: list[int] = field(default_factory=list)


def world(seed, *, detail=1.0):
    """Return a wide picture, uint8 [WORLD, WORLD, 3] as Y Cb Cr, with shapes and texture of its own."""
    rng = np.random.default_rng((7, seed))
    luma = np.zeros((WORLD, WORLD), np.float32)
    for cells, weight in ((4, 40), (12, 28), (40, 18 * detail), (160, 10 * detail)):
        grain = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        luma += weight * cv2.resize(grain, (WORLD, WORLD), interpolation=cv2.INTER_CUBIC)
    luma += rng.uniform(70, 170)
    chroma = [
        128 + rng.normal(0, 14) + 14 * cv2.resize(rng.normal(0, 1, (6, 6)).astype(np.float32), (WORLD, WORLD))
        for _ in range(2)
    ]
    picture = np.stack([luma, *chroma], axis=2)
    for _ in range(14):
        centre = rng.integers(0, WORLD, 2).tolist()
        colour = [float(rng.uniform(20, 235)), *rng.uniform(80, 176, 2).tolist()]
        if rng.random() < 0.5:
            cv2.circle(picture, centre, int(rng.integers(30, 160)), colour, -1, cv2.LINE_AA)
        else:
            far = (np.array(centre) + rng.integers(40, 300, 2)).tolist()
            cv2.rectangle(picture, centre, far, colour, -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


class Shot:
    """A camera over a world: a path of positions (pixels of the world), a size of the view, and a walker."""

    def __init__(self, seed, width, height, *, speed=(0.0, 0.0), shake=0.0, zoom=1.0, walker=False, blur=False):
        self.world = world(seed)
        self.rng = np.random.default_rng((11, seed))
        self.width, self.height = width, height
        self.speed, self.shake, self.zoom, self.walker, self.blur = speed, shake, zoom, walker, blur
        self.start = self.rng.uniform(350, 500, 2)
        self.body = self.rng.uniform(30, 220, 3)
        self.jitter = np.cumsum(self.rng.normal(0, shake, (4000, 2)), axis=0)
        for i in range(1, len(self.jitter)):
            self.jitter[i] = 0.9 * self.jitter[i - 1] + self.rng.normal(0, shake, 2)

    def frame(self, t):
        """Return float32 [height, width, 3]."""
        if not self.blur:
            return self._at(float(t))
        return np.mean([self._at(t + part) for part in (-0.2, -0.07, 0.07, 0.2)], axis=0)

    def _at(self, t):
        scale = 480 / self.width * self.zoom**t
        travel = np.array(self.speed) * t
        # At the world's edge the camera turns round.
        room = WORLD - 520
        corner = room - np.abs((self.start + travel + self.jitter[int(t) % 4000]) % (2 * room) - room)
        corner = corner + (480 / self.width - scale) * np.array([self.width, self.height]) / 2  # grow about the middle
        matrix = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]], np.float32)
        view = cv2.warpAffine(
            self.world,
            matrix,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        if self.walker:
            x = int(abs((0.2 + 0.012 * t) % 1.6 - 0.8) * self.width)
            y = int((0.6 + 0.05 * np.sin(t / 4)) * self.height)
            cv2.circle(view, (x, y), self.height // 6, self.body.tolist(), -1, cv2.LINE_AA)
        return view.astype(np.float32)


def film(plan, width=320, height=180, noise=1.0, seed=0):
    """Yield uint8 [height, width, 3] Y Cb Cr frames of a plan, a list of dicts.

    Each names a shot and how it is reached: {"shot": Shot, "frames": n, "join": "cut" | ("dissolve", n) |
    ("fade", out, black, in), "flashes": {offset: length}, "gain": f(t)}. Returns the truth as the generator's value.
    """
    truth, at, rng = Truth(), 0, np.random.default_rng((3, seed))
    black = np.array([16, 128, 128], np.float32)

    def finished(picture):
        nonlocal at
        at += 1
        return np.clip(np.rint(picture + rng.normal(0, noise, picture.shape)), 0, 255).astype(np.uint8)

    former = None
    for part in plan:
        shot, join, t = part["shot"], part.get("join", "cut"), 0
        if former is not None:
            old, old_t = former
            if join == "cut":
                truth.cuts.append(at)
            elif join[0] == "dissolve":
                truth.dissolves.append((at, at + join[1]))
                for k in range(join[1]):
                    share = (k + 1) / (join[1] + 1)
                    yield finished((1 - share) * old.frame(old_t + k) + share * shot.frame(k))
                t = join[1]
            else:
                _, out, dark, rise = join
                truth.fades += [(at, at + out), (at + out + dark, at + out + dark + rise)]
                for k in range(out):
                    yield finished(black + (old.frame(old_t + k) - black) * (1 - (k + 1) / out))
                for _ in range(dark):
                    yield finished(np.broadcast_to(black, (shot.height, shot.width, 3)))
                for k in range(rise):
                    yield finished(black + (shot.frame(k) - black) * ((k + 1) / rise))
                t = rise
        flashes = {}
        for offset, length in part.get("flashes", {}).items():
            truth.flashes.append(at + offset)
            flashes |= {offset + k: 1 - k / (length + 1) for k in range(length)}
        gain = part.get("gain")
        for k in range(part["frames"]):
            picture = shot.frame(t + k)
            if gain is not None:
                picture[..., 0] = 16 + (picture[..., 0] - 16) * gain(k)
            if k in flashes:
                strength = flashes[k]
                picture[..., 0] = picture[..., 0] + strength * (part.get("white", 250) - picture[..., 0] * 0.8)
            yield finished(picture)
        former = shot, t + part["frames"]
    return truth


def mixed_plan(seed, shots=14, width=320, height=180):
    """Return a plan with everything in it, drawn by seed."""
    rng = np.random.default_rng((23, seed))
    plan = []
    for number in range(shots):
        kind = rng.choice(["still", "slow", "pan", "shake", "zoom", "walker"])
        look = {
            "still": {},
            "slow": {"speed": tuple(rng.uniform(-3, 3, 2))},
            "shake": {"shake": 3.0},
            "pan": {"speed": (float(rng.choice([-1, 1]) * rng.uniform(12, 34)), rng.uniform(-3, 3)), "blur": True},
            "zoom": {"zoom": float(rng.choice([0.994, 1.004]))},
            "walker": {"walker": True},
        }[kind]
        join = "cut"
        if number:
            join = [
                "cut",
                "cut",
                "cut",
                ("dissolve", int(rng.integers(8, 40))),
                ("fade", int(rng.integers(8, 25)), int(rng.integers(2, 12)), int(rng.integers(8, 25))),
            ][rng.integers(0, 5)]
        frames = int(rng.integers(35, 90))
        flashes = {int(rng.integers(8, frames - 10)): int(rng.integers(1, 5))} if rng.random() < 0.5 else {}
        part = {
            "shot": Shot(seed * 100 + number, width, height, **look),
            "frames": frames,
            "join": join,
            "flashes": flashes,
        }
        if rng.random() < 0.2:
            part["gain"] = lambda k: 1 + 0.3 * np.sin(k / 9)
        plan.append(part)
    return plan
