"""Exchange a timeline with other editors as an OpenTimelineIO file; what that cannot hold travels inside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from app.workflows.caches import project_cache
from app.workflows.import_media import source_of
from app.workflows.otio_file import CarriedPlace, CarriedTake, OtioFile, otio_text, read_otio
from engine.control import CancelToken, Progress
from engine.errors import (
    DamagedMedia,
    EditRefused,
    InterchangeError,
    MediaError,
    MissingMedia,
    StorageError,
    UsageError,
)
from engine.media.guard import run_guarded
from engine.model.checks import check
from engine.model.edits import project_from_json
from engine.model.ids import new_id
from engine.model.interchange import ExchangedTimeline
from engine.model.interchange_in import rebuilt
from engine.model.interchange_out import described
from engine.model.overlay import Overlay, Still
from engine.model.patch import Patch
from engine.model.project import Canvas, Project
from engine.model.source import Source
from engine.model.storyline import Clip
from engine.model.subject import StillMattes, Subject
from engine.model.tool import MovingPicture, Picture
from engine.store.connection import Access
from engine.store.identity import FileIdentity, content_hash
from engine.store.places import Place
from engine.store.project_file import ProjectFile

READING_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class OtioReport:
    """What was exchanged.

    Attributes:
        clips: on the storyline.
        notes: what could not be taken over, one sentence each.
        missing: names of the films that were not found; the project can be relinked later.
    """

    clips: int
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def export_otio(path: Path, target: Path, _progress: Progress, cancel: CancelToken) -> OtioReport:
    """Write the timeline of a project to an .otio file, with the pictures of its takes inside.

    Raises:
        UsageError: the target's name does not end in .otio. ProjectError: the project cannot be read.
        StorageError: the target cannot be written.
    """
    if target.suffix.lower() != ".otio":
        raise UsageError(f"a timeline is written as .otio, not as {target.suffix or 'a file without suffix'}")
    with ProjectFile.open(path, Access.READ) as file:
        project = file.project
        places = {source.id: file.place(source.id) for source in project.sources}
        takes = {}
        for id in sorted(_contents(project) & file.take_ids):
            cancel.check()
            take = file.take(id)
            takes[id] = CarriedTake(take.media_type, take.data, take.details)
    folder = target.absolute().parent
    addresses = {id: _address(Path(place.absolute), folder) for id, place in places.items()}
    carried = {
        id: CarriedPlace(place.absolute, place.identity.size, place.identity.mtime_ns, place.content_hash)
        for id, place in places.items()
    }
    text = otio_text(OtioFile(described(project, addresses), takes, carried))
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(text, "utf-8", newline="\n")
        os.replace(draft, target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return OtioReport(_clips(project))


def import_otio(
    path: Path, target: Path, media_folder: Path | None, progress: Progress, cancel: CancelToken
) -> OtioReport:
    """Make a project of an .otio file.

    The films are looked for where the file says, beside the file, and in `media_folder` and all folders in it. Nothing
    is fetched from a network. A file that Deltacut wrote may miss films, which can be relinked; one of another editor
    may not, for nothing is known of its films but what they are themselves.

    Raises:
        UsageError: something is at `target` already. InterchangeError: the file is no timeline, or none that fits.
        MissingMedia: a film is not there. MediaError: one cannot be used. StorageError: the project cannot be written.
        Cancelled: on request; nothing stays.
    """
    if target.exists():
        raise UsageError(f"{target} exists already; choose another name")
    try:
        found = run_guarded(read_otio, path, timeout_s=READING_LIMIT_S)
    except DamagedMedia as error:
        raise InterchangeError(f"{path} cannot be read: {error}") from error
    finder = _Finder(path.absolute().parent, media_folder, found.places)
    try:
        known = _known(found)
        made = _with_sources(known, found.timeline, finder, progress, cancel)
        result = rebuilt(made.project, found.timeline, made.sources, new_id)
        check(result.project)
    except EditRefused as error:
        raise InterchangeError(f"{path} cannot become a project: {error}") from error
    if not _clips(result.project):
        raise InterchangeError(f"{path} shows no film: no clip of its picture track has media")
    _write(target, result.project, made, found, cancel)
    missing = tuple(source.name for source in result.project.sources if source.id not in made.media)
    notes = [*result.notes, *(f"{name} was not found; relink it" for name in missing)]
    return OtioReport(_clips(result.project), tuple(notes), missing)


def _clips(project: Project) -> int:
    return sum(isinstance(item, Clip) for item in project.storyline)


def _contents(project: Project) -> frozenset[str]:
    """Return the ids of all bytes that a project refers to."""

    def of_item(item: object) -> Iterator[str]:
        match item:
            case Patch():
                for take in item.takes:
                    if isinstance(take.tool, Picture | MovingPicture):
                        yield take.tool.content
            case Overlay(content=Still(content)):
                yield content
            case Subject(matte=StillMattes(contents)):
                yield from contents

    versions = (version.items for layer in project.layers for version in layer.versions)
    groups = [*(layer.items for layer in project.layers), *versions]
    return frozenset(content for items in groups for item in items for content in of_item(item))


# --- where films are ------------------------------------------------------------------------------------------------


def _address(media: Path, folder: Path) -> str:
    """Return the URL of a film: relative where it lies in the folder of the timeline or below it."""
    if media.is_relative_to(folder):
        return quote(media.relative_to(folder).as_posix())
    return media.as_uri()


class _Finder:
    """Looks for films: where a file says, beside it, and in a folder that a person named."""

    def __init__(self, folder: Path, media_folder: Path | None, places: Mapping[str, CarriedPlace]) -> None:
        if media_folder is not None and not media_folder.is_dir():
            raise UsageError(f"there is no folder {media_folder} to search")
        self._folder = folder
        self._places = places
        self._listed: dict[str, list[Path]] = {}
        if media_folder is not None:
            for base, _, names in os.walk(media_folder):
                for name in sorted(names):
                    self._listed.setdefault(name, []).append(Path(base, name))

    def source(self, source: Source, progress: Progress, cancel: CancelToken) -> tuple[Path, str] | None:
        """Return where a known source's film is, and its digest; None where it is nowhere."""
        place = self._places.get(source.id)
        name = source.name if place is None else _base_name(place.path) or source.name
        said = [] if place is None else [place.path]
        for candidate in (*self._said(said), *self._near(name)):
            digest = _digest(candidate, progress, cancel)
            wanted = "" if place is None else place.content_hash
            if digest is not None and (digest == wanted or (source.id and digest.startswith(source.id))):
                return candidate, digest
        return None

    def address(self, url: str) -> Path | None:
        """Return the film that a URL names; None where it is nowhere on this machine."""
        path = _path_of(url, self._folder)
        name = _base_name(url if path is None else path.name)
        for candidate in (*self._said([] if path is None else [str(path)]), *self._near(name)):
            return candidate
        return None

    def _said(self, paths: list[str]) -> Iterator[Path]:
        for text in paths:
            path = Path(text)
            with suppress(OSError, ValueError):
                if path.is_absolute() and not text.startswith(("\\\\", "//")) and path.is_file():
                    yield path

    def _near(self, name: str) -> Iterator[Path]:
        if not name or name in (".", ".."):
            return
        for folder in (self._folder, self._folder / "media"):
            with suppress(OSError, ValueError):
                if (folder / name).is_file():
                    yield folder / name
        yield from self._listed.get(name, ())


def _path_of(url: str, folder: Path) -> Path | None:
    """Return the file that a URL names; None for another scheme, another host, or what is no path.

    A path of another host (UNC) is never followed: looking there would tell that host who is asking.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    text = unquote(parts.path if parts.scheme in ("", "file") else "")
    if len(parts.scheme) == 1:  # a drive letter, taken for a scheme
        text = unquote(url)
    if not text or parts.netloc not in ("", "localhost") or text.startswith(("//", "\\\\")) or "\0" in text:
        return None
    if os.name == "nt" and text.startswith("/") and text[2:3] == ":":
        text = text[1:]
    return Path(text) if Path(text).is_absolute() else folder / text


def _base_name(text: str) -> str:
    return PurePosixPath(unquote(text).replace("\\", "/")).name


def _digest(path: Path, progress: Progress, cancel: CancelToken) -> str | None:
    try:
        return content_hash(path, progress, cancel)
    except MediaError:
        return None


# --- the project ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Made:
    """A project with its sources: by URL their ids, by id where they are and their digests."""

    project: Project
    sources: dict[str, str] = field(default_factory=dict)
    media: dict[str, tuple[Path, str]] = field(default_factory=dict)


def _known(found: OtioFile) -> Project:
    """Return the project that a file carries, with an id of its own; an empty one where another editor wrote it."""
    if not found.timeline.project:
        return Project(new_id(), found.timeline.name)
    return replace(project_from_json(found.timeline.project), id=new_id())


def _with_sources(
    project: Project, timeline: ExchangedTimeline, finder: _Finder, progress: Progress, cancel: CancelToken
) -> _Made:
    made = _Made(project)
    sources: dict[str, Source] = {}
    written = _addresses(timeline, project)
    with project_cache(project.id) as cache:
        for number, source in enumerate(project.sources):
            part = progress.part(number / (len(project.sources) + 1), (number + 1) / (len(project.sources) + 1))
            place = finder.source(source, part.part(0.0, 0.5), cancel)
            sources[source.id] = source
            if place is not None:
                made.media[source.id] = place
                # What a film is, it says itself; the file is believed only where the film is not at hand.
                looked = source_of(place[0], place[1], cache, part.part(0.5, 1.0), cancel)
                sources[source.id] = replace(looked, id=source.id, name=source.name)
        for track in timeline.tracks:
            for item in track.items:
                if not item.url or item.url in made.sources:
                    continue
                if item.url in written:
                    made.sources[item.url] = written[item.url]
                    continue
                path = finder.address(item.url)
                if path is None:
                    raise MissingMedia(
                        f"the film {_base_name(item.url) or item.url[:80]!r} of the clip {item.name!r} is not there; "
                        "name the folder in which it is with --media"
                    )
                digest = content_hash(path, progress, cancel)
                if digest[:16] not in sources:
                    sources[digest[:16]] = source_of(path, digest, cache, progress, cancel)
                    made.media[digest[:16]] = (path, digest)
                made.sources[item.url] = digest[:16]
    canvas = project.canvas
    if not project.sources:
        picture = next((source.picture for source in sources.values() if source.picture is not None), None)
        canvas = Canvas() if picture is None else Canvas.of(picture)
    return replace(made, project=replace(project, sources=tuple(sources.values()), canvas=canvas))


def _addresses(timeline: ExchangedTimeline, project: Project) -> dict[str, str]:
    """Return the sources of the URLs under which the carried project's own clips stand."""
    of_clip: dict[str, str] = {item.id: item.source_id for item in project.storyline if isinstance(item, Clip)}
    of_clip |= {sound.id: sound.source_id for track in project.tracks for sound in track.items}
    return {
        item.url: of_clip[item.id]
        for track in timeline.tracks
        for item in track.items
        if item.url and item.id in of_clip
    }


def _write(target: Path, project: Project, made: _Made, found: OtioFile, cancel: CancelToken) -> None:
    file = ProjectFile.create(target, project, {id: path for id, (path, _) in made.media.items()})
    try:
        with file:
            for id, (_, digest) in made.media.items():
                file.note_content_hash(id, digest)
            for source in project.sources:
                if source.id not in made.media:
                    file.keep_place(_last_seen(source, found.places.get(source.id)))
            for take in found.takes.values():
                cancel.check()
                file.add_take(take.data, take.media_type, take.details)
            lost = _contents(project) - file.take_ids
        if lost:
            raise InterchangeError(f"the pictures of {len(lost)} takes are not in the file, or not as they were")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _last_seen(source: Source, place: CarriedPlace | None) -> Place:
    if place is None:
        return Place(source.id, source.name, "", FileIdentity(0, 0))
    return Place(source.id, place.path, "", FileIdentity(place.size, place.mtime_ns), place.content_hash)
