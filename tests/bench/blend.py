"""Fit one edited picture that came back shifted, tinted and shaded, and compare with what it should have been.

    python -m tests.bench blend [--seed 1]

The edit is known exactly; what comes back is moved by 1.5 px, tinted and given a gradient. PSNR of RGB in the region.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from engine.model.picture import Picture
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.model.region import Ellipse
from engine.model.tool import FitStep
from engine.patches.colour import codes_to_film, film_to_codes
from engine.patches.crop import crop_around
from engine.patches.fit import fit
from engine.patches.matte import region_matte
from tests.bench.motion import MEDIA
from tests.bench.scenes import background, object_texture

FORMAT = PixelFormat("yuv444p", Family.YUV, (0, 0), False, 8, False, 1, 1, 1, 0, Scan.PROGRESSIVE)
FAULTS = ("shift", "tint", "shift and tint")
WAYS = {
    "as it came": (),
    "colour only": (FitStep.COLOUR,),
    "registration only": (FitStep.REGISTER,),
    "fitted": (FitStep.REGISTER, FitStep.COLOUR),
}


def planes_of(rgb):
    return tuple(np.floor(np.clip(code, 0, 255) + 0.5).astype(np.uint8) for code in film_to_codes(rgb, FORMAT))


def edited_frame(frame, matte, rng):
    """The frame with another pattern in the matte, the truth."""
    texture = cv2.resize(object_texture(rng) / 255, (frame.shape[1] // 3, frame.shape[0] // 2))
    tiled = np.tile(texture, (2, 4, 1))[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    inside = 0.55 * tiled + 0.45 * cv2.GaussianBlur(frame, (0, 0), 5)
    cover = cv2.GaussianBlur((matte.full() > 0.999).astype(np.float32), (0, 0), 3)[..., None]
    return frame + (inside - frame) * cover


def returned(truth, crop, fault):
    """What comes back for the crop: moved, tinted, shaded, with other grain."""
    part = truth[crop.top : crop.bottom, crop.left : crop.right]
    h, w = part.shape[:2]
    if "shift" in fault:
        angle, scale = np.radians(0.25), 1.003
        c, s = np.cos(angle) * scale, np.sin(angle) * scale
        move = np.array([[c, -s, 1.2 - 0.001 * w], [s, c, 0.9]])
        part = cv2.warpAffine(part, move, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    if "tint" in fault:
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        shade = 1 + 0.06 * (x / w - 0.5) - 0.05 * (y / h - 0.5)
        part = part * shade[..., None] * np.float32([1.08, 0.97, 0.90]) + np.float32([0.02, 0.0, 0.03])
    noisy = part + np.random.default_rng(7).normal(0, 1.0 / 255, part.shape)
    rgba = np.full((h, w, 4), 255, np.uint8)
    rgba[..., :3] = np.clip(np.rint(255 * noisy), 0, 255)
    return Picture(rgba)


def main(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.bench blend", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    cv2.setNumThreads(2)
    print(
        f"{'':32s}"
        + "".join(f"{fault:>18s}" for fault in FAULTS)
        + "     ms   correlation, shift px, ring before -> after"
    )
    means = {}
    for size in (200, 400):
        for seed in range(options.seed, options.seed + 4):
            media = MEDIA if (MEDIA / "catalog.json").exists() else None
            frame = background(media, seed, 1920, 1080)[0].astype(np.float32) / 255
            half_x, half_y = size / 2 / 1920, size / 2 / 1080
            matte = region_matte(
                Ellipse(0.5 - half_x, 0.5 - half_y, 0.5 + half_x, 0.5 + half_y), 1920, 1080, 0, feather_px=10
            )
            truth = edited_frame(frame, matte, np.random.default_rng(seed))
            plain, goal = planes_of(frame), codes_to_film(
                tuple(plane.astype(np.float32) for plane in planes_of(truth)), FORMAT
            )  # fmt: skip
            crop = crop_around(matte, 0)
            for way, steps in WAYS.items():
                scores = []
                for fault in FAULTS:
                    picture = returned(truth, crop, fault)
                    started = time.process_time()
                    result, report = fit(plain, FORMAT, matte, picture, crop, rotation=0, steps=steps)
                    spent = time.process_time() - started
                    seen = codes_to_film(tuple(plane.astype(np.float32) for plane in result), FORMAT)
                    roi = matte.full() > 0
                    scores.append(-10 * np.log10(np.square(seen[roi] - goal[roi]).mean()))
                means.setdefault((size, way), []).append(scores)
                if way == "fitted":
                    print(
                        f"{size} px, picture {seed}, {way:10s}   "
                        + "".join(f"{score:18.1f}" for score in scores)
                        + f" {1000 * spent:6.0f}   {report.correlation:.3f}, {report.shift_px:.2f}, "
                        f"{report.before_rmse:.1f} -> {report.after_rmse:.1f} {'; '.join(report.doubts)}",
                        flush=True,
                    )
    print()
    for (size, way), scores in means.items():
        print(f"{size} px, mean of 4, {way:18s}" + "".join(f"{score:18.1f}" for score in np.mean(scores, axis=0)))
    return 0
