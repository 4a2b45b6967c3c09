"""What can be done on the timeline by menus and keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtWidgets import QInputDialog, QMenu

from app.session.importing import Where
from app.session.selection import ToolMode
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.timeline.clipboard_picture import ClipboardPicture
from app.ui.timeline.content import Placed, RowKind, name_of
from app.ui.timeline.editing import (
    Copied,
    Removal,
    TrimMode,
    copied,
    gaps_closed,
    moved_items,
    pasted,
    removed,
    resized,
    split_at,
    step,
    trimmed_clip,
    trimmed_to,
)
from app.ui.timeline.layout import Area, Grip, Hit
from app.ui.timeline.view import TimelineView
from engine.errors import EditRefused
from engine.model.edits import (
    AddMarkers,
    AddTrack,
    AttachSound,
    ChangeClip,
    Compound,
    DetachSound,
    Edge,
    Edit,
    ExtractRange,
    LiftRange,
    ReplaceMarker,
    SetInOut,
)
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.markers import Marker, MarkerKind
from engine.model.place import OnTimeline
from engine.model.sound import ClipSound, SoundRole, TrackSettings
from engine.model.storyline import Clip, Gap
from engine.model.time import Range

_ITEM_MENU = (
    "clip.split",
    "edit.cut",
    "edit.copy",
    "edit.duplicate",
    "edit.delete",
    "edit.ripple_delete",
    "",
    "clip.trim_start",
    "clip.trim_end",
    "clip.mute",
    "clip.detach",
    "",
    "timeline.zoom_selection",
)
_GROUND_MENU = (
    "edit.paste",
    "edit.select_all",
    "",
    "marker.add",
    "mark.in",
    "mark.out",
    "mark.clear",
    "",
    "clip.close_gap",
    "view.snapping",
)
_KINDS = ((MarkerKind.PLAIN, "Plain"), (MarkerKind.CHAPTER, "Chapter"), (MarkerKind.CALL_TO_ACTION, "Call to action"))


class TimelineCommands(QObject):
    """The actions of the timeline."""

    def __init__(self, context: Context, view: TimelineView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        session = context.session
        self._document, self._selection, self._transport = session.document, session.selection, session.transport
        self._settings = session.settings
        self._view = view
        self._clipboard: tuple[Copied, ...] = ()
        self._picture = ClipboardPicture(self)
        self._picture.came.connect(self._forget_copy)
        view.split_wanted.connect(self.split)
        view.menu_wanted.connect(self._show_menu)
        view.name_wanted.connect(self._name_marker)

    # --- what can be done -------------------------------------------------------------------------------------------

    def specs(self) -> list[ActionSpec]:
        """Return the actions; the tools only where nobody else brought them."""
        film, chosen = self._needs_film, self._needs_choice
        spec = ActionSpec
        found = [
            spec("edit.cut", "Cut", "Edit", self._cut, "Ctrl+X", "", chosen, section=20),
            spec("edit.copy", "Copy", "Edit", self._copy, "Ctrl+C", "", chosen, section=20),
            spec(
                "edit.paste", "Paste at the playhead", "Edit", self._paste, "Ctrl+V", "", self._needs_copy, section=20
            ),
            spec("edit.duplicate", "Duplicate", "Edit", self._duplicate, "Ctrl+D", "", chosen, section=20),
            spec("edit.delete", "Delete", "Edit", self._delete, "Del; Backspace", "trash", chosen, section=30),
            spec(
                "edit.ripple_delete",
                "Delete and close the gap",
                "Edit",
                self._ripple_delete,
                "Shift+Del; Shift+Backspace",
                "",
                chosen,
                section=30,
            ),
            spec("edit.select_all", "Select all", "Edit", self._select_all, "Ctrl+A", "", film, section=40),
            spec("edit.select_none", "Select nothing", "Edit", self._selection.clear, "Ctrl+Shift+A", section=40),
            spec("clip.split", "Split", "Clip", self._split_here, "Ctrl+K", "split", film, section=10),
            spec(
                "clip.select", "Select the clip at the playhead", "Clip", self._select_here, "D", "", film, section=10
            ),
            spec(
                "clip.trim_start",
                "Ripple trim start to playhead",
                "Clip/Trim",
                partial(self._trim_to, Edge.START),
                "Q",
                "",
                film,
                section=20,
            ),
            spec(
                "clip.trim_end",
                "Ripple trim end to playhead",
                "Clip/Trim",
                partial(self._trim_to, Edge.END),
                "W",
                "",
                film,
                section=20,
            ),
            spec(
                "clip.nudge_back", "Nudge back", "Clip/Nudge", partial(self._nudge, -1), "Alt+,", "", chosen, section=20
            ),
            spec("clip.nudge_on", "Nudge on", "Clip/Nudge", partial(self._nudge, 1), "Alt+.", "", chosen, section=20),
            spec(
                "clip.nudge_back_far",
                "Nudge back by ten frames",
                "Clip/Nudge",
                partial(self._nudge, -10),
                "Alt+Shift+,",
                "",
                chosen,
                section=20,
            ),
            spec(
                "clip.nudge_on_far",
                "Nudge on by ten frames",
                "Clip/Nudge",
                partial(self._nudge, 10),
                "Alt+Shift+.",
                "",
                chosen,
                section=20,
            ),
            spec(
                "clip.start_here",
                "Start the item at the playhead",
                "Clip/Trim",
                partial(self._edge_here, Grip.LEFT),
                "Alt+[",
                "",
                chosen,
                section=20,
            ),
            spec(
                "clip.end_here",
                "End the item at the playhead",
                "Clip/Trim",
                partial(self._edge_here, Grip.RIGHT),
                "Alt+]",
                "",
                chosen,
                section=20,
            ),
            spec("clip.close_gap", "Close gaps", "Clip", self._close_gaps, "", "", self._needs_gap, section=20),
            spec("clip.lift", "Lift in to out", "Clip", self._lift, ";", "", self._needs_marks, section=30),
            spec("clip.extract", "Extract in to out", "Clip", self._extract, "'", "", self._needs_marks, section=30),
            spec(
                "clip.mute",
                "Mute the clip’s sound",
                "Clip",
                self._mute,
                "",
                "muted",
                self._needs_clip,
                self._is_muted,
                section=40,
            ),
            spec(
                "clip.detach",
                "Detach the clip’s sound",
                "Clip",
                self._detach,
                "",
                "",
                self._needs_clip,
                self._is_detached,
                section=40,
            ),
            spec("marker.add", "Marker", "Clip/Markers", self._add_marker, "M", "marker", film, section=50),
            spec(
                "marker.add_chapter",
                "Chapter here",
                "Clip/Markers",
                partial(self._add_marker, MarkerKind.CHAPTER),
                "",
                "",
                film,
                section=50,
            ),
            spec(
                "marker.rename",
                "Name the marker…",
                "Clip/Markers",
                self._name_marker,
                "",
                "",
                self._needs_marker,
                section=50,
            ),
            spec(
                "marker.next",
                "Next marker",
                "Clip/Markers",
                partial(self._go_marker, 1),
                "Ctrl+Right",
                "",
                film,
                section=50,
            ),
            spec(
                "marker.previous",
                "Previous marker",
                "Clip/Markers",
                partial(self._go_marker, -1),
                "Ctrl+Left",
                "",
                film,
                section=50,
            ),
            spec("mark.clip", "Mark the clip", "Playback", self._mark_clip, "Shift+X", "", film, section=50),
            spec(
                "timeline.zoom_in",
                "Zoom the timeline in",
                "View",
                partial(self._view.zoom, 1.5),
                "=; +",
                "plus",
                film,
                section=10,
            ),
            spec(
                "timeline.zoom_out",
                "Zoom the timeline out",
                "View",
                partial(self._view.zoom, 1 / 1.5),
                "-",
                "minus",
                film,
                section=10,
            ),
            spec("timeline.zoom_fit", "Show the whole film", "View", self._view.fit, "\\", "fit", film, section=10),
            spec(
                "timeline.zoom_selection",
                "Zoom to what is selected",
                "View",
                self._zoom_to_choice,
                "Shift+\\",
                "",
                chosen,
                section=10,
            ),
            spec("view.snapping", "Snap", "View", self._toggle_snapping, "S", "snap", is_on=self._snaps, section=20),
            spec(
                "item.next",
                "Next item",
                "View/Items",
                partial(self._view.focus_next, 1),
                "Ctrl+Alt+Right",
                "",
                film,
                section=30,
            ),
            spec(
                "item.previous",
                "Previous item",
                "View/Items",
                partial(self._view.focus_next, -1),
                "Ctrl+Alt+Left",
                "",
                film,
                section=30,
            ),
            spec(
                "item.below",
                "Item below",
                "View/Items",
                partial(self._view.focus_row, 1),
                "Ctrl+Alt+Down",
                "",
                film,
                section=30,
            ),
            spec(
                "item.above",
                "Item above",
                "View/Items",
                partial(self._view.focus_row, -1),
                "Ctrl+Alt+Up",
                "",
                film,
                section=30,
            ),
        ]
        shared = [
            spec(
                f"tool.{tool.value}",
                name,
                "Edit/Tools",
                partial(self._selection.set_tool, tool),
                keys,
                icon,
                is_on=is_on,
                section=80,
            )
            for tool, name, keys, icon in (
                (ToolMode.SELECT, "Select", "V; Esc", "select"),
                (ToolMode.RAZOR, "Razor", "C; B", "razor"),
                (ToolMode.TRIM, "Trim", "T", "trim"),
                (ToolMode.HAND, "Hand", "H", "hand"),
                (ToolMode.ZOOM, "Zoom", "Z", "zoom"),
            )
            for is_on in (partial(self._has_tool, tool),)
        ]
        return found + [one for one in shared if not self._context.actions.has(one.id)]

    # --- what stands in the way -------------------------------------------------------------------------------------

    def _needs_film(self) -> str:
        if not self._document.is_open:
            return "Open a film first"
        return "" if self._document.project.storyline else "Put a film on the timeline first"

    def _needs_choice(self) -> str:
        return self._needs_film() or ("" if self._selection.items else "Select something on the timeline first")

    def _needs_copy(self) -> str:
        if not self._document.is_open:
            return "Open a film first"
        there = self._clipboard or self._picture.is_there
        return "" if there else "Copy something on the timeline, or a picture, first"

    def _needs_gap(self) -> str:
        if any(isinstance(item, Gap) for item in self._document.project.storyline):
            return ""
        return self._needs_film() or "The timeline has no gap"

    def _needs_marks(self) -> str:
        return self._needs_film() or (
            "" if self._document.project.in_out is not None else "Mark in and out first (I, O)"
        )

    def _needs_clip(self) -> str:
        return self._needs_film() or ("" if self._clips() else "Select a clip first")

    def _needs_marker(self) -> str:
        return self._needs_film() or ("" if self._marker() is not None else "Select a marker first")

    # --- what is chosen ---------------------------------------------------------------------------------------------

    def _chosen(self) -> list[Placed]:
        found = (self._view.content.find(id) for id in self._selection.items)
        return [item for item in found if item is not None]

    def _clips(self) -> list[Clip]:
        ids = self._selection.items
        return [item for item in self._document.project.storyline if isinstance(item, Clip) and item.id in ids]

    def _marker(self) -> Marker | None:
        ids = self._selection.items
        return next((marker for marker in self._document.project.markers if marker.id in ids), None)

    def _do(self, make: Callable[[], Edit]) -> bool:
        """Apply an edit, or say what stands in its way."""
        try:
            edit = make()
        except EditRefused as error:
            self._context.notices.say(str(error))
            return False
        return self._document.do(edit)

    # --- cutting ----------------------------------------------------------------------------------------------------

    def _split_here(self) -> None:
        self.split(self._transport.frame)

    @Slot(int)
    def split(self, frame: int) -> None:
        """Divide what stands at a frame."""
        document = self._document
        self._do(lambda: split_at(document.project, document.timeline, frame, self._selection.items))

    def _trim_to(self, edge: Edge) -> None:
        frame = self._transport.frame
        span = self._document.timeline.span_at(frame)
        if (
            self._do(lambda: trimmed_to(self._document.timeline, frame, edge))
            and edge is Edge.START
            and span is not None
        ):
            self._transport.seek(span.timeline_range.start)

    def _edge_here(self, grip: Grip) -> None:
        """Move an edge of the chosen patches, captions, overlays and sounds to the playhead, clips by their own way."""
        frame, timeline, project = self._transport.frame, self._document.timeline, self._document.project

        def make() -> Edit:
            edits: list[SingleEdit] = []
            for item in self._chosen():
                by = frame - item.frames.start if grip is Grip.LEFT else frame + 1 - item.frames.stop
                if not by:
                    continue
                if isinstance(item.value, Clip | Gap):
                    edit = trimmed_clip(project, timeline, item, grip, by, TrimMode.RIPPLE)
                else:
                    edit = resized(item, timeline, grip, by)
                edits += edit.edits if isinstance(edit, Compound) else [edit]
            return step("Trim", edits)

        self._do(make)

    def _close_gaps(self) -> None:
        self._do(lambda: gaps_closed(self._document.project, self._selection.items))

    def _lift(self) -> None:
        marked = self._document.project.in_out
        if marked is not None:
            self._document.do(LiftRange(marked, new_id()))

    def _extract(self) -> None:
        marked = self._document.project.in_out
        if marked is not None:
            self._document.do(ExtractRange(marked))

    def _delete(self) -> None:
        self._remove(Removal.GAP)

    def _ripple_delete(self) -> None:
        self._remove(Removal.RIPPLE)

    def _remove(self, removal: Removal) -> None:
        items = self._selection.items
        project = self._document.project
        found = [placed for placed in map(self._view.content.find, items) if placed is not None]
        what = f"“{name_of(project, found[0].value)}”" if len(found) == 1 else f"{len(items)} items"
        if self._do(lambda: removed(project, items, removal)):
            self._context.notices.say(f"Deleted {what}{self._undo_hint()}")

    def _undo_hint(self) -> str:
        actions = self._context.actions
        keys = actions.keys("edit.undo").split("; ")[0] if actions.has("edit.undo") else ""
        return f"; {keys} brings it back" if keys else ""

    def _nudge(self, by: int) -> None:
        items = self._chosen()
        self._do(lambda: moved_items(self._document.project, self._document.timeline, items, by))

    def _mute(self) -> None:
        muted = self._is_muted()
        wanted = ClipSound.LINKED if muted else ClipSound.MUTED
        edits: list[SingleEdit] = [
            ChangeClip(replace(clip, sound=wanted)) for clip in self._clips() if clip.sound is not ClipSound.DETACHED
        ]
        if edits:
            self._document.do(Compound("Unmute clip" if muted else "Mute clip", tuple(edits)))
        else:
            self._context.notices.say("The clip’s sound is detached; mute it on its track")

    def _is_muted(self) -> bool:
        clips = self._clips()
        return bool(clips) and all(clip.sound is ClipSound.MUTED for clip in clips)

    def _is_detached(self) -> bool:
        clips = self._clips()
        return bool(clips) and all(clip.sound is ClipSound.DETACHED for clip in clips)

    def _detach(self) -> None:
        project, edits = self._document.project, list[SingleEdit]()
        if self._is_detached():
            edits = [AttachSound(clip.id) for clip in self._clips()]
            self._document.do(Compound("Attach sound", tuple(edits)))
            return
        clips = [clip for clip in self._clips() if clip.sound is not ClipSound.DETACHED]
        clips = [clip for clip in clips if project.source(clip.source_id).sound]
        if not clips:
            self._context.notices.say("The clip has no sound")
            return
        track = next((track for track in project.tracks if track.settings.name == "Clip sound"), None)
        track_id = track.id if track is not None else new_id()
        if track is None:
            edits.append(AddTrack(track_id, TrackSettings("Clip sound", SoundRole.SPEECH)))
        edits += [DetachSound(clip.id, track_id, new_id()) for clip in clips]
        self._document.do(Compound("Detach sound", tuple(edits)))

    # --- copying ----------------------------------------------------------------------------------------------------

    def _copy(self) -> None:
        self._clipboard = copied(self._document.project, self._chosen())
        self._context.actions.refresh_soon()
        count = len(self._clipboard)
        self._context.notices.say(f"{count} item{'s' if count != 1 else ''} copied")

    def _cut(self) -> None:
        self._copy()
        self._delete()

    @Slot()
    def _forget_copy(self) -> None:
        """What was copied last is what is pasted."""
        if self._picture.is_there:
            self._clipboard = ()
        self._context.actions.refresh_soon()

    def _paste(self) -> None:
        if not self._clipboard:
            self._paste_picture()
            return
        frame, count = self._transport.frame, self._document.project.frame_count
        if frame == count - 1 and any(isinstance(thing.value, Clip | Gap) for thing in self._clipboard):
            # End goes to the last frame; what is pasted there belongs behind it, not before it.
            frame = count
        self._paste_at(self._clipboard, frame)

    def _paste_picture(self) -> None:
        """Put the clipboard's picture into the region in hand, else over the film."""
        path, frame = self._picture.path(), self._transport.frame
        if path is None:
            self._context.notices.say("The picture in the clipboard cannot be read")
        elif self._selection.region is not None or self._selection.patch is not None:
            self._context.session.patching.place_picture(path)
        else:
            self._context.session.importing.add([path], Where.INSERT, frame)

    def _duplicate(self) -> None:
        items = self._chosen()
        if items:
            things = copied(self._document.project, items)
            self._paste_at(things, max(item.frames.stop for item in items))

    def _paste_at(self, things: tuple[Copied, ...], frame: int) -> None:
        ids: list[str] = []

        def make() -> Edit:
            edit, made = pasted(self._document.project, self._document.timeline, things, frame)
            ids.extend(made)
            return edit

        if self._do(make):
            self._selection.choose(*ids)
            self._context.notices.say(f"{len(ids)} item{'s' if len(ids) != 1 else ''} pasted")

    # --- selecting --------------------------------------------------------------------------------------------------

    def _select_all(self) -> None:
        rows = self._view.content.rows
        found = [value.id for row in rows if row.kind is not RowKind.MARKERS for value in row.items.values]
        self._selection.choose(*found)

    def _select_here(self) -> None:
        span = self._document.timeline.span_at(self._transport.frame)
        if span is not None:
            self._selection.choose(span.item.id)

    def _zoom_to_choice(self) -> None:
        items = self._chosen()
        if items:
            start, stop = min(item.frames.start for item in items), max(item.frames.stop for item in items)
            self._view.zoom_to(Range(start, stop))

    # --- markers, in and out ----------------------------------------------------------------------------------------

    def _add_marker(self, kind: MarkerKind = MarkerKind.PLAIN) -> None:
        frame = self._transport.frame
        marker = Marker(new_id(), OnTimeline(Range(frame, frame + 1)), kind)
        if self._document.do(AddMarkers((marker,))):
            self._selection.choose(marker.id)

    @Slot()
    def _name_marker(self) -> None:
        marker = self._marker()
        if marker is None:
            return
        name, given = QInputDialog.getText(self._view, "Name the marker", "Name:", text=marker.name)
        if given and name != marker.name:
            self._document.do(ReplaceMarker(replace(marker, name=name)))

    def _set_kind(self, kind: MarkerKind, _checked: object = None) -> None:
        marker = self._marker()
        if marker is not None and marker.kind is not kind:
            self._document.do(ReplaceMarker(replace(marker, kind=kind)))

    def _go_marker(self, by: int) -> None:
        starts = sorted({int(start) for start in self._view.content.rows[0].items.starts.tolist()})
        frame = self._transport.frame
        beyond = (
            [start for start in starts if start > frame] if by > 0 else [start for start in starts if start < frame]
        )
        if beyond:
            self._transport.seek(beyond[0] if by > 0 else beyond[-1])

    def _mark_clip(self) -> None:
        span = self._document.timeline.span_at(self._transport.frame)
        if span is not None:
            self._document.do(SetInOut(span.timeline_range))

    # --- view -------------------------------------------------------------------------------------------------------

    def _toggle_snapping(self) -> None:
        self._settings.set(snapping=not self._settings.choices.snapping)

    def _snaps(self) -> bool:
        return self._settings.choices.snapping

    def _has_tool(self, tool: ToolMode) -> bool:
        return self._selection.tool is tool

    @Slot(object, QPoint)
    def _show_menu(self, hit: Hit, at: QPoint) -> None:
        menu = QMenu(self._view)
        menu.setToolTipsVisible(True)
        item = hit.item
        for id in _ITEM_MENU if item is not None else _GROUND_MENU:
            if not id:
                menu.addSeparator()
            elif self._context.actions.has(id):
                menu.addAction(self._context.actions.action(id))
        if item is not None and isinstance(item.value, Marker):
            menu.addSeparator()
            menu.addAction(self._context.actions.action("marker.rename"))
            for kind, name in _KINDS:
                action = menu.addAction(name)
                action.setCheckable(True)
                action.setChecked(item.value.kind is kind)
                action.triggered.connect(partial(self._set_kind, kind))
        if hit.area in (Area.ROWS, Area.MARKERS):
            menu.exec(at)
        menu.deleteLater()
