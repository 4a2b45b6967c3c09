"""Items and places of the timeline in words: for tooltips, the table and screen readers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from app.session.live_plan import reason_of, segment_at
from app.ui.timeline.content import Content, Placed, Row, RowKind, Value, name_of
from app.ui.timeline.layout import Area, Hit
from app.ui.timeline.scene import FeatureLane, Scene
from app.ui.words import timecode
from engine.model.captions import Caption
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Overlay
from engine.model.patch import Follow, Patch
from engine.model.project import Project
from engine.model.sound import AudioItem, ClipSound
from engine.model.storyline import Clip, Conformed, Gap

_MARKERS = {
    MarkerKind.PLAIN: "Marker",
    MarkerKind.CHAPTER: "Chapter",
    MarkerKind.CALL_TO_ACTION: "Call to action",
}


def kind_of(value: Value) -> str:
    """Return what an item is, as a word."""
    match value:
        case Clip():
            return "Clip"
        case Gap():
            return "Gap"
        case Patch():
            return "Patch"
        case Caption():
            return "Caption"
        case Overlay():
            return "Overlay"
        case Marker():
            return _MARKERS[value.kind]
        case AudioItem():
            return "Sound"
        case _:
            return "Subject"


def state_of(value: Value) -> str:
    """Return how an item stands, in a few words; empty where there is nothing to say."""
    match value:
        case Patch():
            followed = "" if value.effective_motion.follow is Follow.STATIC else ", follows"
            hidden = "" if value.visible else ", hidden"
            return f"{value.state.value.capitalize()}{followed}{hidden}"
        case Clip(timing=Conformed()):
            return "Conformed to the canvas rate"
        case Clip(sound=ClipSound.MUTED):
            return "Sound muted"
        case Clip(sound=ClipSound.DETACHED):
            return "Sound detached"
        case Overlay(visible=False) | Caption(visible=False):
            return "Hidden"
        case AudioItem(muted=True):
            return "Muted"
    return ""


def length_text(frames: int, rate: Fraction) -> str:
    """Return a length such as "60 frames, 2.0 s"."""
    return f"{frames:,} frame{'s' if frames != 1 else ''}, {float(frames / rate):.1f} s"


def described(content: Content, item: Placed, row: Row) -> str:
    """Return an item as a sentence, as a screen reader says it."""
    rate = content.project.canvas.rate
    parts = [
        f"{kind_of(item.value)} “{name_of(content.project, item.value)}”",
        f"from {timecode(item.frames.start, rate)} to {timecode(item.frames.stop, rate)}",
        length_text(len(item.frames), rate),
    ]
    state = state_of(item.value)
    if state:
        parts.append(state)
    if row.locked:
        parts.append("locked")
    return ", ".join(parts)


def tooltip_of(scene: Scene, hit: Hit, frame: int) -> str:
    """Return the text of a tooltip over a place; empty for none."""
    match hit.area:
        case Area.STRIP:
            return _strip_tip(scene, frame)
        case Area.RULER:
            return f"{timecode(frame, scene.rate)} · frame {frame:,}"
        case Area.LANES:
            return _lane_tip(scene.lanes[hit.lane], scene, frame) if hit.lane is not None else ""
    if hit.item is None:
        return ""
    content, item = scene.content, hit.item
    row = content.rows[item.row]
    lines = [f"{kind_of(item.value)} · {name_of(content.project, item.value)}"]
    lines.append(
        f"{timecode(item.frames.start, scene.rate)} to {timecode(item.frames.stop, scene.rate)}"
        f" · {length_text(len(item.frames), scene.rate)}"
    )
    lines += _more(scene, item, content.project)
    if row.locked:
        lines.append("Locked")
    return "\n".join(lines)


def _more(scene: Scene, item: Placed, project: Project) -> list[str]:
    value = item.value
    state = state_of(value)
    found = [state] if state else []
    if isinstance(value, Clip):
        picture = project.picture(value.source_id)
        found.append(f"{project.source(value.source_id).name} · {picture.width} × {picture.height}")
        if value.source_id in scene.missing:
            found.append("Its file is not where it was")
    if isinstance(value, Patch):
        known = scene.confidence.get(value.id)
        if known is not None and known[1]:
            low = sum(1 for one in known[1] if one < 0.5)
            found.append(f"Followed on {len(known[1])} frames; confidence is low on {low}")
    if isinstance(value, Marker) and value.note:
        found.append(value.note)
    return found


def _strip_tip(scene: Scene, frame: int) -> str:
    if scene.strip is None:
        return "No plan yet"
    segment = segment_at(scene.strip.plan, frame)
    if segment is None:
        return ""
    frames = segment.frames
    keys = int(np.searchsorted(scene.keyframes, frames.stop) - np.searchsorted(scene.keyframes, frames.start))
    found = [
        reason_of(segment),
        f"{timecode(frames.start, scene.rate)} to {timecode(frames.stop, scene.rate)}"
        f" · {keys} keyframe{'s' if keys != 1 else ''}",
    ]
    return "\n".join([*found, *scene.strip.plan.warnings[:2]])


def _lane_tip(lane: FeatureLane, scene: Scene, frame: int) -> str:
    mark = next((mark for mark in lane.marks if frame in mark.frames), None)
    if mark is None:
        return lane.name
    where = f"{timecode(mark.frames.start, scene.rate)} · {length_text(len(mark.frames), scene.rate)}"
    return "\n".join(filter(None, (lane.name, mark.label, where)))


def row_title(row: Row, number: int) -> str:
    """Return what the head of a row says."""
    match row.kind:
        case RowKind.FILM:
            return "V1 Film"
        case RowKind.FILM_SOUND:
            return f"A1 {row.name}"
        case RowKind.SOUND:
            return f"A{number} {row.name}"
    return row.name
