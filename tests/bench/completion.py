"""What no frame shows: holes in single frames with known truth, of real clips and of drawn walls.

PSNR of RGB and SSIM of luma in the hole. Several continuations may be as good to look at: where the picture does not
repeat itself the figures only tell how near the guess came, so look at the sheet too.
"""

from __future__ import annotations

import time

import av
import cv2
import numpy as np

from engine.control import CancelToken
from engine.patches.blend import blend, windows
from engine.patches.complete import Invention, completed
from engine.patches.matte import Matte
from engine.patches.surroundings import with_ring
from tests.bench.motion import FORMAT, MEDIA, planes_of, rgb_of

REAL = {
    # clip, frame, centre x, y, width, height of the hole
    "facade": ("iphone_hevc_hlg_trimmed_editlist.mp4", 20, 1350, 500, 180, 180),
    "window rows": ("iphone_hevc_hlg_trimmed_editlist.mp4", 20, 1000, 600, 120, 160),
    "wall beside rows": ("iphone_hevc_hlg_trimmed_editlist.mp4", 20, 760, 620, 140, 140),
    "roof": ("hdr10_av1_720x1280.mp4", 52, 400, 760, 160, 140),
    "siding": ("hdr10_av1_720x1280.mp4", 18, 520, 600, 120, 160),
    "skyline": ("hdr10_pq_hevc_1080p.mp4", 8, 1200, 430, 120, 120),
    "tower, lit": ("mpeg2_ps_cc0.mpg", 20, 350, 200, 80, 90),
    "tower, curved": ("mpeg2_ps_cc0.mpg", 20, 60, 150, 60, 80),
    "perforated board": ("android_portrait_4k60.mp4", 5, 1800, 1400, 220, 200),
    "hedge": ("tmcd_dog_2997.mp4", 60, 420, 290, 90, 90),
    "shelves": ("aspect_sar16x11.mp4", 200, 480, 150, 90, 90),
    "desk": ("avchd_720p60_open_gop.mts", 20, 380, 560, 160, 140),
}
HEIGHT, WIDTH = 540, 720


def drawn(name):
    rng = np.random.default_rng(5)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.2) * 14
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    tint = (1.0, 0.98, 0.92)
    match name:
        case "drawn: brick" | "drawn: brick, askew":
            course = (y // 26).astype(int)
            across = x + course % 2 * 31
            value = 130 + rng.normal(0, 14, (40, 40))[course, (across // 62).astype(int)]
            value, tint = np.where((y % 26 < 4) | (across % 62 < 4), 190, value), (1.0, 0.6, 0.5)
        case "drawn: windows":
            pane = (x % 56 > 12) & (x % 56 < 46) & (y % 72 > 16) & (y % 72 < 60)
            value = np.where(pane, 60, 170) + 0.05 * x
        case "drawn: boards":
            fibre = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.5, sigmaY=30)
            value = 140 + rng.normal(0, 12, 20)[(x // 90).astype(int)] + 60 * fibre
            value, tint = np.where(x % 90 < 3, 50, value), (1.0, 0.7, 0.5)
        case "drawn: stripes":
            value = 128 + 70 * np.sign(np.sin((0.8 * x + 0.6 * y) / 9))
        case _:
            value = np.where(y > 200 + 0.2 * x, 90, 180)
    picture = np.clip(np.stack([value * part for part in tint], axis=2) + grain[..., None], 0, 255).astype(np.uint8)
    if name.endswith("askew"):
        corners = np.float32([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]])
        away = np.float32([[0, -60], [WIDTH, 90], [WIDTH, HEIGHT - 90], [0, HEIGHT + 60]])
        turned = cv2.getPerspectiveTransform(corners, away)
        picture = cv2.warpPerspective(
            picture, turned, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
        )
    return picture


DRAWN = (
    "drawn: brick",
    "drawn: brick, askew",
    "drawn: windows",
    "drawn: boards",
    "drawn: stripes",
    "drawn: two halves",
)


def case(name):
    """Return a picture, uint8 RGB, and its hole, float32."""
    if name in REAL:
        file, number, x, y, width, height = REAL[name]
        with av.open(str(MEDIA / file)) as container:
            for k, frame in enumerate(container.decode(container.streams.video[0])):
                if k == number:
                    picture = frame.to_ndarray(format="rgb24")
                    break
    else:
        picture, x, y, width, height = drawn(name), 330, 260, 130, 130
    picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    hole = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(hole, (x, y), (width // 2, height // 2), 0, 0, 360, 1, -1)
    return picture, hole.astype(np.float32)


def likeness(one, other, inside):
    """Return (PSNR of RGB in dB, SSIM of luma) inside."""
    error = float(np.square(one.astype(np.float32) - other)[inside].mean())
    a, b = (item.astype(np.float32).mean(axis=2) for item in (one, other))

    def mean(values):
        return cv2.GaussianBlur(values, (0, 0), 1.5)

    ma, mb = mean(a), mean(b)
    va, vb, both = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    index = (2 * ma * mb + 6.5) * (2 * both + 58.5) / ((ma * ma + mb * mb + 6.5) * (va + vb + 58.5))
    return 10 * np.log10(255**2 / max(error, 1e-9)), float(index[inside].mean())


def filled(picture, hole, invention):
    planes = planes_of(picture)
    area = with_ring(Matte.of_full(hole))
    unknown = (area.alpha > 0).astype(np.float32)
    values = windows(planes, FORMAT, area)
    patch = completed(FORMAT, planes, area, values, unknown, invention, CancelToken())
    return rgb_of(blend(planes, FORMAT, area, patch)).astype(np.uint8)


def report(wanted, out):
    """Print the table; with a folder, write a sheet of truth, hole, Telea, smooth and ours."""
    names = (tuple(REAL) if (MEDIA / "catalog.json").exists() else ()) + DRAWN
    print(f"\n{'hole that no frame shows':22s}    Telea         smooth        ours          (PSNR, SSIM)")
    rows, table = [], []
    for name in names:
        if wanted and not any(item in name for item in wanted):
            continue
        picture, hole = case(name)
        inside = hole > 0
        telea = cv2.inpaint(picture, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA)
        smooth = filled(picture, hole, Invention.SMOOTH)
        started = time.process_time()
        ours = filled(picture, hole, Invention.BY_LIKENESS)
        spent = time.process_time() - started
        scores = [likeness(item, picture, inside) for item in (telea, smooth, ours)]
        table.append(scores)
        print(
            f"{name:22s} "
            + " ".join(f"{psnr:6.1f} {ssim:6.3f}" for psnr, ssim in scores)
            + f"   {int(inside.sum())} px, cpu s {spent:.1f}",
            flush=True,
        )
        ys, xs = np.nonzero(inside)
        reach = int(0.7 * max(np.ptp(ys), np.ptp(xs)))
        part = slice(max(0, ys.min() - reach), ys.max() + reach), slice(max(0, xs.min() - reach), xs.max() + reach)
        broken = np.where(inside[..., None], np.uint8(255), picture)
        rows.append(np.hstack([cv2.resize(item[part], (240, 240)) for item in (picture, broken, telea, smooth, ours)]))
    if table:
        mean = np.mean(table, axis=0)
        print(f"{'mean':22s} " + " ".join(f"{psnr:6.1f} {ssim:6.3f}" for psnr, ssim in mean))
    if out is not None and rows:
        out.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out / "completion.png"), np.vstack(rows)[..., ::-1])
