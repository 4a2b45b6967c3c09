"""Carry a sticker along real clips: contact sheets to look at, and the two signs of failure in numbers.

    python -m tests.bench real [--out DIR] [--clips NAME,...]

Sliding: how far the warped anchor is off the frame, as residual flow (median px in the visible region, worst frame).
Flicker: how much the carried edit changes from frame to frame in its own coordinates, over what the film itself does
there; 1 is the film's own.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from engine.control import CancelToken, Progress
from engine.media.pixels import planes as planes_of
from engine.media.probe import probe
from engine.model.patch import Follow, WhenLost
from engine.model.picture import Picture as StillPicture
from engine.model.pixel_format import PixelFormat, Scan
from engine.model.region import Box, Ellipse, Lasso
from engine.model.time import Range
from engine.model.tool import Blur, Grade, Lettering, Picture, Pixelate, Remove, Rgb
from engine.motion.track import Found
from engine.patches.crop import Crop, shown_crop
from engine.patches.fields import FieldOrder
from engine.patches.matte import region_matte
from engine.patches.patch import FilmFacts, motion_frame, prepared
from engine.patches.propagate import Anchor, propagate
from tests.bench.motion import MEDIA


@dataclass(frozen=True)
class Shot:
    file: str
    first: int
    count: int
    anchor: int
    region: object
    tool: object = Picture("sticker", fit=())
    note: str = ""
    window: tuple[int, int] | None = None


SHOTS = {
    "hand-held wall": Shot("gopro_max_heromode.mp4", 0, 90, 20, Box(0.03, 0.25, 0.19, 0.55), note="walking camera"),
    "path ahead": Shot("gopro_max_heromode.mp4", 0, 90, 60, Lasso(((0.45, 0.6), (0.53, 0.6), (0.58, 0.8), (0.4, 0.8)))),
    "dog, fast": Shot("tmcd_dog_2997.mp4", 40, 90, 30, Ellipse(0.47, 0.5, 0.57, 0.72), note="articulated, running"),
    "walker's trousers": Shot("tmcd_dog_2997.mp4", 0, 70, 10, Ellipse(0.22, 0.52, 0.29, 0.72), note="walking person"),
    "low light, dog's head": Shot("android13_720p_rot90.mp4", 0, 90, 30, Ellipse(0.3, 0.3, 0.62, 0.47)),
    "face": Shot("talking_head_480.mp4", 0, 120, 30, Ellipse(0.3, 0.12, 0.7, 0.3), note="forehead of a talking face"),
    "face, vertical": Shot("talking_head_vertical_hevc.mp4", 0, 90, 30, Ellipse(0.4, 0.3, 0.6, 0.4)),
    "talking man": Shot("h264_chapters_text_track.mp4", 0, 30, 10, Ellipse(0.4, 0.3, 0.6, 0.5)),
    "lecturer": Shot("avchd_720p60_open_gop.mts", 0, 60, 20, Ellipse(0.5, 0.22, 0.58, 0.4), note="small, moving"),
    "vertical 4K": Shot("hevc_4k_vertical_aac.mp4", 0, 40, 10, Box(0.3, 0.7, 0.7, 0.85)),
    "rotated phone": Shot("iphone4s_rot90.mov", 0, 60, 20, Box(0.35, 0.3, 0.65, 0.55)),
    "interlaced, ProRes": Shot("prores422_1080i.mov", 0, 8, 3, Box(0.4, 0.4, 0.6, 0.65)),
    "interlaced, news": Shot("dvb_mpeg2_576i.ts", 10, 40, 10, Ellipse(0.4, 0.15, 0.6, 0.35), note="a face, 25i"),
    "10-bit HLG": Shot("iphone_hevc_hlg_trimmed_editlist.mp4", 0, 60, 20, Box(0.3, 0.35, 0.55, 0.6)),
    "PQ": Shot("hdr10_pq_hevc_1080p.mp4", 0, 28, 8, Box(0.4, 0.4, 0.6, 0.6)),
    "animation": Shot("h264_bframes_firstpts_10s.mp4", 0, 90, 20, Ellipse(0.42, 0.3, 0.62, 0.6)),
    "slope": Shot("iphone5_h264_1080p.mov", 0, 31, 8, Box(0.5, 0.4, 0.65, 0.55)),
    "towers": Shot("mpeg2_ps_cc0.mpg", 0, 60, 20, Box(0.42, 0.4, 0.6, 0.7)),
    "blurred plate": Shot(
        "tmcd_dog_2997.mp4", 0, 70, 10, Ellipse(0.215, 0.3, 0.26, 0.4), Blur(14), "a head; may cover more, never less"
    ),
    "privacy, a face": Shot(
        "dvb_mpeg2_576i.ts", 10, 40, 10, Ellipse(0.3, 0.15, 0.7, 0.75), Pixelate(20), "25i; covers"
    ),
    "privacy, a running dog": Shot(
        "tmcd_dog_2997.mp4", 40, 40, 2, Ellipse(0.43, 0.42, 0.62, 0.72), Pixelate(20), "leaves the picture; covers"
    ),
    "privacy, a dog's head": Shot(
        "android13_720p_rot90.mp4", 0, 90, 30, Ellipse(0.3, 0.3, 0.62, 0.47), Pixelate(20), "low light; covers"
    ),
    "graded wall": Shot(
        "gopro_max_heromode.mp4", 0, 60, 20, Box(0.03, 0.25, 0.19, 0.55), Grade(hue_deg=90, saturation=1.5)
    ),
    "removed dog": Shot(
        "tmcd_dog_2997.mp4", 20, 80, 10, Box(0.35, 0.42, 0.75, 0.84), Remove(60), "stays; gone later", (0, 45)
    ),
    "removed leash": Shot("tmcd_dog_2997.mp4", 20, 40, 5, Ellipse(0.48, 0.76, 0.56, 0.85), Remove(60), "tracked"),
    "60 fps vertical, sticker": Shot("android_portrait_4k60.mp4", 0, 18, 5, Box(0.25, 0.2, 0.75, 0.42)),
    "60 fps vertical, blur": Shot("android_portrait_4k60.mp4", 0, 18, 5, Box(0.25, 0.25, 0.75, 0.38), Blur(20)),
    "60 fps vertical, remove": Shot(
        "android_portrait_4k60.mp4", 0, 18, 5, Box(0.3, 0.28, 0.7, 0.36), Remove(60), "the label", (0, 18)
    ),
    "4K, blur": Shot("hevc_4k_vertical_aac.mp4", 0, 30, 10, Ellipse(0.55, 0.45, 0.85, 0.6), Blur(24)),
    "4K, remove": Shot(
        "hevc_4k_vertical_aac.mp4", 0, 30, 10, Ellipse(0.3, 0.82, 0.42, 0.9), Remove(60), "a person", (0, 30)
    ),
    "PQ AV1, sticker": Shot("hdr10_av1_720x1280.mp4", 44, 40, 8, Box(0.3, 0.55, 0.7, 0.75)),
    "PQ, blur": Shot("hdr10_pq_hevc_1080p.mp4", 0, 28, 8, Box(0.3, 0.2, 0.45, 0.45), Blur(18)),
    "PQ, remove": Shot("hdr10_pq_hevc_1080p.mp4", 0, 28, 8, Box(0.34, 0.2, 0.42, 0.42), Remove(60), "a tower", (0, 28)),
    "reflection, metal": Shot("hdr10_av1_720x1280.mp4", 12, 20, 6, Box(0.3, 0.3, 0.7, 0.7), note="shiny panels"),
    "reflection, glass": Shot("hdr10_pq_hevc_1080p.mp4", 0, 28, 8, Box(0.45, 0.85, 0.65, 0.98), note="a window"),
    "reflection, spectacles": Shot("h264_chapters_text_track.mp4", 0, 30, 10, Ellipse(0.42, 0.33, 0.62, 0.5)),
    "hair at the border": Shot("talking_head_480.mp4", 0, 90, 30, Ellipse(0.25, 0.05, 0.75, 0.6), note="whole head"),
    "hair, vertical": Shot("talking_head_vertical_hevc.mp4", 0, 60, 20, Ellipse(0.45, 0.34, 0.66, 0.5)),
    "text on a wall": Shot(
        "hdr10_pq_hevc_1080p.mp4", 0, 28, 8, Box(0.4, 0.4, 0.6, 0.6), Lettering("DELTACUT", Rgb(255, 230, 80)), "PQ"
    ),
}


def sticker():
    """A chequered badge with a ring: sliding and flicker show on it."""
    n = 240
    y, x = np.mgrid[0:n, 0:n]
    rgba = np.zeros((n, n, 4), np.uint8)
    board = ((x // 30 + y // 30) % 2).astype(bool)
    rgba[..., :3] = np.where(board[..., None], (235, 60, 40), (245, 235, 215))
    distance = np.hypot(x - n / 2 + 0.5, y - n / 2 + 0.5)
    rgba[(distance > 95) & (distance < 110), :3] = (20, 60, 160)
    rgba[..., 3] = np.clip((n / 2 - distance) * 255, 0, 255)
    return StillPicture(rgba)


class Clip:
    def __init__(self, shot):
        self.video = probe(MEDIA / shot.file).video
        self.frames, self.scan = [], Scan.PROGRESSIVE
        with av.open(str(MEDIA / shot.file)) as container:
            stream = container.streams[self.video.stream]
            stream.thread_type = "AUTO"
            for number, frame in enumerate(container.decode(stream)):
                if number >= shot.first:
                    self.frames.append(tuple(np.array(plane) for plane in planes_of(frame)))
                    self.scan = Scan.INTERLACED if frame.interlaced_frame else self.scan
                if len(self.frames) == shot.count:
                    break
        form = PixelFormat.of(self.video).scanned(self.scan)
        fields = FieldOrder.of(self.video) if self.scan is Scan.INTERLACED else None
        self.facts = FilmFacts(form, self.video.rotation, self.video.sar or Fraction(1), fields)

    def read_planes(self, number):
        per = self.facts.per_frame
        return self.facts.picture(self.frames[number // per], number % per)

    def shown(self, planes, crop=None):
        height, width = planes[0].shape
        return shown_crop(planes, self.facts.picture_format, crop or Crop(0, 0, width, height), self.video.rotation)


def run(name, shot, out):
    clip = Clip(shot)
    facts, per = clip.facts, clip.facts.per_frame
    height, width = clip.frames[0][0].shape
    form = facts.picture_format
    matte = region_matte(shot.region, width, height, facts.rotation, feather_px=2 * height / 720)
    count, anchor = len(clip.frames), min(shot.anchor, len(clip.frames) - 1)
    kept = {}

    def read(number):
        if number not in kept:
            kept[number] = motion_frame(clip.read_planes(number), form)
        return kept[number]

    started, cpu = time.perf_counter(), time.process_time()
    window = None if shot.window is None else Range(*shot.window)
    follow = Follow.HYBRID if window is None else Follow.STATIC
    journey = propagate(
        read, (Anchor(anchor * per, matte.full(), matte.bounds),), Range(0, count * per), follow, (),
        (width, height), Progress(), CancelToken(),
    )  # fmt: skip
    tracking = time.process_time() - cpu
    when_lost = WhenLost.COVER if isinstance(shot.tool, Blur | Pixelate) else WhenLost.FADE
    patch = prepared(
        facts,
        shot.tool,
        matte,
        journey,
        follow,
        when_lost,
        clip.read_planes,
        sticker(),
        None,
        window,
        Progress(),
        CancelToken(),
    )
    cpu = time.process_time()
    shown = range(count) if window is None else window
    results = [patch.on(n, planes) if n in shown else planes for n, planes in enumerate(clip.frames)]
    carrying = time.process_time() - cpu
    wall = time.perf_counter() - started
    slide, flicker = signs(clip, journey, matte, results)
    seen = journey.found
    states = ", ".join(f"{state.name.lower()} {np.mean(seen == state):.2f}" for state in reversed(Found))
    print(
        f"{name:22s} {width}x{height} {form.name:12s} {len(journey.frames):3d} pictures"
        f"  slide {np.median(slide):5.2f} worst {np.max(slide):5.2f} px  flicker {flicker:4.2f}  {states}"
        f"  confidence {journey.confidence.mean():4.2f}  shutter {journey.exposure.shutter:4.2f}"
        f"  noise {journey.exposure.noise:3.1f}  suggests {journey.suggestion}  cuts {journey.cuts}"
        f"  cpu ms {1000 * tracking / count:.0f}+{1000 * carrying / count:.0f}  wall s {wall:.1f} {shot.note}",
        flush=True,
    )
    if out is not None:
        sheet(clip, journey, matte, results, out / f"{name.replace(' ', '_').replace(',', '')}.png")


def signs(clip, journey, matte, results):
    """Return (residual flow per seen frame, flicker of the result over the film's)."""
    per = clip.facts.per_frame
    surface = journey.surface
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    chart = surface.chart
    x0, x1 = int(max(0, chart.x - chart.half_width)), int(min(matte.width, chart.x + chart.half_width + 1))
    y0, y1 = int(max(0, chart.y - chart.half_height)), int(min(matte.height, chart.y + chart.half_height + 1))
    step = max(1.0, max(x1 - x0, y1 - y0) / 300)
    at_x, at_y = np.arange(x0, x1, step), np.arange(y0, y1, step)
    inside = matte.full()[np.ix_(at_y.astype(int), at_x.astype(int))] > 0.9
    slides, changes, own = [], [], []
    before = None
    scale = 1.0 / (1 << (clip.facts.pixel_format.bit_depth - 8))

    def straight(plane, points):
        values = cv2.remap(
            plane.astype(np.float32) * scale, points[:, 0].reshape(inside.shape).astype(np.float32),
            points[:, 1].reshape(inside.shape).astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return values

    first = straight(clip.read_planes(journey.anchor)[0], surface.frame_points(surface.at_rest(), at_x, at_y))
    for number in journey.frames:
        row = journey.row(number)
        if journey.found[row] != Found.SEEN:
            before = None
            continue
        points = surface.frame_points(journey.places[row], at_x, at_y)
        if points is None:
            continue
        plain = clip.read_planes(number)[0]
        result = clip.facts.picture(results[number // per], number % per)[0]
        now, edited = straight(plain, points), straight(result, points)
        residual = flow.calc(levelled(first), levelled(now), None)
        slides.append(float(np.median(np.hypot(residual[..., 0], residual[..., 1])[inside])) * step)
        if before is not None:
            changes.append(float(np.abs(edited - before[1])[inside].mean()))
            own.append(float(np.abs(now - before[0])[inside].mean()))
        before = now, edited
    return slides or [0.0], (np.mean(changes) / max(np.mean(own), 0.1)) if changes else 0.0


def levelled(values):
    """Return the structure of a picture whatever its light, uint8."""
    high = values - cv2.blur(values, (25, 25))
    return np.clip(128 + 40 * high / (cv2.blur(np.abs(high), (25, 25)) + 2), 0, 255).astype(np.uint8)


def sheet(clip, journey, matte, results, path):
    """Twelve moments, each the film above the result, cut out around where the region can be."""
    per = clip.facts.per_frame
    numbers = np.unique(np.linspace(0, len(results) - 1, 12).astype(int))
    corners = np.concatenate(
        [journey.surface.chart.corners_of(place.homography).reshape(4, 2) for place in journey.places]
    )
    low, high = np.percentile(corners, 2, axis=0), np.percentile(corners, 98, axis=0)
    room = 0.6 * np.array([matte.bounds[2] - matte.bounds[0], matte.bounds[3] - matte.bounds[1]])
    low, high = np.maximum(low - room, 0).astype(int), np.minimum(high + room, (matte.width, matte.height)).astype(int)
    crop = Crop(int(low[0]), int(low[1]), int(max(high[0], low[0] + 16)), int(max(high[1], low[1] + 16)))
    tiles = []
    for number in numbers:
        column = []
        for planes in (clip.frames[number], results[number]):
            tile = clip.shown(planes, crop)
            factor = min(400 / tile.shape[1], 300 / tile.shape[0])
            tile = cv2.resize(tile, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            column.append(cv2.copyMakeBorder(tile, 0, 300 - tile.shape[0], 0, 400 - tile.shape[1], cv2.BORDER_CONSTANT))
        label = f"{number}  not followed"
        if number * per in journey.frames:
            row = journey.row(number * per)
            label = f"{number}  {Found(int(journey.found[row])).name.lower()} {journey.confidence[row]:.2f}"
        cv2.putText(column[0], label, (6, 290), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0), 1, cv2.LINE_AA)
        tiles.append(np.vstack(column))
    rows = [
        np.hstack(tiles[k : k + 4] + [np.zeros_like(tiles[0])] * (4 - len(tiles[k : k + 4])))
        for k in range(0, len(tiles), 4)
    ]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def main(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.bench real", description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--clips", default="")
    options = parser.parse_args(argv)
    if not (MEDIA / "catalog.json").exists():
        print("the real clips (../shared/media) are not on this machine")
        return 0
    cv2.setNumThreads(2)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    wanted = [item for item in options.clips.split(",") if item]
    for name, shot in SHOTS.items():
        if not wanted or any(item in name for item in wanted):
            run(name, shot, options.out)
    return 0
