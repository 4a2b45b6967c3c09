"""A patch: its region, its tool, how it follows; corrections by hand on one frame."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QMenu

from app.session.patching import with_motion
from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.layer_page import add_layer_fields
from app.ui.inspector.page import Page
from app.ui.inspector.patch_actions import source_frame
from app.ui.inspector.section import Section
from app.ui.inspector.tool_fields import ToolFields
from app.ui.takes.words import FOLLOW_WORDS
from app.ui.widgets import ButtonKind, push_button
from app.ui.words import timecode
from app.workflows.takes import reworked
from engine.model.edits import ReplacePatch
from engine.model.patch import Follow, Motion, Nudge, Patch, WhenLost
from engine.model.time import Range

WAYS = tuple((way, FOLLOW_WORDS[way]) for way in (Follow.STATIC, Follow.PLANAR, Follow.HYBRID))
LOST = ((WhenLost.FADE, "Fade out"), (WhenLost.COVER, "Cover more, never less"))


class PatchPage(Page):
    """The chosen patch."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._patching = context.session.patching
        self._following = context.session.following
        self._binder = self._new_binder()
        self._tools = ToolFields(self._tool_section, self._patch, self._new_binder)
        self._build_follow()
        self._build_region()
        self._nudge: Binder[Nudge] | None = None
        self._nudge_clear = push_button("Take this nudge away", ButtonKind.LINK)
        self._nudge_clear.clicked.connect(self._clear_nudge)
        self._nudge_section = self.folded_section("Nudge on this frame", self._build_nudge)
        self.layer_section(lambda section: add_layer_fields(self, section).refresh)
        self._following.changed.connect(self._show_following)
        self._patching.anchor_asked.connect(self._show_anchor)
        context.session.transport.frame_changed.connect(self._show_nudge)

    def refresh(self) -> None:
        self._tools.refresh()
        self._binder.refresh()
        self.show_layer()
        self._show_following()
        self._show_nudge()

    # --- building ---------------------------------------------------------------------------------------------------

    def _patch(self) -> Patch | None:
        return self.selection.patch

    def _new_binder(self) -> Binder[Patch]:
        return Binder[Patch](self.context.theme, self._patch, self._write, self.refused, try_out=self._try)

    def _tool_section(self, title: str) -> Section:
        made = self.section(title)
        self.column.removeWidget(made)
        self.column.insertWidget(0, made)
        return made

    def _build_follow(self) -> None:
        section, binder = self.section("Follow"), self._binder
        binder.choice(
            section,
            "Way",
            WAYS,
            lambda patch: patch.effective_motion.follow,
            lambda patch, way: with_motion(patch, replace(patch.effective_motion, follow=way)),
        )
        lost = binder.choice(
            section,
            "Where lost",
            LOST,
            lambda patch: patch.effective_motion.when_lost,
            lambda patch, lost: with_motion(patch, replace(patch.effective_motion, when_lost=lost)),
        )
        binder.also(lambda patch: section.show_row(lost, patch.effective_motion.follow is not Follow.STATIC))
        binder.whole(
            section,
            "Before",
            lambda patch: patch.anchor - patch.frames.start,
            lambda patch, count: _with_window(self, patch, before=count),
            0, 100_000, " frames",
        )  # fmt: skip
        binder.whole(
            section,
            "After",
            lambda patch: patch.frames.stop - 1 - patch.anchor,
            lambda patch, count: _with_window(self, patch, after=count),
            0, 100_000, " frames",
        )  # fmt: skip
        self._said = section.note()
        self._go = push_button("Go there", ButtonKind.LINK)
        self._go.clicked.connect(self._go_to_suggestion)
        self._anchor = push_button("New anchor here")
        self._anchor.setCheckable(True)
        self._anchor.clicked.connect(self._ask_for_anchor)
        self._end = push_button("End patch here")
        self._end.clicked.connect(self._end_here)
        self._again = push_button("Follow as a take…", ButtonKind.LINK)
        self._again.clicked.connect(self._show_ways)
        section.add_wide(self._anchor, self._end, None)
        section.add_wide(self._again, self._go, None)
        self._anchors = section.note()

    def _build_region(self) -> None:
        section, binder = self.section("Region"), self._binder
        binder.number(
            section, "Softness", lambda p: p.feather_px, lambda p, n: replace(p, feather_px=n), 0, 100, 1, 1, " px",
            slides=True,
        )  # fmt: skip
        binder.number(
            section, "Grow", lambda p: p.grow_px, lambda p, n: replace(p, grow_px=n), -100, 100, 1, 1, " px",
            slides=True,
        )  # fmt: skip
        self._refine = push_button("Find the object’s edge")
        self._refine.clicked.connect(self._find_edge)
        self._drawn = push_button("As drawn", ButtonKind.LINK)
        self._drawn.clicked.connect(self._use_drawn)
        section.add_wide(self._refine, self._drawn, None)
        binder.also(lambda patch: self._drawn.setVisible(patch.matte is not None))
        binder.line(section, "Name", lambda p: p.name, lambda p, text: replace(p, name=text.strip() or p.name))
        binder.check(section, "Anchor locked", lambda p: p.anchor_locked, lambda p, on: replace(p, anchor_locked=on))

    def _build_nudge(self, section: Section) -> None:
        nudge = Binder[Nudge](self.context.theme, self._nudge_here, self._write_nudge, self.refused)
        nudge.number(
            section, "Right", lambda n: n.dx, lambda n, x: replace(n, dx=x), -100, 100, 0.1, 2, " %", factor=100
        )
        nudge.number(
            section, "Down", lambda n: n.dy, lambda n, y: replace(n, dy=y), -100, 100, 0.1, 2, " %", factor=100
        )
        nudge.number(
            section, "Size", lambda n: n.scale, lambda n, s: replace(n, scale=s), 1, 1000, 0.5, 1, " %", factor=100
        )
        nudge.number(section, "Turn", lambda n: n.turn_deg, lambda n, t: replace(n, turn_deg=t), -360, 360, 0.5, 1, "°")
        section.add_wide(self._nudge_clear, None)
        self._nudge = nudge

    # --- changing ---------------------------------------------------------------------------------------------------

    def _write(self, new: Patch) -> None:
        old = self._patch()
        if old is None:
            return
        moved = (old.effective_motion, old.frames) != (new.effective_motion, new.frames)
        if moved:
            self._patching.change(new)
        else:
            self.do(ReplacePatch(reworked(old, new)))

    def _try(self, new: Patch | None) -> None:
        old = self._patch()
        if new is None or old is None:
            self.try_out(None)
        elif (old.effective_motion, old.frames) == (new.effective_motion, new.frames):
            # Where it goes is found out by following it, which takes longer than a drag.
            self.try_out(ReplacePatch(new))

    def _find_edge(self) -> None:
        patch = self._patch()
        if patch is not None:
            self._patching.refine_edge(patch)

    def _use_drawn(self) -> None:
        self._binder.change(lambda patch: replace(patch, matte=None))

    def _ask_for_anchor(self, wanted: bool) -> None:
        patch = self._patch()
        self._patching.ask_for_anchor(patch if wanted else None)
        if wanted:
            self.context.notices.say("Draw the region on a frame of the patch; it becomes a further anchor.")

    def _end_here(self) -> None:
        patch, frame = self._patch(), self._source_frame()
        if patch is not None:
            self._patching.end_here(patch, -1 if frame is None else frame)

    def _show_ways(self) -> None:
        patch = self._patch()
        if patch is None:
            return
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        for way, text in WAYS:
            for lost, what in LOST if way is not Follow.STATIC else LOST[:1]:
                said = f"{text}; where lost: {what.lower()}" if way is not Follow.STATIC else text
                action = menu.addAction(said)
                action.setEnabled((way, lost) != (patch.effective_motion.follow, patch.effective_motion.when_lost))
                action.triggered.connect(
                    lambda _on=False, way=way, lost=lost: self._patching.follow_as_take(patch, way, lost)
                )
        menu.addSeparator()
        film = menu.addAction("Filmed by a provider…")
        film.setToolTip("A service films what happens from the anchor on; asked before anything is sent")
        film.setEnabled(patch.picked is not None and patch.anchor < patch.frames.stop - 2)
        film.triggered.connect(lambda _on=False: self.session.service_orders.film_motion(patch))
        menu.popup(self._again.mapToGlobal(QPoint(0, self._again.height())))

    # --- following and nudging ----------------------------------------------------------------------------------------

    @Slot()
    def _show_following(self) -> None:
        patch = self._patch()
        if patch is None:
            return
        followed = self._following.followed(patch.id)
        job = self._following.job(patch.id)
        moves = patch.effective_motion.follow is not Follow.STATIC
        self._go.hide()
        if not moves:
            self._said.say("")
        elif job is not None:
            self._said.say("Being followed; see Jobs.")
        elif followed is None:
            self._said.say("")
        else:
            lost = sum(len(run) for run in followed.lost)
            if lost:
                text = f"Lost on {lost} of {len(followed.frames)} frames."
            else:
                text = f"{len(followed.frames)} of {len(followed.window)} frames followed."
            doubts = " ".join(doubt[:1].upper() + doubt[1:] + "." for doubt in followed.doubts[:2])
            self._said.say(f"{text} {doubts}".strip(), "warning" if lost or followed.doubts else "2")
            self._go.setVisible(followed.suggestion is not None)
        motion = patch.effective_motion
        parts = []
        if motion.anchors:
            parts.append(f"{len(motion.anchors)} further anchor" + ("s" if len(motion.anchors) > 1 else ""))
        if motion.nudges:
            parts.append(f"{len(motion.nudges)} nudge" + ("s" if len(motion.nudges) > 1 else ""))
        self._anchors.say(", ".join(parts).capitalize())
        self._show_anchor()

    @Slot()
    def _show_anchor(self) -> None:
        patch = self._patch()
        asked = patch is not None and self._patching.anchor_for == patch.id
        self._anchor.setChecked(asked)
        self._anchor.setText("Draw the region…" if asked else "New anchor here")

    def _go_to_suggestion(self) -> None:
        patch = self._patch()
        followed = None if patch is None else self._following.followed(patch.id)
        if patch is None or followed is None or followed.suggestion is None:
            return
        places = self.document.timeline.showing(patch.source_id, Range(followed.suggestion, followed.suggestion + 1))
        if places:
            self.session.transport.seek(places[0].start)

    def _source_frame(self) -> int | None:
        return source_frame(self.session)

    def _nudge_here(self) -> Nudge | None:
        patch, frame = self._patch(), self._source_frame()
        if patch is None or frame is None or frame not in patch.frames:
            return None
        known = [nudge for nudge in patch.effective_motion.nudges if nudge.frame == frame]
        return known[0] if known else Nudge(frame)

    def _write_nudge(self, nudge: Nudge) -> None:
        patch = self._patch()
        if patch is not None:
            self._patching.nudge(patch, nudge)

    def _clear_nudge(self) -> None:
        patch, frame = self._patch(), self._source_frame()
        if patch is not None:
            motion: Motion = patch.effective_motion
            rest = tuple(nudge for nudge in motion.nudges if nudge.frame != frame)
            self._patching.change(with_motion(patch, replace(motion, nudges=rest)), "Nudge")

    @Slot()
    def _show_nudge(self) -> None:
        patch, frame = self._patch(), self._source_frame()
        inside = patch is not None and frame is not None and frame in patch.frames
        self._nudge_section.set_usable(inside)
        self._end.setEnabled(inside and patch is not None and frame != patch.anchor)
        self._end.setToolTip(
            "" if self._end.isEnabled() else "Put the playhead on a frame of the patch, off its anchor"
        )
        nudged = patch is not None and any(nudge.frame == frame for nudge in patch.effective_motion.nudges)
        if self._nudge is not None:
            self._nudge_clear.setVisible(nudged)
            self._nudge.refresh()
        if patch is not None and self._end.isEnabled():
            at = timecode(self.session.transport.frame, self.document.project.canvas.rate)
            self._end.setToolTip(f"The patch {'ends' if (frame or 0) > patch.anchor else 'begins'} at {at}")


def _with_window(page: PatchPage, patch: Patch, before: int | None = None, after: int | None = None) -> Patch:
    """Return a patch over other frames around its anchor, as far as its film reaches."""
    start = patch.frames.start if before is None else patch.anchor - before
    stop = patch.frames.stop if after is None else patch.anchor + after + 1
    count = page.document.project.picture(patch.source_id).frame_count
    return replace(patch, frames=Range(max(0, start), min(count, stop)))
