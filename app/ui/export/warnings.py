"""What to know about a plan before it is carried out, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.session.live_plan import UNDECIDED, Estimate
from app.ui.context import Context
from app.ui.export.strip import CHANGED
from app.ui.widgets import Banner, BannerAction, Segmented, Tone, empty
from app.ui.words import frames_text, seconds_text, sentence, share_text, timecode
from engine.model.edits import Compound, ReplacePatch
from engine.model.patch import Patch
from engine.model.placement import timeline_ranges
from engine.model.time import Range
from engine.plan.export_plan import ExportPlan, Reason, RenderSegment

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Tail:
    """Frames that are re-encoded up to the film's end, since no copy may begin again behind a change.

    Attributes:
        frames: of the whole run. changed: how many of them changed. last_changed: the last of those.
    """

    frames: Range
    changed: int
    last_changed: int

    @property
    def unchanged(self) -> Range:
        """Return the frames behind the last changed one."""
        return Range(self.last_changed + 1, self.frames.stop)


def tails(plan: ExportPlan) -> list[Tail]:
    """Return the runs of a plan that have no keyframe behind their change, in the order of the film."""
    found = []
    run: list[RenderSegment] = []
    for segment in [*plan.segments, None]:
        if isinstance(segment, RenderSegment):
            run.append(segment)
            continue
        changed = [part.frames for part in run if part.reason in CHANGED]
        if changed and run[-1].reason is Reason.TAIL_TO_END:
            frames = Range(run[0].frames.start, run[-1].frames.stop)
            found.append(Tail(frames, sum(map(len, changed)), changed[-1].stop - 1))
        run = []
    return found


class PlanWarnings(QWidget):
    """The warnings of a plan as messages below each other.

    Signals:
        review_wanted: look at what is not approved. plan_wanted(Range): show these frames in the plan.
    """

    review_wanted = Signal()
    plan_wanted = Signal(object)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._document = context.session.document
        self._plan: ExportPlan | None = None
        self._estimate: Estimate | None = None
        self._copies = True
        self._spared = 0
        self._first = 0
        self._kept: set[str] = set()
        self._left_out: frozenset[str] = frozenset()
        self._said: tuple[str, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._document.opened.connect(self._forget)
        self.hide()

    @property
    def banners(self) -> list[Banner]:
        """Return the messages that show."""
        items = [self._column.itemAt(number) for number in range(self._column.count())]
        widgets = [None if item is None else item.widget() for item in items]
        return [widget for widget in widgets if isinstance(widget, Banner)]

    def show_problem(self, problem: str, what: str = "There is no plan for this film.") -> None:
        """Show why nothing can be exported like this; nothing where no problem is known."""
        self._plan = None
        self._replace(
            (problem,) if problem else (),
            lambda: [Banner(self._context.theme, Tone.ERROR, what, problem)],
        )

    def show_plan(self, plan: ExportPlan, estimate: Estimate | None, first: int = 0, spared: int = 0) -> None:
        """Show what to know about a plan that begins with the frame `first` of the timeline.

        Args:
            plan: what will be done.
            estimate: what it will take.
            first: the timeline's frame with which the plan begins.
            spared: frames that are copied as well where what is not approved is left out.
        """
        self._plan, self._estimate, self._copies, self._first, self._spared = plan, estimate, True, first, spared
        self._show()

    def show_made_anew(self, plan: ExportPlan, first: int = 0) -> None:
        """Show what to know where a preset copies nothing: no keyframe matters, and leaving out saves no quality."""
        self._plan, self._estimate, self._copies, self._first = plan, None, False, first
        self._show()

    def _show(self) -> None:
        plan = self._plan
        assert plan is not None
        runs: list[Tail] = []
        others: list[str] = []
        if self._copies:
            runs = [tail for tail in tails(plan) if _key(tail) not in self._kept]
            others = [words for words in plan.warnings if not _is_of_a_tail(words) and words not in self._kept]
        patches = self._unapproved()
        if "unapproved" in self._kept:
            patches = []
        said = (*map(self._tail_words, runs), *others, *self._unapproved_words(patches))
        self._replace(said, lambda: self._banners(runs, others, patches))

    def _banners(self, runs: Sequence[Tail], others: Sequence[str], patches: Sequence[Patch]) -> list[Banner]:
        made = []
        for tail in runs:
            heading = f"{len(tail.frames):,} frames are re-encoded for {tail.changed:,} changed ones."
            actions = (
                BannerAction("Show in plan", partial(self.plan_wanted.emit, tail.unchanged)),
                BannerAction("Keep", partial(self._keep, _key(tail))),
            )
            made.append(self._banner(_key(tail), heading, self._tail_words(tail), actions))
        for words in others:
            heading, _, why = words.partition(": ")
            made.append(self._banner(words, sentence(heading), sentence(why)))
        if patches:
            heading, why = self._unapproved_words(patches)
            choice = Segmented(
                self._context.theme, (("in", "Leave in", ""), ("out", "Leave out", "")), "In the film or left out"
            )
            choice.choose("in" if any(patch.visible for patch in patches) else "out")
            choice.chosen.connect(partial(self._leave, patches))
            review = (BannerAction("Review", self.review_wanted.emit),)
            made.append(self._banner("unapproved", heading, why, review, (choice,)))
        return made

    def _banner(
        self, key: str, what: str, why: str, actions: Sequence[BannerAction] = (), controls: Sequence[QWidget] = ()
    ) -> Banner:
        banner = Banner(self._context.theme, Tone.WARNING, what, why, actions, controls=controls)
        banner.closed.connect(partial(self._kept.add, key))
        return banner

    def _tail_words(self, tail: Tail) -> str:
        plan = self._plan
        assert plan is not None
        at = timecode(tail.last_changed + self._first, self._document.project.canvas.rate)
        words = f"The film has no keyframe where a copy may begin again after {at}."
        copied = share_text(plan.frames_copied, plan.frames_total)
        about = f", about {seconds_text(self._estimate.seconds)}" if self._estimate is not None else ""
        return f"{words} {copied} is copied{about}."

    # --- what is not approved -----------------------------------------------------------------------------------------

    def _unapproved(self) -> list[Patch]:
        """Return the undecided patches that would be in the film, and those that were left out here."""
        assert self._plan is not None
        timeline = self._document.timeline
        exported = Range(self._first, self._first + self._plan.frames_total)
        undecided = [
            patch
            for patch in self._document.project.patches
            if patch.state in UNDECIDED and any(exported.overlaps(one) for one in timeline_ranges(patch, timeline))
        ]
        return [patch for patch in undecided if patch.shows or (patch.id in self._left_out and not patch.visible)]

    def _unapproved_words(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        if not patches:
            return ()
        names = ", ".join(f"“{patch.name or 'Patch'}”" for patch in patches[:_NAMED])
        more = f" and {len(patches) - _NAMED} more" if len(patches) > _NAMED else ""
        one = len(patches) == 1
        heading = f"{names}{more} {'is' if one else 'are'} not approved."
        if not any(patch.visible for patch in patches):
            return heading, "It is left out of the film." if one else "They are left out of the film."
        why = "It will be in the film." if one else "They will be in the film."
        if not self._copies or not self._spared:
            return heading, why
        are = "is" if self._spared == 1 else "are"
        return (
            heading,
            f"{why} Leave {'it' if one else 'them'} out, and {frames_text(self._spared)} {are} copied instead.",
        )

    def _leave(self, patches: Sequence[Patch], where: str) -> None:
        """Hide patches, or show them again; undo does the same."""
        shown = where == "in"
        self._left_out = frozenset(patch.id for patch in patches)
        now = {patch.id: patch for patch in self._document.project.patches}
        edits = tuple(
            ReplacePatch(replace(now[patch.id], visible=shown))
            for patch in patches
            if patch.id in now and now[patch.id].visible is not shown
        )
        if edits:
            self._document.do(Compound("Leave in the film" if shown else "Leave out of the film", edits))

    # --- within -------------------------------------------------------------------------------------------------------

    def _keep(self, key: str) -> None:
        self._kept.add(key)
        if self._plan is not None:
            self._show()

    def _forget(self) -> None:
        self._kept.clear()
        self._left_out = frozenset()

    def _replace(self, said: tuple[str, ...], make: Callable[[], list[Banner]]) -> None:
        """Show other messages; the same ones stay as they are, with the focus that one of them may have."""
        if said == self._said:
            return
        self._said = said
        empty(self._column)
        if said:
            for banner in make():
                self._column.addWidget(banner)
        self.setVisible(bool(said))


def _key(tail: Tail) -> str:
    return f"tail {tail.frames.start} {tail.frames.stop} {tail.last_changed}"


def _is_of_a_tail(warning: str) -> bool:
    return "no keyframe follows" in warning
