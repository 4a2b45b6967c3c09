"""Remove an object that was put into film, and compare with the film as it was.

    python -m tests.bench remove [--frames 60] [--cases NAME,...] [--out DIR]

A textured object crosses the picture; the matte is known, the motion is tracked. PSNR of RGB in the hole, on every
tenth frame. Then holes that no frame shows (tests/bench/completion.py).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import av
import cv2
import numpy as np

from engine.control import CancelToken, Progress
from engine.model.patch import Follow, WhenLost
from engine.model.time import Range
from engine.motion.frame import MotionFrame
from engine.patches.matte import rasterise
from engine.patches.moving import matte_on
from engine.patches.propagate import Anchor, propagate
from engine.patches.remove import plan_removal, remove
from tests.bench import completion
from tests.bench.motion import FORMAT, MEDIA, planes_of, rgb_of
from tests.bench.scenes import lasso_distance, lasso_radius, object_texture

WIDTH, HEIGHT = 1280, 720
REAL = {
    "gopro walk": "gopro_max_heromode.mp4",
    "dog, hand-held": "tmcd_dog_2997.mp4",
    "towers, hand-held": "mpeg2_ps_cc0.mpg",
    "room, hand-held": "android13_720p_rot90.mp4",
    "slope, hand-held": "iphone5_h264_1080p.mov",
    "hand-held, HLG phone": "iphone_hevc_hlg_trimmed_editlist.mp4",
}


def clip(name, count):
    frames = []
    with av.open(str(MEDIA / name)) as container:
        for frame in container.decode(container.streams.video[0]):
            frames.append(cv2.resize(frame.to_ndarray(format="rgb24"), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
            if len(frames) == count:
                break
    return frames


def still_picture(seed):
    if (MEDIA / "catalog.json").exists():
        return clip(("tmcd_dog_2997.mp4", "gopro_max_heromode.mp4", "iphone5_h264_1080p.mov")[seed % 3], 10)[-1]
    return np.clip(cv2.resize(object_texture(np.random.default_rng(seed)), (WIDTH, HEIGHT)), 0, 255).astype(np.uint8)


def tripod(count, rng):
    picture = still_picture(0).astype(np.float32)
    return [
        np.clip(np.rint(picture + rng.normal(0, 1.5, picture.shape)), 0, 255).astype(np.uint8) for _ in range(count)
    ]


def pan(count, rng):
    large = cv2.resize(still_picture(1), (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    frames = []
    for t in range(count):
        shift = np.array([[1, 0, -40 - 9.3 * t], [0, 1, -200 - 2.7 * t]])
        part = cv2.warpAffine(large, shift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
        frames.append(np.clip(np.rint(part + rng.normal(0, 1.5, part.shape)), 0, 255).astype(np.uint8))
    return frames


class Visitor:
    """The object that crosses: about 190 px across, known matte."""

    def __init__(self, count):
        self.texture = object_texture(np.random.default_rng(77))
        self.count = count

    def place(self, t):
        return 360 + 560 * t / self.count, 380 + 60 * np.sin(t / 9)

    def matte(self, t):
        x, y = self.place(t)
        v, u = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        return np.clip(0.5 - lasso_distance(u + 0.5 - x, v + 0.5 - y), 0, 1).astype(np.float32)

    def onto(self, rgb, t):
        x, y = self.place(t)
        v, u = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        n = self.texture.shape[0]
        colour = cv2.remap(
            self.texture.astype(np.float32), (2 * (u + 0.5 - x) + n / 2).astype(np.float32),
            (2 * (v + 0.5 - y) + n / 2).astype(np.float32), cv2.INTER_AREA,
        )  # fmt: skip
        cover = self.matte(t)[..., None]
        return np.clip(np.rint(rgb + (colour - rgb) * cover), 0, 255).astype(np.uint8)

    def outline(self, t):
        x, y = self.place(t)
        angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        r = lasso_radius(angle) + 2
        return np.stack([(x + r * np.cos(angle)) / WIDTH, (y + r * np.sin(angle)) / HEIGHT], axis=1)


def psnr(a, b, roi):
    return float(10 * np.log10(255**2 / max(float(np.square(a[roi].astype(np.float32) - b[roi]).mean()), 1e-9)))


def run(name, frames):
    count = len(frames)
    visitor = Visitor(count)
    plain = [planes_of(frame) for frame in frames]
    film = [planes_of(visitor.onto(frame.astype(np.float32), t)) for t, frame in enumerate(frames)]
    motion = [MotionFrame(item[0], item[1:]) for item in film]
    anchor = count // 2
    matte = rasterise(visitor.outline(anchor), WIDTH, HEIGHT, 0, feather_px=3)
    started = time.process_time()
    journey = propagate(
        lambda t: motion[t], (Anchor(anchor, matte.full(), matte.bounds),), Range(0, count), Follow.HYBRID, (),
        (WIDTH, HEIGHT), Progress(), CancelToken(),
    )  # fmt: skip
    removal, unknown = plan_removal(
        lambda t: motion[t], lambda t: film[t], FORMAT, matte, journey, None, Progress(), CancelToken()
    )
    planned = time.process_time() - started
    scores = {"ours": [], "Telea": [], "static median": [], "homography median": []}
    spent, invented = 0.0, []
    for t in range(5, count, 10):
        roi = visitor.matte(t) > 0.5
        goal = rgb_of(plain[t])
        started = time.process_time()
        filled = remove(removal, t, film[t], lambda k: motion[k], lambda k: film[k])
        spent += time.process_time() - started
        invented.append(filled.invented)
        scores["ours"].append(psnr(rgb_of(filled.planes), goal, roi))
        cover = matte_on(matte, journey, WhenLost.COVER, t)
        mask = (cover.full() > 0).astype(np.uint8) if cover else roi.astype(np.uint8)
        seen = rgb_of(film[t]).astype(np.uint8)
        scores["Telea"].append(psnr(cv2.inpaint(seen, mask, 5, cv2.INPAINT_TELEA), goal, roi))
        others = [k for k in range(0, count, max(1, count // 15)) if k != t]
        for way, warped in (("static median", False), ("homography median", True)):
            stack = []
            for k in others:
                other = rgb_of(film[k]).astype(np.float32)
                other[visitor.matte(k) > 0] = np.nan
                if warped:
                    back = removal.camera.between(t, k)
                    other = cv2.warpPerspective(
                        other, back, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                        borderValue=(np.nan,) * 3,
                    )  # fmt: skip
                stack.append(other[roi])
            with np.errstate(all="ignore"):
                middle = np.nanmedian(np.array(stack), axis=0)
            middle = np.where(np.isfinite(middle), middle, 128)
            scores[way].append(float(10 * np.log10(255**2 / max(float(np.square(middle - goal[roi]).mean()), 1e-9))))
    print(
        f"{name:22s} "
        + " ".join(f"{np.mean(values):8.1f}" for values in scores.values())
        + f"   still {removal.camera.still!s:5s} "
        f"invented {100 * np.mean(invented):4.1f} % (anchor {100 * unknown:.1f} %) "
        f"found {np.mean(journey.found > 0):.2f}  cpu ms: plan {1000 * planned / count:.0f}, "
        f"fill {1000 * spent / len(invented):.0f}",
        flush=True,
    )


def main(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.bench remove", description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--cases", default="")
    parser.add_argument("--out", type=Path, help="a folder for the sheet of filled holes")
    options = parser.parse_args(argv)
    cv2.setNumThreads(2)
    rng = np.random.default_rng(3)
    cases = {"tripod": tripod, "synthetic pan": pan}
    if (MEDIA / "catalog.json").exists():
        cases |= {name: (lambda count, _, f=file: clip(f, count)) for name, file in REAL.items()}
    wanted = [item for item in options.cases.split(",") if item]
    print(f"{'':22s}     ours    Telea   static    homog.")
    for name, make in cases.items():
        if not wanted or any(item in name for item in wanted):
            run(name, make(options.frames, rng))
    completion.report(wanted, options.out)
    return 0
