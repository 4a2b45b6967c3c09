"""The takes of the chosen patch: look, pick, judge."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QIcon, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QMenu, QScrollArea, QWidget

from app.session.jobs import JobKind
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.takes import judging
from app.ui.takes.card import Form, TakeCard
from app.ui.takes.measures import PatchMeasures
from app.ui.takes.words import take_state, take_title
from app.ui.widgets import (
    AskLine,
    ButtonKind,
    EmptyState,
    Panel,
    Role,
    column,
    icon_button,
    label,
    push_button,
    row,
    scrolled,
)
from app.workflows.patch_names import named_after_pick
from engine.control import CancelToken, Progress
from engine.errors import StorageError
from engine.model.edits import Edit
from engine.model.patch import Patch, ReviewState, Take
from engine.model.tool import MovingPicture, Picture

_EMPTY = "No takes yet. Describe the change and generate one, use a local tool, or drop an image on the region."
_NO_PATCH = "Choose a patch to see its takes."
_ROWS_FROM_HEIGHT = 380
"""A panel at least this high shows rows, where reason, prompt and time have room."""
_TIGHT_BELOW = 142
"""A lower panel has its buttons in the head, so that the pictures of the takes are large enough to tell apart."""
_LEAST_CARD = 100
_LEAST_CARD_HEIGHT = 76
_NO_LIMIT = 16_777_215
"""Qt's QWIDGETSIZE_MAX."""


class TakesPanel(Panel):
    """The takes of the chosen patch, as cards, or as rows where there is room."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Takes", parent)
        self._context = context
        self._document = context.session.document
        self._selection = context.session.selection
        self._shown: Patch | None = None
        self._form = Form.CARDS
        self.cards: list[TakeCard] = []
        self._step_hint = label("Y steps through", Role.SMALL, "3")
        self.head.add(self._step_hint, _gap(4))
        self._grid_home = QWidget()
        self._grid = QGridLayout(self._grid_home)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(8)
        self._area: QScrollArea = scrolled(self._grid_home)
        self._empty = EmptyState(_NO_PATCH)
        self._approve = push_button("Approve", ButtonKind.APPROVE)
        self._approve.setIcon(context.theme.icon("check", "approved.fg"))
        self._approve.clicked.connect(self.approve)
        self._reject = push_button("Reject…")
        self._reject.setIcon(context.theme.icon("cross"))
        self._reject.clicked.connect(self.reject)
        self._compare = icon_button(context.theme, "side-by-side", "Compare side by side in Review")
        self._compare.clicked.connect(self.compare)
        self._more = icon_button(context.theme, "more", "More about the take")
        self._more.clicked.connect(self._show_more)
        self._buttons = QWidget()
        self._hint = label("P approves, X rejects, Y and arrows step through takes", Role.SMALL, "3")
        judge = row(self._approve, self._reject, None, self._compare, self._more)
        self._buttons.setLayout(column(judge, self._hint, gap=6))
        self._is_tight = False
        self.measures = PatchMeasures(context)
        self.body.addWidget(self._area, 100)
        self.body.addWidget(self._empty, 100)
        self.body.addWidget(self._buttons)
        self.body.addWidget(self.measures)
        self.body.addStretch(0)
        selection = self._selection
        for signal in (selection.changed, selection.region_changed, self._document.changed, self._document.closed):
            signal.connect(self.refresh)
        self.refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        needs_take, needs_several = self._needs_take, self._needs_several
        return [
            ActionSpec("takes.next", "Next take", "Region", lambda: self.step(1), "Y", "", needs_several, section=30),
            ActionSpec(
                "takes.previous",
                "Previous take",
                "Region",
                lambda: self.step(-1),
                "Shift+Y",
                "",
                needs_several,
                section=30,
            ),
            ActionSpec("takes.approve", "Approve take", "Region", self.approve, "P", "check", needs_take, section=30),
            ActionSpec("takes.reject", "Reject take…", "Region", self.reject, "X", "cross", needs_take, section=30),
            ActionSpec(
                "takes.propose", "Propose patch", "Region", self.propose, "", "hourglass", needs_take, section=30
            ),
            ActionSpec("takes.star", "Star take", "Region", self.star, "", "star", needs_take, self._is_starred, 30),
            ActionSpec("takes.rename", "Rename take…", "Region", self.rename, "", "pencil", needs_take, section=30),
            ActionSpec(
                "takes.export",
                "Export the take’s picture…",
                "Region",
                self.export,
                "",
                "export",
                self._cannot_export,
                section=30,
            ),
            ActionSpec("takes.delete", "Delete take", "Region", self.delete, "", "trash", needs_take, section=30),
        ]

    # --- what shows -------------------------------------------------------------------------------------------------

    @property
    def take(self) -> Take | None:
        """Return the take that is judged: the pick, else the first."""
        patch = self._selection.patch
        if patch is None or not patch.takes:
            return None
        return patch.picked or patch.takes[0]

    @Slot()
    def refresh(self) -> None:
        """Show the takes of the patch that is chosen now."""
        patch = self._selection.patch
        self._say_how_to_begin(patch)
        if patch is not None and patch == self._shown and len(self.cards) == len(patch.takes):
            return
        self._shown = patch
        takes = () if patch is None else patch.takes
        name = f"Takes of “{patch.name}”" if patch is not None and patch.name and self._form is Form.ROWS else "Takes"
        self.head.title.setText(name)
        self.head.set_count(len(takes))
        if len(self.cards) != len(takes):
            self._rebuild(len(takes))
        if patch is not None:
            for card, take in zip(self.cards, takes, strict=True):
                card.show_take(patch, take)
        state = None if patch is None or self.take is None else take_state(patch, self.take)
        self._area.setVisible(bool(takes))
        self._empty.setVisible(not takes)
        self._buttons.setVisible(bool(takes))
        self._hint.setVisible(self._form is Form.ROWS)
        self.measures.setVisible(bool(takes) and self._form is Form.ROWS)
        self._step_hint.setVisible(len(takes) > 1 and not self._is_tight)
        for button in (self._approve, self._reject):
            button.setMinimumWidth(140 if self._form is Form.ROWS else 0)
        self._approve.setEnabled(state is not ReviewState.APPROVED)
        self._approve.setText("Approved" if state is ReviewState.APPROVED else "Approve")
        self._reject.setEnabled(state is not ReviewState.REJECTED)

    def _say_how_to_begin(self, patch: Patch | None) -> None:
        words = self._empty.findChild(QLabel)
        if words is not None:
            words.setText(_NO_PATCH if patch is None and self._selection.region is None else _EMPTY)

    def _place_buttons(self) -> None:
        """Put the buttons into the head where the panel is low, else below the takes."""
        is_tight = self._form is Form.CARDS and self.height() < _TIGHT_BELOW and bool(self.cards)
        if is_tight == self._is_tight:
            return
        self._is_tight = is_tight
        # There the words alone have room, beside the name of the panel.
        theme = self._context.theme
        self._approve.setIcon(QIcon() if is_tight else theme.icon("check", "approved.fg"))
        self._reject.setIcon(QIcon() if is_tight else theme.icon("cross"))
        for button in (self._approve, self._reject):
            button.setMinimumWidth(0)
        if is_tight:
            self.head.add(self._buttons)
        else:
            self.body.insertWidget(2, self._buttons)
        self._buttons.setVisible(bool(self.cards))
        self._step_hint.setVisible(len(self.cards) > 1 and not is_tight)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        form = Form.ROWS if self.height() >= _ROWS_FROM_HEIGHT else Form.CARDS
        if form is not self._form:
            self._form = form
            self._shown = None
            self._rebuild(0)
            self.refresh()
        else:
            self._lay_out()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        card = self.childAt(event.pos())
        if isinstance(card, TakeCard) and card.patch is not None and card.take is not None:
            self._menu(card.patch, card.take).popup(event.globalPos())

    def _rebuild(self, count: int) -> None:
        for card in self.cards:
            self._grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for number in range(count):
            card = TakeCard(self._context.theme, self._context.session.take_pictures, self._form, self._grid_home)
            card.clicked.connect(partial(self._pick_number, number))
            card.star_wanted.connect(partial(self._star_number, number))
            card.step_wanted.connect(self._step_from_card)
            self.cards.append(card)
        self._lay_out()

    def _lay_out(self) -> None:
        self._place_buttons()
        columns = 1 if self._form is Form.ROWS else max(1, min(3, (self.width() - 24) // _LEAST_CARD))
        for number, card in enumerate(self.cards):
            self._grid.addWidget(card, number // columns, number % columns)
        for number in range(3):
            # Fewer takes than columns keep the size that three would have.
            self._grid.setColumnStretch(number, 1 if number < columns else 0)
            self._grid.setColumnMinimumWidth(number, 0)
        if self._form is Form.CARDS and self.cards:
            width = (self.width() - 24 - 8 * (columns - 1)) // columns
            full = self.cards[0].heightForWidth(width)
            # Up to three takes are all to be seen; more than that scroll.
            height = full if len(self.cards) > columns else max(_LEAST_CARD_HEIGHT, min(full, self._room))
            for card in self.cards:
                card.setFixedSize(width, height)
            self._area.setMinimumHeight(_LEAST_CARD_HEIGHT)
        self._grid.setRowStretch(len(self.cards) + 1, 1)
        # Rows take no more than they need: what judges them follows right below.
        rows = len(self.cards) if self._form is Form.ROWS else 0
        each = self.cards[0].sizeHint().height() + self._grid.verticalSpacing() if rows else 0
        self._area.setMaximumHeight(rows * each if rows else _NO_LIMIT)
        self.body.setStretch(self.body.count() - 1, 1 if rows else 0)

    @property
    def _room(self) -> int:
        """Return the height that the cards have."""
        return self.height() - (12 if self._is_tight else self._buttons.sizeHint().height() + 20)

    # --- judging ----------------------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Pick the next take, or the former one; after the last comes the first."""
        patch, take = self._selection.patch, self.take
        if patch is not None and take is not None and len(patch.takes) > 1:
            self._pick_number((patch.takes.index(take) + by) % len(patch.takes))

    @Slot()
    def approve(self) -> None:
        """Approve the pick."""
        self._judge(judging.approve, lambda title, name: f"{title} of “{name}” is approved.")

    @Slot()
    def reject(self) -> None:
        """Ask for a reason, and reject the pick."""
        patch, take = self._selection.patch, self.take
        if patch is None or take is None:
            return

        def reject(reason: str) -> None:
            if self._do(patch, lambda now: judging.reject(now, take, reason)):
                self._context.notices.say(f"{take_title(patch, take)} of “{patch.name}” is rejected.")

        title = take_title(patch, take)
        AskLine(f"Why is {title} rejected?", take.rejected_because, "Reject", reject, self).ask_below(self._reject)

    @Slot()
    def compare(self) -> None:
        """Show the pick beside the film, in the workspace for that."""
        actions = self._context.actions
        if actions.has("view.workspace.review"):
            actions.action("view.workspace.review").trigger()

    def propose(self) -> None:
        """Mark the patch as proposed."""
        patch = self._selection.patch
        if patch is not None:
            self._document.do(judging.propose(patch))

    def star(self) -> None:
        """Star the pick, or take its star away."""
        self._judge(judging.star)

    def rename(self) -> None:
        """Ask for a name for the pick."""
        patch, take = self._selection.patch, self.take
        if patch is not None and take is not None:

            def rename(name: str) -> None:
                self._do(patch, lambda now: judging.named(now, take, name))

            AskLine("Name of the take", take_title(patch, take), "Rename", rename, self).ask_below(self._more)

    def delete(self) -> None:
        """Delete the pick."""
        self._judge(judging.without, lambda title, _name: f"{title} is deleted; Undo brings it back.")

    def export(self) -> None:
        """Ask where to, and write the pick's picture there."""
        patch, take = self._selection.patch, self.take
        if patch is None or take is None or not isinstance(take.tool, Picture | MovingPicture):
            return
        path = self._document.path
        beside = Path.home() if path is None else path.parent
        folder = self._context.session.settings.choices.folders.get("takes", beside)
        suffix = ".mkv" if isinstance(take.tool, MovingPicture) else ".png"
        name = f"{patch.name or 'Patch'} {take_title(patch, take)}{suffix}"
        chosen, _ = QFileDialog.getSaveFileName(self, "Export the take's picture", str(Path(folder) / name))
        if chosen:
            self._export_to(Path(chosen), take)

    def _export_to(self, target: Path, take: Take) -> None:
        assert isinstance(take.tool, Picture | MovingPicture)
        file, content = self._document.file, take.tool.content
        folders = dict(self._context.session.settings.choices.folders)
        self._context.session.settings.set(folders={**folders, "takes": str(target.parent)})

        def work(_progress: Progress, cancel: CancelToken) -> Path:
            data = file.take(content).data
            cancel.check()
            try:
                target.write_bytes(data)
            except OSError as error:
                raise StorageError(f"{target} cannot be written: {error.strerror}; choose another folder") from error
            return target

        def done(path: Path) -> None:
            self._context.notices.say(f"Written: {path}")

        self._context.session.jobs.start(f"Export {target.name}", JobKind.EXPORT, work).then(done)

    def _judge(self, edit: Callable[[Patch, Take], Edit], said: Callable[[str, str], str] | None = None) -> None:
        patch, take = self._selection.patch, self.take
        if patch is None or take is None:
            return
        title = take_title(patch, take)
        named = named_after_pick(self._document.project, edit(patch, take), patch.id)
        if self._document.do(named) and said is not None:
            now = self._selection.patch
            self._context.notices.say(said(title, patch.name if now is None else now.name))

    def _do(self, patch: Patch, edit: Callable[[Patch], Edit]) -> bool:
        """Apply an edit to a patch as it is by now."""
        now = next((known for known in self._document.project.patches if known.id == patch.id), None)
        return now is not None and self._document.do(edit(now))

    def _pick_number(self, number: int, *_checked: bool) -> None:
        patch = self._selection.patch
        if patch is None or number >= len(patch.takes):
            return
        take = patch.takes[number]
        if take.id != patch.pick:
            former = patch.picked
            if self._document.do(named_after_pick(self._document.project, judging.pick(patch, take), patch.id)):
                now = self._selection.patch
                name = patch.name if now is None else now.name
                undecided = patch.state is ReviewState.APPROVED and now is not None and now.state is not patch.state
                note = f", not approved yet; {take_title(patch, former)} was" if undecided and former else ""
                self._context.notices.say(f"{take_title(patch, take)} of “{name}” is the pick{note}.")
        if number < len(self.cards):
            self.cards[number].setFocus(Qt.FocusReason.OtherFocusReason)

    def _star_number(self, number: int) -> None:
        patch = self._selection.patch
        if patch is not None and number < len(patch.takes):
            self._document.do(judging.star(patch, patch.takes[number]))

    @Slot(int)
    def _step_from_card(self, by: int) -> None:
        self.step(by)

    # --- menus and what keeps an action from running ------------------------------------------------------------------

    def _show_more(self) -> None:
        patch, take = self._selection.patch, self.take
        if patch is not None and take is not None:
            self._menu(patch, take).popup(self._more.mapToGlobal(QPoint(0, self._more.height())))

    def _menu(self, patch: Patch, take: Take) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        if take.id != patch.pick:
            menu.addAction("Pick").triggered.connect(partial(self._pick_number, patch.takes.index(take)))
            menu.addAction("Star").triggered.connect(partial(self._star_number, patch.takes.index(take)))
            return menu
        self._context.actions.refresh()
        for id in (
            "takes.propose", "takes.star", "takes.rename", "takes.export", "generate.prompt_again", "takes.delete",
        ):  # fmt: skip
            if self._context.actions.has(id):
                menu.addAction(self._context.actions.action(id))
        return menu

    def _needs_take(self) -> str:
        if self._selection.patch is None:
            return "Choose a patch first"
        return "" if self.take is not None else "The patch has no take yet"

    def _needs_several(self) -> str:
        patch = self._selection.patch
        return "" if patch is not None and len(patch.takes) > 1 else "The patch has no other take"

    def _cannot_export(self) -> str:
        if self._needs_take():
            return self._needs_take()
        picture = self.take is not None and isinstance(self.take.tool, Picture | MovingPicture)
        return "" if picture else "A local tool draws into the film; it has no picture of its own"

    def _is_starred(self) -> bool:
        return self.take is not None and self.take.starred


def _gap(width: int) -> QWidget:
    made = QWidget()
    made.setFixedWidth(width)
    return made
