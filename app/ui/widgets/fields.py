"""The controls of the inspector; each tells a new value once a gesture is over: a gesture is one step to undo."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QRectF, QSignalBlocker, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QFocusEvent, QIcon, QKeyEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from engine.model.tool import Rgb

SETTLED_MS = 400
"""Steps with the wheel or the arrows that come faster than this are one gesture."""


class NumberField(QWidget):
    """A number with a spin box, and a slider where `slides`; Escape while it is dragged brings the former one back.

    Signals:
        tried(float): the value while the gesture lasts. committed(float): the value when it is over.
        left: the gesture is over, and the value is what it was.
    """

    tried = Signal(float)
    committed = Signal(float)
    left = Signal()

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        step: float,
        decimals: int = 0,
        suffix: str = "",
        *,
        slides: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._told = 0.0
        self._factor = 10**decimals
        self.box = _Spin()
        self.box.setAccessibleName(name)
        self.box.setDecimals(decimals)
        self.box.setRange(low, high)
        self.box.setSingleStep(step)
        self.box.set_unit(suffix)
        self.box.setKeyboardTracking(False)
        self.box.setFixedWidth(88 if len(suffix) < 4 else 116)
        self.box.valueChanged.connect(self._stepped)
        self.box.editingFinished.connect(self._commit)
        self.slider: _Slider | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        if slides:
            self.slider = _Slider()
            self.slider.setAccessibleName(name)
            self.slider.setRange(round(low * self._factor), round(high * self._factor))
            self.slider.setSingleStep(max(1, round(step * self._factor)))
            self.slider.setPageStep(max(1, round(step * self._factor * 5)))
            self.slider.valueChanged.connect(self._slid)
            self.slider.sliderReleased.connect(self._commit)
            self.slider.given_up.connect(self._give_up)
            layout.addWidget(self.slider, 1)
        layout.addWidget(self.box)
        if not slides:
            layout.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLED_MS)
        self._timer.timeout.connect(self._commit)
        self.setFocusProxy(self.box)

    @property
    def value(self) -> float:
        """Return the number that shows."""
        return self.box.value()

    def show_value(self, value: float) -> None:
        """Show a number without telling; not while the person is changing it."""
        if self._timer.isActive() or (self.slider is not None and self.slider.isSliderDown()):
            return
        self._told = value
        with QSignalBlocker(self.box):
            self.box.setValue(value)
        self._told = self.box.value()
        if self.slider is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(value * self._factor))

    def set_range(self, low: float, high: float) -> None:
        """Allow other numbers."""
        with QSignalBlocker(self.box):
            self.box.setRange(low, high)

    def _stepped(self, value: float) -> None:
        if self.slider is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(value * self._factor))
        self.tried.emit(value)
        self._timer.start()

    def _slid(self, value: int) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(value / self._factor)
        self.tried.emit(self.box.value())
        if self.slider is not None and not self.slider.isSliderDown():
            self._timer.start()

    def _commit(self) -> None:
        self._timer.stop()
        value = self.box.value()
        if value != self._told:
            self._told = value
            self.committed.emit(value)
        else:
            self.left.emit()

    def _give_up(self) -> None:
        """Go back to what it was when the gesture began."""
        self._timer.stop()
        self.show_value(self._told)
        self.left.emit()


class _Spin(QDoubleSpinBox):
    """A spin box that the wheel changes only while it has the focus, so that scrolling past changes nothing.

    A click into it, or two or three, takes the whole number, so that the next digits replace it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setGroupSeparatorShown(True)
        self._since_double = QElapsedTimer()
        self.lineEdit().installEventFilter(self)
        self._unit = ""
        self.valueChanged.connect(self._count_unit)

    def set_unit(self, unit: str) -> None:
        """Show this behind the number; frames are one frame where there is one."""
        self._unit = unit
        self._count_unit(self.value())

    @Slot(float)
    def _count_unit(self, value: float) -> None:
        unit = " frame" if self._unit == " frames" and value == 1 else self._unit
        if unit != self.suffix():
            self.setSuffix(unit)

    def setValue(self, value: float) -> None:
        super().setValue(value)
        # Also where nobody is told of the new value.
        self._count_unit(self.value())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() is Qt.FocusReason.MouseFocusReason:
            # After the press, which puts the cursor where it was.
            QTimer.singleShot(0, self, self.selectAll)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind is QEvent.Type.MouseButtonDblClick:
            self._since_double.start()
            self.selectAll()
            return True
        third = self._since_double.isValid() and not self._since_double.hasExpired(QApplication.doubleClickInterval())
        if kind is QEvent.Type.MouseButtonPress and third:
            self.selectAll()
            return True
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.text() == "/":
            # No number holds it, so it finds an action here too; letters are left alone, they may be a unit's.
            event.ignore()
            return False
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _Slider(QSlider):
    """A slider that the wheel changes only while it has the focus, so that scrolling past changes nothing.

    Signals:
        given_up: Escape was pressed while it was dragged.
    """

    given_up = Signal()

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def event(self, event: QEvent) -> bool:
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if is_escape and event.type() is QEvent.Type.ShortcutOverride and self.isSliderDown():
            # Else it would be the window's: Escape lets go of what is chosen.
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isSliderDown():
            # What follows of this drag moves nothing any more.
            with QSignalBlocker(self):
                self.setSliderDown(False)
            self.given_up.emit()
        else:
            super().keyPressEvent(event)


class ChoiceField(QComboBox):
    """One of several, by key.

    Signals:
        committed(str): the key that the person chose.
    """

    committed = Signal(str)

    def __init__(self, name: str, choices: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(4)
        for key, text in choices:
            self.addItem(text, key)
        self.activated.connect(self._chosen)

    def paintEvent(self, _event: QPaintEvent) -> None:
        # Qt cuts a text that has no room in the middle of a letter.
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        box, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(box, option, part, self).width()
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        painter.drawComplexControl(box, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def show_value(self, key: str) -> None:
        """Show a choice without telling."""
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findData(key))

    def sizeHint(self) -> QSize:
        # As by the policy AdjustToMinimumContentsLengthWithIcon. Setting that makes each field's list of choices at
        # once, which takes longer than all else in a page.
        option, metrics = QStyleOptionComboBox(), self.fontMetrics()
        self.initStyleOption(option)
        width = self.minimumContentsLength() * metrics.horizontalAdvance("X") + self.iconSize().width() + 4
        contents = QSize(width, max(metrics.height(), self.iconSize().height() + 2))
        return self.style().sizeFromContents(QStyle.ContentsType.CT_ComboBox, option, contents, self)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _chosen(self, index: int) -> None:
        self.committed.emit(str(self.itemData(index)))


class LineField(QLineEdit):
    """A line of text.

    Signals:
        committed(str): the text when the person is done with it.
    """

    committed = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._told = ""
        self.editingFinished.connect(self._commit)

    def show_value(self, text: str) -> None:
        """Show a text without telling; not while the person is changing it."""
        if not (self.hasFocus() and self.isModified()):
            self._told = text
            self.setText(text)

    def _commit(self) -> None:
        if self.text() != self._told:
            self._told = self.text()
            self.setModified(False)
            self.committed.emit(self.text())


class TextField(QPlainTextEdit):
    """Several lines of text; Ctrl+Enter or leaving the field takes it, Escape brings the former text back.

    Signals:
        committed(str): the text when the person is done with it.
    """

    committed = Signal(str)

    def __init__(self, name: str, lines: int = 3, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(name)
        self.setFixedHeight(lines * 16 + 16)
        self._told = ""

    def show_value(self, text: str) -> None:
        """Show a text without telling; not while the person is changing it."""
        if text == self._told or (self.hasFocus() and self.toPlainText() != self._told):
            return
        self._told = text
        with QSignalBlocker(self):
            self.setPlainText(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.commit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier
        ):
            self.commit()
        elif event.key() == Qt.Key.Key_Escape and self.toPlainText() != self._told:
            self.setPlainText(self._told)
        else:
            super().keyPressEvent(event)

    def commit(self) -> None:
        """Take the text as it stands."""
        if self.toPlainText() != self._told:
            self._told = self.toPlainText()
            self.committed.emit(self._told)


class CheckField(QCheckBox):
    """Yes or no.

    Signals:
        committed(bool): what the person chose.
    """

    committed = Signal(bool)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.clicked.connect(self.committed)

    def show_value(self, on: bool) -> None:
        """Show a choice without telling."""
        with QSignalBlocker(self):
            self.setChecked(on)


class ColourField(QPushButton):
    """A colour; a click opens a dialog to choose one.

    Signals:
        tried(Rgb): a colour while the dialog is open. committed(Rgb): the colour that the person chose.
        left: the dialog was closed, and the colour is what it was.
    """

    tried = Signal(object)
    committed = Signal(object)
    left = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setAutoDefault(False)
        self.setProperty("kind", "plain")
        self.setProperty("size", "panel")
        self.setIconSize(QSize(28, 14))
        self.setFixedWidth(112)
        self._colour = Rgb(255, 255, 255)
        self.clicked.connect(self._ask)
        self.show_value(self._colour)

    def show_value(self, colour: Rgb) -> None:
        """Show a colour without telling."""
        self._colour = colour
        ratio = self.devicePixelRatioF()
        # Four points wider than what is painted: room before the text.
        patch = QPixmap(round(28 * ratio), round(14 * ratio))
        patch.setDevicePixelRatio(ratio)
        patch.fill(Qt.GlobalColor.transparent)
        painter = QPainter(patch)
        painter.fillRect(QRectF(0, 0, 24, 14), self.palette().color(self.foregroundRole()))
        painter.fillRect(QRectF(1, 1, 22, 12), QColor(colour.red, colour.green, colour.blue))
        painter.end()
        self.setIcon(QIcon(patch))
        text = f"#{colour.red:02X}{colour.green:02X}{colour.blue:02X}"
        self.setText(text)
        self.setAccessibleName(f"{self._name}, {text}")

    def _ask(self) -> None:
        now = QColor(self._colour.red, self._colour.green, self._colour.blue)
        dialog = QColorDialog(now, self)
        dialog.setWindowTitle(self._name)
        # Our own: a system's dialog does not tell on the way which colour is looked at, and the picture is to show it.
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.currentColorChanged.connect(lambda colour: self.tried.emit(_rgb(colour)))
        dialog.accepted.connect(lambda: self.take(_rgb(dialog.selectedColor())))
        dialog.rejected.connect(self.left)
        dialog.open()

    def take(self, colour: Rgb) -> None:
        """Take a colour as the person's choice."""
        if colour != self._colour:
            self.show_value(colour)
            self.committed.emit(colour)
        else:
            self.left.emit()


def _rgb(colour: QColor) -> Rgb:
    return Rgb(colour.red(), colour.green(), colour.blue())
