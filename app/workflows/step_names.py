"""What a step of the history is called: what changed, of what, so that the right one is found to go back to.

The edits that put a new value in place of an old one cannot know what is new about it; here both are at hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from engine.errors import DeltacutError
from engine.model.captions import Caption
from engine.model.edits import (
    AddItems,
    ChangeLayer,
    ChangeTrack,
    Compound,
    Edit,
    ReplaceItem,
    ReplaceMarker,
    ReplacePatch,
    ReplaceSound,
    SetMix,
)
from engine.model.layers import CaptionMode, Item
from engine.model.markers import MarkerKind
from engine.model.overlay import Overlay
from engine.model.patch import Patch
from engine.model.project import Project
from engine.model.sound import SoundRole

_TAG = re.compile(r"</?[a-z][^<>]*>")
_LONG = 32
"""More of a text than this is not repeated."""
_Phrase = Callable[[str, Any], str]
"""The words for a field: given the name of the thing and the field's new value."""


def _as(pattern: str) -> _Phrase:
    return lambda name, value: pattern.format(name=f"“{name}”", value=value)


def _either(on: str, off: str) -> _Phrase:
    return lambda name, value: (on if value else off).format(name=f"“{name}”")


_SHOWN = _either("Show {name}", "Hide {name}")
_LOCK = _either("Lock {name}", "Unlock {name}")
_MUTE = _either("Mute {name}", "Unmute {name}")
_ROLES = {SoundRole.SPEECH: "speech", SoundRole.MUSIC: "music", SoundRole.EFFECTS: "effects"}
_KINDS = {MarkerKind.PLAIN: "a marker", MarkerKind.CHAPTER: "a chapter", MarkerKind.CALL_TO_ACTION: "a call to action"}


def _decibels(name: str, value: float) -> str:
    return f"Gain of “{name}”: {value:+.1f} dB".replace("-", "−")


_LAYER: Mapping[str, _Phrase] = {
    "visible": _SHOWN,
    "locked": _LOCK,
    "opacity": lambda name, value: f"Opacity of “{name}”: {value:.0%}",
    "blend": _as("Blend of {name}"),
    "name": _as("Rename a layer to {name}"),
    "captions": lambda name, value: (
        f"Burn “{name}” into the picture" if value is CaptionMode.BURNED else f"“{name}” as a track of text"
    ),
    "style": _as("Style of {name}"),
}
_TRACK: Mapping[str, _Phrase] = {
    "muted": _MUTE,
    "locked": _LOCK,
    "solo": _either("Hear {name} alone", "Hear the others beside {name}"),
    "ducking": _either("Turn {name} down under speech", "Leave {name} as loud under speech"),
    "gain_db": _decibels,
    "role": lambda name, value: f"“{name}” is {_ROLES[value]}",
    "name": _as("Rename a sound track to {name}"),
}
_MIX: Mapping[str, _Phrase] = {
    "keep_original": _either("Keep the original sound", "Leave the original sound out"),
    "loudness_lufs": lambda _, value: (
        "Leave the loudness as it is" if value is None else f"Loudness: {value:g} LUFS".replace("-", "−")
    ),
}
_SOUND: Mapping[str, _Phrase] = {
    "gain_db": _decibels,
    "fade_in_s": lambda name, value: f"Fade in of “{name}”: {float(value):g} s",
    "fade_out_s": lambda name, value: f"Fade out of “{name}”: {float(value):g} s",
    "muted": _MUTE,
    "position": _as("Move {name}"),
    "duration_s": _as("Trim {name}"),
    "name": _as("Rename a sound to {name}"),
}
_MARKER: Mapping[str, _Phrase] = {
    "name": _as("Name the marker {name}"),
    "place": _as("Move {name}"),
    "kind": lambda name, value: f"Make “{name}” {_KINDS[value]}",
    "note": _as("Note of {name}"),
}
_ITEM: Mapping[str, _Phrase] = {
    "visible": _SHOWN,
    "opacity": lambda name, value: (
        f"Opacity of “{name}”: {value:.0%}" if isinstance(value, float) else f"Opacity of “{name}”"
    ),
    "place": _as("Time of {name}"),
    "geometry": _as("Place of {name}"),
    "content": _as("Change {name}"),
    "text": _as("Words of {name}"),
    "style": _as("Style of {name}"),
    "speaker": _as("Speaker of {name}"),
    "feather_px": lambda name, value: f"Softness of “{name}”: {value:g} px",
    "grow_px": lambda name, value: f"Growth of “{name}”: {value:g} px",
    "region": _as("Region of {name}"),
    "matte": _as("Mask of {name}"),
    "frames": _as("Length of {name}"),
    "anchor": _as("Anchor of {name}"),
    "anchor_locked": _either("Lock the anchor of {name}", "Unlock the anchor of {name}"),
    "name": _as("Rename to {name}"),
}
_MOTION: Mapping[str, _Phrase] = {
    "nudges": _as("Nudge {name}"),
    "anchors": _as("Further anchor of {name}"),
    "follow": _as("Follow {name} another way"),
    "when_lost": _as("Where {name} is lost"),
}


def named(before: Project, edit: Edit) -> Edit:
    """Return an edit under a name that says what it changes; one that says so already as it is.

    Args:
        before: the project that the edit is done to.
        edit: any edit; one that the project refuses is returned as it is.
    """
    if isinstance(edit, Compound):
        return edit
    try:
        title = _title(before, edit)
    except (DeltacutError, StopIteration):
        # It is refused where it is done, in words of its own.
        return edit
    return edit if title in ("", edit.title) else Compound(title, (edit,))


def _title(project: Project, edit: Edit) -> str:
    match edit:
        case ChangeLayer(id, settings):
            return _said(_LAYER, project.layer(id).settings, settings, settings.name)
        case ChangeTrack(id, settings):
            return _said(_TRACK, project.track(id).settings, settings, settings.name)
        case SetMix(mix):
            if mix.original != project.mix.original:
                return _said(_TRACK, project.mix.original, mix.original, "Film")
            return _said(_MIX, project.mix, mix, "Sound of the film")
        case ReplaceSound(item):
            tracks = (known for track in project.tracks for known in track.items)
            return _said(_SOUND, _old(tracks, item.id), item, item.name)
        case ReplaceMarker(marker):
            return _said(_MARKER, _old(project.markers, marker.id), marker, marker.name)
        case ReplacePatch(item) | ReplaceItem(item):
            old = project.layer_of(item.id).item(item.id)
            if isinstance(old, Patch) and isinstance(item, Patch):
                return _of_patch(old, item)
            return _said(_ITEM, old, item, _name(item))
        case AddItems(_, (item,)) if _name(item):
            return f"Add “{_name(item)}”"
    return ""


def _of_patch(old: Patch, new: Patch) -> str:
    name = new.name
    if name and old.effective_motion != new.effective_motion:
        was, now = old.effective_motion, new.effective_motion
        # A further anchor takes the nudge of its frame away with it.
        return _MOTION["anchors"](name, None) if was.anchors != now.anchors else _said(_MOTION, was, now, name)
    return _said(_ITEM, old, new, name, besides=("state", "takes"))


def _said(phrases: Mapping[str, _Phrase], old: object, new: object, name: str, besides: Iterable[str] = ()) -> str:
    """Return the words for the one field that is new; where several are, only whose they are; none without a name."""
    if not name:
        return ""
    changed = [
        field.name
        for field in fields(new)  # type: ignore[arg-type]
        if field.name not in besides and getattr(old, field.name) != getattr(new, field.name)
    ]
    if len(changed) == 1 and changed[0] in phrases:
        return phrases[changed[0]](name, getattr(new, changed[0]))
    return f"Change “{name}”"


def _old(known: Iterable[Any], id: str) -> object:
    return next(one for one in known if one.id == id)


def _name(item: Item) -> str:
    match item:
        case Caption(text=text):
            words = " ".join(_TAG.sub("", text).split())
        case Overlay() | Patch():
            words = item.name
        case _:
            return ""
    return words if len(words) <= _LONG else f"{words[:_LONG].rstrip()}…"
