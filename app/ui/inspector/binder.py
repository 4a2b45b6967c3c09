"""Ties controls to the parts of one value: they show it, and a change makes a new value of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Generic, TypeVar

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.inspector.keyframes import (
    EASES,
    ease_at,
    former_key,
    has_key,
    next_key,
    with_ease,
    with_key,
    with_number,
    without_key,
)
from app.ui.inspector.section import Section
from app.ui.theme import Theme
from app.ui.widgets import icon_button
from app.ui.widgets.fields import CheckField, ChoiceField, ColourField, LineField, NumberField, TextField
from engine.errors import EditRefused
from engine.model.keyframes import Ease, Value, value_at
from engine.model.tool import Rgb

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class Binder(Generic[T]):
    """The controls of one kind of value.

    Args:
        theme: for icons.
        read: returns the value as it is now, None where there is none.
        write: takes the changed value.
        refused: is told why a value is impossible.
        at: returns the frame at which animated figures are read and changed, None where there is none.
        go_to: puts the playhead on a frame counted as `at` does.
        try_out: shows a value while a gesture lasts, or again what is there where it is None.
    """

    def __init__(
        self,
        theme: Theme,
        read: Callable[[], T | None],
        write: Callable[[T], None],
        refused: Callable[[str], None],
        at: Callable[[T], int | None] = lambda _: None,
        go_to: Callable[[T, int], None] = lambda _, __: None,
        try_out: Callable[[T | None], None] = lambda _: None,
    ) -> None:
        self._theme = theme
        self._read = read
        self._write = write
        self._refused = refused
        self._at = at
        self._go_to = go_to
        self._try_out = try_out
        self._shows: list[Callable[[T], None]] = []
        self._animated: list[tuple[Callable[[T], Value], Callable[[T, Value], T]]] = []

    def refresh(self) -> None:
        """Show the value as it is now."""
        value = self._read()
        if value is not None:
            for show in self._shows:
                show(value)

    def also(self, show: Callable[[T], None]) -> None:
        """Have something else done with the value whenever it shows."""
        self._shows.append(show)

    def change(self, change: Callable[[T], T]) -> None:
        """Change the value; what it cannot be is told, and the controls show what it is."""
        value = self._read()
        if value is None:
            return
        try:
            new = change(value)
        except EditRefused as error:
            self._refused(str(error))
        else:
            if new != value:
                self._write(new)
        self.refresh()

    def attempt(self, change: Callable[[T], T]) -> None:
        """Show what a change would look like, as far as it is possible; the value stays."""
        value = self._read()
        if value is None:
            return
        with suppress(EditRefused):
            self._try_out(change(value))

    def _tried(self, field: NumberField, change: Callable[[T, float], T]) -> None:
        """Have a number show what it would do while it is dragged."""
        field.tried.connect(lambda number: self.attempt(lambda value: change(value, number)))
        field.left.connect(lambda: self._try_out(None))

    def number(
        self,
        section: Section,
        name: str,
        get: Callable[[T], float],
        put: Callable[[T, float], T],
        low: float,
        high: float,
        step: float = 1.0,
        decimals: int = 0,
        suffix: str = "",
        *,
        slides: bool = False,
        factor: float = 1.0,
    ) -> NumberField:
        """Add a number; it shows `factor` times the value's."""
        field = NumberField(name, low, high, step, decimals, suffix, slides=slides)
        section.add(name, field)
        self.also(lambda value: field.show_value(get(value) * factor))
        self._tried(field, lambda value, number: put(value, number / factor))
        field.committed.connect(lambda number: self.change(lambda value: put(value, number / factor)))
        return field

    def whole(
        self,
        section: Section,
        name: str,
        get: Callable[[T], int],
        put: Callable[[T, int], T],
        low: int,
        high: int,
        suffix: str = "",
        *,
        slides: bool = False,
    ) -> NumberField:
        """Add a whole number."""
        return self.number(
            section, name, get, lambda value, number: put(value, round(number)), low, high, 1, 0, suffix, slides=slides
        )

    def choice(
        self,
        section: Section,
        name: str,
        choices: Sequence[tuple[E, str]],
        get: Callable[[T], E],
        put: Callable[[T, E], T],
    ) -> ChoiceField:
        """Add one of several."""
        keys = {str(key.value): key for key, _ in choices}
        field = ChoiceField(name, [(str(key.value), text) for key, text in choices])
        section.add(name, field)
        self.also(lambda value: field.show_value(str(get(value).value)))
        field.committed.connect(lambda key: self.change(lambda value: put(value, keys[key])))
        return field

    def check(self, section: Section, text: str, get: Callable[[T], bool], put: Callable[[T, bool], T]) -> CheckField:
        """Add a yes or no."""
        field = CheckField(text)
        section.add("", field)
        self.also(lambda value: field.show_value(get(value)))
        field.committed.connect(lambda on: self.change(lambda value: put(value, on)))
        return field

    def line(self, section: Section, name: str, get: Callable[[T], str], put: Callable[[T, str], T]) -> LineField:
        """Add a line of text."""
        field = LineField(name)
        section.add(name, field)
        self.also(lambda value: field.show_value(get(value)))
        field.committed.connect(lambda text: self.change(lambda value: put(value, text)))
        return field

    def text(
        self, section: Section, name: str, get: Callable[[T], str], put: Callable[[T, str], T], lines: int = 3
    ) -> TextField:
        """Add several lines of text."""
        field = TextField(name, lines)
        section.add_widget(field)
        self.also(lambda value: field.show_value(get(value)))
        field.committed.connect(lambda text: self.change(lambda value: put(value, text)))
        return field

    def colour(self, section: Section, name: str, get: Callable[[T], Rgb], put: Callable[[T, Rgb], T]) -> ColourField:
        """Add a colour."""
        field = ColourField(name)
        section.add(name, field)
        self.also(lambda value: field.show_value(get(value)))
        field.tried.connect(lambda colour: self.attempt(lambda value: put(value, colour)))
        field.left.connect(lambda: self._try_out(None))
        field.committed.connect(lambda colour: self.change(lambda value: put(value, colour)))
        return field

    def animated(
        self,
        section: Section,
        name: str,
        get: Callable[[T], Value],
        put: Callable[[T, Value], T],
        low: float,
        high: float,
        step: float = 1.0,
        decimals: int = 0,
        suffix: str = "",
        *,
        factor: float = 1.0,
    ) -> NumberField:
        """Add a number that may have keyframes, with the button that sets and takes one at the playhead."""
        field = NumberField(name, low, high, step, decimals, suffix)
        key = icon_button(self._theme, "anchor", f"Keyframe of {name.lower()} here")
        key.setIconSize(QSize(12, 12))
        key.setCheckable(True)
        both = QWidget()
        layout = QHBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(field)
        layout.addWidget(key)
        both.setFocusProxy(field)
        section.add(name, both)
        self._animated.append((get, put))

        def show(value: T) -> None:
            at = self._at(value)
            field.show_value(value_at(get(value), at or 0) * factor)
            key.setEnabled(at is not None)
            key.setChecked(at is not None and has_key(get(value), at))

        def with_figure(value: T, number: float) -> T:
            return put(value, with_number(get(value), self._at(value) or 0, number / factor))

        def take(number: float) -> None:
            self.change(lambda value: with_figure(value, number))

        def toggle() -> None:
            def toggled(value: T) -> T:
                at, now = self._at(value), get(value)
                if at is None:
                    return value
                return put(value, without_key(now, at) if has_key(now, at) else with_key(now, at))

            self.change(toggled)

        self.also(show)
        self._tried(field, with_figure)
        field.committed.connect(take)
        key.clicked.connect(toggle)
        return field

    def keyframes(self, section: Section) -> None:
        """Add the row that steps from keyframe to keyframe and says how values go on from them."""
        former = icon_button(self._theme, "previous-edit", "Previous keyframe")
        later = icon_button(self._theme, "next-edit", "Next keyframe")
        ease = ChoiceField("How it goes on", [(key.value, text) for key, text in EASES])
        both = QWidget()
        layout = QHBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(former)
        layout.addWidget(later)
        layout.addWidget(ease, 1)
        section.add("Keyframes", both)

        def values(value: T) -> list[Value]:
            return [get(value) for get, _ in self._animated]

        def show(value: T) -> None:
            at = self._at(value)
            stands = at if at is not None else 0
            former.setEnabled(former_key(values(value), stands) is not None)
            later.setEnabled(next_key(values(value), stands) is not None)
            found = [way for way in (ease_at(one, stands) for one in values(value)) if way is not None]
            ease.setEnabled(bool(found))
            ease.show_value((found[0] if found else Ease.LINEAR).value)

        def go(find: Callable[[list[Value], int], int | None]) -> None:
            value = self._read()
            if value is not None:
                frame = find(values(value), self._at(value) or 0)
                if frame is not None:
                    self._go_to(value, frame)

        def take(key: str) -> None:
            def eased(value: T) -> T:
                for get, put in self._animated:
                    value = put(value, with_ease(get(value), self._at(value) or 0, Ease(key)))
                return value

            self.change(eased)

        self.also(show)
        former.clicked.connect(lambda: go(former_key))
        later.clicked.connect(lambda: go(next_key))
        ease.committed.connect(take)
