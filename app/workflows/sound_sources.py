"""The sound of a project's sources, of those too that have no picture."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from engine.media.guard import run_guarded
from engine.media.sound_probe import SoundInfo, probe_sound
from engine.model.project import Project
from engine.model.source import SoundFacts, Source
from engine.model.storyline import Clip
from engine.render.sound_source import SoundSource
from engine.store.cache import Cache
from engine.store.project_file import ProjectFile

PROBE_TIMEOUT_S = 30.0
_MET = "met-sound"


def heard_sources(project: Project) -> frozenset[str]:
    """Return the ids of the sources whose sound may be heard."""
    clips = {item.source_id for item in project.storyline if isinstance(item, Clip)}
    return frozenset(clips | {item.source_id for track in project.tracks for item in track.items})


def sound_sources(file: ProjectFile, source_ids: Collection[str], cache: Cache) -> dict[str, SoundSource]:
    """Return the sound of some sources of a project, by source id; those without sound are left out.

    Raises:
        MissingMedia, SourceChanged: one of them is not where it was.
        MediaError: its sound cannot be used.
    """
    found = {}
    for source in file.project.sources:
        if source.id in source_ids and source.sound:
            media = file.media(source.id)
            found[source.id] = SoundSource(media, known_sound(media, source.id, cache).audio)
    return found


def known_sound(media: Path, key: str, cache: Cache) -> SoundInfo:
    """Return what sound a file holds: found in a child process the first time, where a crash costs one message.

    Raises:
        MediaError: it holds none that can be used.
    """
    met = cache.get(_MET, key) is not None
    info: SoundInfo = probe_sound(media) if met else run_guarded(probe_sound, media, timeout_s=PROBE_TIMEOUT_S)
    if not met:
        cache.put(_MET, key, b"1")
    return info


def sound_only_source(id: str, name: str, info: SoundInfo) -> Source:
    """Return the source that a file of sound alone is."""
    facts = tuple(
        SoundFacts(a.stream, a.codec, a.channels, a.sample_rate, a.start_pts * a.time_base, info.duration_s)
        for a in info.audio
    )
    return Source(id, name, None, facts, info.duration_s)
