"""Recipes, changes and the plan of a ten-hour timeline with 10,000 items: the target is 100 ms.

    python -m tests.bench timeline [--hours 10] [--items 10000] [--rounds 7]

A third of the items each are clips (of two sources, in an order that is not the sources'), patches on source frames,
and captions and overlays. Then one edit is made, and the time is taken for the recipes of the edited project and for
its changed ranges; for the plan of an export, with a keyframe every two seconds; and for the edit, the JSON forms and
the timestamp map.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.changes import changed_between, changed_ranges
from engine.model.frame_index import FrameIndex, UnitKind
from engine.model.layers import Item
from engine.model.overlay import Overlay, Still
from engine.model.patch import Patch
from engine.model.place import AtSource, OnTimeline
from engine.model.project import Project
from engine.model.recipe import recipe_runs
from engine.model.region import Box
from engine.model.source import EvenTimes, PictureFacts, Source
from engine.model.storyline import Clip, Conformed, Native
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.model.tool import Blur
from engine.plan.timeline_plan import plan_timeline

RATE = Fraction(30000, 1001)


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="tests.bench timeline")
    parser.add_argument("--hours", type=int, default=10)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args(argv)
    project = large_project(arguments.hours, arguments.items)
    first = next(project.patches)
    edit = e.ReplacePatch(replace(first, feather_px=3.0))
    after = edit.apply(project)
    before_runs, after_runs = recipe_runs(project), recipe_runs(after)
    end = project.frame_count
    indices = {source.id: index_of(source.frame_count) for source in project.sources}
    plan_timeline(after_runs, indices, indices.keys())
    cut = e.ExtractRange(Range(end // 2, end // 2 + 30))
    text = e.project_to_json(project)
    rows: list[tuple[str, Callable[[], object]]] = [
        ("recipe_runs", lambda: recipe_runs(project)),
        ("changed_between (runs known)", lambda: changed_between(before_runs, after_runs)),
        ("changed_ranges (nothing known)", lambda: changed_ranges(project, after)),
        ("recipe_runs and changed_ranges", lambda: (recipe_runs(after), changed_ranges(project, after))),
        ("plan of the export", lambda: plan_timeline(after_runs, indices, indices.keys())),
        ("recipe_runs and plan", lambda: plan_timeline(recipe_runs(after), indices, indices.keys())),
        ("TimelineMap and one frame", lambda: TimelineMap(project).source_at(end // 2)),
        ("edit of a patch", lambda: edit.apply(project)),
        ("ripple delete of a second", lambda: cut.apply(project)),
        ("project to JSON", lambda: e.project_to_json(project)),
        ("project from JSON", lambda: e.project_from_json(text)),
    ]
    print(
        f"{arguments.hours} h, {arguments.items} items, {len(before_runs)} runs, {end} frames, "
        f"{len(text) / 1e6:.1f} MB of JSON, {len(changed_between(before_runs, after_runs))} changed range(s)"
    )
    print(f"{'':34}{'best ms':>10}{'median ms':>12}{'best CPU ms':>14}")
    for name, action in rows:
        best, median, cpu = _measured(action, arguments.rounds)
        print(f"{name:34}{best:10.1f}{median:12.1f}{cpu:14.1f}")
    return 0


def _measured(action: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    walls, cpus = [], []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        action()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return min(walls), sorted(walls)[rounds // 2], min(cpus)


def index_of(frames: int, keyframe_every: int = 60) -> FrameIndex:
    """Return the index of a stream without reordering."""
    number, one = np.arange(frames, dtype=np.int64), np.ones(frames, np.int64)
    kind = np.zeros(frames, np.uint8)
    kind[::keyframe_every] = UnitKind.IDR
    shown = np.ones(frames, np.bool_)
    pts = number * 1001
    return FrameIndex(
        "h264", Fraction(1, 30000), pts, pts, 1001 * one, 5000 * one, number * 5000, kind, shown, number, one, number,
        number, True,
    )  # fmt: skip


def large_project(hours: int, items: int, seed: int = 1) -> Project:
    """Return a project with `items` items over `hours` hours, a tenth of its clips conformed."""
    rng = random.Random(seed)
    frames = int(hours * 3600 * RATE)
    a = Source("a", "a.mp4", PictureFacts(1920, 1080, RATE, EvenTimes(1 / (RATE * 1001), 0, 1001, frames)))
    b = Source("b", "b.mp4", PictureFacts(1920, 1080, Fraction(25), EvenTimes(Fraction(1, 25), 0, 1, hours * 90_000)))
    count = items // 3
    length = frames // count
    order = list(range(count))
    rng.shuffle(order)
    storyline = []
    for number, at in enumerate(order):
        if number % 10:
            storyline.append(Clip(f"clip{number}", "a", Native(Range(at * length, (at + 1) * length))))
        else:
            storyline.append(Clip(f"clip{number}", "b", Conformed(at * length / RATE * Fraction(9, 10), length)))
    project = replace(Project.of_source("p", a), sources=(a, b), storyline=tuple(storyline))
    patches: list[Item] = []
    for number in range(count):
        start = rng.randrange(frames - 300)
        window = Range(start, start + rng.randrange(20, 300))
        patches.append(Patch.with_tool(f"patch{number}", "a", Box(0.1, 0.1, 0.3, 0.3), window, start, Blur(9.0)))
    others: list[Item] = []
    captions: list[Item] = []
    for number in range(items - 2 * count):
        start_s = Fraction(rng.randrange(hours * 3_600_000 - 5000), 1000)
        if number % 2:
            captions.append(Caption(f"caption{number}", AtSource("a", start_s, start_s + 3), f"Caption {number}"))
        else:
            start = int(start_s * RATE)
            others.append(Overlay(f"overlay{number}", OnTimeline(Range(start, start + 120)), Still("x")))
    layers = dict(zip(("patches", "overlays", "captions"), (patches, others, captions), strict=True))
    return replace(project, layers=tuple(replace(layer, items=tuple(layers[layer.id])) for layer in project.layers))
