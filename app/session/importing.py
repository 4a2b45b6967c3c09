"""Take files into the open project, in the background, and put them where they were dropped: one step to undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs
from app.workflows.add_to_open import (
    Found,
    FoundCaptions,
    FoundPicture,
    FoundSource,
    caption_edits,
    find_media,
    pictures_of_bin,
)
from app.workflows.caches import project_cache
from engine.control import CancelToken, Progress
from engine.errors import Cancelled, DeltacutError, EditRefused
from engine.model.edits import AddItems, AddSounds, AddSource, AddTrack, AppendClip, Compound, InsertClip, OverwriteClip
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.layers import LayerKind
from engine.model.overlay import Overlay, Still
from engine.model.place import OnTimeline
from engine.model.project import Project, default_timing
from engine.model.sound import AtTime, AudioItem, SoundRole, TrackSettings
from engine.model.source import Source
from engine.model.storyline import Clip
from engine.model.time import Range
from engine.model.timeline import TimelineMap

_STILL_S = 5
"""A picture that is dropped on the timeline shows for so many seconds."""


class Where(Enum):
    """What happens with media once it is in the project."""

    BIN = "bin"
    """It only stands in the bin."""
    APPEND = "append"
    INSERT = "insert"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that could not be taken in."""

    path: Path
    error: DeltacutError


@dataclass(frozen=True, slots=True)
class _Looked:
    found: tuple[Found, ...]
    refused: tuple[Refused, ...]
    pictures: tuple[FoundPicture, ...]


class Importing(QObject):
    """Takes media in.

    Signals:
        imported(tuple): what came in. refused(Refused): a file that did not. pictures_changed: those of the bin.
    """

    imported = Signal(object)
    refused = Signal(object)
    pictures_changed = Signal()

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._pictures: tuple[FoundPicture, ...] = ()
        document.opened.connect(self.read_pictures)
        document.closed.connect(self._forget)

    @property
    def pictures(self) -> tuple[FoundPicture, ...]:
        """Return the pictures of the bin."""
        return self._pictures

    def add(self, paths: Sequence[Path], where: Where = Where.BIN, frame: int = 0) -> Job:
        """Take files in, and put them at a timeline frame where that is wanted."""
        document, wanted = self._document, list(paths)
        file, project_id = document.file, document.project.id
        title = f"Import {wanted[0].name}" if len(wanted) == 1 else f"Import {len(wanted)} files"

        def work(progress: Progress, cancel: CancelToken) -> _Looked:
            found: list[Found] = []
            refused: list[Refused] = []
            with project_cache(project_id) as cache:
                for number, path in enumerate(wanted):
                    part = progress.part(number / len(wanted), (number + 1) / len(wanted))
                    try:
                        found.append(find_media(file, cache, path, part, cancel))
                    except Cancelled:
                        raise
                    except DeltacutError as error:
                        refused.append(Refused(path, error))
            if not found and len(refused) == 1:
                raise refused[0].error
            return _Looked(tuple(found), tuple(refused), pictures_of_bin(file))

        def done(looked: _Looked) -> None:
            self._take_in(looked, where, frame)

        def failed(error: DeltacutError) -> None:
            self.refused.emit(Refused(wanted[0], error))

        return self._jobs.start(title, JobKind.IMPORT, work).then(done, failed)

    def place_source(self, source_id: str, where: Where, frame: int) -> bool:
        """Put a source of the project onto the timeline; return whether the project allowed it."""
        project = self._document.project
        return self._do(project, f"Add {project.source(source_id).name}", [], [project.source(source_id)], where, frame)

    def place_picture(self, content: str, frame: int) -> bool:
        """Lay a picture of the bin over the film; return whether the project allowed it."""
        picture = next((picture for picture in self._pictures if picture.content == content), None)
        if picture is None:
            return False
        try:
            edit = picture_edit(self._document.project, picture, frame)
        except EditRefused as error:
            self._document.refused.emit(str(error))
            return False
        return self._document.do(edit)

    def read_pictures(self) -> None:
        """Look which pictures the bin holds."""
        file = self._document.file

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[FoundPicture, ...]:
            return pictures_of_bin(file)

        self._jobs.start_quietly("Read the bin", work).then(self._show_pictures)

    def _show_pictures(self, pictures: tuple[FoundPicture, ...]) -> None:
        if pictures != self._pictures:
            self._pictures = pictures
            self.pictures_changed.emit()

    def _forget(self) -> None:
        self._show_pictures(())

    def _take_in(self, looked: _Looked, where: Where, frame: int) -> None:
        self._show_pictures(looked.pictures)
        for refused in looked.refused:
            self.refused.emit(refused)
        if not self._document.is_open:
            return
        project = self._document.project
        there = {source.id for source in project.sources}
        sources = [found.source for found in looked.found if isinstance(found, FoundSource)]
        edits: list[SingleEdit] = [AddSource(source) for source in sources if source.id not in there]
        known = bool(sources) and not edits
        try:
            after = project
            for edit in edits:
                after = edit.apply(after)
            for found in looked.found:
                if isinstance(found, FoundCaptions):
                    edits += caption_edits(after, found)
                elif isinstance(found, FoundPicture) and where is not Where.BIN:
                    edits.append(picture_edit(after, found, frame))
            names = ", ".join(_name(found) for found in looked.found)
            self._do(after, f"Import {names}", edits, sources, where, frame)
        except EditRefused as error:
            self._document.refused.emit(str(error))
        if known:
            # A film that was missing may be at hand now.
            self._document.find_films()
        self.imported.emit(looked.found)

    def _do(
        self, after: Project, title: str, edits: list[SingleEdit], sources: Sequence[Source], where: Where, frame: int
    ) -> bool:
        if where is not Where.BIN:
            for source in sources:
                placed, frame = _placing(after, source, where, frame)
                edits += placed
        if not edits:
            return True
        # Also a single edit: the history says which file it was.
        return self._document.do(Compound(title, tuple(edits)))


def _name(found: Found) -> str:
    return found.source.name if isinstance(found, FoundSource) else found.name


def _placing(project: Project, source: Source, where: Where, frame: int) -> tuple[list[SingleEdit], int]:
    """Return the edits that put a source onto the timeline, and where the next one goes."""
    if source.picture is None:
        return _sound_edits(project, source, frame), frame
    clip = Clip(new_id(), source.id, default_timing(project, source), source.name)
    if where is Where.APPEND:
        return [AppendClip(clip)], frame
    if where is Where.OVERWRITE:
        return [OverwriteClip(clip, frame)], frame + len(clip)
    return [InsertClip(clip, frame)], frame + len(clip)


def _sound_edits(project: Project, source: Source, frame: int) -> list[SingleEdit]:
    edits: list[SingleEdit] = []
    track = next((track for track in project.tracks if not track.settings.locked), None)
    track_id = track.id if track is not None else new_id()
    if track is None:
        edits.append(AddTrack(track_id, TrackSettings("Music", SoundRole.MUSIC)))
    sound, timeline = source.sound[0], TimelineMap(project)
    start_s, length_s = timeline.time_of(max(0, frame)), sound.duration_s or source.duration_s
    if 0 <= frame < timeline.frame_count:
        # As a picture does, it ends with the film: a fade out beyond its end would not be heard.
        length_s = min(length_s, timeline.time_of(timeline.frame_count) - start_s)
    item = AudioItem(new_id(), source.id, AtTime(start_s), sound.start_s, length_s, name=Path(source.name).stem)
    return [*edits, AddSounds(track_id, (item,))]


def picture_edit(project: Project, picture: FoundPicture, frame: int) -> AddItems:
    """Return the edit that lays a picture over the film from a frame on.

    Raises:
        EditRefused: there is no layer for it.
    """
    layers = [layer for layer in project.layers if layer.kind is LayerKind.OVERLAYS and not layer.settings.locked]
    if not layers:
        raise EditRefused("the project has no unlocked layer of overlays; add one or unlock it")
    frames = max(1, round(_STILL_S * project.canvas.rate))
    stop = min(frame + frames, project.frame_count) if project.frame_count > frame else frame + frames
    place = OnTimeline(Range(frame, max(frame + 1, stop)))
    overlay = Overlay(new_id(), place, Still(picture.content), name=Path(picture.name).stem)
    return AddItems(layers[-1].id, (overlay,))
