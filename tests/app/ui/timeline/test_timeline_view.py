"""What the timeline shows: its colours where they belong, and words for tooltips and screen readers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF
from PySide6.QtGui import QAccessible, QImage, QPainter, QRegion
from PySide6.QtWidgets import QApplication

from app.session.live_plan import Planned
from app.session.settings import Settings
from app.ui.theme import Theme
from app.ui.timeline import TimelinePanel
from app.ui.timeline.content import RowKind, name_of
from app.ui.timeline.describe import tooltip_of
from app.ui.timeline.filmstrip import slots
from app.ui.timeline.layout import RULER, STRIP
from app.ui.timeline.painting import Painting
from app.ui.timeline.panel import plan_words
from app.ui.timeline.scene import FeatureLane, Strip
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.patch import Nudge, Patch, ReviewState
from engine.model.place import AtTimeline
from engine.model.region import Box
from engine.model.sound import TrackSettings
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from engine.model.tool import Blur
from tests.app.ui.timeline.hand import SHIFT, wheel
from tests.projects import source


@pytest.fixture
def panel(stage, qtbot) -> TimelinePanel:
    """Return a timeline at 10 pixels per frame, with a patch on the frames 20 to 30 and its plan."""
    made = TimelinePanel(stage.context)
    stage.show(made, 960, 420)
    patch = Patch.with_tool("patch", stage.project.sources[0].id, Box(0.2, 0.2, 0.4, 0.4), Range(20, 30), 24, Blur(4.0))
    stage.do(e.AddPatch(patch), e.ReviewPatch("patch", ReviewState.APPROVED), e.SplitClip(35, "second"))
    made.view.set_frames_per_px(0.1)
    made.view.horizontalScrollBar().setValue(0)
    plan = stage.session.live_plan
    qtbot.waitUntil(lambda: plan.is_current and plan.planned.plan is not None, timeout=10_000)
    return made


def painted(panel: TimelinePanel) -> QImage:
    return panel.view.viewport().grab().toImage()


def row(panel: TimelinePanel, kind: RowKind):
    number = next(number for number, row in enumerate(panel.view.content.rows) if row.kind is kind)
    return panel.view.layout_of_rows.place(number)


def test_every_anchor_and_nudge_of_a_patch_is_marked_on_its_frame(stage, panel):
    place, x = row(panel, RowKind.PATCHES), panel.view.scale.x
    colour = stage.context.theme.colour("patch.fg")

    def marked(image, frame, low, high):
        """Count the pixels of a mark around a frame, in a band of the item's height."""
        left = round(x(frame + 0.5)) - 4
        return sum(
            image.pixelColor(left + dx, y) == colour
            for dx in range(9)
            for y in range(place.bottom + low, place.bottom + high)
        )

    before = [marked(painted(panel), frame, -14, -2) for frame in (22, 24, 27)]
    assert before[1] > before[0] == before[2] == 0
    (patch,) = stage.project.patches
    motion = replace(patch.motion, anchors=((27, Box(0.3, 0.2, 0.5, 0.4)),), nudges=(Nudge(22, 0.1),))
    stage.do(e.ReplacePatch(replace(patch, motion=motion)))
    after = [marked(painted(panel), frame, -14, -2) for frame in (22, 24, 27)]
    assert 0 < after[0] < after[2], "a dot, and a diamond"
    assert after[2] == before[1]


def test_the_tags_of_a_caption_are_not_its_words(stage, panel):
    stage.do(e.AddItems("captions", (Caption("said", AtTimeline(0, 1), "<i>Good</i> morning"),)))
    placed = panel.view.content.find("said")
    assert name_of(stage.project, placed.value) == "Good morning"


def test_patches_and_the_strip_have_their_colours_at_their_frames(stage, panel):
    image = painted(panel)
    colour = stage.context.theme.colour
    patches = row(panel, RowKind.PATCHES)
    assert image.pixelColor(201, patches.top + 20) == colour("patch.line")
    assert image.pixelColor(225, patches.top + 20) == colour("patch.bg")
    assert image.pixelColor(150, patches.top + 20) == colour("surface.1")
    foot = panel.view.layout_of_rows.strip_top + STRIP - 4
    assert image.pixelColor(295, foot) == colour("strip.reencoded")
    rendered = stage.session.live_plan.planned.plan.frames_rendered
    if rendered < 50:
        assert image.pixelColor(5, foot) == colour("strip.copied")


def test_another_theme_is_painted_in_its_own_colours(stage, panel, tmp_path):
    settings = Settings(tmp_path / "light.json")
    settings.set(theme="light")
    light = Theme(settings)
    painting = Painting(light, stage.session.thumbnails, stage.session.waveforms)
    image = QImage(panel.view.viewport().size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painting.paint(painter, panel.view.scene(), image.rect())
    painter.end()
    place = row(panel, RowKind.PATCHES)
    assert image.pixelColor(225, place.top + 20) == light.colour("patch.bg")
    assert light.colour("patch.bg") != stage.context.theme.colour("patch.bg")


def test_far_out_narrow_items_still_show(stage, panel):
    thin = Patch.with_tool("thin", stage.project.sources[0].id, Box(0.2, 0.2, 0.4, 0.4), Range(40, 42), 40, Blur(4.0))
    stage.do(e.AddPatch(thin))
    panel.view.set_frames_per_px(1.0)
    scale = panel.view.scale
    image = painted(panel)
    place = row(panel, RowKind.PATCHES)
    tones = [stage.context.theme.colour("patch.line"), stage.context.theme.colour("patch.bg")]
    assert scale.width_px(2) == 2
    assert image.pixelColor(int(scale.x(22)), place.top + 20) in tones
    assert image.pixelColor(int(scale.x(40)), place.top + 20) in tones
    assert image.pixelColor(int(scale.x(44)), place.top + 20) not in tones


def test_scrolling_paints_what_a_whole_repaint_would(stage, panel, qtbot):
    panel.view.set_frames_per_px(1 / 40)
    panel.view.horizontalScrollBar().setValue(300)
    painted(panel)
    panel.view.scroll_by(37, 0)
    panel.view.viewport().repaint()
    scrolled = painted(panel)
    panel.view.viewport().update()
    assert scrolled == painted(panel)


def test_a_fault_while_painting_is_logged_and_ends_nothing(stage, panel, monkeypatch, caplog):
    monkeypatch.setattr(panel.view._painting, "paint", lambda *_: 1 / 0)
    painted(panel)
    assert "could not be painted" in caplog.text


def test_the_tooltips_give_the_reason_and_the_length(stage, panel):
    view = panel.view
    strip = QPointF(view.scale.x(22), view.layout_of_rows.strip_top + 20)
    text = tooltip_of(view.scene(), view.hit(strip), 22)
    assert text.startswith("10 frames re-encoded: changed")
    place = row(panel, RowKind.PATCHES)
    over = QPointF(view.scale.x(25), place.top + 20)
    text = tooltip_of(view.scene(), view.hit(over), 25)
    assert "Patch" in text
    assert "Approved" in text
    assert "10 frames" in text


def test_items_are_children_of_the_timeline_for_screen_readers(stage, panel):
    found = QAccessible.queryAccessibleInterface(panel.view)
    names = [found.child(number).text(QAccessible.Text.Name) for number in range(found.childCount())]
    assert len(names) == 3
    assert any(name.startswith("Patch “Patch”, from 00:00:00") and "Approved" in name for name in names)
    stage.session.selection.choose("patch")
    states = [found.child(number).state().selected for number in range(found.childCount())]
    assert sum(map(bool, states)) == 1
    stage.do(e.RemovePatch("patch"))
    assert found.childCount() == 2
    assert found.child(1).parent().text(QAccessible.Text.Name) == "Timeline"


def test_a_lane_has_the_film_measured_once_and_jumps_between_what_was_found(stage, panel, qtbot):
    stage.run("lane.cuts")
    stage.run("lane.energy")
    features = stage.session.features
    qtbot.waitUntil(lambda: bool(features.lanes), timeout=60_000)
    lanes = panel.view.scene().lanes
    assert [lane.key for lane in lanes] == ["cuts", "energy"]
    assert lanes[1].curve
    qtbot.wait(50)
    assert len(stage.session.jobs.shown) == 1
    starts = [event.frames.start for key in ("cuts", "energy") for event in features.lanes[key].events]
    if starts:
        stage.run("feature.next")
        assert stage.session.transport.frame in {*starts, 0}
    stage.run("lane.cuts")
    assert [lane.key for lane in panel.view.scene().lanes] == ["energy"]


def test_the_plan_in_words_never_rounds_a_re_encoded_frame_away(stage, panel):
    planned = stage.session.live_plan.planned
    plain, rich, _ = plan_words(planned, "#123456")
    assert f"{planned.plan.frames_rendered} of 50 frames re-encoded" in plain
    assert "#123456" in rich
    assert "100% copied" not in plain
    nothing, _, tip = plan_words(Planned(stage.project, None, None, "“a<b” is not at hand."), "#123456")
    assert nothing == tip == "“a<b” is not at hand."


def test_touching_re_encoded_segments_share_one_label(stage, panel):
    strip = Strip.of(stage.session.live_plan.planned.plan)
    labels = [text for text, changed in strip.labels if changed]
    assert labels == [f"{stage.session.live_plan.planned.plan.frames_rendered} re-encoded"]


@pytest.mark.parametrize("frames_per_px", [0.05, 0.3, 1.0, 7.0])
def test_small_pictures_stand_on_the_same_frames_whatever_is_scrolled(frames_per_px):
    times = source(frames=5000).picture.times
    clip = Clip("c", "s", Native(Range(130, 4000)))

    def found(scroll):
        return list(slots(clip, Range(60, 3930), times, Fraction(30), frames_per_px, scroll, 100.0, (0.0, 900.0)))

    here, there = found(0), found(50)
    shared = {slot.frame for slot in here} & {slot.frame for slot in there}
    assert len(shared) >= min(len(here), len(there)) - 2
    for slot in here:
        assert slot.right - slot.left <= 100.0 or frames_per_px < 0.05
        # A slot shows the frame under its left edge.
        frame = round((slot.left) * frames_per_px) - 60 + 130
        assert abs(frame - slot.frame) <= 1


def test_the_whole_film_stays_in_view_when_the_window_grows_until_somebody_zooms(stage, panel):
    view = panel.view
    view.fit()
    panel.resize(600, 420)
    narrow = view.scale.width_px(stage.project.frame_count)
    panel.resize(940, 420)
    assert view.scale.width_px(stage.project.frame_count) > narrow + 200
    view.zoom(2.0)
    zoomed = view.scale.frames_per_px
    panel.resize(700, 420)
    assert view.scale.frames_per_px == zoomed


def test_what_is_chosen_elsewhere_scrolls_into_view(stage, panel, qtbot):
    panel.resize(960, 220)
    view = panel.view
    placed = view.content.find("patch")
    for end in (view.verticalScrollBar().minimum(), view.verticalScrollBar().maximum()):
        stage.session.selection.clear()
        view.verticalScrollBar().setValue(end)
        stage.session.selection.choose("patch")
        layout = view.layout_of_rows
        place = layout.place(placed.row)
        assert layout.rows_top <= place.top
        assert place.bottom <= layout.lanes_top


def test_a_film_that_became_longer_is_still_shown_whole_where_nobody_zoomed(stage, panel):
    view = panel.view
    view.fit()
    stage.do(e.InsertClip(Clip("more", stage.project.sources[0].id, Native(Range(0, 50))), 50))
    assert view.scale.x(stage.project.frame_count) <= view.viewport().width()
    view.zoom(2.0, 0)
    zoomed = view.scale.frames_per_px
    stage.do(e.InsertClip(Clip("again", stage.project.sources[0].id, Native(Range(0, 50))), 0))
    assert view.scale.frames_per_px == zoomed


def film_shows(view) -> bool:
    layout = view.layout_of_rows
    place = layout.place(next(n for n, row in enumerate(view.content.rows) if row.kind is RowKind.FILM))
    return layout.rows_top <= place.top and place.bottom <= layout.strip_top and place.height >= 48


def test_the_timeline_opens_with_all_its_rows_also_where_they_have_to_shrink(stage, panel):
    view = panel.view
    # Before the window has laid itself out it is as low as this.
    panel.resize(960, 150)
    view._on_opened()
    for height in (300, 250):
        panel.resize(960, height)
        assert view.verticalScrollBar().value() == 0
        assert view.layout_of_rows.places()[-1].bottom <= view.layout_of_rows.strip_top
    view.set_lanes(tuple(FeatureLane(str(number), "Lane") for number in range(4)))
    for height in (330, 300, 250):
        panel.resize(960, height)
        assert film_shows(view)
    wheel(panel, 100, -1, SHIFT)
    scrolled = view.verticalScrollBar().value()
    assert scrolled > 0
    panel.resize(960, 252)
    assert view.verticalScrollBar().value() == min(scrolled, view.layout_of_rows.overflow)


def test_a_lane_that_is_switched_on_scrolls_into_view(stage, panel):
    panel.resize(960, 220)
    stage.run("lane.emotion")
    layout = panel.view.layout_of_rows
    assert layout.overflow
    assert layout.lanes_top + layout.feature_height <= layout.strip_top


def test_a_new_sound_track_scrolls_into_view(stage, panel, qtbot):
    panel.resize(960, 260)
    view = panel.view
    view.verticalScrollBar().setValue(0)
    stage.do(e.AddTrack("music", TrackSettings("Music")))
    layout = view.layout_of_rows
    row = next(number for number, known in enumerate(view.content.rows) if known.id == "music")
    place = layout.place(row)
    assert layout.rows_top <= place.top
    assert place.bottom <= layout.lanes_top


def test_what_is_added_out_of_sight_in_time_is_scrolled_to_and_the_playhead_stays(stage, panel):
    view = panel.view
    view.set_frames_per_px(1 / 40)
    stage.session.transport.seek(45)
    view.horizontalScrollBar().setValue(0)
    assert view.scale.x(45) > view.viewport().width()
    stage.do(e.AddItems("captions", (Caption("said", AtTimeline(Fraction(45, 25), Fraction(49, 25)), "Hello"),)))
    stage.session.selection.choose("said")
    assert 0 <= view.scale.x(45) < view.viewport().width()
    assert stage.session.transport.frame == 45
    scrolled = view.scale.scroll_px
    stage.session.selection.clear()
    stage.session.selection.choose("said")
    assert view.scale.scroll_px == scrolled


class _Exposed(QObject):
    """Collects what is painted anew."""

    def __init__(self) -> None:
        super().__init__()
        self.region = QRegion()

    def eventFilter(self, _watched, event) -> bool:
        if event.type() is QEvent.Type.Paint:
            self.region = self.region.united(event.region())
        return False


@pytest.mark.parametrize("frame", [0, 2])
def test_the_playheads_time_beside_the_edge_is_painted_whole_after_a_step(stage, panel, frame):
    viewport = panel.view.viewport()
    stage.session.transport.seek(frame)
    QApplication.processEvents()
    before = viewport.grab().toImage()
    exposed = _Exposed()
    viewport.installEventFilter(exposed)
    stage.session.transport.seek(frame + 1)
    QApplication.processEvents()
    viewport.removeEventFilter(exposed)
    after = viewport.grab().toImage()
    ruler = [QPoint(x, y) for y in range(RULER) for x in range(200)]
    changed = [point for point in ruler if after.pixel(point) != before.pixel(point)]
    assert changed
    assert all(exposed.region.contains(point) for point in changed)
