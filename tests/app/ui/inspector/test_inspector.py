"""The inspector shows what is chosen, and every gesture in it is one step to undo."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QToolButton,
)

from app.session.shown_pictures import Look, Show, Want
from app.ui.inspector import InspectorPanel
from app.ui.inspector.project_page import CanvasPage
from app.ui.inspector.region_page import RegionPage
from app.ui.widgets.fields import ChoiceField, ColourField, NumberField
from engine.media.pixels import Care
from engine.model.captions import Caption
from engine.model.edits import (
    AddItems,
    AddMarkers,
    AddPatch,
    AddSounds,
    AddTrack,
    ChangeLayer,
    ChangeTrack,
    ReplaceItem,
    ReplacePatch,
    SplitClip,
)
from engine.model.keyframes import Curve, Ease, value_at
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Film, Overlay, Title
from engine.model.patch import Follow, Patch, ReviewState, Take, WhenLost
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box
from engine.model.sound import AtTime, AudioItem, Mix, TrackSettings
from engine.model.storyline import Native
from engine.model.time import Range
from engine.model.tool import BLACK, Blur, Fill, Grade, Lettering, Rgb


@pytest.fixture
def panel(stage):
    made = InspectorPanel(stage.context)
    stage.show(made, 400, 700)
    return made


BLUR = Blur(8)


def add_patch(stage, tool=BLUR, state=ReviewState.PROPOSED):
    source = stage.project.sources[0].id
    stage.do(
        AddPatch(
            Patch(
                "p", source, Box(0.3, 0.3, 0.6, 0.7), Range(10, 30), 20, "Leash", takes=(Take("t", tool),), pick="t",
                state=state,
            )
        )
    )  # fmt: skip
    stage.session.selection.choose("p")
    QApplication.processEvents()


def the_patch(stage):
    return next(iter(stage.project.patches))


def field(panel, kind, name):
    """Return the control of a name that shows."""
    found = [one for one in panel.page.findChildren(kind) if one.accessibleName() == name and not one.isHidden()]
    assert found, [one.accessibleName() for one in panel.page.findChildren(kind)]
    return found[0]


def type_number(panel, name, text):
    box = field(panel, QAbstractSpinBox, name)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def tick(panel, name):
    box = next(box for box in panel.page.findChildren(QCheckBox) if box.text() == name)
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(8, box.height() // 2))


def choose(panel, name, text):
    box = field(panel, QComboBox, name)
    number = box.findText(text)
    assert number >= 0, [box.itemText(i) for i in range(box.count())]
    box.setCurrentIndex(number)
    box.activated.emit(number)


def steps(stage, qtbot):
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    return len(stage.session.document.history.done)


def test_nothing_chosen_shows_the_canvas(stage, panel):
    assert field(panel, QAbstractSpinBox, "Width").value() == 320
    type_number(panel, "Width", "400")
    assert stage.project.canvas.width == 400
    type_number(panel, "Frame rate", "29.97")
    assert stage.project.canvas.rate == Fraction(30000, 1001)


def test_a_patch_shows_its_tool_its_way_and_its_region(stage, panel):
    add_patch(stage)
    assert [section.title for section in panel.page.sections] == [
        "Follow", "Region", "Nudge on this frame", "Layer", "Blur",
    ]  # fmt: skip
    type_number(panel, "Softness", "6")
    type_number(panel, "Radius", "12.5")
    patch = the_patch(stage)
    assert (patch.feather_px, patch.tool) == (6, Blur(12.5))


def test_dragging_a_slider_is_one_step(stage, panel, qtbot):
    add_patch(stage)
    before = steps(stage, qtbot)
    slider = field(panel, QSlider, "Softness")
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(6, slider.height() // 2))
    for x in (20, 40, 60, 80):
        QTest.mouseMove(slider, QPoint(x, slider.height() // 2))
    assert the_patch(stage).feather_px == 0, "nothing is changed before the slider is let go"
    slider.setSliderPosition(300)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(80, slider.height() // 2))
    assert the_patch(stage).feather_px > 0
    assert steps(stage, qtbot) == before + 1


def picture_under(stage, qtbot):
    """Return what the viewer would paint of frame 20 now."""
    preview, want = stage.session.preview, Want(20, Look(Show.AFTER, (320, 192)))
    preview.ask("test", [want])
    qtbot.waitUntil(lambda: (found := preview.find(want)) is not None and found.care is Care.CAREFUL)
    return preview.find(want).pixels.copy()


def test_a_colour_shows_while_it_is_looked_for_and_is_one_step_once_it_is_taken(stage, panel, qtbot):
    add_patch(stage, Fill(BLACK))
    qtbot.waitUntil(lambda: stage.session.preview.scene is not None)
    stage.session.transport.seek(20)
    before, told = picture_under(stage, qtbot), steps(stage, qtbot)
    button = next(made for made in panel.findChildren(ColourField) if made.isVisible())
    button.click()
    dialog = button.findChild(QColorDialog)
    with qtbot.waitSignal(stage.session.preview.trial_changed):
        dialog.setCurrentColor(QColor(200, 30, 30))
    qtbot.waitUntil(lambda: not np.array_equal(picture_under(stage, qtbot), before))
    assert the_patch(stage).tool == Fill(BLACK), "nothing is changed before the colour is taken"
    with qtbot.waitSignal(stage.session.preview.scene_changed):
        dialog.reject()
    assert np.array_equal(picture_under(stage, qtbot), before)
    button.click()
    dialog = button.findChildren(QColorDialog)[-1]
    for colour in (QColor(200, 30, 30), QColor(30, 200, 30)):
        dialog.setCurrentColor(colour)
    dialog.accept()
    assert the_patch(stage).tool == Fill(Rgb(30, 200, 30))
    assert steps(stage, qtbot) == told + 1


def test_what_a_slider_would_do_shows_while_it_is_dragged_and_escape_brings_back_what_was(stage, panel, qtbot):
    add_patch(stage, Blur(1))
    qtbot.waitUntil(lambda: stage.session.preview.scene is not None)
    stage.session.transport.seek(20)
    before, told = picture_under(stage, qtbot), steps(stage, qtbot)
    slider = field(panel, QSlider, "Radius")
    slider.setFocus()
    slider.setSliderDown(True)
    with qtbot.waitSignal(stage.session.preview.trial_changed):
        for position in (200, 400, 600):
            slider.setSliderPosition(position)
    qtbot.waitUntil(lambda: not np.array_equal(picture_under(stage, qtbot), before))
    assert the_patch(stage).tool == Blur(1), "nothing is changed before the slider is let go"
    asked = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    asked.ignore()
    QApplication.sendEvent(slider, asked)
    assert asked.isAccepted(), "Escape is the slider's while it is dragged, and no shortcut"
    with qtbot.waitSignal(stage.session.preview.scene_changed):
        QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert slider.value() == 10
    assert np.array_equal(picture_under(stage, qtbot), before)
    slider.setSliderDown(True)
    slider.setSliderPosition(600)
    slider.setSliderDown(False)
    assert the_patch(stage).tool == Blur(60)
    assert steps(stage, qtbot) == told + 1


def test_the_wheel_scrolls_past_a_slider_and_changes_nothing(stage, panel, qtbot):
    add_patch(stage)
    slider = field(panel, QSlider, "Softness")
    panel.setFocus()
    middle = QPointF(slider.rect().center())
    wheel = QWheelEvent(
        middle, slider.mapToGlobal(middle), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(slider, wheel)
    assert slider.value() == 0
    assert not wheel.isAccepted(), "the area behind it scrolls"


def test_quick_steps_of_a_spin_box_are_one_step(stage, panel, qtbot):
    add_patch(stage)
    before = steps(stage, qtbot)
    box = field(panel, QAbstractSpinBox, "Softness")
    for _ in range(5):
        QTest.keyClick(box, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: the_patch(stage).feather_px == 5)
    assert steps(stage, qtbot) == before + 1
    stage.session.document.undo()
    qtbot.waitUntil(lambda: the_patch(stage).feather_px == 0)
    assert box.value() == 0


def test_the_way_the_window_and_what_happens_where_it_is_lost(stage, panel, qtbot):
    add_patch(stage, Fill(BLACK))
    with qtbot.waitSignal(stage.session.patching.made, timeout=20000):
        choose(panel, "Way", "As a flat surface")
    assert the_patch(stage).motion.follow is Follow.PLANAR
    with qtbot.waitSignal(stage.session.patching.made, timeout=20000):
        choose(panel, "Where lost", "Cover more, never less")
    assert the_patch(stage).motion.when_lost is WhenLost.COVER
    with qtbot.waitSignal(stage.session.patching.made, timeout=20000):
        type_number(panel, "After", "3")
    assert the_patch(stage).frames == Range(10, 24)
    qtbot.waitUntil(lambda: "of 14 frames" in panel.page._said.text, timeout=10000)


def test_each_kind_of_tool_has_its_own_section(stage, panel):
    add_patch(stage, Grade())
    type_number(panel, "Exposure", "0.5")
    assert the_patch(stage).tool == Grade(exposure=0.5)
    text = replace(the_patch(stage), takes=(Take("t", Lettering("Museum")),))
    stage.do(ReplacePatch(text))
    shown = [section.title for section in panel.page.sections if not section.isHidden()]
    assert "Text" in shown
    assert "Grade" not in shown
    words = field(panel, QPlainTextEdit, "Text")
    words.selectAll()
    QTest.keyClicks(words, "Archive")
    QTest.keyClick(words, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert the_patch(stage).tool == Lettering("Archive")


def test_a_patch_ends_where_the_playhead_stands_and_is_nudged_there(stage, panel, qtbot):
    add_patch(stage, Fill(BLACK))
    stage.session.transport.seek(25)
    panel.page._nudge_section.fold(False)
    panel.page.refresh()
    with qtbot.waitSignal(stage.session.patching.made, timeout=20000):
        type_number(panel, "Right", "2")
    assert [(nudge.frame, nudge.dx) for nudge in the_patch(stage).motion.nudges] == [(25, 0.02)]
    with qtbot.waitSignal(stage.session.patching.made, timeout=20000):
        QTest.mouseClick(panel.page._end, Qt.MouseButton.LeftButton)
    assert the_patch(stage).frames == Range(10, 25)


def overlay(stage):
    item = Overlay("o", OnTimeline(Range(10, 40)), Title("Ana"), name="Lower third")
    stage.do(AddItems("overlays", (item,)))
    stage.session.selection.choose("o")
    QApplication.processEvents()


def the_overlay(stage):
    return stage.project.layer("overlays").item("o")


def test_a_figure_gets_keyframes_at_the_playhead_and_the_buttons_step_through_them(stage, panel):
    overlay(stage)
    stage.session.transport.seek(15)
    panel.refresh()
    QTest.mouseClick(field(panel, QToolButton, "Keyframe of across here"), Qt.MouseButton.LeftButton)
    stage.session.transport.seek(30)
    type_number(panel, "Across", "80")
    across = the_overlay(stage).geometry.x
    assert isinstance(across, Curve)
    assert [(key.at, key.value) for key in across.keys] == [(5, 0.5), (20, 0.8)]
    QTest.mouseClick(field(panel, QToolButton, "Previous keyframe"), Qt.MouseButton.LeftButton)
    assert stage.session.transport.frame == 15
    choose(panel, "How it goes on", "Hold, then jump")
    assert the_overlay(stage).geometry.x.keys[0].ease is Ease.HOLD
    QTest.mouseClick(field(panel, QToolButton, "Keyframe of across here"), Qt.MouseButton.LeftButton)
    assert [key.at for key in the_overlay(stage).geometry.x.keys] == [20]
    stage.session.transport.seek(22)
    assert field(panel, QAbstractSpinBox, "Across").value() == pytest.approx(80)
    assert value_at(the_overlay(stage).geometry.x, 0) == 0.8


def test_an_overlay_shows_text_style_place_and_time(stage, panel):
    overlay(stage)
    words = field(panel, QPlainTextEdit, "Text")
    words.selectAll()
    QTest.keyClicks(words, "Ana & Pixel")
    field(panel, QAbstractSpinBox, "Scale").setFocus()
    panel.page._text.findChild(QPlainTextEdit).commit()
    assert the_overlay(stage).content.text == "Ana & Pixel"
    type_number(panel, "Length", "10")
    assert the_overlay(stage).place.frames == Range(10, 20)
    panel.page._style.fold(False)
    type_number(panel, "Size", "8")
    assert the_overlay(stage).content.style.size == pytest.approx(0.08)


def test_only_what_has_a_size_of_its_own_is_fitted_to_the_canvas(stage, panel):
    overlay(stage)
    (fits,) = (one for one in panel.page.findChildren(ChoiceField) if one.accessibleName() == "Fit")
    assert fits.isHidden()
    stage.do(ReplaceItem(replace(the_overlay(stage), content=Film(stage.project.sources[0].id))))
    assert not fits.isHidden()


def test_what_is_impossible_is_said_and_the_control_shows_what_is(stage, panel):
    overlay(stage)
    type_number(panel, "Crop left", "60")
    type_number(panel, "Crop right", "60")
    assert the_overlay(stage).geometry.crop.right == 0
    assert "nothing of the picture" in stage.heard.said[-1]
    assert field(panel, QAbstractSpinBox, "Crop right").value() == 0


def test_a_caption_a_clip_a_marker_and_a_sound(stage, panel):
    source = stage.project.sources[0].id
    stage.do(
        AddItems("captions", (Caption("c", AtTimeline(Fraction(0), Fraction(1)), "We walked"),)),
        AddMarkers((Marker("m", OnTimeline(Range(5, 6)), name="Park"),)),
        AddTrack("music", TrackSettings("Music")),
        AddSounds("music", (AudioItem("s", source, AtTime(Fraction(0)), Fraction(0), Fraction(1)),)),
    )
    stage.session.selection.choose("c")
    type_number(panel, "Ends", "1.5")
    assert stage.project.layer("captions").item("c").place.stop_s == Fraction(3, 2)
    stage.session.selection.choose("m")
    length = field(panel, QAbstractSpinBox, "Length")
    assert length.text() == "1 frame"
    type_number(panel, "Length", "2")
    assert length.text() == "2 frames"
    choose(panel, "Kind", "Chapter of the exported film")
    assert stage.project.marker("m").kind is MarkerKind.CHAPTER
    stage.session.selection.choose("s")
    type_number(panel, "Gain", "-6")
    assert stage.project.tracks[0].items[0].gain_db == -6
    clip = stage.project.storyline[0]
    stage.session.selection.choose(clip.id)
    type_number(panel, "Length", "40")
    assert stage.project.storyline[0].timing == Native(Range(0, 40))
    type_number(panel, "In", "4")
    assert stage.project.storyline[0].timing == Native(Range(4, 44))
    type_number(panel, "Scale", "50")
    assert stage.project.storyline[0].geometry.scale == 0.5


def test_a_layer_has_opacity_blend_and_a_name(stage, panel):
    add_patch(stage)
    stage.session.selection.choose()
    stage.session.selection.choose_layer("patches")
    type_number(panel, "Opacity", "50")
    choose(panel, "Blend", "Multiply")
    name = field(panel, QLineEdit, "Layer")
    name.selectAll()
    QTest.keyClicks(name, "Retouch")
    QTest.keyClick(name, Qt.Key.Key_Return)
    settings = stage.project.layer("patches").settings
    assert (settings.opacity, settings.blend.value, settings.name) == (0.5, "multiply", "Retouch")


def test_what_is_locked_says_so_changes_nothing_and_is_unlocked_there(stage, panel, qtbot):
    add_patch(stage)
    assert panel.lock_row.isHidden()
    stage.do(ChangeLayer("patches", replace(stage.project.layer("patches").settings, locked=True)))
    assert not panel.lock_row.isHidden()
    assert "“Patches” is locked" in panel.lock_row.said.text()
    QApplication.processEvents()
    said = panel.lock_row.said
    assert said.width() >= said.fontMetrics().horizontalAdvance(said.text()), "no word of it is cut off"
    assert not field(panel, QAbstractSpinBox, "Softness").isEnabled()
    assert not panel.tools.isEnabled()
    assert not panel.generate.isEnabled()
    stage.session.transport.seek(15)
    assert not any(section.content.isEnabled() for section in panel.page.sections if section.title != "Layer")
    told = []
    stage.session.patching.failed.connect(lambda title, error: told.append(str(error)))
    assert stage.session.patching.use_tool("remove") is None, "nothing is worked at that the lock refuses afterwards"
    assert told == ["the layer “Patches” is locked; unlock it to change it"]
    QTest.mouseClick(panel.lock_row.unlock, Qt.MouseButton.LeftButton)
    assert not stage.project.layer("patches").settings.locked
    assert panel.lock_row.isHidden()
    assert field(panel, QAbstractSpinBox, "Softness").isEnabled()


def test_a_locked_track_locks_its_sounds(stage, panel):
    source = stage.project.sources[0].id
    stage.do(AddTrack("t", TrackSettings("Music", locked=False)))
    stage.do(AddSounds("t", (AudioItem("s", source, AtTime(Fraction(0)), Fraction(0), Fraction(1)),)))
    stage.do(ChangeTrack("t", TrackSettings("Music", locked=True)))
    stage.session.selection.choose("s")
    assert "“Music” is locked" in panel.lock_row.said.text()
    QTest.mouseClick(panel.lock_row.unlock, Qt.MouseButton.LeftButton)
    assert not stage.project.track("t").settings.locked


def test_the_project_says_what_becomes_of_the_sound(stage, panel):
    tick(panel, "Keep the original sound beside the mix")
    tick(panel, "Normalise the loudness")
    assert stage.project.mix == Mix(keep_original=True, loudness_lufs=-23)
    type_number(panel, "Loudness", "-16")
    assert stage.project.mix.loudness_lufs == -16
    tick(panel, "Normalise the loudness")
    assert stage.project.mix == Mix(keep_original=True)


def test_a_note_takes_the_room_of_its_lines_and_squeezes_no_field(stage, panel, qtbot):
    note = panel.page._said
    boxes = [field(panel, QAbstractSpinBox, name) for name in ("Width", "Height", "Frame rate")]
    for words in (1, 40):
        note.say("words " * words)
        qtbot.waitUntil(lambda: all(box.parentWidget().height() >= box.height() >= 26 for box in boxes))
    qtbot.waitUntil(lambda: note._label.height() > 40)
    assert note.geometry().top() >= boxes[-1].parentWidget().geometry().bottom()


@pytest.mark.parametrize("height", [230, 700])
def test_no_row_of_any_page_is_squeezed(stage, panel, qtbot, height):
    panel.resize(400, height)
    add_patch(stage)
    title = Overlay("t", OnTimeline(Range(5, 25)), Title("Hello"))
    stage.do(
        AddItems("overlays", (title,)),
        AddItems("captions", (Caption("c", AtTimeline(Fraction(0), Fraction(1)), "Hi"),)),
    )
    for id in ("p", stage.project.storyline[0].id, "t", "c"):
        stage.session.selection.choose(id)
        QApplication.processEvents()
        boxes = panel.page.findChildren(NumberField)
        qtbot.waitUntil(lambda boxes=boxes: all(box.height() >= 26 for box in boxes if box.isVisible()))


def test_several_things_are_counted(stage, panel):
    add_patch(stage)
    overlay(stage)
    stage.session.selection.choose("p", "o")
    assert panel.page is None
    assert "2 things are chosen: 1 patch, 1 overlay" in panel._several.findChild(QLabel).text()


def test_sections_fold_and_stay_folded(stage, panel):
    add_patch(stage)
    section = next(section for section in panel.page.sections if section.title == "Region")
    QTest.mouseClick(section._head, Qt.MouseButton.LeftButton)
    assert section.is_folded
    stage.session.selection.choose()
    stage.session.selection.choose("p")
    assert section.is_folded


def test_the_patch_is_ended_and_its_anchors_are_drawn_by_actions_too(stage, panel, qtbot):
    add_patch(stage, Fill(BLACK))
    stage.context.actions.refresh()
    assert "off its anchor" in stage.context.actions.action("patch.end_here").toolTip()
    stage.session.transport.seek(26)
    stage.run("patch.end_here")
    assert the_patch(stage).frames == Range(10, 26)
    stage.run("patch.new_anchor")
    assert stage.session.patching.anchor_for == "p"
    assert panel.page._anchor.isChecked()


def test_choosing_an_item_leaves_the_region_that_was_drawn_before(stage, panel):
    add_patch(stage)
    stage.session.selection.set_region(Box(0.1, 0.1, 0.2, 0.2), 3)
    assert [section.title for section in panel.page.sections] == ["Follow"]
    overlay(stage)
    assert stage.session.selection.region is None
    assert "Text" in [section.title for section in panel.page.sections]


def test_a_choice_that_has_no_room_for_its_words_ends_in_dots(stage):
    words = "Auto · Google Nano Banana"
    field = ChoiceField("Provider", (("auto", words),))
    stage.show(field, 400, 40)
    field.setFixedWidth(130)
    narrow = field.grab().toImage()
    shortened = {
        field.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room) for room in range(40, 130)
    } - {words}
    pictures = []
    for text in shortened:
        field.setItemText(0, text)
        pictures.append(field.grab().toImage())
    assert narrow in pictures


def test_a_region_can_cover_the_whole_clip_or_a_second_around_it(stage, panel):
    stage.do(SplitClip(40, "second"))
    stage.session.selection.set_region(Box(0.2, 0.2, 0.4, 0.4), 20)
    page = panel.findChild(RegionPage)
    patching = stage.session.patching
    QTest.mouseClick(page.whole, Qt.MouseButton.LeftButton)
    assert patching.window(patching.anchor_frame()) == Range(0, 40)
    assert "covers 40 frames" in page._said.text
    QTest.mouseClick(page.short, Qt.MouseButton.LeftButton)
    assert len(patching.window(patching.anchor_frame())) < 60


@pytest.mark.parametrize("clicks", [1, 2, 3])
def test_clicks_into_a_number_take_all_of_it_so_that_digits_replace_it(stage, qtbot, clicks):
    field = NumberField("Gain", -60, 12, 0.5, 1, " dB")
    other = QLineEdit(stage.window)
    stage.show(field, 300, 60)
    other.show()
    stage.window.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    line = field.box.lineEdit()
    at = QPoint(12, line.height() // 2)
    for number in range(clicks):
        (QTest.mouseDClick if number == 1 else QTest.mouseClick)(line, Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: line.selectedText() == "0.0")
    QTest.keyClicks(line, "-12")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert field.box.value() == -12


def test_a_stroke_finds_an_action_from_a_number_too_and_letters_stay_there(stage, qtbot):
    field = NumberField("Gain", -60, 12, 0.5, 1, " dB")
    stage.show(field, 300, 60)
    field.setFocus()
    qtbot.waitUntil(field.box.hasFocus)

    def keeps(key, text):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier, text)
        event.ignore()
        QApplication.sendEvent(field.box, event)
        return event.isAccepted()

    assert not keeps(Qt.Key.Key_Slash, "/")
    assert keeps(Qt.Key.Key_P, "p"), "a unit is typed, nothing is approved"
    assert keeps(Qt.Key.Key_1, "1")


def test_the_settings_of_the_project_are_found_while_something_is_chosen(stage, panel):
    add_patch(stage)
    stage.run("project.settings")
    assert isinstance(panel.page, CanvasPage)
    assert not stage.session.selection.items
    assert stage.heard.panels[-1] == "inspector"
