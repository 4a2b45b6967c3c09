"""What the media bin lists: the films, the clips beside them, pictures and captions, with what there is to say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from app.ui.words import seconds_text, timecode
from app.workflows.add_to_open import FoundPicture
from engine.errors import MediaError
from engine.model.codec_names import codec_name
from engine.model.layers import LayerKind
from engine.model.project import Project
from engine.model.source import PictureFacts, Source
from engine.model.storyline import Clip


class Section(Enum):
    """A part of the list; the value is its title."""

    FILM = "Film"
    CLIPS = "Clips"
    GRAPHICS = "Graphics and captions"


class EntryKind(Enum):
    """What an entry is; the value names its icon."""

    FILM = "film"
    SOUND = "sound"
    PICTURE = "image"
    CAPTIONS = "caption"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the bin.

    Attributes:
        id: of the source, the picture's bytes, or the layer. detail: length, size, codec.
        missing: why its file is not at hand; empty where it is. frame: the frame that stands for it.
    """

    section: Section
    kind: EntryKind
    id: str
    name: str
    detail: str
    missing: str = ""
    frame: int = 0

    @property
    def spoken(self) -> str:
        """Return the entry as a screen reader says it."""
        state = ", not at hand" if self.missing else ""
        return f"{self.name}, {self.detail}{state}"


def entries_of(
    project: Project,
    missing: Mapping[str, MediaError],
    pictures: Sequence[FoundPicture],
    interlaced: Collection[str] = (),
) -> tuple[Entry, ...]:
    """Return the entries: first the film that is corrected, then the other sources, then the graphics.

    Args:
        project: whose they are.
        missing: why the film of a source is not at hand, by its id.
        pictures: stills that were dropped.
        interlaced: the ids of sources whose frames hold two fields.
    """
    clips = {item.source_id for item in project.storyline if isinstance(item, Clip)}
    # The one that the project was made of, for as long as it is in use: a longer clip put beside it is still a clip.
    films = [source.id for source in project.sources if source.picture is not None]
    main = next((id for id in films if id in clips), films[0] if films else "")
    found = [
        _source_entry(source, missing, section, scan="i" if source.id in interlaced else "p")
        for section in (Section.FILM, Section.CLIPS)
        for source in project.sources
        if (source.id == main) is (section is Section.FILM)
    ]
    found += [
        Entry(Section.GRAPHICS, EntryKind.PICTURE, picture.content, picture.name, f"{picture.width} × {picture.height}")
        for picture in pictures
    ]
    for layer in reversed(project.layers):
        if layer.kind is LayerKind.CAPTIONS and layer.items:
            lines = f"{len(layer.items):,} line{'s' if len(layer.items) != 1 else ''}"
            found.append(Entry(Section.GRAPHICS, EntryKind.CAPTIONS, layer.id, layer.settings.name, lines))
    return tuple(found)


def _source_entry(source: Source, missing: Mapping[str, MediaError], section: Section, scan: str) -> Entry:
    error = missing.get(source.id)
    why = str(error) if error is not None else ""
    if source.picture is None:
        detail = " · ".join([seconds_text(float(source.duration_s)), *(codec_name(s.codec) for s in source.sound[:1])])
        return Entry(section, EntryKind.SOUND, source.id, source.name, detail, why)
    picture = source.picture
    detail = f"{length_of(picture)} · {size_name(picture, scan)} · {codec_name(picture.codec)}"
    return Entry(section, EntryKind.FILM, source.id, source.name, detail, why, picture.frame_count // 8)


def length_of(picture: PictureFacts) -> str:
    """Return a film's length as timecode, hours only where there are any."""
    text = timecode(picture.frame_count, Fraction(picture.rate).limit_denominator(1001))
    return text.removeprefix("00:")


def size_name(picture: PictureFacts, scan: str) -> str:
    """Return a size such as "720p", "1080i", "4K vertical" or "600 × 338"; scan: "i" for interlaced, else "p"."""
    long, short = max(picture.width, picture.height), min(picture.width, picture.height)
    names = {(3840, 2160): "4K", (7680, 4320): "8K"} | {
        size: f"{size[1]}{scan}" for size in ((1920, 1080), (1280, 720), (854, 480))
    }
    if scan == "i":
        # The sizes of the two standards of interlaced television: with fields they are known by their lines.
        names |= {(1440, 1080): "1080i", (720, 576): "576i", (720, 480): "480i", (720, 486): "480i"}
    name = names.get((long, short))
    if name is None:
        return f"{picture.width} × {picture.height}"
    return f"{name} vertical" if picture.height > picture.width else name
