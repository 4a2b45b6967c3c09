"""A timeline with its films: the streams that can be joined, and any of its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.media.bitstream import parameter_sets
from engine.media.bitstream.nal import Framing
from engine.model.media import VideoStream
from engine.model.project import Project
from engine.model.recipe import RecipeRun, SourceBase
from engine.model.sound_runs import sound_is_original
from engine.model.storyline import Clip, Native
from engine.render.film import Film
from engine.render.films import FilmReaders
from engine.render.sound_source import SoundSource, sounds_of


@dataclass(frozen=True, slots=True)
class Timeline:
    """A project that is cut from films.

    Attributes:
        films: by source id, every one that its recipes name.
        runs: the recipes of all frames.
        reference: the source whose stream the output continues: the one with most frames that may be copied.
        further_sounds: by source id, the sources of which only the sound is used.
    """

    project: Project
    films: Mapping[str, Film]
    runs: tuple[RecipeRun, ...]
    reference: str
    further_sounds: Mapping[str, SoundSource] = field(default_factory=dict)

    @property
    def film(self) -> Film:
        """Return the reference film."""
        return self.films[self.reference]

    @property
    def sound_sources(self) -> dict[str, SoundSource]:
        """Return everything whose sound may be heard, by source id."""
        return {**sounds_of(self.films), **self.further_sounds}

    @property
    def frame_count(self) -> int:
        """Return the number of output frames."""
        return self.runs[-1].timeline_range.stop if self.runs else 0


def is_whole_film(project: Project, runs: Sequence[RecipeRun]) -> bool:
    """Tell whether the timeline is one film from its first to its last frame, in its own timing, sound and shape.

    It may be split into clips, as long as nothing is missing between them.
    """
    first = project.storyline[0].source_id if isinstance(project.storyline[0], Clip) else None
    at = 0
    for item in project.storyline:
        if not isinstance(item, Clip) or not isinstance(item.timing, Native):
            return False
        if item.source_id != first or item.timing.source_range.start != at:
            return False
        at = item.timing.source_range.stop
    whole = first is not None and at == project.source(first).frame_count
    shaped = all(run.recipe.placement is None and isinstance(run.recipe.base, SourceBase) for run in runs)
    return whole and shaped and sound_is_original(project)


def reference_of(project: Project, runs: Sequence[RecipeRun]) -> str:
    """Return the source with most frames that may be copied, else the first on the storyline."""
    counts = {item.source_id: 0 for item in project.storyline if isinstance(item, Clip)}
    for run in runs:
        if run.recipe.is_bare and isinstance(run.recipe.base, SourceBase):
            counts[run.recipe.base.source_id] += len(run.timeline_range)
    return max(counts, key=lambda source_id: counts[source_id])


@dataclass(frozen=True, slots=True)
class Joined:
    """The stream that films share.

    Attributes:
        video: the reference's, with extradata that serves them all.
        sources: the ids of the films whose coded pictures may stand in it.
        refused: why the others may not, by source id.
    """

    video: VideoStream
    sources: frozenset[str]
    refused: Mapping[str, str]


def joined(timeline: Timeline) -> Joined:
    """Find out which films' coded pictures can stand in the reference's stream."""
    video = timeline.film.info.video
    sources, refused = {timeline.reference}, {}
    shown = {item.source_id for item in timeline.project.storyline if isinstance(item, Clip)}
    for source_id in sorted(shown - sources):
        film = timeline.films[source_id]
        reason = _difference(video, film.info.video)
        if reason is None:
            sources.add(source_id)
        else:
            refused[source_id] = reason
    return Joined(video, frozenset(sources), refused)


def _difference(one: VideoStream, other: VideoStream) -> str | None:
    """Return why another film's coded pictures cannot stand in a stream, None where they can."""
    facts = {
        "codec": (one.codec, other.codec),
        "size": ((one.width, one.height), (other.width, other.height)),
        "pixel format": (one.pix_fmt, other.pix_fmt),
        "pixel shape": (one.sar, other.sar),
        "rotation": (one.rotation, other.rotation),
        "field order": (one.field_order, other.field_order),
        "colour": (one.colour, other.colour),
        "HDR description": (
            (one.mastering_display, one.content_light, one.dolby_vision),
            (other.mastering_display, other.content_light, other.dolby_vision),
        ),
    }
    for name, (ours, theirs) in facts.items():
        if ours != theirs:
            return f"its {name} is another"
    return None if one.extradata == other.extradata else "its parameter sets are others"


def framing_of(video: VideoStream) -> Framing:
    """Return how a stream's packets hold their NAL units; start codes for codecs without any."""
    return (
        parameter_sets.framing(video.codec, video.extradata)
        if video.codec in ("h264", "hevc")
        else (Framing.START_CODES)
    )


def films_of_timeline(timeline: Timeline) -> FilmReaders:
    """Return readers of the timeline's films; the caller closes them."""
    times = {source_id: timeline.project.picture(source_id).times for source_id in timeline.films}
    return FilmReaders(timeline.films, times)
