"""A project in the middle of its work: patches in every state, takes, captions, a title, markers, two clips."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

from app.ui.application import Desktop
from engine.model.captions import Caption
from engine.model.edits import (
    AddItems,
    AddMarkers,
    AddPatch,
    AddTake,
    ChangeLayer,
    Compound,
    PickTake,
    ReplacePatch,
    SetInOut,
    SplitClip,
)
from engine.model.ids import new_id
from engine.model.layers import CaptionMode
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Overlay, Title
from engine.model.patch import Patch, Provenance, ReviewState, Take
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box, Lasso
from engine.model.time import Range
from engine.model.tool import Blur, Fill, Grade, Pixelate, Rgb

_LINES = (
    "We walked down to the river",
    "before it got too warm.",
    "Wait for it. Wait!",
    "Good girl.",
    "She always brings it back.",
    "Most of the time.",
    "Then home along the canal",
    "and past the old bridge.",
)


def fill(desktop: Desktop) -> None:
    """Put something of everything into the open project, and choose the patch that is to be decided."""
    document = desktop.session.document
    frames = document.project.frame_count
    rate = document.project.canvas.rate
    source = document.project.sources[0].id

    def at(share: float) -> int:
        return min(frames - 2, round(frames * share))

    lasso = Lasso(((0.42, 0.44), (0.5, 0.4), (0.6, 0.43), (0.63, 0.55), (0.55, 0.63), (0.44, 0.6)))
    patches = (
        ("Mug logo", lasso, (0.3, 0.45), ReviewState.PROPOSED, Pixelate(16)),
        ("Lanyard tag", Box(0.1, 0.2, 0.2, 0.35), (0.1, 0.22), ReviewState.APPROVED, Blur(12)),
        ("Car number", Box(0.7, 0.7, 0.86, 0.8), (0.6, 0.75), ReviewState.DRAFT, Fill(Rgb(40, 44, 48))),
        ("Wall colour", Box(0.02, 0.02, 0.3, 0.16), (0.8, 0.92), ReviewState.STALE, Grade(exposure=0.4)),
    )
    chosen = ""
    for name, region, (start, stop), state, tool in patches:
        take = Take(
            new_id(), tool, "Take 1", provenance=Provenance(maker=type(tool).__name__.lower(), made_at_ms=_now())
        )
        window = Range(at(start), at(stop))
        patch = Patch(
            new_id(),
            source,
            region,
            window,
            window.start + 2,
            name,
            feather_px=6,
            takes=(take,),
            pick=take.id,
            state=state,
        )
        document.do(AddPatch(patch))
        if state is ReviewState.PROPOSED:
            chosen = patch.id
            for number, (maker, prompt, cost, reason) in enumerate(
                (
                    ("gemini", "Remove the logo, keep the glaze", 134_000, ""),
                    ("gemini", "A plain white mug", 134_000, "The rim changed too"),
                ),
                2,
            ):
                other = Take(
                    new_id(),
                    Blur(10.0 * number),
                    f"Take {number}",
                    provenance=Provenance(maker, "gemini-3-pro-image", prompt, cost_microusd=cost, made_at_ms=_now()),
                    starred=number == 2,
                    rejected_because=reason,
                )
                document.do(Compound("Add take", (AddTake(patch.id, other), PickTake(patch.id, take.id))))
            # A further take brought it back to a draft.
            now = next(known for known in document.project.patches if known.id == patch.id)
            document.do(ReplacePatch(replace(now, state=ReviewState.PROPOSED)))
    captions = []
    for number, text in enumerate(_LINES):
        start = Fraction(frames * number, len(_LINES)) / rate
        stop = start + Fraction(frames, len(_LINES)) / rate * Fraction(4, 5)
        captions.append(Caption(new_id(), AtTimeline(start, stop), text))
    document.do(AddItems("captions", tuple(captions)))
    layer = document.project.layer("captions")
    document.do(ChangeLayer("captions", replace(layer.settings, captions=CaptionMode.SOFT)))
    title = Overlay(new_id(), OnTimeline(Range(at(0.55), at(0.8))), Title("Ana & Pixel"), name="Lower third")
    document.do(AddItems("overlays", (title,)))
    markers = tuple(
        Marker(new_id(), OnTimeline(Range(at(share), at(share) + 1)), kind, name)
        for share, kind, name in (
            (0.2, MarkerKind.PLAIN, "Park, wide"),
            (0.5, MarkerKind.CHAPTER, "Canal"),
            (0.9, MarkerKind.CALL_TO_ACTION, "Subscribe"),
        )
    )
    document.do(AddMarkers(markers))
    document.do(SplitClip(at(0.5), new_id()))
    document.do(SetInOut(Range(at(0.25), at(0.85))))
    desktop.session.selection.choose(chosen)
    desktop.session.transport.seek(at(0.35))


def _now() -> int:
    return time.time_ns() // 1_000_000
