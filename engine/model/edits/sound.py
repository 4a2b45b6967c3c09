"""Edits of sound: tracks, their items, the link to the picture, the mix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.checks import check_new, check_sound
from engine.model.edits.cutting import find
from engine.model.project import Project
from engine.model.sound import AudioItem, AudioTrack, ClipSound, Mix, TrackSettings, WithClip
from engine.model.storyline import Clip, source_time


def _with_track(project: Project, track_id: str, change: Callable[[AudioTrack], AudioTrack]) -> Project:
    old = project.track(track_id)
    new = change(old)
    return replace(project, tracks=tuple(new if track is old else track for track in project.tracks))


def _with_items(track: AudioTrack, items: tuple[AudioItem, ...]) -> AudioTrack:
    if track.settings.locked:
        raise EditRefused(f"the sound track {track.settings.name!r} is locked; unlock it to change it")
    return replace(track, items=items)


def _track_of(project: Project, sound_id: str) -> AudioTrack:
    for track in project.tracks:
        if any(item.id == sound_id for item in track.items):
            return track
    raise EditRefused(f"the project has no sound {sound_id}")


@dataclass(frozen=True, slots=True)
class AddTrack:
    """Add an empty sound track below the others."""

    track_id: str
    settings: TrackSettings

    title = "Add sound track"

    def apply(self, project: Project) -> Project:
        """Return the project with the track."""
        check_new(project, [self.track_id])
        return replace(project, tracks=(*project.tracks, AudioTrack(self.track_id, self.settings)))


@dataclass(frozen=True, slots=True)
class ChangeTrack:
    """Change the head of a sound track: name, role, gain, mute, solo, ducking, lock."""

    track_id: str
    settings: TrackSettings

    title = "Change sound track"

    def apply(self, project: Project) -> Project:
        """Return the project with the track changed."""
        return _with_track(project, self.track_id, lambda track: replace(track, settings=self.settings))


@dataclass(frozen=True, slots=True)
class RemoveTrack:
    """Remove a sound track; it must be empty of linked sound."""

    track_id: str

    title = "Remove sound track"

    def apply(self, project: Project) -> Project:
        """Return the project without the track."""
        track = project.track(self.track_id)
        _with_items(track, ())
        if any(isinstance(item.position, WithClip) for item in track.items):
            raise EditRefused(f"the track {track.settings.name!r} holds sound that is linked to clips; attach it first")
        return replace(project, tracks=tuple(other for other in project.tracks if other is not track))


@dataclass(frozen=True, slots=True)
class MoveTrack:
    """Move a sound track so that it becomes number `index` (0 is the first)."""

    track_id: str
    index: int

    title = "Reorder sound tracks"

    def apply(self, project: Project) -> Project:
        """Return the project in the new order."""
        track = project.track(self.track_id)
        if not 0 <= self.index < len(project.tracks):
            raise EditRefused(f"there is no place {self.index} among {len(project.tracks)} sound tracks")
        rest = [other for other in project.tracks if other is not track]
        return replace(project, tracks=(*rest[: self.index], track, *rest[self.index :]))


@dataclass(frozen=True, slots=True)
class AddSounds:
    """Put sounds on a track."""

    track_id: str
    items: tuple[AudioItem, ...]

    title = "Add sound"

    def apply(self, project: Project) -> Project:
        """Return the project with the sounds."""
        check_new(project, [item.id for item in self.items])
        for item in self.items:
            check_sound(project, item)
        return _with_track(project, self.track_id, lambda track: _with_items(track, (*track.items, *self.items)))


@dataclass(frozen=True, slots=True)
class ReplaceSound:
    """Change anything of a sound: the new value stands where the one with its id stood."""

    item: AudioItem

    title = "Change sound"

    def apply(self, project: Project) -> Project:
        """Return the project with the sound changed."""
        check_sound(project, self.item)
        track = _track_of(project, self.item.id)
        items = tuple(self.item if old.id == self.item.id else old for old in track.items)
        return _with_track(project, track.id, lambda track: _with_items(track, items))


@dataclass(frozen=True, slots=True)
class RemoveSound:
    """Remove a sound."""

    sound_id: str

    title = "Remove sound"

    def apply(self, project: Project) -> Project:
        """Return the project without the sound."""
        track = _track_of(project, self.sound_id)
        items = tuple(item for item in track.items if item.id != self.sound_id)
        return _with_track(project, track.id, lambda track: _with_items(track, items))


@dataclass(frozen=True, slots=True)
class DetachSound:
    """Make a clip's sound an item of its own, still in step with the clip, so that it can begin or end elsewhere."""

    clip_id: str
    track_id: str
    sound_id: str

    title = "Detach sound"

    def apply(self, project: Project) -> Project:
        """Return the project with the sound detached."""
        index, _ = find(project, self.clip_id)
        clip = project.storyline[index]
        if not isinstance(clip, Clip) or clip.sound is ClipSound.DETACHED:
            raise EditRefused(f"the clip {self.clip_id} has no sound of its own to detach")
        times, rate = project.picture(clip.source_id).times, project.canvas.rate
        start_s = source_time(clip.timing, 0, times, rate)
        stop_s = source_time(clip.timing, len(clip), times, rate)
        sound = AudioItem(
            self.sound_id,
            clip.source_id,
            WithClip(clip.id),
            start_s,
            stop_s - start_s,
            name=clip.name,
            gain_db=clip.gain_db,
            muted=clip.sound is ClipSound.MUTED,
        )
        changed = replace(clip, sound=ClipSound.DETACHED, gain_db=0.0)
        storyline = (*project.storyline[:index], changed, *project.storyline[index + 1 :])
        return AddSounds(self.track_id, (sound,)).apply(replace(project, storyline=storyline))


@dataclass(frozen=True, slots=True)
class AttachSound:
    """Give a clip its own sound back; what was detached from it is removed."""

    clip_id: str

    title = "Attach sound"

    def apply(self, project: Project) -> Project:
        """Return the project with the sound attached."""
        index, _ = find(project, self.clip_id)
        clip = project.storyline[index]
        if not isinstance(clip, Clip) or clip.sound is not ClipSound.DETACHED:
            raise EditRefused(f"the sound of the clip {self.clip_id} is not detached")
        storyline = (*project.storyline[:index], replace(clip, sound=ClipSound.LINKED), *project.storyline[index + 1 :])
        tracks = tuple(
            _with_items(track, tuple(item for item in track.items if item.position != WithClip(clip.id)))
            if any(item.position == WithClip(clip.id) for item in track.items)
            else track
            for track in project.tracks
        )
        return replace(project, storyline=storyline, tracks=tracks)


@dataclass(frozen=True, slots=True)
class SetMix:
    """Change how the film's sound is mixed."""

    mix: Mix

    title = "Change mix"

    def apply(self, project: Project) -> Project:
        """Return the project with the mix."""
        return replace(project, mix=self.mix)
