"""Patches from regions: a local tool works in the background, the patch is followed, and one edit comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs
from app.session.preview import Preview
from app.session.selection import Selection, ToolMode
from app.session.transport import Transport
from app.workflows.edges import refined_matte
from app.workflows.follow import films_of_project, follow, operation_of
from app.workflows.import_media import OpenProject
from app.workflows.patch_names import free_name, name_by_tool, named_after_pick
from app.workflows.patch_tools import COVERING, NO_SETTINGS, ToolSettings, check_settings, tool_of
from app.workflows.takes import reworked
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, EditRefused, PictureError
from engine.media.picture import decode_picture
from engine.model.edits import AddPatch, AddTake, Compound, Edit, ReplacePatch, ReviewPatch
from engine.model.ids import new_id
from engine.model.patch import Follow, Motion, Nudge, Patch, Provenance, ReviewState, Take, WhenLost
from engine.model.project import Project
from engine.model.region import Region
from engine.model.storyline import Clip, source_span
from engine.model.time import Range
from engine.model.timeline import ShownFrame, TimelineMap
from engine.render.moving import Moving
from engine.render.patch_op import needs_others

TOOL_TITLES = {
    "blur": "Blur",
    "pixelate": "Pixelate",
    "fill": "Fill with colour",
    "grade": "Grade",
    "remove": "Remove",
    "inpaint": "Fill from around",
    "clone": "Clone",
    "heal": "Heal",
    "image": "Picture",
    "sticker": "Sticker",
    "text": "Text",
}
_AT_ONCE = ("blur", "pixelate", "fill", "grade", "clone", "heal", "inpaint", "text")
"""Tools that need no other frame than their own, nor a file."""
_MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".tif": "image/tiff"}


@dataclass(frozen=True, slots=True)
class FollowChoice:
    """How new patches follow; before, after: frames around the anchor, None for a second each, or the marked range."""

    follow: Follow = Follow.HYBRID
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """What a job came to: the edit, and the patch it is about."""

    edit: Edit
    patch_id: str


class Patching(QObject):
    """Makes and changes patches of the open project.

    Signals:
        made(str): a patch or a take of it was made; the patch's id.
        choice_changed: how new patches follow.
        failed(str, DeltacutError): something was not made; what it was.
        anchor_asked: whether a further anchor is to be drawn changed.
    """

    made = Signal(str)
    failed = Signal(str, object)
    choice_changed = Signal()
    anchor_asked = Signal()

    def __init__(
        self,
        document: Document,
        selection: Selection,
        transport: Transport,
        jobs: Jobs,
        preview: Preview,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._transport = transport
        self._jobs = jobs
        self._preview = preview
        self._choice = FollowChoice()
        self._running: list[Job] = []
        self._anchor_for: str | None = None
        self._shows_at_once = False
        document.closed.connect(self._forget)
        transport.frame_changed.connect(self._end_at_once)
        selection.region_changed.connect(self._take_anchor)

    # --- what is known ------------------------------------------------------------------------------------------------

    @property
    def choice(self) -> FollowChoice:
        """Return how new patches follow."""
        return self._choice

    def choose(self, choice: FollowChoice) -> None:
        """Have new patches follow another way."""
        if choice != self._choice:
            self._choice = choice
            self.choice_changed.emit()

    @property
    def anchor_for(self) -> str | None:
        """Return the patch for which a further anchor is to be drawn."""
        return self._anchor_for

    def anchor_frame(self) -> ShownFrame | None:
        """Return the source frame on which the region was drawn, None where none is drawn or no film shows."""
        frame = self._selection.region_frame
        return None if frame is None else self._document.timeline.source_at(frame)

    def window(self, shown: ShownFrame) -> Range:
        """Return the frames that a new patch on a source frame covers."""
        project, timeline = self._document.project, self._document.timeline
        frame = self._selection.region_frame or 0
        room = _room(project, timeline, frame, shown)
        marked = project.in_out
        rate = round(project.picture(shown.source_id).rate)
        before, after = self._choice.before, self._choice.after
        if before is None and after is None and marked is not None and frame in marked:
            first, last = timeline.source_at(marked.start), timeline.source_at(marked.stop - 1)
            start = first.frame if first is not None and first.source_id == shown.source_id else room.start
            stop = last.frame + 1 if last is not None and last.source_id == shown.source_id else room.stop
        else:
            start = shown.frame - (rate if before is None else before)
            stop = shown.frame + (rate if after is None else after) + 1
        inside = Range(max(room.start, start), max(room.start, min(room.stop, stop)))
        return inside if shown.frame in inside else Range(shown.frame, shown.frame + 1)

    # --- making -------------------------------------------------------------------------------------------------------

    def use_tool(self, name: str, settings: ToolSettings = NO_SETTINGS) -> Job | None:
        """Use a tool on the drawn region, as a new patch; where none is drawn, on the chosen patch, as a further take.

        What takes time runs as a job; the rest is done when this returns. Refusals are told by `failed`.
        """
        title = TOOL_TITLES[name]
        try:
            check_settings(name, settings)
            plan = self._plan(name)
        except DeltacutError as error:
            self.failed.emit(title, error)
            return None
        opened, moving = self._opened(), self._preview.moving
        project = self._document.project

        def work(progress: Progress, cancel: CancelToken) -> _Made:
            started = time.monotonic()
            picture = project.picture(plan.source_id)
            bounds = plan.region.bounds
            smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
            tool = tool_of(name, settings, smaller_px, lambda image: _kept(image, opened))
            told = tuple(sorted((key, str(value)) for key, value in settings.given().items()))
            provenance = Provenance(maker=name, settings=told, made_at_ms=time.time_ns() // 1_000_000)
            take = Take(new_id(), tool, provenance=provenance)
            tried = replace(plan, takes=(*plan.takes, take), pick=take.id)
            _try(project, tried, moving, progress, cancel)
            elapsed_ms = round((time.monotonic() - started) * 1000)
            take = replace(take, provenance=replace(provenance, elapsed_ms=elapsed_ms))
            return _Made(_edit_of(project, plan, take), plan.id)

        needs_time = settings.image is not None or name == "remove" or plan.motion.follow is not Follow.STATIC
        if needs_time or settings.frames_away or plan.motion.nudges:
            kind = JobKind.FOLLOW if plan.motion.follow is not Follow.STATIC else JobKind.LOCAL
            job = self._run(f"{title} · {plan.name}" if plan.takes else title, kind, work)
            self._show_at_once(name, settings, plan, job)
            return job
        try:
            self._finish(work(Progress(), CancelToken()))
        except DeltacutError as error:
            self.failed.emit(title, error)
        return None

    def place_picture(self, image: Path) -> Job | None:
        """Put a picture's file onto the drawn region or the chosen patch, fitted into its surroundings."""
        return self.use_tool("image", ToolSettings(image=image))

    def refine_edge(self, patch: Patch) -> Job:
        """Draw a patch's region in to the edge of the object in it."""
        opened = self._opened()

        def work(progress: Progress, cancel: CancelToken) -> _Made:
            progress.report("Looking for the edge", 0.1)
            with films_of_project(opened) as films:
                video = films.video(patch.source_id)
                png = refined_matte(films.frame(patch.source_id, patch.anchor), video, patch.region)
            cancel.check()
            matte = opened.file.add_take(png, "image/png", {"name": "refined edge"})
            return _Made(ReplacePatch(reworked(patch, replace(patch, matte=matte))), patch.id)

        return self._run(f"Edge · {patch.name}", JobKind.LOCAL, work)

    # --- following ----------------------------------------------------------------------------------------------------

    def follow_as_take(self, patch: Patch, way: Follow, when_lost: WhenLost) -> Job | None:
        """Follow a patch another way, as a further take with the same tool, so that the two can be compared."""
        picked = patch.picked
        if picked is None:
            self.failed.emit("Follow", EditRefused("the patch has no pick; pick a take first"))
            return None
        motion = replace(patch.effective_motion, follow=way, when_lost=when_lost)
        provenance = replace(picked.provenance, cost_microusd=0, elapsed_ms=0, made_at_ms=time.time_ns() // 1_000_000)
        take = Take(new_id(), picked.tool, motion=motion, provenance=provenance)
        add = AddTake(patch.id, take)
        edit = Compound("Follow another way", (add, ReviewPatch(patch.id, ReviewState.PROPOSED)))
        return self._follow_first(patch, edit)

    def change(self, patch: Patch, title: str = "Follow") -> Job | None:
        """Put a changed patch in place of the one with its id, once it is followed; one step."""
        old = self._document.project.layer_of(patch.id).item(patch.id)
        assert isinstance(old, Patch)
        return self._follow_first(patch, ReplacePatch(reworked(old, patch)), title)

    def nudge(self, patch: Patch, nudge: Nudge) -> Job | None:
        """Correct a patch's place by hand on one frame; it wins over what was followed."""
        motion = patch.effective_motion
        others = [known for known in motion.nudges if known.frame != nudge.frame]
        nudges = tuple(sorted((*others, nudge), key=lambda known: known.frame))
        return self.change(with_motion(patch, replace(motion, nudges=nudges)), "Nudge")

    def end_here(self, patch: Patch, frame: int) -> Job | None:
        """Let a patch end before a source frame behind its anchor, or begin with one before it."""
        if frame == patch.anchor or frame not in patch.frames:
            self.failed.emit("End patch", EditRefused("the playhead stands outside the patch, or on its anchor"))
            return None
        frames = Range(patch.frames.start, frame) if frame > patch.anchor else Range(frame, patch.frames.stop)
        return self.change(replace(patch, frames=frames), "End patch")

    def ask_for_anchor(self, patch: Patch | None) -> None:
        """Take the next region that is drawn as a further anchor of a patch; None: no longer."""
        self._anchor_for = None if patch is None else patch.id
        if patch is not None and self._selection.tool not in (ToolMode.BOX, ToolMode.LASSO, ToolMode.POLYGON):
            self._selection.set_tool(ToolMode.LASSO)
        self.anchor_asked.emit()

    # --- within -------------------------------------------------------------------------------------------------------

    def _plan(self, tool: str) -> Patch:
        """Return the patch that a tool works on: a new one without a take, or the chosen one."""
        region, shown = self._selection.region, self.anchor_frame()
        chosen = self._selection.patch
        if region is None:
            if chosen is None:
                raise EditRefused("draw a region on the picture first, or choose a patch")
            layer = self._document.project.layer_of(chosen.id)
            if layer.settings.locked:
                raise EditRefused(f"the layer “{layer.settings.name}” is locked; unlock it to change it")
            return chosen
        if shown is None:
            raise EditRefused("there is no film under the region; draw it where a film shows")
        way = self._choice.follow
        when_lost = WhenLost.COVER if tool in COVERING and way is not Follow.STATIC else WhenLost.FADE
        name = free_name(name_by_tool(tool), (patch.name for patch in self._document.project.patches))
        frames = self.window(shown)
        return Patch(
            new_id(), shown.source_id, region, frames, shown.frame, name, feather_px=2.0, motion=Motion(way, when_lost)
        )

    def _show_at_once(self, name: str, settings: ToolSettings, plan: Patch, job: Job) -> None:
        """Show what a tool does on the frame that a new patch was drawn on, while the others are still followed.

        It lasts until the job ends or the playhead leaves the frame.
        """
        if plan.takes or name not in _AT_ONCE:
            return
        picture, bounds = self._document.project.picture(plan.source_id), plan.region.bounds
        smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
        take = Take(new_id(), tool_of(name, settings, smaller_px, str))
        here = Range(plan.anchor, plan.anchor + 1)
        shown = replace(plan, takes=(take,), pick=take.id, frames=here, motion=Motion(Follow.STATIC))
        self._preview.try_out(AddPatch(shown))
        self._shows_at_once = True
        job.ended.connect(self._end_at_once)

    @Slot()
    def _end_at_once(self) -> None:
        if self._shows_at_once:
            self._shows_at_once = False
            self._preview.try_out(None)

    def _follow_first(self, patch: Patch, edit: Edit, title: str = "Follow") -> Job | None:
        moving, project = self._preview.moving, self._document.project
        try:
            tried = edit.apply(project)
        except EditRefused as error:
            self.failed.emit(title, error)
            return None
        changed = tried.layer_of(patch.id).item(patch.id)
        assert isinstance(changed, Patch)

        def work(progress: Progress, cancel: CancelToken) -> _Made:
            if changed.shows:
                _follow_patch(tried, patch.id, moving, progress, cancel)
            return _Made(edit, patch.id)

        if changed.effective_motion.follow is Follow.STATIC and not changed.effective_motion.nudges:
            self._finish(_Made(edit, patch.id))
            return None
        return self._run(f"{title} · {patch.name}", JobKind.FOLLOW, work)

    def _run(self, title: str, kind: JobKind, work: Callable[[Progress, CancelToken], _Made]) -> Job:
        def failed(error: DeltacutError) -> None:
            self.failed.emit(title, error)

        job = self._jobs.start(title, kind, work).then(self._finish, failed)
        self._running.append(job)
        return job

    def _finish(self, made: _Made) -> None:
        if not self._document.is_open:
            return
        if not self._document.do(named_after_pick(self._document.project, made.edit, made.patch_id)):
            return
        if self._selection.region is not None:
            self._selection.set_region(None, None)
        self._selection.choose(made.patch_id)
        self.made.emit(made.patch_id)

    @Slot()
    def _take_anchor(self) -> None:
        region, shown = self._selection.region, self.anchor_frame()
        if self._anchor_for is None or region is None or shown is None:
            return
        patch = next((known for known in self._document.project.patches if known.id == self._anchor_for), None)
        self._anchor_for = None
        self.anchor_asked.emit()
        if patch is None:
            return
        if shown.source_id != patch.source_id or shown.frame not in patch.frames:
            self.failed.emit(
                "New anchor", EditRefused("the patch does not reach the frame that the region is drawn on")
            )
            return
        self._selection.set_region(None, None)
        self.change(with_anchor(patch, shown.frame, region), "New anchor")

    @Slot()
    def _forget(self) -> None:
        for job in self._running:
            if not job.is_over:
                job.cancel()
        self._running.clear()
        self._anchor_for = None

    def _opened(self) -> OpenProject:
        return OpenProject(self._document.file, self._document.films, self._document.cache)


def with_motion(patch: Patch, motion: Motion) -> Patch:
    """Return a patch whose pick follows in another way: the take's own motion where it has one, else the patch's."""
    picked = patch.picked
    if picked is None or picked.motion is None:
        return replace(patch, motion=motion)
    takes = tuple(replace(take, motion=motion) if take.id == picked.id else take for take in patch.takes)
    return replace(patch, takes=takes)


def with_anchor(patch: Patch, frame: int, region: Region) -> Patch:
    """Return a patch with a further anchor; on its own anchor frame its region is drawn anew.

    A nudge on that frame goes: it corrected what stood there before, and would move the new region off its drawing.
    """
    motion = patch.effective_motion
    nudges = tuple(nudge for nudge in motion.nudges if nudge.frame != frame)
    if frame == patch.anchor:
        drawn = replace(patch, region=region, matte=None)
        return drawn if nudges == motion.nudges else with_motion(drawn, replace(motion, nudges=nudges))
    others = [(at, known) for at, known in motion.anchors if at != frame]
    way = Follow.HYBRID if motion.follow is Follow.STATIC else motion.follow
    anchors = tuple(sorted((*others, (frame, region)), key=lambda anchor: anchor[0]))
    return with_motion(patch, replace(motion, follow=way, anchors=anchors, nudges=nudges))


def _edit_of(project: Project, plan: Patch, take: Take) -> Edit:
    """Return the edit that brings a take into the film, with a patch of its own where there is none yet."""
    if any(patch.id == plan.id for patch in project.patches):
        return Compound(
            f"New take of “{plan.name or 'Patch'}”",
            (AddTake(plan.id, take), ReviewPatch(plan.id, ReviewState.PROPOSED)),
        )
    patch = replace(plan, takes=(take,), pick=take.id, state=ReviewState.PROPOSED)
    return AddPatch(patch)


def _try(project: Project, patch: Patch, moving: Moving | None, progress: Progress, cancel: CancelToken) -> None:
    """Follow a patch that is not in the project yet, or not like this."""
    known = any(other.id == patch.id for other in project.patches)
    shown = replace(patch, visible=True, state=ReviewState.DRAFT)
    tried = (ReplacePatch(shown) if known else AddPatch(shown)).apply(project)
    _follow_patch(tried, patch.id, moving, progress, cancel)


def _follow_patch(
    project: Project, patch_id: str, moving: Moving | None, progress: Progress, cancel: CancelToken
) -> None:
    """Follow a patch, unless its own frame is enough."""
    op, _ = operation_of(project, patch_id)
    if not needs_others(op):
        return
    if moving is None:
        raise EditRefused("the film is not at hand, so nothing can be followed in it; find its file first")
    follow(project, patch_id, moving, progress, cancel)


def _room(project: Project, timeline: TimelineMap, frame: int, shown: ShownFrame) -> Range:
    """Return the source frames that the clip under a timeline frame shows."""
    span = timeline.span_at(frame)
    picture = project.picture(shown.source_id)
    if span is None or not isinstance(span.item, Clip):
        return Range(0, picture.frame_count)
    return source_span(span.item.timing, picture.times, project.canvas.rate)


def _kept(image: Path, opened: OpenProject) -> str:
    """Keep a picture's file in the project, once it is known to be readable; return its id."""
    try:
        data = image.read_bytes()
    except OSError as error:
        raise PictureError(f"the picture {image} cannot be read: {error.strerror}") from error
    decode_picture(data, image.name)
    return opened.file.add_take(data, _MEDIA_TYPES.get(image.suffix.lower(), "image/png"), {"name": image.name})
