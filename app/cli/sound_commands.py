"""What the commands that have to do with sound do: call a workflow, print its result."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from app.cli.console import Console
from engine.media.loudness import Loudness
from engine.model import codec
from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem, Mix, SoundRole, TrackSettings


def loudness(given: argparse.Namespace, console: Console) -> int:
    """Measure a file or a project."""
    from app.workflows.sound import file_loudness, project_loudness

    measure = project_loudness if given.file.suffix.lower() == ".dcut" else file_loudness
    found = measure(given.file, console.progress, console.cancel)
    console.result({"file": str(given.file)} | asdict(found), f"{given.file}: {_loudness_text(found)}")
    return 0


def _loudness_text(found: Loudness) -> str:
    if found.integrated_lufs is None or found.true_peak_dbtp is None:
        return "silent"
    return f"{found.integrated_lufs:.1f} LUFS, range {found.range_lu:.1f} LU, true peak {found.true_peak_dbtp:.1f} dBTP"


def sound(given: argparse.Namespace, console: Console) -> int:
    """Change or show the sound of a project."""
    project, text = _WAYS[given.way](given, console)
    console.result(sound_facts(project), text or sound_text(project))
    return 0


def _add(given: argparse.Namespace, console: Console) -> tuple[Project, str]:
    from app.workflows.sound import SoundRequest, add_sound

    request = SoundRequest(
        given.track,
        SoundRole(given.role),
        given.at,
        given.start,
        given.duration,
        given.gain,
        given.fade_in,
        given.fade_out,
        given.duck,
    )
    project, item = add_sound(given.project, given.file, request, console.progress, console.cancel)
    return project, f"{given.project}: {_item_text(item)}"


def _remove(given: argparse.Namespace, console: Console) -> tuple[Project, str]:
    from app.workflows.sound import remove_sound

    project = remove_sound(given.project, given.sound, console.progress, console.cancel)
    return project, f"{given.project}: removed the sound {given.sound}"


def _track(given: argparse.Namespace, console: Console) -> tuple[Project, str]:
    from app.workflows.sound import TrackChange, change_track

    role = None if given.role is None else SoundRole(given.role)
    change = TrackChange(given.gain, given.mute, given.solo, role, given.duck)
    return change_track(given.project, given.name, change, console.progress, console.cancel), ""


def _mix(given: argparse.Namespace, console: Console) -> tuple[Project, str]:
    from app.workflows.sound import MixChange, TargetLoudness, set_mix

    target = TargetLoudness(given.loudness) if "loudness" in given else None
    change = MixChange(given.keep_original, target)
    return set_mix(given.project, change, console.progress, console.cancel), ""


def _list(given: argparse.Namespace, console: Console) -> tuple[Project, str]:
    from app.workflows.project import show_project

    project, _ = show_project(given.project, console.progress, console.cancel)
    return project, ""


_WAYS: Mapping[str, Callable[[argparse.Namespace, Console], tuple[Project, str]]] = {
    "add": _add,
    "remove": _remove,
    "track": _track,
    "mix": _mix,
    "list": _list,
}


def sound_facts(project: Project) -> dict[str, Any]:
    """Return a project's sound as JSON types, in the form that its file keeps."""
    return {
        "mix": codec.to_json(project.mix, Mix),
        "tracks": [
            {
                "id": track.id,
                "settings": codec.to_json(track.settings, TrackSettings),
                "items": [codec.to_json(item, AudioItem) for item in track.items],
            }
            for track in project.tracks
        ],
    }


def sound_text(project: Project) -> str:
    """Return a project's sound for a person."""
    mix = project.mix
    lines = [_track_text(mix.original)]
    for track in project.tracks:
        lines.append(_track_text(track.settings))
        lines += [f"  {_item_text(item)}" for item in track.items]
    if mix.loudness_lufs is not None:
        lines.append(f"normalised to {mix.loudness_lufs:g} LUFS")
    if mix.keep_original:
        lines.append("the film's own sound is kept beside the mix")
    return "\n".join(lines)


def _track_text(settings: TrackSettings) -> str:
    marks = [settings.role.value]
    marks += [f"{settings.gain_db:+g} dB"] if settings.gain_db else []
    marks += [word for word, is_so in (("muted", settings.muted), ("solo", settings.solo)) if is_so]
    marks += [f"{settings.ducking.by_db:g} dB down under speech"] if settings.ducking else []
    return f"{settings.name}: {', '.join(marks)}"


def _item_text(item: AudioItem) -> str:
    place = f"at {float(item.position.start_s):.3f} s" if isinstance(item.position, AtTime) else "with its clip"
    gain = f", {item.gain_db:+g} dB" if item.gain_db else ""
    muted = ", muted" if item.muted else ""
    return f"{item.name or item.source_id} {place} for {float(item.duration_s):.3f} s{gain}{muted}  [{item.id}]"


SOUND_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {"sound": sound, "loudness": loudness}
