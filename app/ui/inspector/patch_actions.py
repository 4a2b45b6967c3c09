"""What can be done with the chosen patch where the playhead stands."""

from __future__ import annotations

from collections.abc import Callable

from app.session.session import Session
from app.ui.actions import ActionSpec
from app.ui.context import Context
from engine.model.patch import Patch


def source_frame(session: Session) -> int | None:
    """Return the chosen patch's source frame under the playhead, None where another film or none shows."""
    patch = session.selection.patch
    shown = session.document.timeline.source_at(session.transport.frame)
    return shown.frame if patch is not None and shown is not None and shown.source_id == patch.source_id else None


class PatchActions:
    """Anchors, ends, edge and filmed motion, as actions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._patching = context.session.patching

    def actions(self) -> list[ActionSpec]:
        """Return them."""

        def spec(id: str, text: str, run: Callable[[], None], icon: str, hindrance: Callable[[], str]) -> ActionSpec:
            return ActionSpec(f"patch.{id}", text, "Region/Patch", run, icon=icon, hindrance=hindrance, section=25)

        return [
            spec("new_anchor", "New anchor here", self.new_anchor, "anchor", self._needs_patch),
            spec("end_here", "End patch here", self.end_here, "trim", self._cannot_end),
            spec("refine_edge", "Find the object’s edge", self.refine_edge, "mask", self._needs_patch),
            spec("film", "Have its motion filmed…", self.film, "film", self._cannot_film),
        ]

    def new_anchor(self) -> None:
        """Take the next region that is drawn as a further anchor."""
        self._patching.ask_for_anchor(self._patch)
        self._context.notices.say("Draw the region on a frame of the patch; it becomes a further anchor.")

    def end_here(self) -> None:
        """Let the patch end, or begin, where the playhead stands."""
        patch, frame = self._patch, source_frame(self._session)
        if patch is not None and frame is not None:
            self._patching.end_here(patch, frame)

    def refine_edge(self) -> None:
        """Draw the region in to the edge of the object in it."""
        patch = self._patch
        if patch is not None:
            self._patching.refine_edge(patch)

    def film(self) -> None:
        """Have a provider film how the patch moves; it is asked before anything is sent."""
        patch = self._patch
        if patch is not None:
            self._session.service_orders.film_motion(patch)
            self._context.notices.show_panel("inspector")

    @property
    def _patch(self) -> Patch | None:
        return self._session.selection.patch

    def _needs_patch(self) -> str:
        return "" if self._patch is not None else "Choose a patch first"

    def _cannot_end(self) -> str:
        patch, frame = self._patch, source_frame(self._session)
        if patch is None:
            return self._needs_patch()
        inside = frame is not None and frame in patch.frames and frame != patch.anchor
        return "" if inside else "Put the playhead on a frame of the patch, off its anchor"

    def _cannot_film(self) -> str:
        patch = self._patch
        if patch is None:
            return self._needs_patch()
        if patch.picked is None:
            return "Pick a take first"
        return "" if patch.anchor < patch.frames.stop - 2 else "Give the patch frames after its anchor first"
