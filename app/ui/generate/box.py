"""Describe a change and have a provider make it: the words, what is sent, what it costs, and what came of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QSignalBlocker, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from app.session.generating import Ordered, OrderedTake
from app.session.service_orders import FILM
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.generate.order_row import OrderRow
from app.ui.generate.sent_picture import FullSize, SentPicture
from app.ui.generate.service_ways import NOT_FOR_SERVICES, ServiceWays
from app.ui.generate.words import WayOut, cap_text, consent_text, provider_title, sent_text
from app.ui.widgets import ButtonKind, ElidedLabel, Role, column, label, push_button, row
from app.ui.widgets.fields import ChoiceField
from app.ui.widgets.focus import release_focus
from app.ui.widgets.labels import set_tone
from app.ui.words import timecode, usd
from app.workflows.generate import AUTO
from app.workflows.region_takes import TakeOrder, provider_order
from engine.model.patch import Patch
from engine.model.time import Range
from providers.consent import Reach
from providers.contract import PictureSize, Work
from providers.jobs import Choice
from providers.registry import ADAPTERS

_SIZES = ((PictureSize.FIT, "Fit"), (PictureSize.ONE_K, "1K"), (PictureSize.TWO_K, "2K"), (PictureSize.FOUR_K, "4K"))
_MOST_TAKES = 4
_PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp)"
_PROMPT_HEIGHT = 50


class _Prompt(QPlainTextEdit):
    """The words; Shift+Enter sends them."""

    sent = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.sent.emit()
        else:
            super().keyPressEvent(event)


class _CapBar(QWidget):
    """How much of the cap is spent, and how much this would add; the figures stand above it in words."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._theme = context.theme
        self._spent = self._asked = 0.0
        self.setFixedHeight(4)
        context.theme.changed.connect(self.update)

    def show_shares(self, spent: float, asked: float) -> None:
        """Show shares of the cap, 0 to 1."""
        self._spent, self._asked = min(1.0, spent), min(1.0, asked)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(self._theme.colour("surface.4"))
        painter.drawRoundedRect(self.rect(), 2, 2)
        spent = round(self.width() * self._spent)
        asked = max(3, round(self.width() * self._asked)) if self._asked else 0
        painter.fillRect(0, 0, spent, self.height(), self._theme.colour("focus"))
        painter.fillRect(spent, 0, asked, self.height(), self._theme.colour("strip.reencoded"))
        painter.end()


class GenerateBox(QWidget):
    """The controls of an order, and the orders under way."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._session = context.session
        self._generating = context.session.generating
        self._target: Patch | None = None
        self._references: list[Path] = []
        self._goes_when_offered = False
        self._services = context.session.service_orders
        self._ways = ServiceWays(context, self)
        self.rows: list[OrderRow] = []
        self._build()
        selection, document = self._session.selection, self._session.document
        for signal in (selection.changed, selection.region_changed, document.changed, document.opened, document.closed):
            signal.connect(self.refresh)
        document.opened.connect(self._forget_words)
        self._session.patching.choice_changed.connect(self.refresh)
        self._generating.offered.connect(self._show_offer)
        self._generating.changed.connect(self._show_orders)
        self._services.changed.connect(self._show_orders)
        self._generating.prompt_suggested.connect(self.use_prompt)
        self.refresh()

    def actions_of_box(self) -> list[ActionSpec]:
        """Return what can be done here."""
        menu = "Region"
        return [
            ActionSpec(
                "generate.run", "Generate", menu, self.generate, "Shift+Return", "generate", self.hindrance, section=10
            ),
            ActionSpec(
                "generate.locally",
                "Try locally",
                menu,
                self.try_locally,
                icon="local-tool",
                hindrance=self._no_region,
                section=10,
            ),
            ActionSpec(
                "generate.prompt_again",
                "Use its prompt again",
                menu,
                self._use_prompt_of_pick,
                icon="history",
                hindrance=self._no_prompt,
                section=10,
            ),
        ]

    # --- building ---------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        theme = self._context.theme
        self._title = label("Generate", Role.HEAD)
        self._history = push_button("Prompt history", ButtonKind.LINK)
        self._history.clicked.connect(self._show_history)
        self.prompt = _Prompt()
        self.prompt.setAccessibleName("What the region shall show")
        self.prompt.setPlaceholderText("Say what the region shall show, or what shall go.")
        self.prompt.setFixedHeight(_PROMPT_HEIGHT)
        self.prompt.setTabChangesFocus(True)
        self.prompt.textChanged.connect(self._words_changed)
        self.prompt.sent.connect(self.generate)
        self.picture = SentPicture(theme, QSize(124, 70))
        self.sent = ElidedLabel("", Role.NAME)
        self._size_text = ElidedLabel("", Role.SMALL, "2")
        self._not_sent = ElidedLabel("Not sent: the film, sound, file name", Role.SMALL, "2")
        self._full = push_button("Show full size", ButtonKind.LINK)
        self._full.clicked.connect(self._show_full)
        self._reference = push_button("References…", ButtonKind.LINK)
        self._reference.setToolTip("Pictures that the provider goes by; they are sent too")
        self._reference.clicked.connect(self._show_references)
        links = row(self._full, self._reference, None, gap=12)
        words = column(self.sent, self._size_text, self._not_sent, None, links, gap=1)
        names = [name for name, adapter in ADAPTERS.items() if Work.EDIT in adapter.traits.works]
        first = provider_title(provider_order()[0]) if provider_order() else ""
        choices = [(AUTO, f"Auto · {first}"), *((name, provider_title(name)) for name in names)]
        self.provider = ChoiceField("Provider", choices)
        self.resolution = ChoiceField("Resolution", [(size.value, text) for size, text in _SIZES])
        counts = [(str(n), "1 take" if n == 1 else f"{n} takes") for n in range(1, _MOST_TAKES + 1)]
        self.count = ChoiceField("Number of takes", counts)
        for field in (self.provider, self.resolution, self.count):
            field.committed.connect(self._wanted)
        self.resolution.setFixedWidth(64)
        self.count.setFixedWidth(84)
        self.estimate = label("", Role.NAME)
        self.cap = label("", Role.SMALL, "2")
        self._bar = _CapBar(self._context)
        self.problem = label("", Role.SMALL, "error")
        self.problem.setWordWrap(True)
        self.go = push_button("Generate", ButtonKind.PRIMARY)
        self.go.setIcon(theme.icon("generate", "accent.on"))
        self.go.clicked.connect(self.generate)
        self.locally = push_button("Try locally · free")
        self.locally.setIcon(theme.icon("local-tool"))
        self.locally.setToolTip("Takes the thing away with what other frames show behind it; nothing is sent")
        self.locally.clicked.connect(self.try_locally)
        self._build_consent()
        self._build_key_needed()
        self._orders = QVBoxLayout()
        self._orders.setSpacing(6)
        self._orders.setContentsMargins(0, 0, 0, 0)
        sent = row(self.picture, gap=10)
        sent.addLayout(words, 1)
        kinds = row(gap=6)
        self.provider.setMinimumContentsLength(8)
        kinds.addWidget(self.provider, 1)
        kinds.addWidget(self.resolution)
        kinds.addWidget(self.count)
        buttons = row(gap=6)
        for button in (self.go, self.locally):
            button.setMinimumWidth(120)
        buttons.addWidget(self.go, 1)
        buttons.addWidget(self.locally, 1)
        parts = column(
            row(self._title, None, self._history),
            self._orders,
            self.prompt,
            sent,
            kinds,
            row(self.estimate, None, self.cap),
            self._bar,
            self.problem,
            self.key_needed,
            self.consent,
            buttons,
            gap=6,
            margins=(12, 6, 12, 12),
        )
        self.setLayout(parts)

    def _build_consent(self) -> None:
        self.consent = QFrame()
        self.consent.setObjectName("banner")
        self._consent_text = label("")
        self._consent_text.setWordWrap(True)
        self.send_once = push_button("Send this once", ButtonKind.LINK)
        self.send_once.clicked.connect(partial(self._order, Reach.REQUEST))
        self.send_always = push_button("Send in this project", ButtonKind.LINK)
        self.send_always.clicked.connect(partial(self._order, Reach.PROJECT))
        not_now = push_button("Do not send", ButtonKind.LINK)
        not_now.clicked.connect(self.consent.hide)
        buttons = row(self.send_once, self.send_always, not_now, None, gap=12)
        self.consent.setLayout(column(self._consent_text, buttons, gap=4, margins=(10, 8, 10, 6)))
        self.consent.hide()

    def _build_key_needed(self) -> None:
        self.key_needed = QWidget()
        self._key_text = ElidedLabel("", Role.SMALL, "warning")
        self.add_key = push_button("Add key…", ButtonKind.LINK)
        self.add_key.clicked.connect(partial(self._open, "edit.keys"))
        line = row(gap=4)
        line.addWidget(self._key_text, 1)
        line.addWidget(self.add_key)
        self.key_needed.setLayout(line)
        self.key_needed.hide()

    # --- what is wanted ---------------------------------------------------------------------------------------------

    @property
    def order(self) -> TakeOrder | None:
        """Return the order as it is described now, None where there is no region."""
        if self._target is None:
            return None
        return TakeOrder(
            self._target,
            self.prompt.toPlainText(),
            str(self.provider.currentData()),
            PictureSize(str(self.resolution.currentData())),
            tuple(self._references),
        )

    @Slot()
    def refresh(self) -> None:
        """Follow the region or the patch that is chosen now."""
        target = self._generating.target()
        old = self._target
        same_place = old is not None and target is not None and _place(old) == _place(target)
        self._target = target
        if not same_place:
            self._goes_when_offered = False
            self.consent.hide()
            self.picture.show_offer(None)
            self._show_prompt_of(target)
        self._wanted()
        self._show_orders()

    @Slot()
    def _wanted(self) -> None:
        self._generating.want(self.order)
        self._show_offer()

    def _words_changed(self) -> None:
        self._show_buttons()
        self._generating.want(self.order)

    @Slot()
    def _forget_words(self) -> None:
        """Begin anew for another project: what was asked for in one film is not sent for another."""
        self._references.clear()
        self.prompt.clear()

    def _show_prompt_of(self, target: Patch | None) -> None:
        """Show the words with which the patch's pick was made, unless the person is writing others."""
        picked = None if target is None else target.picked
        if picked is not None and picked.provenance.prompt and not self.prompt.hasFocus():
            with QSignalBlocker(self.prompt):
                self.prompt.setPlainText(picked.provenance.prompt)

    @Slot()
    def _show_offer(self) -> None:
        offer, error = self._generating.offer, self._generating.offer_error
        self.problem.setVisible(error is not None)
        self.problem.setText("" if error is None else str(error))
        if offer is not None:
            self.picture.show_offer(offer)
            self.sent.setText(sent_text(offer))
            self._size_text.setText(f"{offer.width_px:,} × {offer.height_px:,} px from {self._at()}")
            self._bar.setVisible(offer.cap_usd is not None)
            if offer.cap_usd:
                cap = float(offer.cap_usd)
                self._bar.show_shares(float(offer.spent_usd) / cap, float(offer.usd) * self._count / cap)
        else:
            self.sent.setText("Sent: nothing yet")
            self._size_text.setText("")
            self._bar.hide()
        self._full.setVisible(offer is not None)
        self.key_needed.setVisible(offer is not None and not offer.has_key)
        if offer is not None:
            name = provider_title(offer.provider)
            self._key_text.setText(f"No key for {name} yet; local tools need none.")
        self.estimate.setText("" if offer is None else f"Estimate {usd(float(offer.usd) * self._count)}")
        self.cap.setText("" if offer is None else cap_text(offer))
        over = (
            offer is not None
            and offer.cap_usd is not None
            and offer.spent_usd + offer.usd * self._count > offer.cap_usd
        )
        set_tone(self.cap, "warning" if over else "2")
        self._show_buttons()
        if self._goes_when_offered and (offer is not None or error is not None):
            self._goes_when_offered = False
            self.generate()

    def _show_buttons(self) -> None:
        offer = self._generating.offer
        price = "" if offer is None else f" · {usd(float(offer.usd) * self._count)}"
        self.go.setText(f"Generate{price}")
        why = self.hindrance()
        self.go.setEnabled(not why)
        self.go.setToolTip("\n".join(part for part in (self._name_with_keys(), why) if part))
        self.locally.setEnabled(not self._no_region())
        words = f"References {len(self._references)}…" if self._references else "References…"
        self._reference.setText(words)

    def _name_with_keys(self) -> str:
        actions = self._context.actions
        if not actions.has("generate.run"):
            return "Generate"
        keys = actions.action("generate.run").shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return f"Generate ({keys})" if keys else "Generate"

    @property
    def _count(self) -> int:
        return int(self.count.currentData())

    def _at(self) -> str:
        target, timeline = self._target, self._session.document.timeline
        if target is None:
            return ""
        places = timeline.showing(target.source_id, Range(target.anchor, target.anchor + 1))
        frame = places[0].start if places else target.anchor
        return timecode(frame, self._session.document.project.canvas.rate)

    def hindrance(self) -> str:
        """Say what keeps an order from being sent."""
        if self._no_region():
            return self._no_region()
        if not self.prompt.toPlainText().strip():
            return "Say what the region shall show"
        offer = self._generating.offer
        if offer is not None and not offer.has_key:
            return f"Add a key for {provider_title(offer.provider)} first, or use a local tool"
        return ""

    def _no_region(self) -> str:
        return "" if self._target is not None else "Draw a region first, or choose a patch"

    # --- ordering ---------------------------------------------------------------------------------------------------

    @Slot()
    def generate(self) -> None:
        """Order the takes; the first time for a provider and a project it is asked whether to send."""
        if self.hindrance():
            self._context.notices.say(self.hindrance() + ".")
            return
        offer = self._generating.offer
        if offer is None and self._generating.offer_error is None:
            self._goes_when_offered = True
            self._context.notices.say("Looking at what would be sent.")
        elif offer is not None and not offer.agreed:
            self._consent_text.setText(consent_text(offer, self._at()))
            self.consent.show()
            self.send_once.setFocus(Qt.FocusReason.OtherFocusReason)
            QTimer.singleShot(0, self, self._show_consent)
        else:
            self._order(None)

    @Slot()
    def _show_consent(self) -> None:
        self._bring_into_sight(self.consent)

    @Slot()
    def _show_last_order(self) -> None:
        if self.rows:
            self._bring_into_sight(self.rows[-1])

    def _bring_into_sight(self, widget: QWidget) -> None:
        """Scroll to a widget: it may stand out of sight where the panel is low."""
        area = self.parent()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parent()
        if area is not None:
            area.ensureWidgetVisible(widget, 0, 8)

    def _order(self, reach: Reach | None, *_checked: bool) -> None:
        order = self.order
        release_focus(self.consent)
        self.consent.hide()
        if order is not None:
            self._generating.generate(order, self._count, reach)
            QTimer.singleShot(0, self, self._show_last_order)

    @Slot()
    def try_locally(self) -> None:
        """Take the thing away with what other frames show behind it."""
        if not self._no_region():
            self._session.patching.use_tool("remove")

    @Slot(str)
    def use_prompt(self, prompt: str) -> None:
        """Write words into the field."""
        self.prompt.setPlainText(prompt)
        self.prompt.setFocus(Qt.FocusReason.OtherFocusReason)

    def _use_prompt_of_pick(self) -> None:
        patch = self._session.selection.patch
        if patch is not None and patch.picked is not None:
            self._context.notices.show_panel("inspector")
            self.use_prompt(patch.picked.provenance.prompt)

    def _no_prompt(self) -> str:
        patch = self._session.selection.patch
        picked = None if patch is None else patch.picked
        return "" if picked is not None and picked.provenance.prompt else "The take was not made by words"

    # --- orders under way -------------------------------------------------------------------------------------------

    @Slot()
    def _show_orders(self) -> None:
        films = [entry for entry in self._services.orders if entry.thing == FILM]
        shown: list[Ordered] = [entry for entry in (*self._generating.orders, *films) if not entry.is_over]
        for old in [one for one in self.rows if one.entry not in shown]:
            self.rows.remove(old)
            self._orders.removeWidget(old)
            release_focus(old)
            old.hide()
            old.deleteLater()
        known = {id(one.entry) for one in self.rows}
        for entry in shown:
            if id(entry) not in known:
                is_film = entry.thing == FILM
                without = NOT_FOR_SERVICES if is_film else frozenset()
                made = OrderRow(self._context.theme, entry, without)
                made.chosen.connect(self._ways.take if is_film else self._choose)
                self.rows.append(made)
                self._orders.addWidget(made)
        for one in self.rows:
            one.refresh()

    @Slot(object, object)
    def _choose(self, entry: OrderedTake, way: WayOut) -> None:
        generating = self._generating
        match way:
            case WayOut.SEND_ONCE:
                generating.answer(entry, Choice.AGREE, Reach.REQUEST)
            case WayOut.SEND_ALWAYS:
                generating.answer(entry, Choice.AGREE, Reach.PROJECT)
            case WayOut.RAISE_CAP:
                self._open("edit.spending")
            case WayOut.ADD_KEY | WayOut.REPLACE_KEY:
                self._open("edit.keys")
            case WayOut.EDIT_PROMPT:
                generating.put_away(entry)
                self.use_prompt(entry.prompt)
            case WayOut.TRY_AGAIN if entry.question is not None:
                generating.answer(entry, Choice.TRY_AGAIN)
            case WayOut.TRY_AGAIN:
                generating.retry(entry)
            case WayOut.TRY_LOCALLY:
                generating.try_locally(entry)
            case WayOut.OTHER_PROVIDER:
                generating.answer(entry, Choice.NEXT_PROVIDER)
            case WayOut.CACHED:
                generating.answer(entry, Choice.USE_CACHED)
            case WayOut.USE_ANYWAY:
                generating.answer(entry, Choice.ACCEPT)
            case WayOut.GIVE_UP:
                generating.put_away(entry)
            case WayOut.CANCEL:
                generating.cancel(entry)

    def _open(self, action: str) -> None:
        actions = self._context.actions
        if actions.has(action):
            actions.action(action).trigger()
        self._generating.look_again()

    # --- menus ------------------------------------------------------------------------------------------------------

    def _show_history(self) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        prompts = self._generating.prompts()[:12]
        for prompt in prompts:
            text = " ".join(prompt.split())
            action = menu.addAction(text if len(text) <= 60 else f"{text[:59]}…")
            action.setToolTip(prompt)
            action.triggered.connect(partial(self._take_prompt, prompt))
        if not prompts:
            menu.addAction("No prompts in this project yet").setEnabled(False)
        menu.popup(self._history.mapToGlobal(QPoint(0, self._history.height())))

    def _take_prompt(self, prompt: str, *_checked: bool) -> None:
        self.use_prompt(prompt)

    def _show_references(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction("Add a picture…").triggered.connect(self._ask_reference)
        for path in self._references:
            menu.addAction(f"Take away {path.name}").triggered.connect(partial(self._drop_reference, path))
        menu.popup(self._reference.mapToGlobal(QPoint(0, self._reference.height())))

    def _ask_reference(self) -> None:
        folders = self._session.settings.choices.folders
        chosen, _ = QFileDialog.getOpenFileNames(self, "Reference pictures", folders.get("pictures", ""), _PICTURES)
        if chosen:
            self._session.settings.set(folders={**folders, "pictures": str(Path(chosen[0]).parent)})
            self.add_references([Path(name) for name in chosen])

    def add_references(self, paths: list[Path]) -> None:
        """Have further pictures sent along."""
        self._references += [path for path in paths if path not in self._references]
        self._wanted()

    def _drop_reference(self, path: Path, *_checked: bool) -> None:
        self._references.remove(path)
        self._wanted()

    def _show_full(self) -> None:
        offer = self._generating.offer
        if offer is not None:
            FullSize(self._context.theme, offer, self).show()


def _place(patch: Patch) -> tuple[object, ...]:
    return patch.source_id, patch.region, patch.anchor
