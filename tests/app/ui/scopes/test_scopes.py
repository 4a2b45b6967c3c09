"""The scopes measure the frame that shows, as it shows."""

from __future__ import annotations

import numpy as np
import pytest

from app.ui.scopes import ScopesPanel
from app.ui.scopes.measures import VECTOR_SIZE, WAVE_HEIGHT, measured
from engine.model.edits import AddPatch
from engine.model.ids import new_id
from engine.model.patch import Patch
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import BLACK, Fill


def flat(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((90, 160, 3), (red, green, blue), np.uint8)


def test_a_grey_picture_has_one_level_in_all_channels_and_no_colour():
    found = measured(flat(100, 100, 100), 0)
    assert [int(np.argmax(values)) for values in found.histogram] == [100] * 4
    y, x = np.unravel_index(int(np.argmax(found.vector)), found.vector.shape)
    assert (x, y) == pytest.approx((VECTOR_SIZE / 2, VECTOR_SIZE / 2), abs=1)


def test_the_waveform_has_white_at_the_top_and_each_column_at_its_place():
    picture = flat(0, 0, 0)
    picture[:, 80:] = 255
    wave = measured(picture, 0).wave
    assert wave[0, -10] == 255
    assert wave[WAVE_HEIGHT - 1, 10] == 255
    assert wave[0, 10] == 0


def test_red_lies_upwards_and_blue_to_the_right():
    def place(*rgb: int) -> tuple[int, int]:
        vector = measured(flat(*rgb), 0).vector
        y, x = np.unravel_index(int(np.argmax(vector)), vector.shape)
        return int(x), int(y)

    assert place(255, 0, 0)[1] < VECTOR_SIZE * 0.1
    assert place(0, 0, 255)[0] > VECTOR_SIZE * 0.9


def test_clipped_shares_are_of_the_whole_picture():
    picture = flat(120, 120, 120)
    picture[:9] = 0
    picture[-18:] = 255
    assert measured(picture, 0).clipped == pytest.approx((0.1, 0.2), abs=1e-3)


def test_the_panel_measures_the_frame_under_the_playhead_with_its_patches(stage, qtbot):
    panel = ScopesPanel(stage.context)
    stage.show(panel)
    qtbot.waitUntil(lambda: panel.figures.text().startswith("Frame 0"))
    source = stage.project.sources[0]
    region = Box(-0.1, -0.1, 1.1, 1.1)
    stage.do(AddPatch(Patch.with_tool(new_id(), source.id, region, Range(7, 8), 7, Fill(BLACK))))
    stage.session.transport.seek(7)
    qtbot.waitUntil(lambda: panel.figures.text() == "Frame 7 · 100.0% black · 0.0% white")


def test_each_scope_can_be_painted_and_opened_by_name(stage, qtbot):
    panel = ScopesPanel(stage.context)
    stage.show(panel)
    qtbot.waitUntil(lambda: panel.figures.text() != "")
    seen = set()
    for kind in ("histogram", "waveform", "vectorscope"):
        stage.run(f"scopes.{kind}")
        shown = panel.plot.grab().toImage()  # which has to live as long as its bits are read
        seen.add(shown.constBits().tobytes())
    assert len(seen) == 3
    assert stage.heard.panels == ["scopes"] * 3


def test_a_hidden_panel_measures_nothing(stage, qtbot):
    panel = ScopesPanel(stage.context)
    stage.show(panel)
    qtbot.waitUntil(lambda: panel.figures.text() != "")
    panel.hide()
    stage.session.transport.seek(9)
    panel._measure()
    qtbot.waitUntil(lambda: stage.session.preview.is_idle)
    assert "Frame 9" not in panel.figures.text()
