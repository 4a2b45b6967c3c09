"""A region that was drawn and is no patch yet: how the patch that is made of it will follow."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Slot

from app.session.patching import FollowChoice
from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.page import Page
from app.ui.takes.words import FOLLOW_WORDS
from app.ui.widgets import push_button
from app.ui.words import timecode
from engine.model.patch import Follow

_WAYS = tuple((way, FOLLOW_WORDS[way]) for way in (Follow.HYBRID, Follow.PLANAR, Follow.STATIC))
MOST_FRAMES = 10_000_000
"""More than a clip has: what is asked for beyond its ends is left out."""


class RegionPage(Page):
    """The drawn region."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        patching = context.session.patching
        section = self.section("Follow")
        self._binder = Binder[FollowChoice](context.theme, lambda: patching.choice, patching.choose, self.refused)
        binder = self._binder
        binder.choice(section, "Way", _WAYS, lambda c: c.follow, lambda c, way: replace(c, follow=way))
        binder.whole(
            section, "Before", lambda _: self._around()[0],
            lambda c, n: replace(c, before=n, after=self._around()[1]), 0, MOST_FRAMES, " frames",
        )  # fmt: skip
        binder.whole(
            section, "After", lambda _: self._around()[1],
            lambda c, n: replace(c, before=self._around()[0], after=n), 0, MOST_FRAMES, " frames",
        )  # fmt: skip
        self.whole = push_button("Whole clip")
        self.whole.setToolTip("From the clip's first frame to its last")
        self.whole.clicked.connect(self._cover_clip)
        self.short = push_button("A second around")
        self.short.setToolTip("A second before and after, or from in to out where those are marked around it")
        self.short.clicked.connect(self._cover_second)
        section.add_wide(self.whole, self.short, None)
        self._said = section.note()
        patching.choice_changed.connect(self._chosen)

    def refresh(self) -> None:
        self._binder.refresh()
        patching = self.session.patching
        shown = patching.anchor_frame()
        if shown is None:
            self._said.say("There is no film under the region; draw it where a film shows.", "warning")
            return
        frames = patching.window(shown)
        at = timecode(self.selection.region_frame or 0, self.document.project.canvas.rate)
        self._said.say(f"A patch from this region covers {len(frames):,} frames around {at}.")

    @Slot()
    def _chosen(self) -> None:
        if self.isVisible():
            self.refresh()

    @Slot()
    def _cover_clip(self) -> None:
        patching = self.session.patching
        patching.choose(replace(patching.choice, before=MOST_FRAMES, after=MOST_FRAMES))

    @Slot()
    def _cover_second(self) -> None:
        patching = self.session.patching
        patching.choose(replace(patching.choice, before=None, after=None))

    def _around(self) -> tuple[int, int]:
        shown = self.session.patching.anchor_frame()
        if shown is None:
            return 0, 0
        frames = self.session.patching.window(shown)
        return shown.frame - frames.start, frames.stop - 1 - shown.frame
