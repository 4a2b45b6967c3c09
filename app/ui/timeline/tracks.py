"""What can be done with a sound track: add, name, solo, turn up or down, duck under speech, remove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QInputDialog, QMenu

from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.timeline.content import FILM_SOUND_ROW, RowKind
from app.ui.timeline.view import TimelineView
from engine.model.edits import AddTrack, ChangeTrack, Edit, RemoveTrack, SetMix
from engine.model.ids import new_id
from engine.model.sound import Ducking, SoundRole, TrackSettings

_ROLES = ((SoundRole.SPEECH, "Speech"), (SoundRole.MUSIC, "Music"), (SoundRole.EFFECTS, "Effects"))
_LEAST_DB, _MOST_DB = -60.0, 24.0


class TrackCommands(QObject):
    """The actions of sound tracks; they concern the track of the chosen sound, else the one whose head was pressed."""

    def __init__(self, context: Context, view: TimelineView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._document, self._selection = context.session.document, context.session.selection
        self._view = view
        self._pressed: str | None = None

    def specs(self) -> list[ActionSpec]:
        """Return the actions."""

        def spec(
            id: str, text: str, run: Callable[[], None], is_on: Callable[[], bool] | None = None, icon: str = ""
        ) -> ActionSpec:
            needs = self._needs_film if id == "add" else self._needs_track
            return ActionSpec(f"track.{id}", text, "Clip/Sound track", run, "", icon, needs, is_on, section=42)

        return [
            spec("add", "Add a sound track", self._add, icon="plus"),
            spec("solo", "Hear this track alone", self._solo, self._is_solo),
            spec("duck", "Turn down under speech", self._duck, self._ducks),
            spec("gain", "Gain…", self._ask_gain),
            spec("rename", "Name the track…", self._ask_name),
            spec("remove", "Remove the track", self._remove, icon="trash"),
        ]

    def press(self, row_id: str) -> None:
        """Note whose head was pressed."""
        self._pressed = row_id
        self._context.actions.refresh_soon()

    def show_menu(self, row_id: str, at: QPoint) -> None:
        """Show what can be done with a track at a place on the screen."""
        self._pressed = row_id
        self._selection.choose()
        actions = self._context.actions
        actions.refresh()
        menu = QMenu(self._view)
        menu.setToolTipsVisible(True)
        for id in ("solo", "duck", "gain", "rename"):
            menu.addAction(actions.action(f"track.{id}"))
        menu.addSeparator()
        settings = self._settings
        for role, name in _ROLES:
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(settings is not None and settings.role is role)
            action.triggered.connect(partial(self._set_role, role))
        menu.addSeparator()
        menu.addAction(actions.action("track.add"))
        menu.addAction(actions.action("track.remove"))
        menu.exec(at)
        menu.deleteLater()

    # --- which track ------------------------------------------------------------------------------------------------

    @property
    def _current(self) -> str | None:
        project = self._document.project
        for track in project.tracks:
            if any(item.id in self._selection.items for item in track.items):
                return track.id
        rows = {row.id for row in self._view.content.rows if row.kind in (RowKind.SOUND, RowKind.FILM_SOUND)}
        return self._pressed if self._pressed in rows else None

    @property
    def _settings(self) -> TrackSettings | None:
        current, project = self._current, self._document.project
        if current is None:
            return None
        return project.mix.original if current == FILM_SOUND_ROW else project.track(current).settings

    def _needs_film(self) -> str:
        return "" if self._document.is_open else "Open a film first"

    def _needs_track(self) -> str:
        return self._needs_film() or ("" if self._current is not None else "Press the head of a sound track first")

    def _is_solo(self) -> bool:
        return self._settings is not None and self._settings.solo

    def _ducks(self) -> bool:
        return self._settings is not None and self._settings.ducking is not None

    # --- doing ------------------------------------------------------------------------------------------------------

    def _change(self, settings: TrackSettings) -> None:
        current, project = self._current, self._document.project
        edit: Edit
        if current == FILM_SOUND_ROW:
            edit = SetMix(replace(project.mix, original=settings))
        elif current is not None:
            edit = ChangeTrack(current, settings)
        else:
            return
        self._document.do(edit)

    def _add(self) -> None:
        number = len(self._document.project.tracks) + 1
        self._document.do(AddTrack(new_id(), TrackSettings(f"Sound {number}")))

    def _solo(self) -> None:
        if self._settings is not None:
            self._change(replace(self._settings, solo=not self._settings.solo))

    def _duck(self) -> None:
        settings = self._settings
        if settings is not None:
            self._change(replace(settings, ducking=Ducking() if settings.ducking is None else None))

    def _set_role(self, role: SoundRole, _checked: object = None) -> None:
        if self._settings is not None and self._settings.role is not role:
            self._change(replace(self._settings, role=role))

    def _ask_gain(self) -> None:
        settings = self._settings
        if settings is None:
            return
        gain_db, given = QInputDialog.getDouble(
            self._view, "Gain", f"Gain of “{settings.name}” in dB:", settings.gain_db, _LEAST_DB, _MOST_DB, 1
        )
        if given and gain_db != settings.gain_db:
            self._change(replace(settings, gain_db=gain_db))

    def _ask_name(self) -> None:
        settings = self._settings
        if settings is None:
            return
        name, given = QInputDialog.getText(self._view, "Name the track", "Name:", text=settings.name)
        if given and name.strip() and name != settings.name:
            self._change(replace(settings, name=name.strip()))

    def _remove(self) -> None:
        current = self._current
        if current == FILM_SOUND_ROW:
            self._context.notices.say("The film’s own sound is muted, not removed")
        elif current is not None:
            self._document.do(RemoveTrack(current))
