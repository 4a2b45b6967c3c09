"""What dragging titles and captions, and writing in them, comes to: one step each."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QPolygonF

from app.ui.context import Context
from app.ui.viewer.item_box import ItemBox, text_of, tidied, with_text
from app.ui.viewer.item_hand import ItemDrag
from app.ui.viewer.picture_view import PictureView
from app.ui.viewer.text_field import TextField
from engine.errors import EditRefused
from engine.model.edits import ReplaceItem


class ItemEdits(QObject):
    """Changes what stands on the picture.

    Attributes:
        field: in which a text is written, None while none is.

    Signals:
        refused(str): why a gesture came to nothing.
    """

    refused = Signal(str)

    def __init__(self, context: Context, view: PictureView) -> None:
        super().__init__(view)
        self._context = context
        self._session = context.session
        self._view = view
        self.field: TextField | None = None

    def dragged(self, drag: ItemDrag) -> None:
        """Leave an item where it was dragged to."""
        scene = self._session.preview.scene
        if drag.now == drag.box or scene is None:
            return
        try:
            changed = drag.changed(scene)
        except EditRefused as error:
            self.refused.emit(str(error))
            return
        if changed != drag.box.item:
            self._session.document.do(ReplaceItem(changed))

    def edit_text(self, box: ItemBox) -> None:
        """Edit a title's or a caption's text where it stands."""
        text = text_of(box.item)
        assert text is not None
        view = self._view
        self._session.selection.choose(box.item.id)
        outline = QPolygonF([view.view_map.to_view(*corner) for corner in box.corners]).boundingRect()

        def taken(changed: str) -> None:
            self.field = None
            changed = tidied(box.item, changed)
            if changed and changed != text:
                try:
                    self._session.document.do(ReplaceItem(with_text(box.item, changed)))
                except EditRefused as error:
                    self.refused.emit(str(error))
            view.setFocus()

        self._context.notices.say("Enter takes the text, Shift+Enter begins a line, Escape leaves it as it was")
        self.field = TextField(text, taken, view)
        self.field.show_at(outline, QRectF(view.rect()))
