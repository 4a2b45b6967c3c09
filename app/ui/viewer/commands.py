"""What the person can do in the viewer, by name and key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.session.selection import ToolMode
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.viewer.canvas import Canvas
from app.ui.viewer.item_box import text_of
from app.ui.viewer.picture_view import Compare
from engine.model.edits import SetInOut
from engine.model.time import Range

_TOOLS = (
    (ToolMode.SELECT, "Select", "V", "select"),
    (ToolMode.BOX, "Box", "R", "box"),
    (ToolMode.ELLIPSE, "Ellipse", "Shift+R", "ellipse"),
    (ToolMode.POLYGON, "Polygon", "Shift+F", "polygon"),
    (ToolMode.LASSO, "Lasso", "F", "lasso"),
    (ToolMode.BRUSH, "Brush", "Shift+B", "brush"),
    (ToolMode.ERASE, "Erase", "Shift+E", "erase"),
    (ToolMode.HAND, "Hand", "H", "hand"),
    (ToolMode.ZOOM, "Zoom", "Z", "zoom"),
)
_COMPARES = (
    (Compare.BEFORE, "Before", "before"),
    (Compare.WIPE, "Wipe", "wipe"),
    (Compare.AFTER, "After", "after"),
    (Compare.HEAT, "Heat map", "heat-map"),
    (Compare.SIDE_BY_SIDE, "Side by side", "side-by-side"),
    (Compare.FLICKER, "Flicker", "flicker"),
)
_RESOLUTIONS = ((1, "Full"), (2, "Half"), (4, "Quarter"))
_FAR_PX = 10


class ViewerCommands:
    """The actions of the viewer."""

    def __init__(self, context: Context, canvas: Canvas, full_screen: Callable[[], None]) -> None:
        self._context = context
        self._session = context.session
        self._transport = context.session.transport
        self._selection = context.session.selection
        self._canvas = canvas
        self._full_screen = full_screen

    def specs(self) -> list[ActionSpec]:
        """Return them all."""
        return [*self._playing(), *self._marks(), *self._tools(), *self._views()]

    def _no_film(self) -> str:
        return "" if self._session.document.project.frame_count else "Open a film first"

    def _playing(self) -> list[ActionSpec]:
        transport = self._transport

        def spec(
            id: str, text: str, run: Callable[[], None], keys: str, icon: str = "", section: int = 0
        ) -> ActionSpec:
            return ActionSpec(f"playback.{id}", text, "Playback", run, keys, icon, self._no_film, section=section)

        return [
            ActionSpec(
                "playback.toggle",
                "Play or pause",
                "Playback",
                transport.toggle,
                "Space",
                "play",
                self._no_film,
                lambda: transport.is_playing,
            ),
            spec("back", "Play backwards, again to go faster", partial(transport.shuttle, -1), "J"),
            spec("stop", "Stop", transport.pause, "K", "pause"),
            spec("on", "Play, again to go faster", partial(transport.shuttle, 1), "L"),
            ActionSpec(
                "playback.loop",
                "Loop",
                "Playback",
                self._loop,
                "Shift+L",
                "loop",
                self._no_film,
                lambda: transport.loops,
            ),
            spec("frame_back", "Frame back", partial(transport.step, -1), "Left; ,", "frame-back", 10),
            spec("frame_on", "Frame on", partial(transport.step, 1), "Right; .", "frame-on", 10),
            spec("second_back", "Second back", partial(transport.step_seconds, -1), "Shift+Left", "", 10),
            spec("second_on", "Second on", partial(transport.step_seconds, 1), "Shift+Right", "", 10),
            spec("previous_edit", "Previous edit", self._previous_edit, "Up", "previous-edit", 20),
            spec("next_edit", "Next edit", self._next_edit, "Down", "next-edit", 20),
            spec("start", "Go to the start", partial(self._go, 0), "Home", "", 20),
            spec("end", "Go to the end", self._end, "End", "", 20),
            ActionSpec(
                "playback.mute",
                "Mute",
                "Playback",
                self._mute,
                "Shift+M",
                "muted",
                is_on=lambda: self._session.playback.is_muted,
                section=40,
            ),
        ]

    def _marks(self) -> list[ActionSpec]:
        def unmarked() -> str:
            return "" if self._session.document.project.in_out is not None else "Mark in or out first"

        def spec(
            id: str, text: str, run: Callable[[], None], keys: str, hindrance: Callable[[], str], icon: str = ""
        ) -> ActionSpec:
            return ActionSpec(f"mark.{id}", text, "Playback", run, keys, icon, hindrance, section=30)

        return [
            spec("in", "Mark in", self._mark_in, "I", self._no_film, "in"),
            spec("out", "Mark out", self._mark_out, "O", self._no_film, "out"),
            spec("go_in", "Go to in", self._go_in, "Shift+I", unmarked),
            spec("go_out", "Go to out", self._go_out, "Shift+O", unmarked),
            spec("clear", "Clear in and out", self._clear_marks, "Alt+X", unmarked),
        ]

    def _tools(self) -> list[ActionSpec]:
        selection = self._selection
        specs = [
            ActionSpec(
                f"tool.{tool.value}",
                text,
                "Region/Tool",
                partial(self._take, tool),
                keys,
                icon,
                self._no_film,
                partial(self._is_in_hand, tool),
            )
            for tool, text, keys, icon in _TOOLS
        ]
        specs.append(
            ActionSpec("edit.escape", "Take back what is in hand", "Region", self._canvas.escape, "Esc", hidden=True)
        )
        specs.append(
            ActionSpec(
                "region.edit_text",
                "Edit the text on the picture",
                "Region",
                self._canvas.edit_chosen_text,
                "Return",
                "text",
                lambda: "" if text_of(selection.item) is not None else "Choose a title or a caption first",
                section=40,
            )
        )
        for name, dx, dy in (("Left", -1, 0), ("Right", 1, 0), ("Up", 0, -1), ("Down", 0, 1)):
            for far, keys in ((1, f"Alt+{name}"), (_FAR_PX, f"Alt+Shift+{name}")):
                id = f"region.move_{name.lower()}" + ("_far" if far > 1 else "")
                text = f"Move the region {name.lower()} by {far} pixel" + ("s" if far > 1 else "")
                run = partial(self._canvas.nudge_region, dx * far, dy * far)
                specs.append(ActionSpec(id, text, "Region", run, keys, "", self._no_region, hidden=True))
        return specs

    def _no_region(self) -> str:
        there = self._selection.region is not None or self._selection.patch is not None
        return "" if there else "Draw a region or choose a patch first"

    def _views(self) -> list[ActionSpec]:
        canvas = self._canvas
        specs = [
            ActionSpec(
                f"view.{compare.value}",
                text,
                "View/Compare",
                partial(canvas.set_compare, compare),
                "",
                icon,
                self._no_film,
                partial(self._compares, compare),
            )
            for compare, text, icon in _COMPARES
        ]
        specs += [
            ActionSpec(
                "view.hold_before",
                "Show before while held",
                "View/Compare",
                self._toggle_before,
                "`",
                "",
                self._no_film,
                section=10,
            ),
            ActionSpec(
                "view.mask",
                "Show the mask",
                "View",
                lambda: canvas.show_mask(not canvas.shows_mask),
                "Shift+N",
                "mask",
                self._no_film,
                lambda: canvas.shows_mask,
                20,
            ),
            ActionSpec(
                "view.safe_areas",
                "Show safe areas",
                "View",
                lambda: canvas.show_safe_areas(not canvas.shows_safe_areas),
                "",
                "safe-area",
                self._no_film,
                lambda: canvas.shows_safe_areas,
                20,
            ),
            ActionSpec("view.zoom_in", "Picture larger", "View", partial(canvas.step_zoom, 1), "Ctrl+=", section=30),
            ActionSpec("view.zoom_out", "Picture smaller", "View", partial(canvas.step_zoom, -1), "Ctrl+-", section=30),
            ActionSpec("view.fit", "Fit the picture", "View", partial(canvas.set_zoom, None), "Ctrl+0", section=30),
            ActionSpec("view.actual", "Pixel for pixel", "View", partial(canvas.set_zoom, 100.0), "Ctrl+1", section=30),
            ActionSpec(
                "view.full_screen",
                "Full screen",
                "View",
                self._full_screen,
                "F11",
                "full-screen",
                self._no_film,
                section=40,
            ),
        ]
        specs += [
            ActionSpec(
                f"view.resolution_{scale}",
                f"{name} resolution",
                "View/Resolution",
                partial(self._set_scale, scale),
                is_on=partial(self._has_scale, scale),
                section=40,
            )
            for scale, name in _RESOLUTIONS
        ]
        return specs

    # --- what they do -----------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        self._transport.set_loops(not self._transport.loops)

    def _mute(self) -> None:
        self._session.playback.set_muted(not self._session.playback.is_muted)

    def _go(self, frame: int) -> None:
        self._transport.seek(frame)

    def _end(self) -> None:
        self._transport.seek(self._transport.last_frame)

    def _edits(self) -> list[int]:
        """Return the frames at which something is joined, the ends of the film included."""
        starts = [span.timeline_range.start for span in self._session.document.timeline.spans]
        return [*starts, self._transport.last_frame]

    def _previous_edit(self) -> None:
        at = self._transport.frame
        self._transport.seek(max((frame for frame in self._edits() if frame < at), default=0))

    def _next_edit(self) -> None:
        at = self._transport.frame
        self._transport.seek(min((frame for frame in self._edits() if frame > at), default=self._transport.last_frame))

    def _mark_in(self) -> None:
        project, frame = self._session.document.project, self._transport.frame
        old = project.in_out
        stop = old.stop if old is not None and old.stop > frame else project.frame_count
        self._session.document.do(SetInOut(Range(frame, stop)))

    def _mark_out(self) -> None:
        frame = self._transport.frame
        old = self._session.document.project.in_out
        start = old.start if old is not None and old.start <= frame else 0
        self._session.document.do(SetInOut(Range(start, frame + 1)))

    def _go_in(self) -> None:
        marked = self._session.document.project.in_out
        if marked is not None:
            self._transport.seek(marked.start)

    def _go_out(self) -> None:
        marked = self._session.document.project.in_out
        if marked is not None:
            self._transport.seek(marked.stop - 1)

    def _clear_marks(self) -> None:
        self._session.document.do(SetInOut(None))

    def _take(self, tool: ToolMode) -> None:
        self._selection.set_tool(tool)
        if tool in (ToolMode.BRUSH, ToolMode.ERASE):
            self._context.notices.say("[ and ] or Shift and the wheel make the brush smaller or larger")

    def _is_in_hand(self, tool: ToolMode) -> bool:
        return self._selection.tool is tool

    def _compares(self, compare: Compare) -> bool:
        return self._canvas.compare is compare

    def _toggle_before(self) -> None:
        """Show the film alone, or all again: what the menu does in place of holding a key."""
        before = self._canvas.compare is Compare.BEFORE
        self._canvas.set_compare(Compare.AFTER if before else Compare.BEFORE)

    def _set_scale(self, scale: int) -> None:
        self._session.settings.set(preview_scale=scale)

    def _has_scale(self, scale: int) -> bool:
        return self._session.settings.choices.preview_scale == scale
