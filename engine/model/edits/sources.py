"""Edits of the project's head: its name, its sources and its canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.captions import Caption
from engine.model.checks import check
from engine.model.edits.retiming import retimed
from engine.model.layers import Item
from engine.model.markers import Marker
from engine.model.overlay import Film, Overlay
from engine.model.patch import Patch, ReviewState
from engine.model.place import AtSource, OnSource, Place
from engine.model.project import Canvas, Project
from engine.model.sound import AudioItem
from engine.model.source import Source
from engine.model.storyline import Clip
from engine.model.subject import FilmMatte, Subject


@dataclass(frozen=True, slots=True)
class RenameProject:
    """Give the project another name."""

    name: str

    title = "Rename project"

    def apply(self, project: Project) -> Project:
        """Return the project under its new name."""
        return replace(project, name=self.name)


@dataclass(frozen=True, slots=True)
class AddSource:
    """Take a media file into the project; the first picture sets the canvas, as long as the storyline is empty."""

    source: Source

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Import {self.source.name}"

    def apply(self, project: Project) -> Project:
        """Return the project with the source."""
        if not self.source.id or any(source.id == self.source.id for source in project.sources):
            raise EditRefused(f"the project already has a source {self.source.id!r}")
        first = not project.storyline and all(source.picture is None for source in project.sources)
        canvas = Canvas.of(self.source.picture) if first and self.source.picture is not None else project.canvas
        return replace(project, sources=(*project.sources, self.source), canvas=canvas)


@dataclass(frozen=True, slots=True)
class RemoveSource:
    """Take a media file that nothing uses out of the project."""

    source_id: str

    title = "Remove source"

    def apply(self, project: Project) -> Project:
        """Return the project without the source."""
        source = project.source(self.source_id)
        if self.source_id in set(_used_sources(project)):
            raise EditRefused(f"{source.name} is used in the film; delete what uses it first")
        return replace(project, sources=tuple(s for s in project.sources if s.id != self.source_id))


def _used_sources(project: Project) -> Iterator[str]:
    for clip in project.storyline:
        if isinstance(clip, Clip):
            yield clip.source_id
    for layer in project.layers:
        for items in (layer.items, *(version.items for version in layer.versions)):
            for item in items:
                yield from _sources_of(item)
    for marker in project.markers:
        yield from _sources_of(marker)
    for track in project.tracks:
        for sound in track.items:
            yield sound.source_id


def _sources_of(item: Item | Marker) -> Iterator[str]:
    match item:
        case Patch():
            yield item.source_id
        case Subject():
            yield item.source_id
            if isinstance(item.matte, FilmMatte):
                yield item.matte.source_id
        case Overlay():
            if isinstance(item.place, OnSource):
                yield item.place.source_id
            if isinstance(item.content, Film):
                yield item.content.source_id
        case Caption():
            if isinstance(item.place, AtSource):
                yield item.place.source_id
        case Marker():
            if isinstance(item.place, OnSource):
                yield item.place.source_id


@dataclass(frozen=True, slots=True)
class ReplaceSource:
    """Put another content in place of a source everywhere; patches that were made on the old one become stale."""

    source_id: str
    new: Source

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Replace with {self.new.name}"

    def apply(self, project: Project) -> Project:
        """Return the project on the new source.

        Raises:
            EditRefused: the id is not new, or the new content is too short for what is made of it.
        """
        project.source(self.source_id)
        if not self.new.id or any(source.id == self.new.id for source in project.sources):
            raise EditRefused(f"another content is another source: the id {self.new.id!r} is taken")
        old_id, new_id = self.source_id, self.new.id

        def place(old: Place) -> Place:
            return replace(old, source_id=new_id) if isinstance(old, OnSource) and old.source_id == old_id else old

        def item(old: Item) -> Item:
            match old:
                case Patch(source_id=source_id) if source_id == old_id:
                    return replace(old, source_id=new_id, state=ReviewState.STALE)
                case Subject():
                    matte = old.matte
                    if isinstance(matte, FilmMatte) and matte.source_id == old_id:
                        matte = replace(matte, source_id=new_id)
                    return replace(old, source_id=new_id if old.source_id == old_id else old.source_id, matte=matte)
                case Overlay():
                    content = old.content
                    if isinstance(content, Film) and content.source_id == old_id:
                        content = replace(content, source_id=new_id)
                    return replace(old, place=place(old.place), content=content)
                case Caption(place=AtSource(source_id=source_id) as at) if source_id == old_id:
                    return replace(old, place=replace(at, source_id=new_id))
                case _:
                    return old

        def sound(old: AudioItem) -> AudioItem:
            return replace(old, source_id=new_id) if old.source_id == old_id else old

        changed = replace(
            project,
            sources=tuple(self.new if source.id == old_id else source for source in project.sources),
            storyline=tuple(
                replace(clip, source_id=new_id) if isinstance(clip, Clip) and clip.source_id == old_id else clip
                for clip in project.storyline
            ),
            layers=tuple(
                replace(
                    layer,
                    items=tuple(map(item, layer.items)),
                    versions=tuple(replace(v, items=tuple(map(item, v.items))) for v in layer.versions),
                )
                for layer in project.layers
            ),
            markers=tuple(replace(marker, place=place(marker.place)) for marker in project.markers),
            tracks=tuple(replace(track, items=tuple(map(sound, track.items))) for track in project.tracks),
        )
        check(changed)
        return changed


@dataclass(frozen=True, slots=True)
class SetCanvas:
    """Change the size, the rate or the colour of the picture that the timeline makes.

    At another rate, conformed clips and gaps keep their duration, and items on the timeline their time.
    """

    canvas: Canvas

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Canvas {self.canvas.width}x{self.canvas.height}"

    def apply(self, project: Project) -> Project:
        """Return the project on the new canvas."""
        if self.canvas.rate == project.canvas.rate:
            return replace(project, canvas=self.canvas)
        return retimed(project, self.canvas)
