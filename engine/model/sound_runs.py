"""What sounds when: the storyline's own sound as exact times, and whether it is still the source's, untouched."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem, AudioTrack, ClipSound, SoundRole, WithClip
from engine.model.storyline import Clip, source_time
from engine.model.timeline import TimelineMap


@dataclass(frozen=True, slots=True)
class SoundRun:
    """A run of the storyline's sound; timeline and source times in seconds.

    Attributes:
        source_id: None for silence.
    """

    start_s: Fraction
    stop_s: Fraction
    source_id: str | None
    source_start_s: Fraction
    gain_db: float = 0.0


def storyline_sound(project: Project) -> tuple[SoundRun, ...]:
    """Return the storyline's own sound: adjacent runs over the whole timeline, joined where the source goes on."""
    timeline = TimelineMap(project)
    with_sound = {source.id for source in project.sources if source.sound}
    runs: list[SoundRun] = []
    for span in timeline.spans:
        start_s, stop_s = (timeline.time_of(frame) for frame in (span.timeline_range.start, span.timeline_range.stop))
        item = span.item
        if isinstance(item, Clip) and item.sound is ClipSound.LINKED and item.source_id in with_sound:
            times = project.picture(item.source_id).times
            run = SoundRun(
                start_s, stop_s, item.source_id, source_time(item.timing, 0, times, project.canvas.rate), item.gain_db
            )
        else:
            run = SoundRun(start_s, stop_s, None, Fraction(0))
        if runs and _goes_on(runs[-1], run):
            run = SoundRun(runs[-1].start_s, stop_s, run.source_id, runs[-1].source_start_s, run.gain_db)
            runs.pop()
        runs.append(run)
    return tuple(runs)


def _goes_on(last: SoundRun, run: SoundRun) -> bool:
    if (last.source_id, last.gain_db) != (run.source_id, run.gain_db):
        return False
    return run.source_id is None or last.source_start_s + last.stop_s - last.start_s == run.source_start_s


def sound_is_original(project: Project) -> bool:
    """Tell whether the film's sound is that of one source from its first frame on, so that its packets can be copied.

    The storyline must show one source from its first to its last frame without a cut, and nothing may be mixed in.
    """
    return not sound_is_mixed(project) and storyline_sound_is_original(project)


def storyline_sound_is_original(project: Project) -> bool:
    """Tell whether the storyline's own sound is that of one source from its first frame on, whatever is mixed in."""
    runs = storyline_sound(project)
    shown = {item.source_id for item in project.storyline if isinstance(item, Clip)}
    if not any(source.sound for source in project.sources if source.id in shown):
        return True
    if len(runs) != 1 or runs[0].gain_db != 0.0 or runs[0].source_id is None:
        return False
    times = project.picture(runs[0].source_id).times
    first, end = times.time_of(0), times.time_of(times.count)
    return runs[0].source_start_s == first and runs[0].stop_s - runs[0].start_s == end - first


def sound_is_mixed(project: Project) -> bool:
    """Tell whether the film's sound is any other than the storyline's own: something is heard beside it, or louder."""
    original = project.mix.original
    if original.gain_db != 0.0 or not original_is_heard(project) or project.mix.loudness_lufs is not None:
        return True
    if original.ducking is not None and any(t.settings.role is SoundRole.SPEECH for t in heard_tracks(project)):
        return True
    return bool(heard_tracks(project))


def original_is_heard(project: Project) -> bool:
    """Tell whether the storyline's own sound is heard: not muted, and no other track alone is."""
    original = project.mix.original
    return not original.muted and (original.solo or not _someone_solo(project))


def heard_tracks(project: Project) -> tuple[AudioTrack, ...]:
    """Return the sound tracks of which something is heard."""
    solo = _someone_solo(project)
    return tuple(
        track
        for track in project.tracks
        if not track.settings.muted
        and (track.settings.solo or not solo)
        and any(not item.muted for item in track.items)
    )


def _someone_solo(project: Project) -> bool:
    return project.mix.original.solo or any(track.settings.solo for track in project.tracks)


def start_of(project: Project, sound: AudioItem, timeline: TimelineMap) -> Fraction:
    """Return the second of the timeline at which an audio item begins (negative where that is before the film)."""
    match sound.position:
        case AtTime(start_s):
            return start_s
        case WithClip(clip_id):
            for span in timeline.spans:
                if span.item.id == clip_id and isinstance(span.item, Clip):
                    times = project.picture(span.item.source_id).times
                    first = source_time(span.item.timing, 0, times, project.canvas.rate)
                    return timeline.time_of(span.timeline_range.start) + sound.source_start_s - first
    raise AssertionError(f"the sound {sound.id} is linked to a clip that is not there")
