"""Carry an edit along eight scenes with a known truth, beside two trackers people know and an oracle.

    python -m tests.bench motion [--height 720] [--windows 15,30,60,120] [--seed 1] [--scenes NAME,...] [--ours]

PSNR of RGB in the lasso (dilated) against the truth, which is another take of the same scene: its grain is its own. Map
error per visible pixel of the lasso, in pixels at 720 lines. Times are CPU milliseconds per frame (all threads), and
wall beside them; a shared machine makes the wall mean little.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from engine.control import CancelToken, Progress
from engine.model.patch import Follow
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.model.time import Range
from engine.motion.frame import MotionFrame
from engine.motion.track import Found
from engine.patches.carry import Content
from engine.patches.colour import codes_to_film, film_to_codes
from engine.patches.matte import rasterise
from engine.patches.moving import shown
from engine.patches.propagate import Anchor, propagate
from tests.bench.scenes import Film, scenes

FORMAT = PixelFormat("yuv444p", Family.YUV, (0, 0), False, 8, False, 1, 1, 1, 0, Scan.PROGRESSIVE)
MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"


@dataclass
class Score:
    psnr: list[float] = field(default_factory=list)
    error: list[float] = field(default_factory=list)
    within: list[float] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    cpu: float = 0.0
    wall: float = 0.0
    frames: int = 0

    def line(self, label):
        error = np.array(self.error)
        seen = np.isfinite(error)
        off = seen & (error > 5) & np.array(self.shown)
        return (
            f"{label:24s} {np.mean(self.psnr):6.1f} {np.min(self.psnr):6.1f} {np.mean(error[seen]):8.3f} "
            f"{100 * np.mean(np.array(self.within)[seen]):7.1f} {100 * off.sum() / max(1, seen.sum()):7.1f} "
            f"{1000 * self.cpu / max(1, self.frames):7.0f} {1000 * self.wall / max(1, self.frames):7.0f}"
        )


HEADER = " " * 27 + "PSNR  worst error px in 2 px off>5 %  cpu ms wall ms"


class Case:
    """A scene's frames in memory, and what is needed to judge a result."""

    def __init__(self, scene, height, frames):
        self.film = Film(scene, height, MEDIA if (MEDIA / "catalog.json").exists() else None)
        film = self.film
        self.count = frames
        self.plain = [planes_of(film.frame(t, edited=False)) for t in range(frames + 1)]
        self.truth = [planes_of(film.frame(t, edited=True)) for t in range(frames + 1)]
        self.motion = [MotionFrame(item[0], item[1:]) for item in self.plain]
        outline = film.lasso_outline()
        self.matte = rasterise(outline, film.width, film.height, 0, feather_px=4 * film.k)
        self.bare = rasterise(outline, film.width, film.height, 0)
        self.rois = [film.in_lasso(t) for t in range(frames + 1)]

    def judge(self, score, t, planes, backward, is_shown):
        inside, visible = self.rois[t]
        roi = cv2.dilate(inside, np.ones((9, 9), np.uint8)) > 0
        difference = rgb_of(planes)[roi] - rgb_of(self.truth[t])[roi]
        score.psnr.append(10 * np.log10(255**2 / max(float((difference**2).mean()), 1e-9)))
        rows, columns = np.nonzero(visible > 0.5)
        score.shown.append(bool(is_shown))
        if len(rows) < 20:
            score.error.append(np.nan)
            score.within.append(np.nan)
            return
        x, y = columns.astype(np.float32), rows.astype(np.float32)
        true_x, true_y = self.film.true_map(t, x.astype(float), y.astype(float))
        at_x, at_y = backward(x[None], y[None])
        off = np.hypot(at_x.ravel() - true_x, at_y.ravel() - true_y) / self.film.k
        score.error.append(float(off.mean()))
        score.within.append(float((off < 2).mean()))


def planes_of(rgb):
    codes = film_to_codes(rgb.astype(np.float32) / 255, FORMAT)
    return tuple(np.floor(np.clip(code, 0, 255) + 0.5).astype(np.uint8) for code in codes)


def rgb_of(planes):
    return np.clip(255 * codes_to_film(tuple(plane.astype(np.float32) for plane in planes), FORMAT), 0, 255)


def ours(case, windows):
    """Each window goes on from the shorter one's work; the times are those of the longest in the end."""
    film = case.film
    anchors = (Anchor(0, case.bare.full(), case.bare.bounds),)
    journey, scores = None, {}
    cpu = wall = 0.0
    for window in windows:
        c, w = time.process_time(), time.perf_counter()
        journey = propagate(
            lambda t: case.motion[t], anchors, Range(0, window + 1), Follow.HYBRID, (), (film.width, film.height),
            Progress(), CancelToken(), journey.tracks if journey else (),
        )  # fmt: skip
        cpu, wall = cpu + time.process_time() - c, wall + time.perf_counter() - w
        content = Content(FORMAT, case.plain[0], case.truth[0], case.matte, journey.surface, journey.exposure.noise)
        score = Score(frames=window)
        carry_cpu = carry_wall = 0.0
        for t in range(1, window + 1):
            c, w = time.process_time(), time.perf_counter()
            result = shown(content, journey, Follow.HYBRID, t, case.plain[t])
            carry_cpu, carry_wall = carry_cpu + time.process_time() - c, carry_wall + time.perf_counter() - w
            place = journey.places[journey.row(t)]
            case.judge(
                score, t, result, lambda x, y, p=place, s=journey.surface: s.anchor_pixels(p, x, y),
                journey.found[journey.row(t)] != Found.LOST,
            )  # fmt: skip
        score.cpu, score.wall = cpu + carry_cpu, wall + carry_wall
        scores[window] = score
    return scores


def by_maps(case, windows, maps, gains=None):
    """Composite plainly by backward maps [(x, y)] over the whole frame; judge every frame."""
    score = Score(frames=max(windows))
    alpha = case.matte.full()
    edited = [plane.astype(np.float32) for plane in case.truth[0]]
    for t in range(1, max(windows) + 1):
        map_x, map_y = maps[t]
        cover = cv2.remap(alpha, map_x, map_y, cv2.INTER_LINEAR)
        if gains is not None:
            gain, visible = gains(t)
            cover = cover * visible
        result = []
        for index, plane in enumerate(case.plain[t]):
            black = 16.0 if index == 0 else 128.0
            carried = cv2.remap(edited[index], map_x, map_y, cv2.INTER_CUBIC)
            if gains is not None:
                carried = black + gain * (carried - black)
            mixed = plane + (carried - plane) * cover
            result.append(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))
        sample = lambda x, y, mx=map_x, my=map_y: (  # noqa: E731
            mx[y.ravel().astype(int), x.ravel().astype(int)],
            my[y.ravel().astype(int), x.ravel().astype(int)],
        )
        case.judge(score, t, tuple(result), sample, True)
    return {window: cut(score, window) for window in windows}


def cut(score, window):
    return Score(
        score.psnr[:window], score.error[:window], score.within[:window], score.shown[:window],
        score.cpu * window / score.frames, score.wall * window / score.frames, window,
    )  # fmt: skip


def oracle(case, windows):
    film = case.film
    y, x = np.mgrid[0 : film.height, 0 : film.width].astype(np.float64)
    maps = {}
    for t in range(1, max(windows) + 1):
        at = film.true_map(t, x, y)
        maps[t] = tuple(np.asarray(item, np.float32) for item in at)

    def truth(t):
        inside, visible = case.rois[t]
        seen = np.where(inside > 0, visible, 1.0).astype(np.float32)
        return film.gain(t).astype(np.float32), seen

    return by_maps(case, windows, maps, truth)


def chained_dis(case, windows):
    """Dense flow from frame to frame, added up."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    y, x = np.mgrid[0 : case.film.height, 0 : case.film.width].astype(np.float32)
    map_x, map_y = x, y
    maps = {}
    c, w = time.process_time(), time.perf_counter()
    for t in range(1, max(windows) + 1):
        back = flow.calc(case.motion[t].luma, case.motion[t - 1].luma, None)
        at_x, at_y = x + back[..., 0], y + back[..., 1]
        map_x, map_y = (
            cv2.remap(item, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for item in (map_x, map_y)
        )
        maps[t] = (map_x, map_y)
    cpu, wall = time.process_time() - c, time.perf_counter() - w
    scores = by_maps(case, windows, maps)
    for window, score in scores.items():
        score.cpu, score.wall = (spent * window / max(windows) for spent in (cpu, wall))
    return scores


def planar(case, windows):
    """Corners followed by Lucas-Kanade, a MAGSAC homography per step, refined to the anchor by ECC."""
    inside = (case.bare.full() > 0.5).astype(np.uint8)
    first = case.motion[0].luma
    points = cv2.goodFeaturesToTrack(first, 400, 0.005, 5, mask=inside)
    whole = np.eye(3)
    y, x = np.mgrid[0 : case.film.height, 0 : case.film.width].astype(np.float32)
    maps = {}
    c, w = time.process_time(), time.perf_counter()
    for t in range(1, max(windows) + 1):
        before, after = case.motion[t - 1].luma, case.motion[t].luma
        start = cv2.perspectiveTransform(points, whole)
        there, ok, _ = cv2.calcOpticalFlowPyrLK(
            before, after, start.astype(np.float32), None, winSize=(21, 21), maxLevel=4
        )
        good = ok.ravel() == 1
        if good.sum() >= 8:
            step, _ = cv2.findHomography(start[good], there[good], cv2.USAC_MAGSAC, 2.0)
            whole = whole if step is None else step @ whole
        try:
            _, refined = cv2.findTransformECC(
                first, after, (whole / whole[2, 2]).astype(np.float32), cv2.MOTION_HOMOGRAPHY,
                (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 1e-4), inside, 5,
            )  # fmt: skip
            apart = np.abs(
                cv2.perspectiveTransform(points, refined.astype(float)) - cv2.perspectiveTransform(points, whole)
            )
            if np.median(apart) < 4:
                whole = refined.astype(float)
        except cv2.error:
            pass
        inverse = np.linalg.inv(whole)
        d = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        maps[t] = tuple(
            ((inverse[k, 0] * x + inverse[k, 1] * y + inverse[k, 2]) / d).astype(np.float32) for k in (0, 1)
        )
    cpu, wall = time.process_time() - c, time.perf_counter() - w
    scores = by_maps(case, windows, maps)
    for window, score in scores.items():
        score.cpu, score.wall = (spent * window / max(windows) for spent in (cpu, wall))
    return scores


METHODS = {"ours": ours, "chained DIS medium": chained_dis, "planar LK + ECC": planar, "oracle": oracle}


def main(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.bench motion", description=__doc__)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--windows", default="15,30,60,120")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", default="", help="parts of names, separated by commas")
    parser.add_argument("--ours", action="store_true", help="without the others")
    options = parser.parse_args(argv)
    windows = sorted(int(item) for item in options.windows.split(","))
    wanted = [item for item in options.scenes.split(",") if item]
    cv2.setNumThreads(2)
    methods = {"ours": ours} if options.ours else METHODS
    table = {name: {window: [] for window in windows} for name in methods}
    for scene in scenes(options.seed):
        if wanted and not any(item in scene.name for item in wanted):
            continue
        case = Case(scene, options.height, max(windows))
        print(f"\n{scene.name} ({options.height} lines)\n{HEADER}", flush=True)
        for name, method in methods.items():
            for window, score in method(case, windows).items():
                table[name][window].append(score)
                print(score.line(f"{name} @{window}"), flush=True)
    print("\nmean of the scenes: PSNR dB, map error px, within 2 px %")
    print(" " * 22 + "".join(f"@{window:<21d}" for window in windows))
    for name, scores in table.items():
        cells = [
            f"{np.mean([np.mean(s.psnr) for s in scores[w]]):6.1f} "
            f"{np.mean([np.nanmean(s.error) for s in scores[w]]):6.2f} "
            f"{100 * np.mean([np.nanmean(s.within) for s in scores[w]]):6.1f} "
            for w in windows
        ]
        print(f"{name:20s} " + " ".join(cells))
    return 0
