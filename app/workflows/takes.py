"""The takes of a project's patches: look at them, choose, judge, approve, write them out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.workflows.take_names import found_patch, found_take
from engine.control import CancelToken, Progress
from engine.errors import StorageError, UsageError
from engine.model import codec
from engine.model.edits import Compound, JudgeTake, PickTake, ReviewPatch
from engine.model.edits.compound import SingleEdit
from engine.model.patch import Motion, Patch, ReviewState, Take
from engine.model.project import Project
from engine.model.tool import MovingPicture, Picture, Tool
from engine.store.connection import Access
from engine.store.project_file import ProjectFile

_ENDINGS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/tiff": ".tif",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/quicktime": ".mov",
}


@dataclass(frozen=True, slots=True)
class NumberedPatch:
    """A patch and its number from 1, bottom first."""

    number: int
    patch: Patch


def list_takes(path: Path, patch: str | None, _progress: Progress, _cancel: CancelToken) -> tuple[NumberedPatch, ...]:
    """Return the patches of a project with their takes; only one where it is named.

    Raises:
        UsageError: there is no such patch. ProjectError: the project cannot be read.
    """
    with ProjectFile.open(path, Access.READ) as file:
        project = file.project
    numbered = tuple(NumberedPatch(number, item) for number, item in enumerate(project.patches, 1))
    if patch is None:
        return numbered
    wanted = found_patch(project, patch)
    return tuple(item for item in numbered if item.patch.id == wanted.id)


def show_take(path: Path, take: str, _progress: Progress, _cancel: CancelToken) -> tuple[Patch, Take]:
    """Return a take and its patch.

    Raises:
        UsageError: there is no such take. ProjectError: the project cannot be read.
    """
    with ProjectFile.open(path, Access.READ) as file:
        return found_take(file.project, take)


def pick_take(path: Path, take: str, _progress: Progress, _cancel: CancelToken) -> Project:
    """Let a take be the one that shows; a patch that was approved or rejected with another is proposed again.

    Raises:
        UsageError: there is no such take. ProjectError, StorageError: the project cannot be written.
    """

    def edits(patch: Patch, chosen: Take) -> tuple[SingleEdit, ...]:
        same = patch.pick == chosen.id and patch.state is not ReviewState.REJECTED
        waits = patch.state in (ReviewState.APPROVED, ReviewState.REJECTED) and not same
        again: tuple[SingleEdit, ...] = (ReviewPatch(patch.id, ReviewState.PROPOSED),) if waits else ()
        return PickTake(patch.id, chosen.id), *again

    return _changed(path, take, "Pick take", edits)


def approve_take(path: Path, take: str, _progress: Progress, _cancel: CancelToken) -> Project:
    """Approve a take: it is picked and published into the film.

    Raises:
        UsageError: there is no such take. ProjectError, StorageError: the project cannot be written.
    """

    def edits(patch: Patch, chosen: Take) -> tuple[SingleEdit, ...]:
        return (
            PickTake(patch.id, chosen.id),
            JudgeTake(patch.id, chosen.id, chosen.name, chosen.starred),
            ReviewPatch(patch.id, ReviewState.APPROVED),
        )

    return _changed(path, take, "Approve take", edits)


def reject_take(path: Path, take: str, reason: str, _progress: Progress, _cancel: CancelToken) -> Project:
    """Reject a take with a reason; if it is the one that shows, the film shows its source there.

    Raises:
        UsageError: there is no such take, or no reason. ProjectError, StorageError: the project cannot be written.
    """
    if not reason.strip():
        raise UsageError("say why it is rejected: --reason TEXT")

    def edits(patch: Patch, chosen: Take) -> tuple[SingleEdit, ...]:
        shows = patch.pick == chosen.id
        state: tuple[SingleEdit, ...] = (ReviewPatch(patch.id, ReviewState.REJECTED),) if shows else ()
        return JudgeTake(patch.id, chosen.id, chosen.name, chosen.starred, reason.strip()), *state

    return _changed(path, take, "Reject take", edits)


def star_take(path: Path, take: str, _progress: Progress, _cancel: CancelToken) -> Project:
    """Star a take; a starred one loses its star.

    Raises:
        UsageError: there is no such take. ProjectError, StorageError: the project cannot be written.
    """

    def edits(patch: Patch, chosen: Take) -> tuple[SingleEdit, ...]:
        return (JudgeTake(patch.id, chosen.id, chosen.name, not chosen.starred, chosen.rejected_because),)

    return _changed(path, take, "Star take", edits)


def export_takes(path: Path, take: str | None, folder: Path, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write takes out as they are kept: a JSON file each, and its picture or film where it has one.

    Args:
        path: the project.
        take: which one; None for all.
        folder: where to; made if it is not there.
        progress: of the files.
        cancel: looked at before each.

    Raises:
        UsageError: there is no such take. ProjectError: the project cannot be read.
        StorageError: a file cannot be written. Cancelled: on request; whole files stay.
    """
    written: list[Path] = []
    with ProjectFile.open(path, Access.READ) as file:
        project = file.project
        wanted = None if take is None else found_take(project, take)[1].id
        every = [
            (f"{number}.{place}", patch, item)
            for number, patch in enumerate(project.patches, 1)
            for place, item in enumerate(patch.takes, 1)
            if wanted is None or item.id == wanted
        ]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for done, (name, patch, item) in enumerate(every):
                cancel.check()
                progress.report("Writing takes", done / len(every))
                facts = folder / f"take-{name}.json"
                facts.write_text(json.dumps(take_facts(patch, item), indent=2, ensure_ascii=False) + "\n", "utf-8")
                written.append(facts)
                if isinstance(item.tool, Picture | MovingPicture):
                    kept = file.take(item.tool.content)
                    content = folder / f"take-{name}{_ENDINGS.get(kept.media_type, '.bin')}"
                    content.write_bytes(kept.data)
                    written.append(content)
        except OSError as error:
            raise StorageError(f"{folder} cannot be written: {error.strerror}") from error
    return written


def take_facts(patch: Patch, take: Take) -> dict[str, Any]:
    """Return all that is known of a take as JSON types."""
    motion = take.motion or patch.motion
    return {
        "patch": patch.id,
        "take": take.id,
        "name": take.name,
        "picked": patch.pick == take.id,
        "state": patch.state.value,
        "starred": take.starred,
        "rejected_because": take.rejected_because,
        "tool": codec.to_json(take.tool, Tool),
        "motion": codec.to_json(motion, Motion),
        "frames": [patch.frames.start, patch.frames.stop],
        "anchor": patch.anchor,
        **{name: value for name, value in asdict(take.provenance).items() if name != "settings"},
        "settings": dict(take.provenance.settings),
    }


def reworked(old: Patch, new: Patch) -> Patch:
    """Return a changed patch; STALE where its takes were made from another region, anchor or matte than it has now.

    A patch that is only a draft or was rejected keeps its state: nobody relies on it.
    """
    same = (old.region, old.anchor, old.matte, old.source_id) == (new.region, new.anchor, new.matte, new.source_id)
    relied_on = old.state in (ReviewState.PROPOSED, ReviewState.APPROVED)
    return replace(new, state=ReviewState.STALE) if relied_on and not same else new


def _changed(path: Path, take: str, title: str, edits: Callable[[Patch, Take], tuple[SingleEdit, ...]]) -> Project:
    with ProjectFile.open(path) as file:
        patch, chosen = found_take(file.project, take)
        return file.commit(Compound(title, edits(patch, chosen)))
