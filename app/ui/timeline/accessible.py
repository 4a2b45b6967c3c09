"""The items of the timeline as children of it, for screen readers."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget

from app.ui.timeline.content import Content, Placed, RowKind
from app.ui.timeline.describe import described
from app.ui.timeline.view import TimelineView


class _Item(QAccessibleInterface):
    """The item of a number. It looks up what that is each time: Qt may keep it for as long as the program runs."""

    def __init__(self, timeline: TimelineAccessible, number: int) -> None:
        super().__init__()
        self._timeline = timeline
        self._number = number

    def isValid(self) -> bool:
        return self._timeline.item(self._number) is not None

    def object(self) -> QObject | None:  # type: ignore[override] # Qt allows none for what is no object
        return None

    def window(self) -> None:  # type: ignore[override] # as above
        return None

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def text(self, kind: QAccessible.Text) -> str:
        found = self._timeline.item(self._number)
        if found is None or kind is not QAccessible.Text.Name:
            return ""
        content, placed = found
        return described(content, placed, content.rows[placed.row])

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """Items are named in the inspector; nothing is changed from here."""

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        found = self._timeline.item(self._number)
        if found is None:
            state.invalid = True
            return state
        _, placed = found
        view = self._timeline.view
        state.selectable = state.focusable = True
        state.selected = placed.id in view.chosen
        state.focused = view.hasFocus() and view.focused == placed
        return state

    def rect(self) -> QRect:
        found = self._timeline.item(self._number)
        if found is None:
            return QRect()
        view = self._timeline.view
        place = view.layout_of_rows.rect(found[1], view.scale)
        shown = QRect(round(place.left), round(place.top), max(1, round(place.width)), round(place.height))
        return QRect(view.viewport().mapToGlobal(shown.topLeft()), shown.size())

    def parent(self) -> QAccessibleInterface:
        return self._timeline

    def child(self, _index: int) -> None:  # type: ignore[override] # it has none
        return None

    def childAt(self, _x: int, _y: int) -> None:  # type: ignore[override]
        return None

    def childCount(self) -> int:
        return 0

    def indexOfChild(self, _child: QAccessibleInterface) -> int:
        return -1


class TimelineAccessible(QAccessibleWidget):
    """The timeline as a list of its items, in the order of its rows."""

    def __init__(self, view: TimelineView) -> None:
        super().__init__(view, QAccessible.Role.List, "Timeline")
        self.view = view
        self._children: list[_Item] = []
        self._listed: Content | None = None
        self._places: list[tuple[int, int]] = []

    def item(self, number: int) -> tuple[Content, Placed] | None:
        """Return the item of a number with what it is a part of, None where there are fewer."""
        self._list()
        if self._listed is None or not 0 <= number < len(self._places):
            return None
        return self._listed, self._listed.placed(*self._places[number])

    def number_of(self, placed: Placed) -> int:
        """Return the number of an item, -1 where it is none."""
        self._list()
        place = placed.row, placed.index
        return self._places.index(place) if place in self._places else -1

    def _list(self) -> None:
        content = self.view.content
        if content is not self._listed:
            self._listed = content
            self._places = [
                (number, index)
                for number, row in enumerate(content.rows)
                if row.kind is not RowKind.FILM_SOUND
                for index in range(len(row.items))
            ]

    def childCount(self) -> int:
        self._list()
        return len(self._places)

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override] # none beyond the last
        if self.item(index) is None:
            return None
        while len(self._children) <= index:
            self._children.append(_Item(self, len(self._children)))
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return next((number for number, known in enumerate(self._children) if known is child), -1)

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        focused = self.view.focused
        return None if focused is None else self.child(self.number_of(focused))

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        at = self.view.viewport().mapFromGlobal(QRect(x, y, 1, 1).topLeft())
        hit = self.view.hit(at.toPointF())
        return None if hit.item is None else self.child(self.number_of(hit.item))


_made: list[TimelineAccessible] = []


def _factory(_name: str, object: QObject) -> QAccessibleInterface | None:
    if not isinstance(object, TimelineView):
        return None
    # Qt holds what it is given by a plain pointer: it must live as long as its view.
    made = TimelineAccessible(object)
    _made.append(made)
    object.destroyed.connect(lambda: _made.remove(made))
    return made


def tell_focus(view: TimelineView) -> None:
    """Tell screen readers on which item the keyboard is."""
    focused = view.focused
    found = next((made for made in _made if made.view is view), None)
    if focused is None or found is None or not QAccessible.isActive():
        return
    event = QAccessibleEvent(view, QAccessible.Event.Focus)
    event.setChild(found.number_of(focused))
    QAccessible.updateAccessibility(event)


QAccessible.installFactory(_factory)
