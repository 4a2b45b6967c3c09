"""Patches that follow the picture: followed in the background as soon as they change, and how well that went."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs
from app.session.preview import Preview
from app.session.scene import Scene
from app.workflows.follow_speed import timed_follow
from engine.control import CancelToken, Progress
from engine.model.layers import Blend
from engine.model.ops import PatchOp, op_of
from engine.model.patch import Patch
from engine.render.moving import Followed, Moving
from engine.render.patch_op import needs_others

LOOK_AGAIN_BELOW = 0.25
"""Confidence below which a person should look: the engine's own mark for a region that is hard to follow."""
_VIEW = "following"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A patch that needs other frames: what stands for its way, and whether that is known already."""

    patch_id: str
    name: str
    op: PatchOp
    source_id: str
    is_ready: bool


class Following(QObject):
    """Follows every patch that needs it, each again only when its way changes.

    Signals:
        changed(str): what is known of a patch's way, by its id.
    """

    changed = Signal(str)

    def __init__(self, document: Document, preview: Preview, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preview = preview
        self._jobs = jobs
        self._followed: dict[str, tuple[PatchOp, Followed]] = {}
        self._running: dict[str, tuple[PatchOp, Job]] = {}
        self._refused: dict[str, PatchOp] = {}
        preview.scene_changed.connect(self._look)
        preview.worked.connect(self._looked)
        document.closed.connect(self._forget)

    def followed(self, patch_id: str) -> Followed | None:
        """Return how well a patch was followed, None where that is not known (yet)."""
        found = self._followed.get(patch_id)
        return None if found is None else found[1]

    def job(self, patch_id: str) -> Job | None:
        """Return the job that follows a patch now."""
        found = self._running.get(patch_id)
        return None if found is None else found[1]

    @Slot()
    def _forget(self) -> None:
        for _, job in self._running.values():
            job.cancel()
        self._running.clear()
        self._followed.clear()
        self._refused.clear()

    @Slot()
    def _look(self) -> None:
        self._preview.work_out(_VIEW, _wanted)

    @Slot(str, object)
    def _looked(self, view: str, result: object) -> None:
        if view != _VIEW or not isinstance(result, tuple):
            return
        moving = self._preview.moving
        if moving is None:
            return
        there = {wanted.patch_id for wanted in result}
        for patch_id in [patch_id for patch_id in self._running if patch_id not in there]:
            self._running.pop(patch_id)[1].cancel()
        for patch_id in [patch_id for patch_id in self._followed if patch_id not in there]:
            del self._followed[patch_id]
            self.changed.emit(patch_id)
        for wanted in result:
            self._follow(wanted, moving)

    def _follow(self, wanted: _Wanted, moving: Moving) -> None:
        id = wanted.patch_id
        known, running = self._followed.get(id), self._running.get(id)
        if (known is not None and known[0] == wanted.op) or self._refused.get(id) == wanted.op:
            return
        if running is not None:
            if running[0] == wanted.op:
                return
            running[1].cancel()

        def work(progress: Progress, cancel: CancelToken) -> Followed:
            return timed_follow(moving, wanted.op, wanted.source_id, progress, cancel)

        if wanted.is_ready:
            job = self._jobs.start_quietly("Look up a way", work)
        else:
            job = self._jobs.start(f"Follow “{wanted.name}”", JobKind.FOLLOW, work)
        self._running[id] = wanted.op, job
        job.then(lambda followed: self._done(wanted, followed), lambda _error: self._failed(wanted))
        self.changed.emit(id)

    def _done(self, wanted: _Wanted, followed: Followed) -> None:
        self._running.pop(wanted.patch_id, None)
        self._followed[wanted.patch_id] = wanted.op, followed
        if not wanted.is_ready:
            self._preview.forget_followed()
        self.changed.emit(wanted.patch_id)

    def _failed(self, wanted: _Wanted) -> None:
        self._running.pop(wanted.patch_id, None)
        self._refused[wanted.patch_id] = wanted.op
        self.changed.emit(wanted.patch_id)


def _wanted(scene: Scene) -> tuple[_Wanted, ...]:
    found = []
    rate = scene.project.canvas.rate
    for layer in scene.project.layers:
        for item in layer.items:
            if not isinstance(item, Patch):
                continue
            op = op_of(layer, item, rate)
            if isinstance(op, PatchOp) and needs_others(op):
                is_ready = scene.moving.is_ready(op, item.source_id)
                way = replace(op, opacity=1.0, blend=Blend.NORMAL)
                found.append(_Wanted(item.id, item.name or "Patch", way, item.source_id, is_ready))
    return tuple(found)
