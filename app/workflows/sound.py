"""Music and effects in a project: take a file in, set the tracks and the mix, measure the loudness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from app.workflows.caches import project_cache
from app.workflows.sound_sources import PROBE_TIMEOUT_S, heard_sources, sound_only_source, sound_sources
from engine.control import CancelToken, Progress
from engine.errors import EditRefused, UsageError
from engine.media.guard import run_guarded
from engine.media.loudness import Loudness, measured_loudness
from engine.media.samples import Samples
from engine.media.sound_probe import SoundInfo, probe_sound
from engine.media.sound_read import SoundReader
from engine.model.edits import AddSounds, AddSource, AddTrack, ChangeTrack, Compound, RemoveSound, SetMix
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem, AudioTrack, Ducking, SoundRole, TrackSettings
from engine.render.audio import mixed_loudness
from engine.render.sound_source import SoundSource
from engine.store.connection import Access
from engine.store.identity import content_hash
from engine.store.project_file import ProjectFile

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class SoundRequest:
    """A part of a file's sound and where it goes; seconds, dB.

    Attributes:
        track: the name of the track; one that does not exist is made. None: "Music", "Effects" or "Speech" by role.
        at_s: second of the timeline at which it begins.
        from_s: second of the file. duration_s: None for all that is there.
        duck_db: how far a track that is made is turned down under speech; None for not at all.
    """

    track: str | None = None
    role: SoundRole = SoundRole.MUSIC
    at_s: Fraction = Fraction(0)
    from_s: Fraction = Fraction(0)
    duration_s: Fraction | None = None
    gain_db: float = 0.0
    fade_in_s: Fraction = Fraction(0)
    fade_out_s: Fraction = Fraction(0)
    duck_db: float | None = None


def add_sound(
    path: Path, media: Path, request: SoundRequest, progress: Progress, cancel: CancelToken
) -> tuple[Project, AudioItem]:
    """Put the sound of a file (music, a film, an effect) on a sound track, as one step to undo.

    Raises:
        MediaError: the file holds no sound that can be used. UsageError: the part asked for is not in it.
        EditRefused: the track is locked, or a value is impossible.
        ProjectError, StorageError: the project cannot be written.
        Cancelled: on request; nothing changed.
    """
    identity = content_hash(media, progress.part(0.0, 0.8), cancel)
    info = run_guarded(probe_sound, media, timeout_s=PROBE_TIMEOUT_S)
    source_id = identity[:16]
    with ProjectFile.open(path) as file:
        project = file.project
        edits: list[SingleEdit] = []
        if all(source.id != source_id for source in project.sources):
            edits.append(AddSource(sound_only_source(source_id, media.name, info)))
        track = _track(project, request)
        if track is None:
            name = request.track or request.role.value.capitalize()
            ducking = None if request.duck_db is None else Ducking(request.duck_db)
            track = AudioTrack(new_id(), TrackSettings(name, request.role, ducking=ducking))
            edits.append(AddTrack(track.id, track.settings))
        item = _item(media, info, source_id, request)
        edits.append(AddSounds(track.id, (item,)))
        edit = Compound(f"Add {media.name}", tuple(edits))
        edit.apply(project)
        cancel.check()
        if isinstance(edits[0], AddSource):
            file.place_media(source_id, media, identity)
        return file.commit(edit), item


def _track(project: Project, request: SoundRequest) -> AudioTrack | None:
    name = request.track or request.role.value.capitalize()
    return next((track for track in project.tracks if track.settings.name == name), None)


def _item(media: Path, info: SoundInfo, source_id: str, request: SoundRequest) -> AudioItem:
    start_s = info.audio[0].start_pts * info.audio[0].time_base + request.from_s
    left_s = info.duration_s - request.from_s
    if left_s <= 0:
        raise UsageError(
            f"{media.name} is {float(info.duration_s):.3f} s long; it cannot be taken from second "
            f"{float(request.from_s):g} on"
        )
    duration_s = left_s if request.duration_s is None else min(request.duration_s, left_s)
    return AudioItem(
        new_id(),
        source_id,
        AtTime(request.at_s),
        start_s,
        duration_s,
        name=media.stem,
        gain_db=request.gain_db,
        fade_in_s=request.fade_in_s,
        fade_out_s=request.fade_out_s,
    )


def remove_sound(path: Path, sound_id: str, _progress: Progress, _cancel: CancelToken) -> Project:
    """Remove a sound from its track, as one step to undo.

    Raises:
        EditRefused: there is none of this id, or its track is locked.
    """
    with ProjectFile.open(path) as file:
        return file.commit(RemoveSound(sound_id))


@dataclass(frozen=True, slots=True)
class TrackChange:
    """What to change of a track's head; None leaves it as it is.

    Attributes:
        duck_db: 0 turns ducking off.
    """

    gain_db: float | None = None
    muted: bool | None = None
    solo: bool | None = None
    role: SoundRole | None = None
    duck_db: float | None = None


def change_track(path: Path, name: str, change: TrackChange, _progress: Progress, _cancel: CancelToken) -> Project:
    """Change a sound track's head; the name "original" stands for the film's own sound.

    Raises:
        EditRefused: there is no track of this name, or a value is impossible.
    """
    with ProjectFile.open(path) as file:
        project = file.project
        if name.casefold() == "original":
            return file.commit(SetMix(replace(project.mix, original=_changed(project.mix.original, change))))
        track = next((track for track in project.tracks if name in (track.settings.name, track.id)), None)
        if track is None:
            names = ", ".join(repr(track.settings.name) for track in project.tracks)
            raise EditRefused(f"the project has no sound track {name!r}; it has {names or 'none'} and 'original'")
        return file.commit(ChangeTrack(track.id, _changed(track.settings, change)))


def _changed(settings: TrackSettings, change: TrackChange) -> TrackSettings:
    ducking = settings.ducking
    if change.duck_db is not None:
        ducking = replace(ducking or Ducking(), by_db=change.duck_db) if change.duck_db else None
    return replace(
        settings,
        gain_db=settings.gain_db if change.gain_db is None else change.gain_db,
        muted=settings.muted if change.muted is None else change.muted,
        solo=settings.solo if change.solo is None else change.solo,
        role=settings.role if change.role is None else change.role,
        ducking=ducking,
    )


@dataclass(frozen=True, slots=True)
class TargetLoudness:
    """What to normalise to; None for as it is."""

    lufs: float | None


@dataclass(frozen=True, slots=True)
class MixChange:
    """What to change of the mix; None leaves it as it is."""

    keep_original: bool | None = None
    loudness: TargetLoudness | None = None


def set_mix(path: Path, change: MixChange, _progress: Progress, _cancel: CancelToken) -> Project:
    """Change how the film's sound is mixed.

    Raises:
        EditRefused: a value is impossible.
    """
    with ProjectFile.open(path) as file:
        mix = file.project.mix
        keep = mix.keep_original if change.keep_original is None else change.keep_original
        loudness = mix.loudness_lufs if change.loudness is None else change.loudness.lufs
        return file.commit(SetMix(replace(mix, keep_original=keep, loudness_lufs=loudness)))


@contextmanager
def _read_only(path: Path) -> Iterator[tuple[Project, Mapping[str, SoundSource]]]:
    with ProjectFile.open(path, Access.READ) as file, project_cache(file.project.id) as cache:
        yield file.project, sound_sources(file, heard_sources(file.project), cache)


def project_loudness(path: Path, progress: Progress, cancel: CancelToken) -> Loudness:
    """Measure the loudness of a project's mix (EBU R 128), before it is normalised.

    Raises:
        ProjectError, MediaError: it cannot be read.
        Cancelled: on request.
    """
    progress.report("Measuring the loudness", 0.0)
    with _read_only(path) as (project, sounds):
        return mixed_loudness(project, sounds, cancel)


def file_loudness(path: Path, progress: Progress, cancel: CancelToken) -> Loudness:
    """Measure the loudness of the first sound track of a file (EBU R 128).

    Raises:
        MediaError: it holds no sound that can be read.
        Cancelled: on request.
    """
    info: SoundInfo = run_guarded(probe_sound, path, timeout_s=PROBE_TIMEOUT_S)
    sound = info.audio[0]
    layout = sound.layout if sound.channels > 2 else ("mono" if sound.channels == 1 else "stereo")

    def blocks() -> Iterator[Samples]:
        with SoundReader(path, sound.stream, sound.sample_rate, layout) as reader:
            first = at = round(sound.start_pts * sound.time_base * sound.sample_rate)
            total = max(1, round(info.duration_s * sound.sample_rate))
            stop = first + total
            while at < stop and not reader.ended:
                progress.report("Measuring the loudness", (at - first) / total)
                count = min(_BLOCK, stop - at)
                yield reader.read(at, count)
                at += count

    return measured_loudness(blocks(), sound.sample_rate, layout, cancel)
